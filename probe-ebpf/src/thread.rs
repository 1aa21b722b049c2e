//! What each traced thread is doing: the table, and how time is put into phases.
//!
//! Time on the CPU goes into a phase whenever something changes, from `since_ns` to now, so that
//! phases sum to the call's duration by construction.

use aya_ebpf::{macros::map, maps::HashMap};
use aya_log_ebpf::warn;
use probe_ebpf::{
    Call, FLAG_BEGAN_BEFORE, FLAG_COPY_SEEN, Head, KIND_CALL, NO_CALL, ON_CPU, THREADS_MAX, Thread,
    UNKNOWN_CALL,
};

use crate::emit::counters;

#[map]
static THREADS: HashMap<u32, Thread> = HashMap::with_max_entries(THREADS_MAX, 0);

/// What a new entry is copied from. In read-only memory because it would fill the stack.
#[unsafe(no_mangle)]
static BLANK: Thread = Thread {
    call: Call {
        head: Head {
            kind: KIND_CALL,
            cpu: 0,
            lost: 0,
            pid: 0,
            tid: 0,
        },
        enter_ns: 0,
        exit_ns: 0,
        kernel_ns: 0,
        blocked_ns: 0,
        runnable_ns: 0,
        copying_ns: 0,
        copy_ns: 0,
        first_sleep_ns: 0,
        last_wake_ns: 0,
        timeout_ns: 0,
        other_ns: 0,
        args: [0; 4],
        ret: 0,
        nr: NO_CALL,
        flags: 0,
        sleeps: 0,
        preemptions: 0,
        others: 0,
        waker_tid: 0,
        waker_pid: 0,
        waker_context: 0,
    },
    since_ns: 0,
    on_ns: 0,
    off_ns: 0,
    wake_ns: 0,
    tail_from_ns: 0,
    tail_at_ns: 0,
    mode: ON_CPU,
    state: 0,
    class: 0,
    restart_nr: NO_CALL,
    wake_tid: 0,
    wake_pid: 0,
    wake_context: 0,
    reserved: 0,
    wake_comm: [0; 16],
    restart_args: [0; 4],
};

/// The entry of a thread, if there is one.
#[inline(always)]
pub(crate) fn find(tid: u32) -> Option<&'static mut Thread> {
    // SAFETY: the entry stays until the thread's own last switch; fields are written by one CPU at a
    // time, but for `wake_…`, see `Thread`.
    THREADS
        .get_ptr_mut(tid)
        .map(|thread| unsafe { &mut *thread })
}

/// Makes the entry of a thread that was just made: it is outside any call.
#[inline(always)]
pub(crate) fn begin(
    ctx: &impl aya_ebpf::EbpfContext,
    pid: u32,
    tid: u32,
    at_ns: u64,
) -> Option<&'static mut Thread> {
    // An entry that is there belongs to a thread of the same id that ended unseen.
    if THREADS.insert(tid, &BLANK, 0).is_err() {
        if let Some(counters) = counters() {
            counters.untracked += 1;
        }
        warn!(ctx, "no room in the table of threads for thread {}", tid);
        return None;
    }
    let thread = find(tid)?;
    thread.call.head.pid = pid;
    thread.call.head.tid = tid;
    thread.since_ns = at_ns;
    thread.on_ns = at_ns;
    thread.off_ns = at_ns;
    Some(thread)
}

/// The entry of a thread, made if it has none. Either it was there before tracing was armed, and what
/// it has been doing since is not known until it enters or leaves a call; or it is one that the kernel
/// made for itself (io_uring's workers), which makes no calls and whose birth no hook tells.
///
/// `started_ns` is when it was made, or 0 if that was not looked up.
#[inline(always)]
pub(crate) fn find_or_seed(
    ctx: &impl aya_ebpf::EbpfContext,
    pid: u32,
    tid: u32,
    armed_ns: u64,
    started_ns: u64,
) -> Option<&'static mut Thread> {
    if let Some(thread) = find(tid) {
        return Some(thread);
    }
    if started_ns > armed_ns {
        return begin(ctx, pid, tid, started_ns);
    }
    let thread = begin(ctx, pid, tid, armed_ns)?;
    thread.call.nr = UNKNOWN_CALL;
    thread.call.flags = FLAG_BEGAN_BEFORE;
    thread.call.enter_ns = armed_ns;
    thread.tail_at_ns = armed_ns;
    Some(thread)
}

/// Removes the entry of a thread.
#[inline(always)]
pub(crate) fn forget(tid: u32) {
    let _ = THREADS.remove(tid);
}

/// Moves an entry to another thread id; whatever stood there is gone.
#[inline(always)]
pub(crate) fn rename(from: u32, to: u32) {
    if let Some(thread) = find(from) {
        let _ = THREADS.insert(to, &*thread, 0);
        forget(from);
        if let Some(thread) = find(to) {
            thread.call.head.tid = to;
        }
    }
}

/// Puts the time on the CPU up to `now` into the phase it belongs to, and returns the time used:
/// `now`, or the last time seen where the clock of another CPU was ahead by a hair.
#[inline(always)]
pub(crate) fn account(thread: &mut Thread, now: u64) -> u64 {
    let now = if now > thread.since_ns {
        now
    } else {
        thread.since_ns
    };
    let passed = now - thread.since_ns;
    if thread.call.flags & FLAG_COPY_SEEN != 0 {
        thread.call.copying_ns += passed;
    } else {
        thread.call.kernel_ns += passed;
    }
    thread.since_ns = now;
    now
}
