//! Reading the kernel: the clock, tasks, registers, and what user space resolved about them.
//!
//! The only file that turns an offset into a load. No offset, register or number is written here:
//! all are read-only globals, which the verifier takes for constants.

use core::ptr::read_volatile;

use aya_ebpf::{
    helpers::{
        bpf_get_current_comm, bpf_probe_read_kernel,
        generated::{bpf_get_current_task_btf, bpf_ktime_get_boot_ns, bpf_this_cpu_ptr},
    },
    programs::BtfTracePointContext,
};
use probe_ebpf::{
    PER_CPU_MARK, PREEMPT_COUNT_HOOKED, PREEMPT_COUNT_IN_TASK, PREEMPT_COUNT_PER_CPU,
};

#[unsafe(no_mangle)]
static REGS_ARGS: [u32; 5] = [0; 5];
#[unsafe(no_mangle)]
static REGS_NR: u32 = 0;
#[unsafe(no_mangle)]
static SWITCH_HAS_STATE: u32 = 0;
#[unsafe(no_mangle)]
static TASK_STATE: u32 = 0;
#[unsafe(no_mangle)]
static TASK_PID: u32 = 0;
#[unsafe(no_mangle)]
static TASK_TGID: u32 = 0;
#[unsafe(no_mangle)]
static TASK_STARTED: u32 = 0;
#[unsafe(no_mangle)]
static TASK_SLEPT: u32 = 0;
#[unsafe(no_mangle)]
static TASK_PREEMPTED: u32 = 0;
#[unsafe(no_mangle)]
static TASK_ON_CPU: u32 = 0;
#[unsafe(no_mangle)]
static TASK_RUN_DELAY: u32 = 0;
#[unsafe(no_mangle)]
static TASK_PENDING: u32 = 0;
#[unsafe(no_mangle)]
static TASK_SECCOMP: u32 = 0;
#[unsafe(no_mangle)]
static COMPAT_WORD: u32 = 0;
#[unsafe(no_mangle)]
static COMPAT_BIT: u32 = 0;
#[unsafe(no_mangle)]
static PREEMPT_COUNT: u32 = 0;
#[unsafe(no_mangle)]
static PREEMPT_COUNT_OFFSET: u32 = 0;

/// A `struct task_struct`, of which only offsets from user space are known.
pub(crate) type Task = *const u8;
/// A `struct pt_regs`, likewise.
pub(crate) type Regs = *const u8;

/// A read-only global, as user space set it before loading.
#[inline(always)]
pub(crate) fn global<T: Copy>(value: &'static T) -> T {
    // SAFETY: a reference is valid to read; volatile, since its value in the object is not the one at run time.
    unsafe { read_volatile(value) }
}

/// Nanoseconds of `CLOCK_BOOTTIME`.
#[inline(always)]
pub(crate) fn now() -> u64 {
    // SAFETY: the helper takes nothing and always succeeds.
    unsafe { bpf_ktime_get_boot_ns() }
}

/// The task that runs now.
#[inline(always)]
pub(crate) fn current() -> Task {
    // SAFETY: the helper takes nothing and never returns null.
    unsafe { bpf_get_current_task_btf() as *const u8 }
}

/// The name of the thread that runs now.
#[inline(always)]
pub(crate) fn comm() -> [u8; 16] {
    bpf_get_current_comm().unwrap_or([0; 16])
}

/// Loads a `u32` from a kernel structure. Fault-proof: the verifier only lets through loads from
/// pointers it knows the type of, and those read 0 where memory is gone.
#[inline(always)]
fn load_u32(base: *const u8, offset: u32) -> u32 {
    // SAFETY: checked by the verifier against the structure's BTF, or the program does not load.
    unsafe { read_volatile(base.add(offset as usize).cast::<u32>()) }
}

#[inline(always)]
fn load_u64(base: *const u8, offset: u32) -> u64 {
    // SAFETY: as in `load_u32`.
    unsafe { read_volatile(base.add(offset as usize).cast::<u64>()) }
}

/// What stands at `offset` of any kernel structure; zero if that can't be read.
#[inline(always)]
pub(crate) fn read<T: Copy + Default>(base: u64, offset: u32) -> T {
    if base == 0 {
        return T::default();
    }
    let from = base.wrapping_add(offset.into()) as *const T;
    // SAFETY: the helper fails on memory that it can't read.
    unsafe { bpf_probe_read_kernel(from) }.unwrap_or_default()
}

/// The thread id of a task.
#[inline(always)]
pub(crate) fn tid(task: Task) -> u32 {
    load_u32(task, global(&TASK_PID))
}

/// The process id of a task.
#[inline(always)]
pub(crate) fn pid(task: Task) -> u32 {
    load_u32(task, global(&TASK_TGID))
}

/// How often a task left the CPU to sleep, and how often at all, by the kernel's own count. It counts just before
/// it tells of a switch, so that of the task that leaves the CPU this one is in the count:
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/sched/core.c#L6709-L6735>
#[inline(always)]
pub(crate) fn switches(task: Task) -> (u32, u32) {
    // Of the 64 bits the lower half is enough to tell differences.
    let slept = load_u32(task, global(&TASK_SLEPT));
    (
        slept,
        slept.wrapping_add(load_u32(task, global(&TASK_PREEMPTED))),
    )
}

/// Whether a task is on a CPU, or not quite off it.
#[inline(always)]
pub(crate) fn is_on_cpu(task: Task) -> bool {
    load_u32(task, global(&TASK_ON_CPU)) != 0
}

/// How long a task has wanted the CPU and had none, up to the last time it got it; 0 where the kernel does
/// not say.
#[inline(always)]
pub(crate) fn run_delay_ns(task: Task) -> u64 {
    match global(&TASK_RUN_DELAY) {
        0 => 0,
        offset => load_u64(task, offset),
    }
}

/// When a task was made, or 0 where the kernel does not say.
#[inline(always)]
pub(crate) fn started_ns(task: Task) -> u64 {
    match global(&TASK_STARTED) {
        0 => 0,
        offset => load_u64(task, offset),
    }
}

/// The state in which `prev` leaves the CPU.
///
/// The tracepoint hands it over since Linux 5.18, because the task's own field may have changed
/// by the time a program reads it:
/// <https://github.com/torvalds/linux/commit/fa2c3254d7cfff5f7a916ab928a562d1165f17bb>
#[inline(always)]
pub(crate) fn prev_state(ctx: &BtfTracePointContext, prev: Task) -> u32 {
    if global(&SWITCH_HAS_STATE) != 0 {
        let state: u64 = ctx.arg(3);
        state as u32
    } else {
        state(prev)
    }
}

/// The state of a task at this moment.
#[inline(always)]
pub(crate) fn state(task: Task) -> u32 {
    load_u32(task, global(&TASK_STATE))
}

/// The argument of this index (0 to 4) of the call that these registers are for.
#[inline(always)]
pub(crate) fn arg(regs: Regs, index: usize) -> u64 {
    load_u64(regs, global(&REGS_ARGS[index]))
}

/// The first four arguments of the call that these registers are for.
#[inline(always)]
pub(crate) fn args(regs: Regs) -> [u64; 4] {
    [arg(regs, 0), arg(regs, 1), arg(regs, 2), arg(regs, 3)]
}

/// The number of the call that these registers are for.
#[inline(always)]
pub(crate) fn nr(regs: Regs) -> u32 {
    load_u32(regs, global(&REGS_NR))
}

/// Whether a thread is in a 32-bit call, whose numbers mean other calls.
#[inline(always)]
pub(crate) fn is_compat(task: Task) -> bool {
    let bit = global(&COMPAT_BIT);
    bit != 0 && load_u32(task, global(&COMPAT_WORD)) & bit != 0
}

/// Whether a thread is about to die: the kernel puts SIGKILL among the pending signals of
/// every thread of a process that any signal ends.
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/signal.c#L1031-L1059>
#[inline(always)]
pub(crate) fn is_dying(task: Task) -> bool {
    const SIGKILL: u64 = 9;
    let pending = global(&TASK_PENDING);
    pending != 0 && load_u64(task, pending) & (1 << (SIGKILL - 1)) != 0
}

/// Whether a filter may refuse a thread's calls: then it leaves calls that it never entered.
#[inline(always)]
pub(crate) fn is_filtered(task: Task) -> bool {
    let mode = global(&TASK_SECCOMP);
    mode != 0 && load_u32(task, mode) != 0
}

/// The preemption counter of this CPU, where it can be read; see [`crate::context`].
#[inline(always)]
pub(crate) fn preempt_count() -> Option<u32> {
    let offset = global(&PREEMPT_COUNT_OFFSET);
    match global(&PREEMPT_COUNT) {
        PREEMPT_COUNT_IN_TASK => Some(load_u32(current(), offset)),
        PREEMPT_COUNT_PER_CPU => Some(load_u32(per_cpu_variable(), offset)),
        _ => None,
    }
}

/// Whether hooks on interrupts stand in for the preemption counter.
#[inline(always)]
pub(crate) fn interrupts_are_hooked() -> bool {
    global(&PREEMPT_COUNT) == PREEMPT_COUNT_HOOKED
}

/// This CPU's copy of the variable whose BTF id the loader puts in place of the mark.
///
/// A 64-bit load with that id is how a program names a kernel variable
/// (<https://github.com/torvalds/linux/commit/4976b718c3551faba2c0616ef55ebeb74db1c5ca>); a Rust
/// program has no relocation for it, so it marks the spot.
#[inline(always)]
fn per_cpu_variable() -> *const u8 {
    let variable: *const u8;
    // SAFETY: loads a constant; it is only used after the loader has replaced it.
    unsafe {
        core::arch::asm!(
            "{variable} = {mark} ll",
            variable = out(reg) variable,
            mark = const PER_CPU_MARK,
            options(pure, nomem, nostack, preserves_flags)
        );
        bpf_this_cpu_ptr(variable.cast()).cast()
    }
}
