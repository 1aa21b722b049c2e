//! What was done on each descriptor, and how long data lay there unread.
//!
//! Bounded whatever the trace: calls on descriptors that find no room, and on those not listed, are counted.

use std::cmp::Reverse;

use serde::Serialize;

use super::latency::Latency;
use crate::model::{
    Call, CallKind, CallKinds, Descriptor, DescriptorKind, Event, recent_map::RecentMap,
};

/// Descriptors that are told apart.
const DESCRIPTORS_MAX: usize = 65_536;
/// Of those, how many are listed.
const LISTED: usize = 1_000;

const EAGAIN: i64 = -11;

/// What was done on one descriptor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DescriptorReport {
    /// Its number in the trace.
    pub id: u32,
    /// The process.
    pub pid: u32,
    /// Its number in the process.
    pub fd: i32,
    /// What it is.
    pub kind: &'static str,
    /// What a person would call it, unescaped; empty if nothing is known.
    pub name: String,
    /// Calls on it.
    pub calls: u64,
    /// Of those, how many slept.
    pub waits: u64,
    /// Asleep in them.
    pub blocked_ns: u64,
    /// Wanting the CPU in them.
    pub runnable_ns: u64,
    /// Copying in them.
    pub copying_ns: u64,
    /// Bytes that they received.
    pub received_bytes: u64,
    /// Bytes that they sent.
    pub sent_bytes: u64,
    /// Of the calls, how many found nothing or no room (`EAGAIN`).
    pub again: u64,
    /// Receives of which it is known how long what they read had been there: those the next two are of.
    pub delays: u64,
    /// How long that was, all together.
    pub ready_delay_ns: u64,
    /// The longest of them.
    pub ready_delay_max_ns: u64,
    /// Times that a request of an `io_uring` was complete on it, which is no call.
    pub requests: u64,
}

impl DescriptorReport {
    fn new(id: u32) -> Self {
        Self {
            id,
            pid: 0,
            fd: -1,
            kind: DescriptorKind::Unknown.word(),
            name: String::new(),
            calls: 0,
            waits: 0,
            blocked_ns: 0,
            runnable_ns: 0,
            copying_ns: 0,
            received_bytes: 0,
            sent_bytes: 0,
            again: 0,
            delays: 0,
            ready_delay_ns: 0,
            ready_delay_max_ns: 0,
            requests: 0,
        }
    }

    fn describe(&mut self, descriptor: &Descriptor) {
        self.pid = descriptor.pid;
        self.fd = descriptor.fd;
        self.kind = descriptor.kind.word();
        self.name.clone_from(&descriptor.name);
    }

    fn call(&mut self, kind: CallKind, call: &Call) {
        self.calls += 1;
        self.waits += u64::from(call.sleeps > 0);
        self.again += u64::from(call.ret == Some(EAGAIN));
        let bytes = call.ret.and_then(|ret| u64::try_from(ret).ok());
        match (kind, bytes) {
            (CallKind::Receive, Some(bytes)) => add(&mut self.received_bytes, bytes),
            (CallKind::Send, Some(bytes)) => add(&mut self.sent_bytes, bytes),
            _ => {}
        }
        add(&mut self.blocked_ns, call.blocked_ns);
        add(&mut self.runnable_ns, call.runnable_ns);
        add(&mut self.copying_ns, call.copying_ns);
        if let Some(delay_ns) = call.ready_delay_ns {
            self.delays += 1;
            add(&mut self.ready_delay_ns, delay_ns);
            self.ready_delay_max_ns = self.ready_delay_max_ns.max(delay_ns);
        }
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

/// How long data lay unread, over all descriptors. Each percentile is exact to a hundredth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReadyDelayReport {
    /// Receives of which it is known.
    pub count: u64,
    /// Half of them were no later.
    pub p50_ns: u64,
    /// 99 of 100 were no later.
    pub p99_ns: u64,
    /// None was later.
    pub max_ns: u64,
    /// On which descriptor that was, by its number in the trace, if that is known.
    pub max_on: Option<u32>,
}

/// All descriptors so far.
#[derive(Clone)]
pub(super) struct Descriptors {
    kinds: CallKinds,
    known: RecentMap<DescriptorReport>,
    /// Calls on descriptors that found no room.
    calls_more: u64,
    delay: Latency,
    latest: Option<u32>,
}

/// What is told of them.
pub(super) struct Told {
    pub(super) listed: Vec<DescriptorReport>,
    /// Calls on those that are not.
    pub(super) calls_not_listed: u64,
    pub(super) ready_delay: Option<ReadyDelayReport>,
}

impl Descriptors {
    pub(super) fn new(kinds: CallKinds) -> Self {
        Self {
            kinds,
            known: RecentMap::new(DESCRIPTORS_MAX),
            calls_more: 0,
            delay: Latency::default(),
            latest: None,
        }
    }

    pub(super) fn push(&mut self, event: &Event) {
        match event {
            Event::Call(call) => self.call(call),
            Event::Descriptor(descriptor) => {
                let id = descriptor.id;
                if let Some(known) = self.known.get_or(id, || DescriptorReport::new(id)) {
                    known.describe(descriptor);
                }
            }
            Event::Request(request) if request.complete_ns.is_some() => {
                let known = request.descriptor;
                let known =
                    known.and_then(|id| self.known.get_or(id, || DescriptorReport::new(id)));
                if let Some(known) = known {
                    known.requests += 1;
                }
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &Call) {
        if let Some(delay_ns) = call.ready_delay_ns {
            if delay_ns >= self.delay.max_ns() {
                self.latest = call.descriptor;
            }
            self.delay.push(delay_ns);
        }
        let Some(id) = call.descriptor else { return };
        match self.known.get_or(id, || DescriptorReport::new(id)) {
            Some(known) => known.call(self.kinds.of(call.nr), call),
            None => self.calls_more += 1,
        }
    }

    /// Those with calls or requests, the one with most calls first.
    pub(super) fn finish(self) -> Told {
        let all = self.known.into_entries().into_iter();
        let mut listed: Vec<_> = all.map(|(_, known)| known).collect();
        listed.retain(|known| known.calls > 0 || known.requests > 0);
        listed.sort_by_key(|known| (Reverse((known.calls, known.requests)), known.id));
        let left_out = listed.split_off(listed.len().min(LISTED));
        let left_out: u64 = left_out.iter().map(|known| known.calls).sum();
        let delay = self.delay;
        Told {
            listed,
            calls_not_listed: self.calls_more + left_out,
            ready_delay: (delay.count() > 0).then(|| ReadyDelayReport {
                count: delay.count(),
                p50_ns: delay.at(0.5),
                p99_ns: delay.at(0.99),
                max_ns: delay.max_ns(),
                max_on: self.latest,
            }),
        }
    }
}
