//! Off the CPU and back: what the scheduler does with traced threads.
//!
//! ```text
//!   switched out            waking              switched in
//!       | asleep: blocked      | runnable            |
//!       | preempted: runnable                        |
//! ```

use aya_ebpf::programs::BtfTracePointContext;
use probe_ebpf::{
    ASLEEP, CONTEXT_UNSEEN, DEAD, FLAG_BEGAN_BEFORE, Head, KIND_OFF_CPU, NO_CALL, ON_CPU, OffCpu,
    PREEMPTED, Thread,
};

use crate::{
    context, emit,
    kernel::{self, Task},
    target, thread,
};

/// The state of a task that leaves the CPU for good. Like all task states it is in no BTF:
/// <https://github.com/torvalds/linux/blob/v6.12/include/linux/sched.h#L104-L107>
const TASK_DEAD: u32 = 0x80;

/// A thread leaves the CPU.
#[inline(always)]
pub(crate) fn switched_out(ctx: &BtfTracePointContext, preempted: bool, prev: Task) {
    let pid = kernel::pid(prev);
    if !target::is_target(pid) {
        return;
    }
    let Some(armed_ns) = target::armed_ns() else {
        return;
    };
    let now = kernel::now();
    let tid = kernel::tid(prev);
    let state = kernel::prev_state(ctx, prev);
    if state & TASK_DEAD != 0 {
        // Only what is dead: after an exec by another thread than the leader, the old leader's last
        // switch may come under that thread's id, which by now is the new program's.
        if thread::find(tid).is_some_and(|thread| thread.mode == DEAD) {
            thread::forget(tid);
        }
        return;
    }
    let Some(thread) = thread::find_or_seed(ctx, pid, tid, armed_ns, kernel::started_ns(prev))
    else {
        return;
    };
    let now = thread::account(thread, now);
    if thread.mode == DEAD {
        return;
    }
    thread.off_ns = now;
    // With a signal pending it leaves in a sleeping state and yet is not asleep: the scheduler has put it
    // back to running by now, which it does to no sleeper before the switch is over.
    // (`__schedule` in https://github.com/torvalds/linux/blob/v6.12/kernel/sched/core.c)
    if preempted || state == 0 || kernel::state(prev) == 0 {
        thread.mode = PREEMPTED;
        thread.state = 0;
    } else {
        thread.mode = ASLEEP;
        thread.state = state;
    }
}

/// A thread gets the CPU.
#[inline(always)]
pub(crate) fn switched_in(ctx: &BtfTracePointContext, next: Task) {
    let pid = kernel::pid(next);
    if !target::is_target(pid) {
        return;
    }
    let Some(armed_ns) = target::armed_ns() else {
        return;
    };
    let now = kernel::now();
    let tid = kernel::tid(next);
    let thread = match thread::find(tid) {
        Some(thread) => thread,
        None => {
            // Not woken since tracing was armed, or there would be an entry: it waited for the CPU.
            let Some(thread) =
                thread::find_or_seed(ctx, pid, tid, armed_ns, kernel::started_ns(next))
            else {
                return;
            };
            thread.mode = PREEMPTED;
            thread
        }
    };
    if thread.mode != ASLEEP && thread.mode != PREEMPTED {
        return;
    }
    let now = if now > thread.off_ns {
        now
    } else {
        thread.off_ns
    };
    // A thread may be woken after it made up its mind to sleep and before it left the CPU: the wake-up
    // then stands before the sleep, which has no length. And a wake-up may go unseen, where the kernel
    // keeps it from its tracepoint: then all of the time counts as asleep, and nobody as the waker.
    let slept = thread.mode == ASLEEP;
    let seen = thread.wake_ns != 0 && thread.wake_ns >= thread.on_ns;
    let woken = if seen {
        clamp(thread.wake_ns, thread.off_ns, now)
    } else {
        now
    };
    if slept {
        thread.call.blocked_ns += woken - thread.off_ns;
        thread.call.runnable_ns += now - woken;
        thread.call.sleeps += 1;
        if thread.call.first_sleep_ns == 0 {
            thread.call.first_sleep_ns = thread.off_ns;
        }
        thread.call.last_wake_ns = woken;
        thread.call.waker_tid = if seen { thread.wake_tid } else { 0 };
        thread.call.waker_pid = if seen { thread.wake_pid } else { 0 };
        thread.call.waker_context = if seen {
            thread.wake_context
        } else {
            CONTEXT_UNSEEN
        };
        thread.tail_from_ns = thread.call.kernel_ns;
        thread.tail_at_ns = now;
    } else {
        thread.call.runnable_ns += now - thread.off_ns;
        thread.call.preemptions += 1;
    }
    emit_off_cpu(thread, slept.then_some(woken), slept && seen, now);
    thread.mode = ON_CPU;
    thread.on_ns = now;
    thread.since_ns = now;
}

#[inline(always)]
fn clamp(value: u64, low: u64, high: u64) -> u64 {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}

/// Hands over the record of a time off the CPU that ended at `end_ns`; `seen` if its wake-up was.
#[inline(always)]
fn emit_off_cpu(thread: &Thread, woken_ns: Option<u64>, seen: bool, end_ns: u64) {
    let slept = woken_ns.is_some();
    let unseen = if slept { CONTEXT_UNSEEN } else { 0 };
    let mut record = OffCpu {
        head: Head {
            kind: KIND_OFF_CPU,
            cpu: 0,
            lost: 0,
            pid: thread.call.head.pid,
            tid: thread.call.head.tid,
        },
        start_ns: thread.off_ns,
        woken_ns: woken_ns.unwrap_or(0),
        end_ns,
        nr: thread.call.nr,
        state: if slept { thread.state } else { 0 },
        waker_tid: if seen { thread.wake_tid } else { 0 },
        waker_pid: if seen { thread.wake_pid } else { 0 },
        waker_context: if seen { thread.wake_context } else { unseen },
        reserved: 0,
        waker_comm: if seen { thread.wake_comm } else { [0; 16] },
    };
    emit::emit(&mut record);
}

/// A thread is about to be woken. Runs on the waker's CPU, so `current` is the waker, or whom the
/// interrupt that wakes interrupted.
#[inline(always)]
pub(crate) fn waking(ctx: &BtfTracePointContext, woken: Task) {
    let pid = kernel::pid(woken);
    if !target::is_target(pid) {
        return;
    }
    let Some(armed_ns) = target::armed_ns() else {
        return;
    };
    let now = kernel::now();
    let tid = kernel::tid(woken);
    let thread = match thread::find(tid) {
        Some(thread) => thread,
        None => {
            let Some(thread) =
                thread::find_or_seed(ctx, pid, tid, armed_ns, kernel::started_ns(woken))
            else {
                return;
            };
            thread.mode = ASLEEP;
            thread
        }
    };
    let (waker_pid, waker_tid) = kernel::current();
    thread.wake_pid = waker_pid;
    thread.wake_tid = waker_tid;
    thread.wake_context = context::now();
    thread.wake_comm = kernel::comm();
    thread.wake_ns = now;
}

/// A thread dies: what it is in ends here, and nothing of it is recorded any more.
#[inline(always)]
pub(crate) fn died(thread: &mut Thread) {
    thread.mode = DEAD;
    thread.call.nr = NO_CALL;
    thread.call.flags &= !FLAG_BEGAN_BEFORE;
}
