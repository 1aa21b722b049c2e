//! Whoever takes events, live and from a recording: the page's store and the report.
//!
//! It must never choose among events: the product hands over all of them.

use waitscope::model::{Event, Trace};
use waitscope::report::Summary;
use waitscope::store::{Filter, LEVEL_MAX, Store};

/// As little as the store may be told to keep, so that it must let go of some, too.
pub const STORE_BYTES: u64 = 1 << 20;

/// A trace of nothing in particular, that began then.
pub fn trace(start_boot_ns: u64) -> Trace {
    Trace {
        pid: 1,
        command: String::new(),
        host: String::new(),
        kernel: String::new(),
        arch: "x86_64".to_owned(),
        start_boot_ns,
        start_unix_ns: 0,
        backend: "tp_btf".to_owned(),
        follow: true,
    }
}

/// A store and a report.
pub struct Sinks {
    store: Store,
    summary: Summary,
}

impl Sinks {
    /// For a trace.
    pub fn new(trace: &Trace) -> Self {
        Self {
            store: Store::new(trace.clone(), STORE_BYTES),
            summary: Summary::new(trace),
        }
    }

    /// Hands events over.
    pub fn take(&mut self, events: Vec<Event>) {
        for event in &events {
            self.summary.push(event);
        }
        self.store.extend(events);
    }

    /// Asks for all that is shown.
    pub fn show(self) {
        let Self { store, summary } = self;
        show(&store);
        let report = summary.finish();
        let _shown = report.to_string();
    }
}

/// Asks a store for all that a page shows.
pub fn show(store: &Store) {
    let calls = store.calls();
    let all = Filter::default();
    calls.totals(&all);
    calls.latency(&all);
    calls.longest(&all, 10);
    for lane in store.lanes() {
        store.call_at(lane.lane, 0);
        for level in [0, 20, LEVEL_MAX] {
            if let Some(tile) = store.tile(lane.lane, level, 0) {
                tile.encode();
            }
        }
    }
}
