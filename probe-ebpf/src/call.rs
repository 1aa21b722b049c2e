//! Opening and closing calls: entry, exit, and what a signal does to them.

use aya_ebpf::{
    helpers::bpf_probe_read_user, macros::map, maps::Array, programs::BtfTracePointContext,
};
use aya_log_ebpf::debug;
use probe_ebpf::{
    Brief, CLASS_NO_RETURN, CLASS_OTHER, CLASS_RECEIVE, CLASS_RESTART, CLASS_SEND, EFFECT_SELECT,
    FLAG_BEGAN_BEFORE, FLAG_CONTINUES, FLAG_COPY_INFERRED, FLAG_COPY_SEEN, FLAG_ENTRY_UNSEEN,
    FLAG_KILLED, Head, KIND_BRIEF, NO_CALL, NO_COPY, SYSCALLS_MAX, Syscall, TIMEOUT_NONE,
    TIMEOUT_NOT_POINTED, TIMEOUT_TIMESPEC, TIMEOUT_UNKNOWN, Thread, UNKNOWN_CALL,
};

use crate::{
    descriptor, emit,
    kernel::{self, Regs},
    ready, sched, target, thread,
};

/// What a call returns inside the kernel when `restart_syscall` is to go on with it. Part of no
/// header for user space, but fixed since Linux 2.6:
/// <https://github.com/torvalds/linux/blob/v6.12/include/linux/errno.h#L19>
const ERESTART_RESTARTBLOCK: i64 = 516;
/// The first of its kind, all of which stand for a call that a signal interrupted.
const ERESTARTSYS: i64 = 512;
const EINTR: i64 = 4;

#[map]
static SYSCALLS: Array<Syscall> = Array::with_max_entries(SYSCALLS_MAX, 0);

#[inline(always)]
fn syscall(nr: u32) -> Syscall {
    SYSCALLS.get(nr).copied().unwrap_or_default()
}

/// A thread enters a call.
#[inline(always)]
pub(crate) fn enter(ctx: &BtfTracePointContext, regs: Regs, nr: i64) {
    let task = kernel::current();
    if !target::is_target(kernel::pid(task)) {
        return;
    }
    let Some(armed_ns) = target::armed_ns() else {
        return;
    };
    let Some((thread, _)) = thread::find_or_seed(ctx, task, armed_ns) else {
        return;
    };
    sched::settle(thread, task);
    let mut nr = nr as u32;
    let mut syscall = syscall(nr);
    let mut args = kernel::args(regs);
    let mut flags = 0;
    if kernel::is_compat(task) {
        if let Some(counters) = emit::counters() {
            counters.compat += 1;
        }
        debug!(
            ctx,
            "thread {} made 32-bit call {}, which is not recorded",
            kernel::tid(task),
            nr
        );
        thread.call.nr = NO_CALL;
        return;
    }
    if syscall.class == CLASS_NO_RETURN {
        // After a handler of the program's (`rt_sigreturn`) the same call may be a new one.
        thread.restart_nr = NO_CALL;
        thread.call.nr = NO_CALL;
        return;
    }
    if thread.restart_nr != NO_CALL {
        if syscall.class == CLASS_RESTART {
            nr = thread.restart_nr;
            args = thread.restart_args;
            flags = FLAG_CONTINUES;
            syscall = self::syscall(nr);
        } else if nr == thread.restart_nr && args == thread.restart_args {
            // Made again by the kernel, to the program's mind it never returned.
            flags = FLAG_CONTINUES;
        }
        thread.restart_nr = NO_CALL;
    }
    let timeout_ns = timeout(&syscall, regs);
    if syscall.effect == EFFECT_SELECT {
        ready::asked(kernel::tid(task), &args);
    }

    // The clock last, so that the tool's own work above is not counted as the call's.
    let now = kernel::now();
    // The clock may step back by a hair; a call never begins before the last one ended.
    let now = if now > thread.since_ns {
        now
    } else {
        thread.since_ns
    };
    let call = &mut thread.call;
    thread::begin_call(call, now);
    call.timeout_ns = timeout_ns;
    call.args = args;
    call.nr = nr;
    call.flags = flags;
    thread.class = syscall.class.into();
    thread.effect = syscall.effect.into();
    thread.tail_from_ns = 0;
    thread.tail_at_ns = now;
    thread.since_ns = now;
}

/// A thread leaves a call.
#[inline(always)]
pub(crate) fn exit(ctx: &BtfTracePointContext, regs: Regs, ret: i64) {
    let task = kernel::current();
    if !target::is_target(kernel::pid(task)) {
        return;
    }
    let Some(armed_ns) = target::armed_ns() else {
        return;
    };
    let now = kernel::now();
    let Some((thread, _)) = thread::find_or_seed(ctx, task, armed_ns) else {
        return;
    };
    sched::settle(thread, task);
    // A new thread's first act is to leave the call that made it, in which it never was; and a call
    // refused at its entry (a filter, a tracer) has an exit only.
    if thread.call.nr == NO_CALL {
        return;
    }
    if thread.call.flags & FLAG_BEGAN_BEFORE != 0 {
        if kernel::is_compat(task) {
            if let Some(counters) = emit::counters() {
                counters.compat += 1;
            }
            thread.call.nr = NO_CALL;
            return;
        }
        if thread.call.nr == UNKNOWN_CALL && thread.call.sleeps == 0 && kernel::is_filtered(task) {
            // It may have been on the CPU in a call when tracing began, or was refused this one: nobody can say.
            thread.call.nr = NO_CALL;
            return;
        }
        settle_unseen_entry(thread, regs);
    }
    let now = thread::account(thread, now);
    if thread.effect != 0 {
        descriptor::effect(thread, task, now, ret);
    }
    if thread.class == u32::from(CLASS_OTHER)
        && thread.call.sleeps == 0
        && thread.call.preemptions == 0
    {
        thread.call.others += 1;
        thread.call.other_ns += now - thread.call.enter_ns;
        thread.call.nr = NO_CALL;
        return;
    }
    let restarts = (-ERESTART_RESTARTBLOCK..=-ERESTARTSYS).contains(&ret);
    if (ret == -EINTR || restarts) && kernel::is_dying(task) {
        // What it returns reaches nobody.
        thread.call.flags |= FLAG_KILLED;
    } else if restarts {
        thread.restart_nr = thread.call.nr;
        thread.restart_args = thread.call.args;
    }
    if ret > 0 {
        infer_copying(thread);
    }
    thread.call.exit_ns = now;
    thread.call.ret = ret;
    match brief(thread) {
        Some(brief) => emit::emit(brief),
        None => emit::emit(thread.call),
    }
    settle_accounts(thread);
}

/// Finishes the record of a call that never returns, and hands it over.
#[inline(always)]
pub(crate) fn close(thread: &mut Thread, now: u64) {
    thread.call.exit_ns = now;
    thread.call.ret = 0;
    emit::emit(thread.call);
    settle_accounts(thread);
}

/// The call in less than half of the room, if the thread stayed on the CPU and every number fits.
#[inline(always)]
fn brief(thread: &Thread) -> Option<Brief> {
    let call = &thread.call;
    let duration_ns = call.exit_ns - call.enter_ns;
    let [a, b, c, d] = call.args;
    let fits = call.sleeps == 0
        && call.preemptions == 0
        && call.timeout_ns == TIMEOUT_UNKNOWN
        && duration_ns < NO_COPY.into()
        && i64::from(call.ret as i32) == call.ret
        && c >> 32 == 0
        && call.other_ns >> 32 == 0
        && call.nr < SYSCALLS_MAX;
    fits.then_some(Brief {
        head: Head {
            kind: KIND_BRIEF,
            ..call.head
        },
        enter_ns: call.enter_ns,
        duration_ns: duration_ns as u32,
        copy_after_ns: if call.copy_ns == 0 {
            NO_COPY
        } else {
            (call.copy_ns - call.enter_ns) as u32
        },
        ret: call.ret as i32,
        nr: call.nr as u16,
        flags: call.flags as u16,
        args: [a as u32, b as u32, c as u32, d as u32],
        others: call.others,
        other_ns: call.other_ns as u32,
        // What is too long to say counts as not seen.
        ready_delay_ns: if call.ready_delay_ns < u32::MAX.into() {
            call.ready_delay_ns as u32
        } else {
            u32::MAX
        },
        reserved: 0,
    })
}

/// The record is out: what it told of the calls before it is not told again.
#[inline(always)]
fn settle_accounts(thread: &mut Thread) {
    thread.call.others = 0;
    thread.call.other_ns = 0;
    thread.call.nr = NO_CALL;
}

/// The call was in flight when tracing began: only its exit says which one it was.
#[inline(always)]
fn settle_unseen_entry(thread: &mut Thread, regs: Regs) {
    let nr = kernel::nr(regs);
    if thread.call.nr == UNKNOWN_CALL {
        thread.call.args = kernel::args(regs);
        thread.call.timeout_ns = TIMEOUT_UNKNOWN;
        thread.call.flags |= FLAG_ENTRY_UNSEEN;
    }
    thread.call.nr = nr;
    let syscall = syscall(nr);
    thread.class = syscall.class.into();
    thread.effect = syscall.effect.into();
}

/// A transfer call that moved bytes without the kernel telling when: the time on the CPU after its
/// last sleep (or all of it, if it never slept) is taken for copying, and marked.
#[inline(always)]
fn infer_copying(thread: &mut Thread) {
    let transfer =
        thread.class == u32::from(CLASS_RECEIVE) || thread.class == u32::from(CLASS_SEND);
    if !transfer || thread.call.flags & FLAG_COPY_SEEN != 0 {
        return;
    }
    let tail_ns = thread.call.kernel_ns - thread.tail_from_ns;
    thread.call.kernel_ns -= tail_ns;
    thread.call.copying_ns += tail_ns;
    thread.call.copy_ns = thread.tail_at_ns;
    thread.call.flags |= FLAG_COPY_INFERRED;
}

/// The timeout that an argument points to, in nanoseconds.
#[inline(always)]
fn timeout(syscall: &Syscall, regs: Regs) -> i64 {
    if syscall.timeout == TIMEOUT_NOT_POINTED {
        return TIMEOUT_UNKNOWN;
    }
    // One load a constant index: the verifier refuses an offset that it can't know.
    let pointer = match syscall.timeout_arg {
        2 => kernel::arg(regs, 2),
        3 => kernel::arg(regs, 3),
        _ => kernel::arg(regs, 4),
    };
    if pointer == 0 {
        return TIMEOUT_NONE;
    }
    // SAFETY: the helper fails on memory it can't read.
    let Ok([seconds, rest]) = (unsafe { bpf_probe_read_user(pointer as *const [u64; 2]) }) else {
        return TIMEOUT_UNKNOWN;
    };
    let rest_ns = if syscall.timeout == TIMEOUT_TIMESPEC {
        rest
    } else {
        rest.wrapping_mul(1000)
    };
    let total_ns = seconds.wrapping_mul(1_000_000_000).wrapping_add(rest_ns) as i64;
    if total_ns < 0 || seconds > i64::MAX as u64 / 1_000_000_000 {
        TIMEOUT_UNKNOWN
    } else {
        total_ns
    }
}
