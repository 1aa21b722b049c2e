//! Off the CPU and back: what the scheduler does with traced threads.
//!
//! ```text
//!   switched out            waking              switched in
//!       | asleep: blocked      | runnable            |
//!       | preempted: runnable                        |
//! ```

use core::ptr::read_volatile;

use aya_ebpf::programs::BtfTracePointContext;
use probe_ebpf::{
    ASLEEP, CONTEXT_UNSEEN, DEAD, FLAG_BEGAN_BEFORE, FLAG_INFERRED, Head, KIND_OFF_CPU, NO_CALL,
    OFF_CPU_INFERRED, ON_CPU, OffCpu, PREEMPTED, Thread,
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
    let state = kernel::prev_state(ctx, prev);
    if state & TASK_DEAD != 0 {
        // Only what is dead: after an exec by another thread than the leader, the old leader's last
        // switch may come under that thread's id, which by now is the new program's.
        let tid = kernel::tid(prev);
        if thread::find(tid).is_some_and(|thread| thread.mode == DEAD) {
            thread::forget(tid);
        }
        return;
    }
    let Some((thread, _)) = thread::find_or_seed(ctx, prev, armed_ns) else {
        return;
    };
    if thread.mode == DEAD {
        return;
    }
    // With a signal pending it leaves in a sleeping state and yet is not asleep: the scheduler has put it
    // back to running by now, which it does to no sleeper before the switch is over.
    // (`__schedule` in https://github.com/torvalds/linux/blob/v6.12/kernel/sched/core.c)
    let asleep = !(preempted || state == 0 || kernel::state(prev) == 0);
    // The count has this very switch in it; and so has the entry's, if it was made just before.
    let (slept, left) = kernel::switches(prev);
    let missed = if left == thread.left {
        0
    } else {
        left - 1 - thread.left
    };
    if missed > 0 || thread.mode != ON_CPU {
        let slept = missed > 0 && slept - thread.slept > asleep.into();
        infer(thread, prev, missed, slept, now);
    }
    thread.slept = slept;
    thread.left = left;
    let now = thread::account(thread, now);
    thread.off_ns = now;
    thread.run_delay_ns = kernel::run_delay_ns(prev);
    if asleep {
        thread.mode = ASLEEP;
        thread.state = state;
    } else {
        thread.mode = PREEMPTED;
        thread.state = 0;
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
    let Some((thread, known)) = thread::find_or_seed(ctx, next, armed_ns) else {
        return;
    };
    if !known && thread.mode == ON_CPU {
        // Not woken since tracing was armed, or there would be an entry: it waited for the CPU.
        thread.mode = PREEMPTED;
    }
    if thread.mode == DEAD {
        return;
    }
    let (_, left) = kernel::switches(next);
    if left != thread.left || thread.mode == ON_CPU {
        // It left unseen. How long it wanted the CPU, the scheduler has not summed up yet: what comes next
        // will find out, and that it was back here.
        thread.on_ns = now;
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
    let wake_ns = wake_ns(thread);
    let wake_seen = wake_ns != 0 && wake_ns >= thread.on_ns;
    let absence = Absence {
        off_ns: thread.off_ns,
        woken_ns: match (thread.mode == ASLEEP, wake_seen) {
            (false, _) => None,
            (true, true) => Some(clamp(wake_ns, thread.off_ns, now)),
            (true, false) => Some(now),
        },
        wake_seen,
        back_ns: now,
        times: 1,
        inferred: false,
    };
    thread.run_delay_ns += now - absence.woken_ns.unwrap_or(absence.off_ns);
    came_back(thread, absence);
}

/// One time off the CPU that is over.
struct Absence {
    off_ns: u64,
    /// `None` if it never slept.
    woken_ns: Option<u64>,
    /// Who woke it is known.
    wake_seen: bool,
    back_ns: u64,
    times: u32,
    inferred: bool,
}

/// Puts a time off the CPU into the phases of the thread's call, and hands its record over.
#[inline(always)]
fn came_back(thread: &mut Thread, absence: Absence) {
    let Absence {
        off_ns,
        woken_ns,
        wake_seen,
        back_ns,
        times,
        inferred,
    } = absence;
    let slept = woken_ns.is_some();
    let (waker_tid, waker_pid, waker_context, waker_comm) = if slept && wake_seen {
        (
            thread.wake_tid,
            thread.wake_pid,
            thread.wake_context,
            thread.wake_comm,
        )
    } else {
        (0, 0, if slept { CONTEXT_UNSEEN } else { 0 }, [0; 16])
    };
    if let Some(woken_ns) = woken_ns {
        thread.call.blocked_ns += woken_ns - off_ns;
        thread.call.runnable_ns += back_ns - woken_ns;
        thread.call.sleeps += times;
        if thread.call.first_sleep_ns == 0 {
            thread.call.first_sleep_ns = off_ns;
        }
        thread.call.last_wake_ns = woken_ns;
        thread.call.waker_tid = waker_tid;
        thread.call.waker_pid = waker_pid;
        thread.call.waker_context = waker_context;
        thread.tail_from_ns = thread.call.kernel_ns;
        thread.tail_at_ns = back_ns;
    } else {
        thread.call.runnable_ns += back_ns - off_ns;
        thread.call.preemptions += times;
    }
    if inferred {
        thread.call.flags |= FLAG_INFERRED;
    }
    emit::emit(OffCpu {
        head: Head {
            kind: KIND_OFF_CPU,
            ..thread.call.head
        },
        start_ns: off_ns,
        woken_ns: woken_ns.unwrap_or(0),
        end_ns: back_ns,
        nr: thread.call.nr,
        state: if slept { thread.state } else { 0 },
        waker_tid,
        waker_pid,
        waker_context,
        times,
        flags: if inferred { OFF_CPU_INFERRED } else { 0 },
        reserved: 0,
        waker_comm,
    });
    thread.mode = ON_CPU;
    thread.on_ns = back_ns;
    thread.since_ns = back_ns;
}

/// Asks the kernel's own count, whenever something is heard of a thread that runs, whether it left the CPU and
/// the tracepoint kept silent.
#[inline(always)]
pub(crate) fn settle(thread: &mut Thread, task: Task) {
    let (slept, left) = kernel::switches(task);
    if left != thread.left || thread.mode != ON_CPU {
        infer(
            thread,
            task,
            left - thread.left,
            slept != thread.slept,
            kernel::now(),
        );
        thread.slept = slept;
        thread.left = left;
    }
}

/// A thread that runs at `now` came back unseen, or left `missed` times and nobody said so (`slept`: to sleep).
/// Its time goes where the scheduler's sums say.
///
/// ```text
///   left, seen      woken, seen      back?           now
///       | blocked       | run_delay says |  on the CPU |
///
///   last heard of                back?           now
///       | asleep      | run_delay says |              |      slept
///       | on the CPU                   | run_delay says |    preempted
/// ```
#[inline(never)]
fn infer(thread: &mut Thread, task: Task, missed: u32, slept: bool, now: u64) {
    if thread.mode == DEAD {
        return;
    }
    let away = thread.mode != ON_CPU;
    let asleep = slept || thread.mode == ASLEEP;
    let from_ns = if away { thread.off_ns } else { thread.since_ns };
    let now = if now > from_ns { now } else { from_ns };
    // It may have left unseen, and come back in sight.
    let back_seen = thread.on_ns > from_ns && thread.on_ns < now;
    let back_ns = if back_seen { thread.on_ns } else { now };
    let run_delay_ns = kernel::run_delay_ns(task);
    let delay_ns = if run_delay_ns > thread.run_delay_ns {
        clamp(run_delay_ns - thread.run_delay_ns, 0, back_ns - from_ns)
    } else {
        0
    };
    thread.run_delay_ns = run_delay_ns;
    // Read once: another CPU writes it. It may lie between the decision to sleep and the leaving of the CPU.
    let wake_ns = wake_ns(thread);
    let earliest_ns = if away && !back_seen {
        thread.on_ns
    } else {
        from_ns
    };
    let wake_seen = asleep && wake_ns != 0 && wake_ns >= earliest_ns && wake_ns <= back_ns;
    let woken_ns = if wake_seen {
        Some(clamp(wake_ns, from_ns, back_ns))
    } else {
        asleep.then_some(back_ns - delay_ns)
    };
    let once = away && missed == 0;
    let absence = Absence {
        off_ns: if asleep || once {
            from_ns
        } else {
            back_ns - delay_ns
        },
        woken_ns,
        wake_seen,
        // From a wake-up that was seen, or from when the CPU was taken from it once, the sum says when it
        // got the CPU.
        back_ns: match woken_ns {
            Some(woken_ns) if wake_seen && !back_seen => {
                clamp(woken_ns + delay_ns, woken_ns, back_ns)
            }
            None if once && !back_seen => clamp(from_ns + delay_ns, from_ns, back_ns),
            _ => back_ns,
        },
        times: missed + away as u32,
        inferred: true,
    };
    thread::account(thread, absence.off_ns);
    if asleep && thread.mode != ASLEEP {
        thread.state = thread::INTERRUPTIBLE;
    }
    count_unseen();
    came_back(thread, absence);
}

/// The last wake-up seen, as it is now.
#[inline(always)]
fn wake_ns(thread: &Thread) -> u64 {
    // SAFETY: a reference is valid to read; volatile, since another CPU writes it.
    unsafe { read_volatile(&raw const thread.wake_ns) }
}

#[inline(always)]
fn count_unseen() {
    if let Some(counters) = emit::counters() {
        counters.unseen += 1;
    }
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
    let Some((thread, known)) = thread::find_or_seed(ctx, woken, armed_ns) else {
        return;
    };
    // One that decided to sleep and has not left the CPU yet is not asleep.
    if !known && !kernel::is_on_cpu(woken) {
        thread.mode = ASLEEP;
    }
    let waker = kernel::current();
    thread.wake_pid = kernel::pid(waker);
    thread.wake_tid = kernel::tid(waker);
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
