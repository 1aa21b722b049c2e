//! What the loop that drains the ring and the server share: the store, and the state that the page is told.
//!
//! The store's lock is for the time of one batch or of one answer. Nothing is waited for while holding it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{
    captures::Captures,
    comparison::Comparison,
    cost::{Cost, Meter, rss_bytes},
    exports::Exports,
    held::Held,
    reports::Reports,
};
use crate::{
    attach::Totals,
    model::{Arch, OpenThread, Trace},
    recording::{Flight, Flown},
    store::{State, Store},
};

/// Of a recording that was made or changed by something else.
pub(crate) const NOTES_DIFFER: &str = "what was noted beside its rows is not what is in them: reload the page, which showed what was noted";

/// For so long after tiles were asked for, somebody is taken to move about.
const MOVING: Duration = Duration::from_millis(250);

/// The store and what the page is told about it.
pub struct Shared {
    pub(super) about: About,
    pub(super) reports: Reports,
    pub(super) exports: Exports,
    pub(super) comparison: Option<Comparison>,
    store: Mutex<Store>,
    /// All rows of the recording were read: a glance has no requests.
    is_read: AtomicBool,
    meter: Mutex<Meter>,
    published: watch::Sender<Arc<Snapshot>>,
    /// Somebody on the page wishes for a capture.
    wish: AtomicBool,
    began: Instant,
    /// When tiles were last asked for, in milliseconds from `began` on, and one more; 0 if they never were.
    asked_ms: AtomicU64,
}

/// What never changes while a server runs.
pub(super) struct About {
    pub(super) trace: Trace,
    /// `None`: of a machine whose syscalls have no names here.
    pub(super) arch: Option<Arch>,
    pub(super) live: bool,
    pub(super) source: String,
}

/// How far the trace has come, at one moment.
#[derive(Clone)]
pub(super) struct Snapshot {
    pub(super) state: State,
    /// `None` if nobody said: before the first tick, and in a recording that was cut off.
    pub(super) totals: Option<Totals>,
    pub(super) cost: Cost,
    /// `None` without a recording.
    pub(super) recorded_bytes: Option<u64>,
    /// What is missing of a damaged recording.
    pub(super) cut: Option<String>,
    /// Without a flight recorder, or before its first second is over, `None`.
    pub(super) captures: Option<Captures>,
}

impl Shared {
    /// For a trace that goes on. `source` is what to call it.
    pub fn live(store: Store, source: &str, reports: Reports) -> Self {
        Self::new(store, source, true, None, reports)
    }

    /// For a trace that is over, of which only a glance may have been had so far: see [`replace`](Self::replace). `cut` says
    /// what is missing of it.
    pub fn recorded(store: Store, source: &str, cut: Option<String>, reports: Reports) -> Self {
        Self::new(store, source, false, cut, reports)
    }

    fn new(store: Store, source: &str, live: bool, cut: Option<String>, reports: Reports) -> Self {
        let mut state = store.state();
        state.ended |= !live;
        let trace = store.trace().clone();
        let snapshot = Snapshot {
            totals: totals_of(&state),
            state,
            cost: Cost {
                cpu_fraction: None,
                rss_bytes: rss_bytes(),
            },
            recorded_bytes: None,
            cut,
            captures: None,
        };
        let arch = Arch::from_machine(&trace.arch);
        Self {
            about: About {
                trace,
                arch,
                live,
                source: source.to_owned(),
            },
            reports,
            exports: Exports::unrecorded(),
            comparison: None,
            store: Mutex::new(store),
            is_read: AtomicBool::new(live),
            meter: Mutex::new(Meter::new()),
            published: watch::Sender::new(Arc::new(snapshot)),
            wish: AtomicBool::new(false),
            began: Instant::now(),
            asked_ms: AtomicU64::new(0),
        }
    }

    /// The same, of which something can be exported.
    #[must_use]
    pub fn exporting(self, exports: Exports) -> Self {
        Self { exports, ..self }
    }

    /// The same, beside another recording.
    #[must_use]
    pub fn compared(self, comparison: Comparison) -> Self {
        let comparison = Some(comparison);
        Self { comparison, ..self }
    }

    /// The store. A panic elsewhere while it was held is no reason for another one: its numbers may be
    /// incomplete then, but they are all there is.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the store holds now, to be exported.
    pub(super) fn held(&self) -> Held {
        let (around, end) = {
            let store = self.store();
            (store.around(), store.state().end)
        };
        Held::new(&self.about.trace, around, end)
    }

    /// Whether the store was told of all there is, or of a recording what was noted beside its rows.
    pub(super) fn is_read(&self) -> bool {
        self.is_read.load(Relaxed)
    }

    /// The trace has come to `now_ns`, and nothing before `sealed_ns` will change: tells the page. At most
    /// ten times a second.
    pub fn tick(
        &self,
        now_ns: u64,
        sealed_ns: u64,
        open: Vec<OpenThread>,
        totals: &Totals,
        recorded_bytes: Option<u64>,
    ) {
        let state = {
            let mut store = self.store();
            store.advance(now_ns, sealed_ns, open);
            store.state()
        };
        let cost = self
            .meter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .look();
        let totals = Some(totals.clone());
        self.published.send_modify(|snapshot| {
            let captures = snapshot.captures.clone();
            *snapshot = Arc::new(Snapshot {
                state,
                totals,
                cost,
                recorded_bytes,
                cut: None,
                captures,
            });
        });
    }

    /// Tells the page what a flight recorder has captured by now.
    pub fn flies(&self, flight: &Flight) {
        self.captured(Captures::of(flight));
    }

    /// The same of one that has ended.
    pub fn flew(&self, flown: &Flown) {
        self.captured(Captures::ended(flown));
    }

    fn captured(&self, captures: Captures) {
        self.published.send_if_modified(|snapshot| {
            let is_news = snapshot.captures.as_ref() != Some(&captures);
            if is_news {
                Arc::make_mut(snapshot).captures = Some(captures);
            }
            is_news
        });
    }

    /// Tiles are asked for.
    pub(super) fn ask(&self) {
        let now_ms = self.began.elapsed().as_millis() as u64;
        self.asked_ms.store(now_ms + 1, Relaxed);
    }

    /// Whether somebody moves about on the page just now: a new tile is asked for every few frames then.
    pub fn is_asked(&self) -> bool {
        let asked_ms = self.asked_ms.load(Relaxed);
        asked_ms > 0 && Duration::from_millis(asked_ms) + MOVING > self.began.elapsed()
    }

    /// Asks the flight recorder for a capture. Returns whether there is one that heeds the page.
    pub(super) fn wish(&self) -> bool {
        let snapshot = self.published.borrow();
        let captures = snapshot.captures.as_ref();
        let heeds = !snapshot.state.ended && captures.is_some_and(Captures::heeds_page);
        if heeds {
            self.wish.store(true, Relaxed);
        }
        heeds
    }

    /// Whether somebody on the page has wished for a capture since this was last asked.
    pub fn take_wish(&self) -> bool {
        self.wish.swap(false, Relaxed)
    }

    /// Shows the same recording from a store that has more of it at hand, and tells the page what is missing of it if
    /// that was not known.
    pub fn replace(&self, store: Store, cut: Option<String>) {
        let state = store.state();
        let lanes = store.lanes();
        let before = std::mem::replace(&mut *self.store(), store);
        self.is_read.store(true, Relaxed);
        let told = (before.state().calls, before.lanes());
        let differs = told != (state.calls, lanes);
        let cut = cut.or_else(|| differs.then(|| NOTES_DIFFER.to_owned()));
        self.published.send_modify(|snapshot| {
            let snapshot = Arc::make_mut(snapshot);
            snapshot.totals = totals_of(&state).or(snapshot.totals.take());
            snapshot.state = state;
            snapshot.state.ended = true;
            snapshot.cut = cut;
        });
    }

    /// The trace is over: tells the page its last state.
    pub fn ended(&self) {
        let mut state = self.store().state();
        state.ended = true;
        self.published.send_modify(|snapshot| {
            let totals = totals_of(&state).or_else(|| snapshot.totals.clone());
            let before = Snapshot::clone(snapshot);
            *snapshot = Arc::new(Snapshot {
                state,
                totals,
                ..before
            });
        });
    }

    /// Tells the page if parts of the recording that were there can't be read any more.
    pub(super) fn tell_unread(&self) {
        if self.about.live {
            return;
        }
        let unread = self.store().unread();
        self.published.send_if_modified(|snapshot| {
            let is_news = snapshot.state.unread != unread;
            if is_news {
                Arc::make_mut(snapshot).state.unread = unread;
            }
            is_news
        });
    }

    /// States from now on, the newest first of all.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.published.subscribe()
    }
}

/// The sums of a trace that has its end.
fn totals_of(state: &State) -> Option<Totals> {
    let end = state.end?;
    Some(Totals {
        made: end.made,
        lost: end.lost,
        untracked: end.untracked,
        compat: end.compat,
        unseen: end.unseen,
    })
}
