//! What each traced thread is doing: the table, and how time is put into phases.
//!
//! Time on the CPU goes into a phase whenever something changes, from `since_ns` to now, so that
//! phases sum to the call's duration by construction.
//!
//! The table is an array, and a thread's place in it follows from its id, because a look-up in a hash took a
//! quarter of what a call's two programs cost.

use aya_ebpf::{
    EbpfContext,
    macros::map,
    maps::{Array, HashMap},
};
use aya_log_ebpf::warn;
use probe_ebpf::{
    ASLEEP, FLAG_BEGAN_BEFORE, FLAG_COPY_SEEN, KIND_CALL, NO_CALL, ON_CPU, SEEDS_MAX, Seed,
    THREAD_PROBES, THREAD_SLOTS, Thread, UNKNOWN_CALL, thread_slot,
};

use crate::{
    emit::counters,
    kernel::{self, Task},
};

#[map]
static THREADS: Array<Thread> = Array::with_max_entries(THREAD_SLOTS, 0);
#[map]
static SEEDS: HashMap<u32, Seed> = HashMap::with_max_entries(SEEDS_MAX, 0);

#[inline(always)]
fn at(tid: u32, probe: u32) -> Option<&'static mut Thread> {
    // SAFETY: a place is a thread's own until its last switch; fields are written by one CPU at a time, but for
    // `wake_…`, see `Thread`.
    THREADS
        .get_ptr_mut(thread_slot(tid, probe))
        .map(|thread| unsafe { &mut *thread })
}

/// The entry of a thread, if there is one.
#[inline(always)]
pub(crate) fn find(tid: u32) -> Option<&'static mut Thread> {
    for probe in 0..THREAD_PROBES {
        let thread = at(tid, probe)?;
        if thread.call.head.tid == tid {
            return Some(thread);
        }
    }
    None
}

/// A free place, made this thread's own. Another CPU may want the same place at the same time, so process and
/// thread id, which stand side by side, are put in as one.
#[inline(always)]
fn claim(pid: u32, tid: u32) -> Option<&'static mut Thread> {
    let own = u64::from(pid) | u64::from(tid) << 32;
    for probe in 0..THREAD_PROBES {
        let thread = at(tid, probe)?;
        if exchange_zero((&raw mut thread.call.head.pid).cast(), own) {
            return Some(thread);
        }
    }
    None
}

/// Puts a value where a zero stands, and returns whether one did, at once for all CPUs. The target has the
/// instruction (since Linux 5.12), the language does not offer it there.
#[inline(always)]
fn exchange_zero(place: *mut u64, value: u64) -> bool {
    let mut was: u64 = 0;
    // SAFETY: both halves stand in a map's value, aligned to 8 bytes as the contract asserts; what is not as
    // the verifier wants it does not load.
    unsafe {
        core::arch::asm!(
            "r0 = cmpxchg_64(r1 + 0, r0, r2)",
            inout("r0") was,
            in("r1") place,
            in("r2") value,
        );
    }
    was == 0
}

/// Makes the entry of a thread: it is on the CPU since `at_ns`, outside any call.
#[inline(always)]
pub(crate) fn begin(ctx: &impl EbpfContext, task: Task, at_ns: u64) -> Option<&'static mut Thread> {
    let (pid, tid) = (kernel::pid(task), kernel::tid(task));
    // One that is there belongs to a thread of the same id that ended unseen.
    let Some(thread) = find(tid).or_else(|| claim(pid, tid)) else {
        if let Some(counters) = counters() {
            counters.untracked += 1;
        }
        warn!(ctx, "no room in the table of threads for thread {}", tid);
        return None;
    };
    let (slept, left) = kernel::switches(task);
    thread.call.head.kind = KIND_CALL;
    thread.call.head.pid = pid;
    thread.call.enter_ns = at_ns;
    thread.call.exit_ns = at_ns;
    thread.call.kernel_ns = 0;
    thread.call.blocked_ns = 0;
    thread.call.runnable_ns = 0;
    thread.call.copying_ns = 0;
    thread.call.sleeps = 0;
    thread.call.preemptions = 0;
    thread.call.flags = 0;
    thread.call.others = 0;
    thread.call.other_ns = 0;
    thread.call.nr = NO_CALL;
    thread.since_ns = at_ns;
    thread.on_ns = at_ns;
    thread.off_ns = at_ns;
    thread.wake_ns = 0;
    thread.tail_from_ns = 0;
    thread.tail_at_ns = at_ns;
    thread.run_delay_ns = kernel::run_delay_ns(task);
    thread.mode = ON_CPU;
    thread.class = 0;
    thread.restart_nr = NO_CALL;
    thread.slept = slept;
    thread.left = left;
    Some(thread)
}

/// The entry of a thread, made if it has none. Either it was there before tracing was armed: then it was
/// doing what its seed says, or if it has none, what it was doing is not known until it enters or leaves a
/// call. Or it is one that the kernel made for itself (io_uring's workers), which makes no calls and
/// whose birth no hook tells. With it comes whether it had one.
#[inline(always)]
pub(crate) fn find_or_seed(
    ctx: &impl EbpfContext,
    task: Task,
    armed_ns: u64,
) -> Option<(&'static mut Thread, bool)> {
    let tid = kernel::tid(task);
    if let Some(thread) = find(tid) {
        return Some((thread, true));
    }
    let started_ns = kernel::started_ns(task);
    if started_ns > armed_ns {
        return Some((begin(ctx, task, started_ns)?, false));
    }
    let thread = begin(ctx, task, armed_ns)?;
    thread.call.flags = FLAG_BEGAN_BEFORE;
    thread.call.nr = UNKNOWN_CALL;
    // SAFETY: the entry is copied from before anything could take it away.
    if let Some(seed) = unsafe { SEEDS.get(tid) } {
        thread.call.nr = seed.nr;
        thread.call.args = seed.args;
        thread.mode = ASLEEP;
        thread.state = INTERRUPTIBLE;
    }
    Some((thread, false))
}

/// `TASK_INTERRUPTIBLE`: what nearly every sleeper's state is; its next sleep tells the true one.
const INTERRUPTIBLE: u32 = 1;

/// Gives a thread's place back.
#[inline(always)]
pub(crate) fn forget(tid: u32) {
    if let Some(thread) = find(tid) {
        free(thread);
    }
}

#[inline(always)]
fn free(thread: &mut Thread) {
    thread.call.head.pid = 0;
    thread.call.head.tid = 0;
}

/// Moves an entry to another thread id; whatever stood there is gone.
#[inline(always)]
pub(crate) fn rename(from: u32, to: u32) {
    let Some(old) = find(from) else { return };
    if let Some(new) = find(to).or_else(|| claim(old.call.head.pid, to)) {
        let head = new.call.head;
        *new = *old;
        new.call.head = head;
    }
    free(old);
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
