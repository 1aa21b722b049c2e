//! What each traced thread is doing: the table, and how time is put into phases.
//!
//! Time on the CPU goes into a phase whenever something changes, from `since_ns` to now, so that
//! phases sum to the call's duration by construction.
//!
//! The table is an array, and a thread's place in it follows from its id: a call looks it up twice. With that instead
//! of a hash, and with shorter records, what tracing adds to a call fell from 505 to 386 ns.

use core::ptr::write_volatile;

use aya_ebpf::{
    EbpfContext,
    macros::map,
    maps::{Array, HashMap},
};
use aya_log_ebpf::warn;
use probe_ebpf::{
    ASLEEP, Call, DEAD, FLAG_BEGAN_BEFORE, FLAG_COPY_SEEN, Head, KIND_CALL, NO_CALL, NO_DELAY,
    ON_CPU, SEEDS_MAX, Seed, THREAD_PROBES, THREAD_SLOTS, TIMEOUT_UNKNOWN, Thread, UNKNOWN_CALL,
    thread_slot,
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
    // SAFETY: a place is a thread's own until its last switch that is seen; fields are written by one CPU at a
    // time, but for `wake_…`, see `Thread`.
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

/// In the place of a thread id: its entry is being made. Ids are below this.
const IN_THE_MAKING: u32 = 1 << 31;

/// Why a thread got no place.
enum NoPlace {
    /// Another CPU is making its entry.
    InTheMaking,
    /// There is no room.
    Full,
}

/// A place for a thread, which nobody finds before it is [`publish`]ed: a free one, or else that of a thread
/// whose last switch went unseen. Another CPU may want the same place at the same time, so process and thread
/// id, which stand side by side, are put in as one.
#[inline(always)]
fn claim(pid: u32, tid: u32) -> Result<&'static mut Thread, NoPlace> {
    let own = u64::from(pid) | u64::from(tid | IN_THE_MAKING) << 32;
    for probe in 0..THREAD_PROBES {
        let thread = at(tid, probe).ok_or(NoPlace::Full)?;
        let was = exchange((&raw mut thread.call.head.pid).cast(), 0, own);
        if was == 0 {
            return Ok(thread);
        }
        if was == own {
            return Err(NoPlace::InTheMaking);
        }
    }
    for probe in 0..THREAD_PROBES {
        let thread = at(tid, probe).ok_or(NoPlace::Full)?;
        let Head { pid, tid, .. } = thread.call.head;
        let old = u64::from(pid) | u64::from(tid) << 32;
        if thread.mode == DEAD && exchange((&raw mut thread.call.head.pid).cast(), old, own) == old
        {
            return Ok(thread);
        }
    }
    Err(NoPlace::Full)
}

/// Lets an entry be found that is all made.
#[inline(always)]
fn publish(thread: &mut Thread, tid: u32) {
    // SAFETY: a reference is valid to write; volatile, so that nothing before it is put off until after.
    unsafe { write_volatile(&raw mut thread.call.head.tid, tid) };
}

/// Puts a value in the place of another, at once for all CPUs, and returns what stood there. The target has the
/// instruction (since Linux 5.12), the language does not offer it there.
#[inline(always)]
fn exchange(place: *mut u64, expected: u64, value: u64) -> u64 {
    let mut was = expected;
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
    was
}

/// A call begins at `at_ns`: nothing is known of it, and nothing is in its phases.
#[inline(always)]
pub(crate) fn begin_call(call: &mut Call, at_ns: u64) {
    call.enter_ns = at_ns;
    call.kernel_ns = 0;
    call.blocked_ns = 0;
    call.runnable_ns = 0;
    call.copying_ns = 0;
    call.copy_ns = 0;
    call.first_sleep_ns = 0;
    call.last_wake_ns = 0;
    call.timeout_ns = TIMEOUT_UNKNOWN;
    call.ready_delay_ns = NO_DELAY;
    call.flags = 0;
    call.sleeps = 0;
    call.preemptions = 0;
}

/// Makes the entry of a thread: it is on the CPU since `at_ns`, outside any call. The caller may change that
/// before it [`publish`]es it.
#[inline(never)]
fn make(ctx: &impl EbpfContext, task: Task, at_ns: u64) -> Option<&'static mut Thread> {
    let (pid, tid) = (kernel::pid(task), kernel::tid(task));
    // One that is there belongs to a thread of the same id that ended unseen.
    let thread = match find(tid) {
        Some(thread) => thread,
        None => match claim(pid, tid) {
            Ok(thread) => thread,
            Err(NoPlace::InTheMaking) => return None,
            Err(NoPlace::Full) => {
                if let Some(counters) = counters() {
                    counters.untracked += 1;
                }
                // What it was doing when tracing began will be long over when it finds room.
                let _ = SEEDS.remove(tid);
                warn!(ctx, "no room in the table of threads for thread {}", tid);
                return None;
            }
        },
    };
    let (slept, left) = kernel::switches(task);
    let call = &mut thread.call;
    call.head.kind = KIND_CALL;
    call.head.pid = pid;
    begin_call(call, at_ns);
    call.exit_ns = at_ns;
    call.others = 0;
    call.other_ns = 0;
    call.nr = NO_CALL;
    thread.since_ns = at_ns;
    thread.on_ns = at_ns;
    thread.off_ns = at_ns;
    thread.wake_ns = 0;
    thread.tail_from_ns = 0;
    thread.tail_at_ns = at_ns;
    thread.run_delay_ns = kernel::run_delay_ns(task);
    thread.mode = ON_CPU;
    thread.state = 0;
    thread.class = 0;
    thread.effect = 0;
    thread.restart_nr = NO_CALL;
    thread.slept = slept;
    thread.left = left;
    Some(thread)
}

/// Makes the entry of a thread that is on the CPU since `at_ns`, outside any call.
#[inline(always)]
pub(crate) fn begin(ctx: &impl EbpfContext, task: Task, at_ns: u64) -> Option<&'static mut Thread> {
    let thread = make(ctx, task, at_ns)?;
    publish(thread, kernel::tid(task));
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
    let thread = make(ctx, task, armed_ns)?;
    thread.call.flags = FLAG_BEGAN_BEFORE;
    thread.call.nr = UNKNOWN_CALL;
    // SAFETY: the entry is copied from before anything could take it away.
    if let Some(seed) = unsafe { SEEDS.get(tid) } {
        thread.call.nr = seed.nr;
        thread.call.args = seed.args;
        thread.mode = ASLEEP;
        thread.state = INTERRUPTIBLE;
        // Once only: after the thread's end its id may be another's, as a leader's is after an exec.
        let _ = SEEDS.remove(tid);
    }
    publish(thread, tid);
    Some((thread, false))
}

/// `TASK_INTERRUPTIBLE`: what nearly every sleeper's state is, where the true one was not seen.
pub(crate) const INTERRUPTIBLE: u32 = 1;

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
    let new = match find(to) {
        Some(new) => Some(new),
        None => claim(old.call.head.pid, to).ok(),
    };
    if let Some(new) = new {
        let head = new.call.head;
        *new = *old;
        new.call.head = head;
        publish(new, to);
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
