//! What both sides keep in maps: bounds, the switch that arms, the counters, what threads did before and do now.
//! It must never hold what one side alone needs.

use super::Call;

/// Entries of the table of syscalls; a larger number counts as unclassified.
pub const SYSCALLS_MAX: u32 = 1024;
/// Places in the table of threads; a power of two.
pub const THREAD_SLOTS: u32 = 32_768;
/// How many places may be a thread's. Thread ids come one after the other, so that the first of them is
/// almost always free; a thread that finds all of them taken is counted as untracked.
pub const THREAD_PROBES: u32 = 8;
/// How far apart they are: far, since ids that come one after the other take places that do.
const THREAD_STRIDE: u32 = 4_051;
/// What user space may say of threads that were there before.
pub const SEEDS_MAX: u32 = 16_384;

/// The place in the table that a thread tries at its `probe`th attempt, below [`THREAD_PROBES`].
#[inline(always)]
pub const fn thread_slot(tid: u32, probe: u32) -> u32 {
    tid.wrapping_add(probe.wrapping_mul(THREAD_STRIDE)) % THREAD_SLOTS
}
/// Processes that can be traced at one time.
pub const TARGETS_MAX: u32 = 4_096;
/// Default size of the ring, in bytes.
pub const RING_BYTES: u32 = 16 << 20;

/// Set by user space to arm all programs at once: the last step of attaching.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// When tracing began; 0 means not armed, and every program returns at once.
    pub armed_ns: u64,
}

/// What one CPU made and what it lost. `made = delivered + lost`, always.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records this CPU tried to hand over.
    pub made: u64,
    /// Records the ring had no room for.
    pub lost: u64,
    /// Of those, how many since the last record that got through.
    pub lost_pending: u64,
    /// 1 if an `Fd` or a `Life` is among those pending, see [`LOST_STATE`](crate::LOST_STATE).
    pub lost_state: u64,
    /// Times a thread could not be tracked, for want of room in the table of threads.
    pub untracked: u64,
    /// 32-bit calls, which are not recorded.
    pub compat: u64,
    /// Times that a thread left the CPU or came back and the tracepoint kept silent, see
    /// [`OFF_CPU_INFERRED`].
    pub unseen: u64,
}

/// A traced thread is on the CPU.
pub const ON_CPU: u32 = 0;
/// A traced thread left the CPU asleep.
pub const ASLEEP: u32 = 1;
/// A traced thread left the CPU but still wants it.
pub const PREEMPTED: u32 = 2;
/// A traced thread has ended, but for its last step off the CPU.
pub const DEAD: u32 = 3;

/// What a thread was doing when tracing began, as far as `/proc` tells.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seed {
    /// The arguments of its call.
    pub args: [u64; 4],
    /// The number of its call.
    pub nr: u32,
    /// Zero.
    pub reserved: u32,
}

/// What one thread is doing now. Kept by the programs, read by user space for open calls.
///
/// The scheduler's wake-up runs on another CPU than the thread: once the entry is made, it writes `wake_…` and
/// nothing else, and nothing else writes that, so that no two CPUs write one field.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// The call the thread is in, as far as it has come; `nr` is [`NO_CALL`] outside calls. A place with the
    /// thread id 0 is free.
    pub call: Call,
    /// Up to when the time on the CPU has been put into a phase.
    pub since_ns: u64,
    /// When it last got the CPU.
    pub on_ns: u64,
    /// When it last left the CPU.
    pub off_ns: u64,
    /// The last wake-up seen, whether or not it slept then.
    pub wake_ns: u64,
    /// Kernel time of the call up to the end of its last sleep.
    pub tail_from_ns: u64,
    /// When the end of the last sleep was.
    pub tail_at_ns: u64,
    /// The scheduler's sum of the time it wanted the CPU, as far as it is accounted for here.
    pub run_delay_ns: u64,
    /// [`ON_CPU`], [`ASLEEP`], [`PREEMPTED`] or [`DEAD`].
    pub mode: u32,
    /// The scheduler's state as it left the CPU.
    pub state: u32,
    /// Class of the call.
    pub class: u32,
    /// What it does to descriptors: one of the `EFFECT_…` constants.
    pub effect: u32,
    /// Number of the call that a signal interrupted, or [`NO_CALL`].
    pub restart_nr: u32,
    /// Who made the last wake-up seen.
    pub wake_tid: u32,
    /// Its process.
    pub wake_pid: u32,
    /// One of the `CONTEXT_…` constants.
    pub wake_context: u32,
    /// How often it had left the CPU for sleep, by the kernel's count, when last looked at.
    pub slept: u32,
    /// How often it had left the CPU at all, likewise.
    pub left: u32,
    /// The waker's name.
    pub wake_comm: [u8; 16],
    /// Arguments of the call that a signal interrupted.
    pub restart_args: [u64; 4],
}
