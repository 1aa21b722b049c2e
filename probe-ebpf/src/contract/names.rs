//! Names of the maps and of the read-only globals in the object. It must never hold a value that only one kernel has.

/// Names of the maps in the object.
pub mod map {
    /// Ring buffer of records, drained by user space.
    pub const RECORDS: &str = "RECORDS";
    /// Array of [`THREAD_SLOTS`](crate::THREAD_SLOTS) [`Thread`](crate::Thread): what each traced thread is
    /// doing now, at a place that [`thread_slot`](crate::thread_slot) finds.
    pub const THREADS: &str = "THREADS";
    /// Hash of thread id to [`Seed`](crate::Seed): what threads were doing when tracing began.
    pub const SEEDS: &str = "SEEDS";
    /// Hash of process id to `u8`: the traced processes, used when there may be several.
    pub const TARGETS: &str = "TARGETS";
    /// Array of one [`Control`](crate::Control).
    pub const CONTROL: &str = "CONTROL";
    /// Per-CPU array of one [`Counters`](crate::Counters).
    pub const COUNTERS: &str = "COUNTERS";
    /// Hash of the address of a request to [`Request`](crate::Request): those under way.
    pub const REQUESTS: &str = "REQUESTS";
    /// Array of [`SYSCALLS_MAX`](crate::SYSCALLS_MAX) [`Syscall`](crate::Syscall), by number.
    pub const SYSCALLS: &str = "SYSCALLS";
}

/// Names of the read-only globals. Offsets are in bytes.
pub mod global {
    /// `u32`: the one process traced, or 0 where the map of targets decides.
    pub const TARGET: &str = "TARGET";
    /// `u32`: 1 to trace children of the target too.
    pub const FOLLOW: &str = "FOLLOW";
    /// `u8`: the level up to which the programs log through `aya-log`; 0 prunes all of it.
    pub const LOG_LEVEL: &str = "AYA_LOG_LEVEL";
    /// `[u32; 5]`: where the first five syscall arguments stand in `struct pt_regs`.
    pub const REGS_ARGS: &str = "REGS_ARGS";
    /// `u32`: where the syscall number stands in `struct pt_regs`.
    pub const REGS_NR: &str = "REGS_NR";
    /// `u32`: 1 if `sched_switch` hands over `prev_state` as its fourth argument (Linux 5.18).
    pub const SWITCH_HAS_STATE: &str = "SWITCH_HAS_STATE";
    /// `u32`: offset of `task_struct.__state` (`state` before 5.14).
    pub const TASK_STATE: &str = "TASK_STATE";
    /// `u32`: offset of `task_struct.pid`, which user space calls the thread id.
    pub const TASK_PID: &str = "TASK_PID";
    /// `u32`: offset of `task_struct.tgid`, which user space calls the process id.
    pub const TASK_TGID: &str = "TASK_TGID";
    /// `u32`: offset of `task_struct.start_boottime`, or 0 if it is not known.
    pub const TASK_STARTED: &str = "TASK_STARTED";
    /// `u32`: offset of `task_struct.nvcsw`: how often it left the CPU to sleep.
    pub const TASK_SLEPT: &str = "TASK_SLEPT";
    /// `u32`: offset of `task_struct.nivcsw`: how often the CPU was taken from it.
    pub const TASK_PREEMPTED: &str = "TASK_PREEMPTED";
    /// `u32`: offset of `task_struct.on_cpu`.
    pub const TASK_ON_CPU: &str = "TASK_ON_CPU";
    /// `u32`: offset of `task_struct.sched_info.run_delay`: how long it wanted the CPU and had none; or 0
    /// where the kernel does not say.
    pub const TASK_RUN_DELAY: &str = "TASK_RUN_DELAY";
    /// `u32`: offset of `task_struct.pending.signal.sig`, or 0 if it is not known.
    pub const TASK_PENDING: &str = "TASK_PENDING";
    /// `u32`: offset of `task_struct.seccomp.mode`, or 0 if it is not known.
    pub const TASK_SECCOMP: &str = "TASK_SECCOMP";
    /// `u32`: offset in `task_struct` of the word that marks a 32-bit call.
    pub const COMPAT_WORD: &str = "COMPAT_WORD";
    /// `u32`: the bit in that word, or 0 where the kernel has no 32-bit calls.
    pub const COMPAT_BIT: &str = "COMPAT_BIT";
    /// `u32`: where the preemption counter stands: one of the `PREEMPT_COUNT_…` constants.
    pub const PREEMPT_COUNT: &str = "PREEMPT_COUNT";
    /// `u32`: its offset, from `task_struct` or from the per-CPU variable.
    pub const PREEMPT_COUNT_OFFSET: &str = "PREEMPT_COUNT_OFFSET";
    /// [`FileOffsets`](crate::FileOffsets): where the kernel keeps what stands behind a descriptor.
    pub const FILE: &str = "FILE";
    /// [`RequestOffsets`](crate::RequestOffsets): where the kernel keeps what a request of an `io_uring` is.
    pub const REQUEST: &str = "REQUEST";
    /// `u32`: 1 to record what descriptors stand for.
    pub const NAMES: &str = "NAMES";
    /// `u32`: 1 to record what came of the descriptors that readiness calls waited for.
    pub const READY_SETS: &str = "READY_SETS";
    /// `u32`: bytes of a `struct epoll_event`, which is packed on x86 only.
    pub const EPOLL_EVENT_BYTES: &str = "EPOLL_EVENT_BYTES";
    /// `u32`: a record that fills the ring beyond this many bytes wakes user space at once.
    pub const WAKE_AT_BYTES: &str = "WAKE_AT_BYTES";
}

/// The preemption counter can't be read: a waker's context is unknown.
pub const PREEMPT_COUNT_UNKNOWN: u32 = 0;
/// The preemption counter is a field of `task_struct` (arm64).
pub const PREEMPT_COUNT_IN_TASK: u32 = 1;
/// The preemption counter is a per-CPU variable (x86): the loader has put its BTF id in place of
/// [`PER_CPU_MARK`].
pub const PREEMPT_COUNT_PER_CPU: u32 = 2;
/// The preemption counter can't be read, and hooks on interrupts say when one runs.
pub const PREEMPT_COUNT_HOOKED: u32 = 3;
/// The 64-bit immediate that the loader finds in the object and replaces by the BTF id of the
/// per-CPU variable that holds the preemption counter.
pub const PER_CPU_MARK: u64 = 0x7761_6974_7363_6f70;
