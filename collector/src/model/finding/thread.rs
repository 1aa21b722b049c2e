//! One thread being watched: every rule that looks at one thread alone.

use super::again::Again;
use super::batch::Batch;
use super::blocking::Blocking;
use super::late::Late;
use super::polling::Polling;
use super::unread::{Turn, Unread};
use super::{Finding, On, What};
use crate::model::{Call, CallKind, CallKinds, DescriptorKind, Descriptors, Ready};

/// Letters of a name that are kept: the kernel's have at most 15.
const NAME_MAX: usize = 64;

/// What a rule found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) what: What,
    pub(super) on: Option<u32>,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    pub(super) inferred: bool,
}

/// A call, and what is known around it.
pub(super) struct Seen<'a> {
    pub(super) call: &'a Call,
    pub(super) kind: CallKind,
    /// The descriptor it works on.
    pub(super) on: Option<u32>,
    /// What that is.
    pub(super) behind: DescriptorKind,
    /// No other thread waits on that, if it is an `epoll`.
    pub(super) alone: bool,
    /// Readiness calls of all threads of the process, if that is known.
    pub(super) process_readiness: Option<u64>,
    /// Before this, records were lost.
    pub(super) lost_until_ns: Option<u64>,
    pub(super) known: &'a Descriptors,
}

/// A thread being watched.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    pub(super) pid: u32,
    tid: u32,
    pub(super) name: Option<String>,
    first_ns: Option<u64>,
    last_ns: u64,
    others: u64,
    calls: u64,
    /// It slept in a readiness call.
    pub(super) waits: bool,
    /// Wake-ups in the call that it is in.
    pub(super) wakes: Vec<u64>,
    unread: Unread,
    again: Again,
    polling: Polling,
    blocking: Blocking,
    late: Late,
    batch: Batch,
}

impl Thread {
    pub(super) fn new(pid: u32, tid: u32) -> Self {
        Self {
            pid,
            tid,
            name: None,
            first_ns: None,
            last_ns: 0,
            others: 0,
            calls: 0,
            waits: false,
            wakes: Vec::new(),
            unread: Unread::default(),
            again: Again::default(),
            polling: Polling::default(),
            blocking: Blocking::default(),
            late: Late::default(),
            batch: Batch::default(),
        }
    }

    pub(super) fn rename(&mut self, name: &str) {
        self.name = Some(name.chars().take(NAME_MAX).collect());
    }

    /// A call ended. `ready` are its entries.
    pub(super) fn call(&mut self, seen: &Seen<'_>, ready: &[Ready], found: &mut Vec<Found>) {
        let Seen { call, kind, on, .. } = *seen;
        self.first_ns.get_or_insert(call.start_ns);
        self.last_ns = self.last_ns.max(call.end_ns);
        self.others = self.others.wrapping_add(call.others.into());
        self.polling.call(kind, call);
        self.late.call(call);
        if kind.is_readiness() {
            self.unread.turn(
                &Turn {
                    call,
                    kind,
                    ready,
                    others: self.others,
                    calls: self.calls,
                    lost_until_ns: seen.lost_until_ns,
                    known: seen.known,
                },
                found,
            );
            self.late.turn(call);
            self.blocking.turn(kind, call, ready);
            self.batch.turn(kind, call, on, seen.alone);
            return;
        }
        self.calls += 1;
        self.blocking.call(kind, call, on);
        self.batch.call(kind, call, on, seen.behind);
        if kind.takes() {
            let readiness = seen.process_readiness;
            self.again.receive(kind, call, on, readiness, found);
        }
    }

    /// Nothing of it follows.
    pub(super) fn finish(
        &mut self,
        kinds: &CallKinds,
        known: &Descriptors,
        found: &mut Vec<Found>,
    ) {
        let observed_ns = self.last_ns.saturating_sub(self.first_ns.unwrap_or(0));
        self.unread.finish(known, found);
        self.again.finish(found);
        self.polling.finish(found);
        self.blocking.finish(kinds, observed_ns, found);
        self.late.finish(observed_ns, found);
        self.batch.finish(found);
    }

    /// What was found, with the thread and the descriptor by their names.
    pub(super) fn finding(&self, found: Found, known: &Descriptors) -> Finding {
        let Found {
            what,
            on,
            start_ns,
            end_ns,
            inferred,
        } = found;
        Finding {
            what,
            pid: self.pid,
            tid: self.tid,
            thread: self.name.clone(),
            on: on.and_then(|id| on_of(id, known)),
            start_ns,
            end_ns,
            times: 1,
            inferred,
        }
    }
}

/// The descriptor of this id by its name.
pub(super) fn on_of(id: u32, known: &Descriptors) -> Option<On> {
    Some(On {
        id,
        fd: known.fd(id),
        label: known.label(id)?,
    })
}
