//! One round of an event loop, and what was done in it.
//!
//! `work_ns + wait_ns = end_ns - start_ns`, to the nanosecond. Nothing here may call a time a wait in which the
//! thread only checked.

use super::{Call, OffCpu, OpenThread, Waker};

/// One round of an event loop: from the return of the readiness call that began it to the return of the one that
/// ended it. [`Turns`](super::Turns) says which calls do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// The return of the readiness call that began it.
    pub start_ns: u64,
    /// The entry of the wait that ended it. If a check ended it nothing was waited for, and this is its return.
    pub work_end_ns: u64,
    /// The return of the readiness call that ended it. Of one that has not ended, the end of the trace.
    pub end_ns: u64,
    /// False if it was still under way when the trace ended: its times are those so far, and it is in no sum.
    pub ended: bool,
    /// What the call that began it found ready, with what checks found that went on with a full one.
    pub events: u64,
    /// Calls made in the work, those not recorded among them.
    pub calls: u64,
    /// Of those, how many were checks of the loop.
    pub checks: u64,
    /// Bytes that calls of the work received.
    pub received: u64,
    /// Bytes that they sent.
    pub sent: u64,
    /// Asleep in the work, in calls and outside.
    pub blocked_ns: u64,
    /// Wanting the CPU in the work, in calls and outside.
    pub runnable_ns: u64,
    /// The longest time in the work without a check, which is all of the work if there was none: so late the
    /// thread noticed what became ready just after it had looked.
    pub lag_ns: u64,
    /// What the thread was off the CPU in for longest, in the work.
    pub stall: Option<Stall>,
    /// The call that ended it returned events at once: they had been there before it asked.
    pub ready_before_asked: bool,
    /// The number of the call that ended it, see [`call_name`](super::call_name). Of one that has not ended, of the
    /// wait it is in; `None` if it is still at work.
    pub nr: Option<u32>,
    /// The epoll descriptor on which it waited; `None` if it was no `epoll_wait`.
    pub fd: Option<i32>,
    /// It could have been ended by more than one descriptor, as far as is known.
    pub many: bool,
}

/// One call, or one time off the CPU outside calls, in which the thread left the CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// The call's number; `None` outside calls.
    pub nr: Option<u32>,
    /// The descriptor the call works on.
    pub fd: Option<i32>,
    /// What stood behind it.
    pub descriptor: Option<u32>,
    /// Entry of the call, or when the thread left the CPU.
    pub start_ns: u64,
    /// Asleep.
    pub blocked_ns: u64,
    /// Wanting the CPU.
    pub runnable_ns: u64,
    /// Who woke it, the last time if that was more than once.
    pub waker: Option<Waker>,
    /// The waker's name as the kernel has it, unescaped; empty if that is not known.
    pub waker_comm: String,
}

impl Stall {
    /// Off the CPU, asleep or not.
    pub fn off_ns(&self) -> u64 {
        self.blocked_ns.saturating_add(self.runnable_ns)
    }
}

impl Turn {
    /// From the start to the entry of the next wait: work, and checks.
    pub fn work_ns(&self) -> u64 {
        self.work_end_ns.saturating_sub(self.start_ns)
    }

    /// In the call that ended it, unless that was a check.
    pub fn wait_ns(&self) -> u64 {
        self.end_ns.saturating_sub(self.work_end_ns)
    }

    /// In the work, off the CPU.
    pub fn off_ns(&self) -> u64 {
        self.blocked_ns.saturating_add(self.runnable_ns)
    }

    /// Begun by the return of this call, with nothing done yet.
    pub(super) fn begun(call: &Call) -> Self {
        Self {
            pid: call.pid,
            tid: call.tid,
            start_ns: call.end_ns,
            work_end_ns: call.end_ns,
            end_ns: call.end_ns,
            ended: false,
            events: found(call),
            calls: 0,
            checks: 0,
            received: 0,
            sent: 0,
            blocked_ns: 0,
            runnable_ns: 0,
            lag_ns: 0,
            stall: None,
            ready_before_asked: false,
            nr: None,
            fd: None,
            many: false,
        }
    }

    /// Adds a call of the work, and those before it that were not recorded. `waker_comm` is the name of its waker.
    pub(super) fn work(&mut self, call: &Call, waker_comm: &str) {
        self.others(call);
        self.calls = self.calls.saturating_add(1);
        if self.off(call.blocked_ns, call.runnable_ns) {
            self.stall = Some(Stall {
                nr: Some(call.nr),
                fd: call.fd,
                descriptor: call.descriptor,
                start_ns: call.start_ns,
                blocked_ns: call.blocked_ns,
                runnable_ns: call.runnable_ns,
                waker: call.waker,
                waker_comm: waker_comm.to_owned(),
            });
        }
    }

    /// Adds the calls before this one that were not recorded.
    pub(super) fn others(&mut self, call: &Call) {
        self.calls = self.calls.saturating_add(u64::from(call.others));
    }

    /// Adds a time off the CPU outside calls.
    pub(super) fn span(&mut self, span: &OffCpu) {
        if self.off(span.blocked_ns(), span.runnable_ns()) {
            self.stall = Some(Stall {
                nr: None,
                fd: None,
                descriptor: None,
                start_ns: span.start_ns,
                blocked_ns: span.blocked_ns(),
                runnable_ns: span.runnable_ns(),
                waker: span.waker,
                waker_comm: span.waker_comm.clone(),
            });
        }
    }

    /// Adds what the thread was still doing when the trace ended, as work.
    pub(super) fn still(&mut self, open: &OpenThread) {
        let (blocked_ns, runnable_ns) = open.off_cpu_ns();
        let longest = self.off(blocked_ns, runnable_ns);
        // A call that is not known can't be named, and being named as none would be wrong.
        if longest && open.nr != Some(None) {
            let outside = open.off_since_ns.unwrap_or(open.since_ns);
            self.stall = Some(Stall {
                nr: open.nr.flatten(),
                fd: open.fd,
                descriptor: None,
                start_ns: open.nr.map_or(outside, |_| open.since_ns),
                blocked_ns,
                runnable_ns,
                waker: None,
                waker_comm: String::new(),
            });
        }
    }

    /// Adds a time off the CPU, and says whether it is the longest so far.
    fn off(&mut self, blocked_ns: u64, runnable_ns: u64) -> bool {
        self.blocked_ns = self.blocked_ns.saturating_add(blocked_ns);
        self.runnable_ns = self.runnable_ns.saturating_add(runnable_ns);
        blocked_ns.saturating_add(runnable_ns) > self.stall.as_ref().map_or(0, Stall::off_ns)
    }
}

/// How many descriptors a readiness call found ready.
pub(super) fn found(call: &Call) -> u64 {
    call.ret
        .and_then(|ret| u64::try_from(ret).ok())
        .unwrap_or(0)
}
