//! One run: the events of its trace, counted.
//!
//! It must never count what the load did, nor guess what was lost.

use std::collections::BTreeMap;

use super::Run;
use crate::model::{Arch, Call, CallClass, End, Event, Trace, call_class};
use crate::report::{Report, Summary};

/// What was asked of the server, and what is known without tracing.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The server's model.
    pub model: &'static str,
    /// Its connections.
    pub connections: u64,
    /// Requests answered.
    pub requests: u64,
    /// From the first request to the last answer.
    pub duration_ns: u64,
    /// What its memory has grown by with the connections.
    pub memory_bytes: Option<u64>,
}

/// A run while it is traced.
pub struct Measure {
    arch: Option<Arch>,
    summary: Summary,
    by_nr: BTreeMap<u32, Sums>,
    others: u64,
    offcpu: u64,
    lost: u64,
}

/// Calls of one number.
#[derive(Clone, Copy, Default)]
struct Sums {
    calls: u64,
    /// What those that waited for descriptors returned.
    ready: u64,
}

impl Measure {
    /// Nothing yet of this trace.
    pub fn new(trace: &Trace) -> Self {
        Self {
            arch: Arch::from_machine(&trace.arch),
            summary: Summary::new(trace),
            by_nr: BTreeMap::new(),
            others: 0,
            offcpu: 0,
            lost: 0,
        }
    }

    /// Adds an event.
    pub fn push(&mut self, event: &Event) {
        self.summary.push(event);
        match event {
            Event::Call(Call {
                nr, ret, others, ..
            }) => {
                let sums = self.by_nr.entry(*nr).or_default();
                sums.calls += 1;
                let ready = ret.and_then(|ret| u64::try_from(ret).ok()).unwrap_or(0);
                sums.ready = sums.ready.saturating_add(ready);
                self.others += u64::from(*others);
            }
            Event::OffCpu(span) => self.offcpu += u64::from(span.times),
            Event::End(End { lost, .. }) => self.lost = *lost,
            _ => {}
        }
    }

    /// The sums.
    pub fn finish(self, load: &Load) -> Run {
        let of = |class| {
            let arch = self.arch;
            let of = self.by_nr.iter();
            let of = of.filter(|&(&nr, _)| arch.is_some_and(|arch| call_class(arch, nr) == class));
            of.fold(Sums::default(), |sum, (_, sums)| Sums {
                calls: sum.calls + sums.calls,
                ready: sum.ready.saturating_add(sums.ready),
            })
        };
        let (waits, receives, sends) = (
            of(CallClass::Readiness),
            of(CallClass::Receive),
            of(CallClass::Send),
        );
        let Report {
            calls,
            threads,
            by_call,
            ..
        } = self.summary.finish();
        let blocked_in = by_call.iter().max_by_key(|call| call.blocked_ns);
        // Those that did nothing wait for something that did not come: the next client, or the end.
        let threads: Vec<_> = threads.iter().filter(|thread| thread.calls > 0).collect();
        let sum = |of: fn(&crate::report::ThreadReport) -> u64| {
            threads
                .iter()
                .map(|thread| of(thread))
                .fold(0, u64::saturating_add)
        };
        let user = threads.iter().map(|thread| thread.user_ns);
        Run {
            model: load.model,
            connections: load.connections,
            requests: load.requests,
            duration_ns: load.duration_ns,
            calls: calls + self.others,
            readiness_calls: waits.calls,
            ready: waits.ready,
            receive_calls: receives.calls,
            send_calls: sends.calls,
            blocked_in: blocked_in
                .filter(|call| call.blocked_ns > 0)
                .map(|call| call.call.clone()),
            offcpu: self.offcpu,
            threads: threads.len() as u64,
            lifetime_ns: sum(|thread| thread.lifetime_ns),
            user_ns: user.sum(),
            kernel_ns: sum(|thread| thread.kernel_ns.saturating_add(thread.other_ns)),
            blocked_ns: sum(|thread| thread.blocked_ns),
            runnable_ns: sum(|thread| thread.runnable_ns),
            copying_ns: sum(|thread| thread.copying_ns),
            memory_bytes: load.memory_bytes,
            lost: self.lost,
            by_call,
        }
    }
}
