//! Threads and processes that come, change and go.

use aya_ebpf::programs::BtfTracePointContext;
use aya_log_ebpf::debug;
use probe_ebpf::{
    FLAG_KILLED, Head, KIND_LIFE, LIFE_EXEC, LIFE_EXIT, LIFE_FORK, Life, NO_CALL, PREEMPTED,
    UNKNOWN_CALL,
};

use crate::{
    call, descriptor, emit,
    kernel::{self, Task},
    sched, target, thread,
};

/// A thread makes another, in its own process or in a new one.
#[inline(always)]
pub(crate) fn forked(ctx: &BtfTracePointContext, parent: Task, child: Task) {
    let parent_pid = kernel::pid(parent);
    if !target::is_target(parent_pid) || target::armed_ns().is_none() {
        return;
    }
    let now = kernel::now();
    let (pid, tid) = (kernel::pid(child), kernel::tid(child));
    if pid != parent_pid {
        if !target::follows() {
            return;
        }
        if !target::add(pid) {
            if let Some(counters) = emit::counters() {
                counters.untracked += 1;
            }
            return;
        }
    }
    debug!(
        ctx,
        "thread {} made thread {} of process {}",
        kernel::tid(parent),
        tid,
        pid
    );
    if let Some(thread) = thread::begin(ctx, child, now) {
        thread.mode = PREEMPTED;
    }
    emit_life(LIFE_FORK, pid, tid, kernel::tid(parent), now);
}

/// A process begins another program. If another thread than the leader did it, that thread now has
/// the leader's id, and all others are gone.
#[inline(always)]
pub(crate) fn execed(ctx: &BtfTracePointContext, task: Task, old_tid: u32) {
    let (pid, tid) = (kernel::pid(task), kernel::tid(task));
    if !target::is_target(pid) || target::armed_ns().is_none() {
        return;
    }
    let now = kernel::now();
    if old_tid != tid {
        // The thread goes on as the leader; under its own id it ends here, and so does its call.
        match thread::find(old_tid) {
            Some(thread) => {
                sched::settle(thread, task);
                let now = thread::account(thread, now);
                if thread.call.nr != NO_CALL && thread.call.nr != UNKNOWN_CALL {
                    call::close(thread, now);
                }
                thread.call.nr = NO_CALL;
                thread::rename(old_tid, tid);
            }
            // Whatever stands under the leader's id is the old leader's, which is dead.
            None => {
                thread::begin(ctx, task, now);
            }
        }
        emit_life(LIFE_EXIT, pid, old_tid, 0, now);
    }
    debug!(ctx, "process {} began another program", pid);
    descriptor::kept(task, pid, tid, now);
    emit_life(LIFE_EXEC, pid, tid, old_tid, now);
}

/// A thread ends. It still takes a few steps on the CPU, which are nobody's; its entry goes with the
/// last of them.
#[inline(always)]
pub(crate) fn exited(ctx: &BtfTracePointContext, task: Task) {
    let (pid, tid) = (kernel::pid(task), kernel::tid(task));
    if !target::is_target(pid) || target::armed_ns().is_none() {
        return;
    }
    let now = kernel::now();
    if let Some(thread) = thread::find(tid) {
        sched::settle(thread, task);
        let now = thread::account(thread, now);
        if thread.call.nr != NO_CALL && thread.call.nr != UNKNOWN_CALL {
            thread.call.flags |= FLAG_KILLED;
            call::close(thread, now);
        }
        sched::died(thread);
    }
    debug!(ctx, "thread {} ended", tid);
    emit_life(LIFE_EXIT, pid, tid, 0, now);
}

#[inline(always)]
fn emit_life(what: u32, pid: u32, tid: u32, other: u32, at_ns: u64) {
    let record = Life {
        head: Head {
            kind: KIND_LIFE,
            cpu: 0,
            lost: 0,
            pid,
            tid,
        },
        at_ns,
        what,
        other,
        comm: kernel::comm(),
    };
    emit::emit(record);
}
