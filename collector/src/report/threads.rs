//! Where each thread's time went.
//!
//! `user + kernel + blocked + runnable + copying + other + unknown = lifetime`, to the nanosecond.
//! What is not measured is user time only as long as nothing was lost; else it is unknown.
//! Sums end at the largest number there is: only a damaged recording comes near it.

use serde::Serialize;

use crate::export::IoModelJson;
use crate::export::threads::{Thread, Threads};
use crate::model::{Call, CallKinds, Event, IoEvidence, OffCpu, OpenThread, ProcessReadiness};

/// Threads whose sums are kept.
const THREADS_MAX: usize = 16_384;

/// Where one thread's time went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ThreadReport {
    /// The thread.
    pub tid: u32,
    /// The process.
    pub pid: u32,
    /// Its last name, if any was seen.
    pub name: Option<String>,
    /// Calls that ended.
    pub calls: u64,
    /// How long it lived within the trace. Never less than what was measured of it.
    pub lifetime_ns: u64,
    /// On the CPU outside calls: what is left of its life. `None` if records were lost.
    pub user_ns: Option<u64>,
    /// On the CPU in calls, not copying.
    pub kernel_ns: u64,
    /// Asleep, in calls and outside.
    pub blocked_ns: u64,
    /// Wanting the CPU, in calls and outside.
    pub runnable_ns: u64,
    /// On the CPU, copying.
    pub copying_ns: u64,
    /// In calls that were not recorded, all of it on the CPU.
    pub other_ns: u64,
    /// What is left of its life if records were lost: the time of those, and time outside calls.
    pub unknown_ns: u64,
    /// How it comes to know that it can go on.
    pub io_model: IoModelJson,
}

/// The sums of one thread so far.
#[derive(Clone, Debug, Default)]
struct Sums {
    calls: u64,
    kernel_ns: u64,
    blocked_ns: u64,
    runnable_ns: u64,
    copying_ns: u64,
    other_ns: u64,
    first_ns: Option<u64>,
    io: IoEvidence,
}

fn add(sum: &mut u64, nanos: u64) {
    *sum = sum.saturating_add(nanos);
}

impl Sums {
    fn since(&mut self, at_ns: u64) {
        self.first_ns = Some(self.first_ns.map_or(at_ns, |first| first.min(at_ns)));
    }

    fn call(&mut self, call: &Call) {
        self.since(call.start_ns);
        self.calls += 1;
        add(&mut self.kernel_ns, call.kernel_ns);
        add(&mut self.blocked_ns, call.blocked_ns);
        add(&mut self.runnable_ns, call.runnable_ns);
        add(&mut self.copying_ns, call.copying_ns);
        add(&mut self.other_ns, call.other_ns);
    }

    fn span(&mut self, span: &OffCpu) {
        self.since(span.start_ns);
        // Inside a call, it is part of the call's own numbers.
        if !span.in_call {
            add(&mut self.blocked_ns, span.blocked_ns());
            add(&mut self.runnable_ns, span.runnable_ns());
        }
    }

    fn open(&mut self, open: &OpenThread) {
        self.since(open.since_ns);
        let (blocked_ns, runnable_ns) = open.off_cpu_ns();
        add(&mut self.blocked_ns, blocked_ns);
        add(&mut self.runnable_ns, runnable_ns);
        if open.nr.is_some() {
            add(&mut self.kernel_ns, open.kernel_ns);
            add(&mut self.copying_ns, open.copying_ns);
        }
    }
}

/// All threads so far.
#[derive(Clone)]
pub(super) struct Lanes {
    threads: Threads<Sums>,
    kinds: CallKinds,
    readiness: ProcessReadiness,
}

impl Lanes {
    pub(super) fn new(kinds: CallKinds) -> Self {
        Self {
            threads: Threads::new(THREADS_MAX),
            kinds,
            readiness: ProcessReadiness::default(),
        }
    }

    pub(super) fn push(&mut self, event: &Event) {
        match event {
            Event::Call(call) => {
                let kind = self.kinds.of(call.nr);
                let readiness = self.readiness.call(call.pid, kind);
                if let Some(thread) = self.threads.at(call.pid, call.tid, call.start_ns) {
                    thread.of.call(call);
                    thread.of.io.call(kind, call, readiness);
                }
            }
            Event::OffCpu(span) => {
                if let Some(thread) = self.threads.at(span.pid, span.tid, span.start_ns) {
                    thread.of.span(span);
                }
            }
            Event::Open(open) => {
                if let Some(thread) = self.threads.at(open.pid, open.tid, open.at_ns) {
                    thread.of.open(open);
                }
            }
            Event::Life(life) => {
                self.threads.live(life);
                if let Some(thread) = self.threads.at(life.pid, life.tid, life.at_ns) {
                    thread.of.since(life.at_ns);
                }
            }
            Event::Ready(ready) => {
                if let Some(thread) = self.threads.at(ready.pid, ready.tid, ready.call_start_ns) {
                    thread.of.io.ready(ready);
                }
            }
            Event::Descriptor(_) | Event::Request(_) | Event::Gap(_) | Event::End(_) => {}
        }
    }

    /// The threads, the busiest first, and how many events had no room.
    pub(super) fn finish(self, duration_ns: u64, whole: bool) -> (Vec<ThreadReport>, u64) {
        let mut threads: Vec<_> = self
            .threads
            .all()
            .iter()
            .map(|thread| finish(thread, duration_ns, whole))
            .collect();
        // Of those with as many calls, the order of appearance stays.
        threads.sort_by_key(|thread| std::cmp::Reverse(thread.calls));
        (threads, self.threads.more())
    }
}

fn finish(thread: &Thread<Sums>, duration_ns: u64, whole: bool) -> ThreadReport {
    let Sums {
        calls,
        kernel_ns,
        blocked_ns,
        runnable_ns,
        copying_ns,
        other_ns,
        first_ns,
        ref io,
    } = thread.of;
    let began = if thread.found {
        0
    } else {
        thread.began_ns.or(first_ns).unwrap_or(0)
    };
    let ended = thread.ended_ns.unwrap_or(duration_ns);
    let measured = [kernel_ns, blocked_ns, runnable_ns, copying_ns, other_ns];
    let measured = measured.into_iter().fold(0, u64::saturating_add);
    let lifetime_ns = ended.saturating_sub(began).max(measured);
    let rest = lifetime_ns - measured;
    ThreadReport {
        tid: thread.tid,
        pid: thread.pid,
        name: thread.name.clone(),
        calls,
        lifetime_ns,
        user_ns: whole.then_some(rest),
        kernel_ns,
        blocked_ns,
        runnable_ns,
        copying_ns,
        other_ns,
        unknown_ns: if whole { 0 } else { rest },
        io_model: IoModelJson::new(io),
    }
}
