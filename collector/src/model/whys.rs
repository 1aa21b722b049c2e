//! What it takes to know why a wait ended, gathered from the events of a trace: the descriptors, and what came of
//! those that each readiness call waited for.
//!
//! There is no other way to know it: findings, reports and exports all ask here. Bounded whatever the trace: for
//! threads beyond the bound, what came of descriptors is not known.

use super::recent_map::RecentMap;
use super::{
    Call, CallKind, CallKinds, DescriptorKind, Descriptors, Event, Life, LifeKind, Ready, Why,
};

/// Threads with a readiness call that is about to end.
const THREADS_MAX: usize = 4_096;
/// Entries of one readiness call.
const READY_MAX: usize = 32;

/// Entries of the readiness call of a thread that has not ended yet, and when that began.
#[derive(Clone, Debug, Default)]
struct Entries {
    pid: u32,
    call_start_ns: u64,
    ready: Vec<Ready>,
}

/// Knows of each call why its wait ended, once it was pushed.
#[derive(Clone, Debug)]
pub struct Whys {
    kinds: CallKinds,
    known: Descriptors,
    threads: RecentMap<Entries>,
    /// Entries of the last call.
    ready: Vec<Ready>,
    /// The descriptor that the last call worked on, and what that is.
    on: Option<(u32, DescriptorKind)>,
}

impl Whys {
    /// Nothing yet, of a trace with these calls.
    pub fn new(kinds: CallKinds) -> Self {
        Self {
            kinds,
            known: Descriptors::default(),
            threads: RecentMap::new(THREADS_MAX),
            ready: Vec::new(),
            on: None,
        }
    }

    /// Takes in an event.
    pub fn push(&mut self, event: &Event) {
        match event {
            Event::Call(call) => self.call(call),
            Event::Ready(ready) => self.entry(ready),
            Event::Descriptor(descriptor) => self.known.push(descriptor),
            Event::Life(life) => self.life(life),
            Event::OffCpu(_)
            | Event::Request(_)
            | Event::Gap(_)
            | Event::Open(_)
            | Event::End(_) => {}
        }
    }

    /// Why the wait of the last call that was pushed ended.
    pub fn why(&self, call: &Call) -> Why {
        Why::of(self.kinds.of(call.nr), call, &self.ready, &self.known)
    }

    /// Whether this is a call of which it is told why its wait ended: it was off the CPU, or looked for descriptors.
    pub fn tells_of(&self, call: &Call) -> bool {
        call.off_ns() > 0 || self.kinds.of(call.nr).is_readiness()
    }

    /// What came of the descriptors that the last call waited for.
    pub fn ready(&self) -> &[Ready] {
        &self.ready
    }

    /// The descriptor that the last call worked on, and what that is.
    pub(crate) fn on(&self) -> Option<(u32, DescriptorKind)> {
        self.on
    }

    /// What is known of descriptors so far.
    pub fn descriptors(&self) -> &Descriptors {
        &self.known
    }

    fn entry(&mut self, ready: &Ready) {
        let Some(entries) = self.threads.get_or(ready.tid, Entries::default) else {
            return;
        };
        if (entries.pid, entries.call_start_ns) != (ready.pid, ready.call_start_ns) {
            entries.ready.clear();
            (entries.pid, entries.call_start_ns) = (ready.pid, ready.call_start_ns);
        }
        if entries.ready.len() < READY_MAX {
            entries.ready.push(*ready);
        }
    }

    fn call(&mut self, call: &Call) {
        let kind = self.kinds.of(call.nr);
        self.ready.clear();
        if let Some(entries) = self.threads.get_mut(call.tid) {
            let of_call = (entries.pid, entries.call_start_ns) == (call.pid, call.start_ns);
            if kind.is_readiness() && of_call {
                std::mem::swap(&mut entries.ready, &mut self.ready);
            }
            entries.ready.clear();
        }
        self.on = match kind {
            CallKind::Unknown => None,
            _ => self.known.call(kind, call),
        };
    }

    fn life(&mut self, life: &Life) {
        match life.kind {
            LifeKind::Began | LifeKind::Ended => {
                self.threads.remove(life.tid);
            }
            LifeKind::Exec => {
                let all = self.threads.iter();
                let of_process = all.filter(|(_, entries)| entries.pid == life.pid);
                for tid in of_process.map(|(tid, _)| *tid).collect::<Vec<_>>() {
                    self.threads.remove(tid);
                }
            }
            LifeKind::Found | LifeKind::Renamed => {}
        }
    }
}
