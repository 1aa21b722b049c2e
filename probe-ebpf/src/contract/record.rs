//! The records of calls, of times off the CPU, and of threads that come and go. A record must never have padding:
//! that would hand over memory of the kernel.

use super::TIMEOUT_UNKNOWN;

/// [`Head::kind`] of a [`Call`].
pub const KIND_CALL: u16 = 1;
/// [`Head::kind`] of an [`OffCpu`].
pub const KIND_OFF_CPU: u16 = 2;
/// [`Head::kind`] of a [`Life`].
pub const KIND_LIFE: u16 = 3;
/// [`Head::kind`] of a [`Brief`].
pub const KIND_BRIEF: u16 = 4;
/// [`Head::kind`] of an [`Fd`].
pub const KIND_FD: u16 = 5;
/// [`Head::kind`] of a [`Ready`].
pub const KIND_READY: u16 = 6;
/// [`Head::kind`] of a [`Request`](crate::Request).
pub const KIND_REQUEST: u16 = 7;

/// In [`Head::lost`]: among those lost was an [`Fd`](crate::Fd) or a [`Life`]. What descriptors' numbers stand for is not
/// known any more.
pub const LOST_STATE: u32 = 1 << 31;

/// What every record begins with.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// One of the `KIND_…` constants.
    pub kind: u16,
    /// The CPU it was made on.
    pub cpu: u16,
    /// Records lost on this CPU since the last one that got through; with [`LOST_STATE`], if one of them was of a
    /// kind that later ones build on.
    pub lost: u32,
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
}

/// One finished call. `kernel_ns + blocked_ns + runnable_ns + copying_ns = exit_ns - enter_ns`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Kind, CPU, loss, process and thread.
    pub head: Head,
    /// When the call was entered, or when tracing began ([`FLAG_BEGAN_BEFORE`]).
    pub enter_ns: u64,
    /// When the call returned, or when the thread died in it ([`FLAG_KILLED`]).
    pub exit_ns: u64,
    /// On the CPU in the call, but not copying.
    pub kernel_ns: u64,
    /// Off the CPU, asleep.
    pub blocked_ns: u64,
    /// Off the CPU, wanting it.
    pub runnable_ns: u64,
    /// On the CPU, copying.
    pub copying_ns: u64,
    /// When copying began; 0 if it did not.
    pub copy_ns: u64,
    /// When the first sleep began; 0 if there was none.
    pub first_sleep_ns: u64,
    /// The last wake-up; 0 if there was none.
    pub last_wake_ns: u64,
    /// The timeout that an argument points to, or one of the `TIMEOUT_…` values below zero.
    pub timeout_ns: i64,
    /// Time on the CPU in calls not recorded, on this thread since its last record of a call.
    pub other_ns: u64,
    /// How long what was read had been there, or [`NO_DELAY`].
    pub ready_delay_ns: u64,
    /// The first four arguments as they were at entry.
    pub args: [u64; 4],
    /// What the call returned, unchecked: below zero a negated errno.
    pub ret: i64,
    /// The syscall's number.
    pub nr: u32,
    /// `FLAG_…` bits.
    pub flags: u32,
    /// How often the thread fell asleep in it.
    pub sleeps: u32,
    /// How often it was preempted in it.
    pub preemptions: u32,
    /// Calls not recorded, on this thread since its last record of a call.
    pub others: u32,
    /// The thread that made the last wake-up; only meaningful with `last_wake_ns`.
    pub waker_tid: u32,
    /// Its process.
    pub waker_pid: u32,
    /// One of the `CONTEXT_…` constants.
    pub waker_context: u32,
}

/// A finished call in which the thread never left the CPU: most of the calls of a busy server. It says all that
/// a [`Call`] does, in less than half of the room, because the cost of a call's record is the memory it touches.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brief {
    /// Kind, CPU, loss, process and thread.
    pub head: Head,
    /// When the call was entered.
    pub enter_ns: u64,
    /// How long it took.
    pub duration_ns: u32,
    /// How long after the entry copying began; [`NO_COPY`] if it did not.
    pub copy_after_ns: u32,
    /// What the call returned: below zero a negated errno.
    pub ret: i32,
    /// The syscall's number.
    pub nr: u16,
    /// `FLAG_…` bits.
    pub flags: u16,
    /// The lower halves of the first four arguments; the upper half of the third is zero, and nobody asks for
    /// those of the others.
    pub args: [u32; 4],
    /// Calls not recorded, on this thread since its last record of a call.
    pub others: u32,
    /// The time those took.
    pub other_ns: u32,
    /// How long what was read had been there, or [`NO_DELAY`] cut to this size.
    pub ready_delay_ns: u32,
    /// Zero.
    pub reserved: u32,
}

/// [`Brief::copy_after_ns`]: nothing was copied.
pub const NO_COPY: u32 = u32::MAX;
/// [`Call::ready_delay_ns`]: nothing was read from a socket, or when it came was not seen.
pub const NO_DELAY: u64 = u64::MAX;

impl From<Brief> for Call {
    fn from(brief: Brief) -> Self {
        let Brief {
            head,
            enter_ns,
            duration_ns,
            copy_after_ns,
            ret,
            nr,
            flags,
            args,
            others,
            other_ns,
            ready_delay_ns,
            reserved: _,
        } = brief;
        let duration_ns = u64::from(duration_ns);
        // Longer than the call is a contradiction, which the sum of the phases will show.
        let kernel_ns = match copy_after_ns {
            NO_COPY => duration_ns,
            after => after.into(),
        };
        let copies = copy_after_ns != NO_COPY;
        Self {
            head: Head {
                kind: KIND_CALL,
                ..head
            },
            enter_ns,
            exit_ns: enter_ns.saturating_add(duration_ns),
            kernel_ns,
            copying_ns: duration_ns.saturating_sub(kernel_ns),
            copy_ns: if copies {
                enter_ns.saturating_add(kernel_ns)
            } else {
                0
            },
            timeout_ns: TIMEOUT_UNKNOWN,
            other_ns: other_ns.into(),
            ready_delay_ns: match ready_delay_ns {
                u32::MAX => NO_DELAY,
                delay_ns => delay_ns.into(),
            },
            args: args.map(u64::from),
            ret: ret.into(),
            nr: nr.into(),
            flags: flags.into(),
            others,
            ..Self::default()
        }
    }
}

/// The call began before tracing: all its times count from when tracing began.
pub const FLAG_BEGAN_BEFORE: u32 = 1;
/// The thread died in the call: it never returned to the user, and `ret` means nothing.
pub const FLAG_KILLED: u32 = 2;
/// Copying was seen by the kernel's own tracepoint.
pub const FLAG_COPY_SEEN: u32 = 4;
/// Copying was not seen but inferred: the time on the CPU after the last wake-up.
pub const FLAG_COPY_INFERRED: u32 = 8;
/// This call goes on with one that a signal interrupted (`restart_syscall`).
pub const FLAG_CONTINUES: u32 = 16;
/// The entry was not seen, so the arguments are those at the exit.
pub const FLAG_ENTRY_UNSEEN: u32 = 32;

/// Some of the times off the CPU in it are inferred, see [`OFF_CPU_INFERRED`].
pub const FLAG_INFERRED: u32 = 64;

/// [`OffCpu::nr`]: the thread was in no call.
pub const NO_CALL: u32 = u32::MAX;
/// [`Call::nr`] of a call in flight when tracing began, until it returns.
pub const UNKNOWN_CALL: u32 = u32::MAX - 1;

/// The waker's context could not be read.
pub const CONTEXT_UNKNOWN: u32 = 0;
/// The waker itself did it.
pub const CONTEXT_TASK: u32 = 1;
/// A soft interrupt (network, timers) did, while the "waker" ran.
pub const CONTEXT_SOFTIRQ: u32 = 2;
/// A hardware interrupt did, while the "waker" ran.
pub const CONTEXT_HARDIRQ: u32 = 3;
/// A non-maskable interrupt did, while the "waker" ran.
pub const CONTEXT_NMI: u32 = 4;

/// The wake-up was not seen: nobody is known to have made it, and it is taken to be when the thread got
/// the CPU back.
pub const CONTEXT_UNSEEN: u32 = 5;

/// One time off the CPU, from leaving it to getting it back.
///
/// ```text
///   start_ns        woken_ns         end_ns
///      | blocked       | runnable       |        asleep
///      | runnable                       |        preempted: woken_ns is 0
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OffCpu {
    /// Kind, CPU it came back on, loss, process and thread.
    pub head: Head,
    /// When it left the CPU, or when tracing began.
    pub start_ns: u64,
    /// When it was woken; 0 if it never slept.
    pub woken_ns: u64,
    /// When it got the CPU back, or died.
    pub end_ns: u64,
    /// The syscall it was in, or [`NO_CALL`], or [`UNKNOWN_CALL`].
    pub nr: u32,
    /// The scheduler's state as it left, `task_struct.__state`; 0 if preempted.
    pub state: u32,
    /// Who woke it; only meaningful with `woken_ns`, and not with [`CONTEXT_UNSEEN`].
    pub waker_tid: u32,
    /// The waker's process.
    pub waker_pid: u32,
    /// One of the `CONTEXT_…` constants.
    pub waker_context: u32,
    /// How often it left the CPU in this time: 1, unless that is inferred.
    pub times: u32,
    /// `OFF_CPU_…` bits.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// The waker's name, ended by a zero byte if shorter.
    pub waker_comm: [u8; 16],
}

/// [`OffCpu::flags`]: the kernel kept a switch from its tracepoint, as some do of a few processes. That there
/// was one, the task's own counters say (`nvcsw`, `nivcsw`), and how much of the time it wanted the CPU its
/// `run_delay`. So the amounts are right but for the time on the CPU just before a sleep or after it, which
/// counts as asleep; where in the time they lie is a guess.
pub const OFF_CPU_INFERRED: u32 = 1;

/// [`Life::what`]: a thread (or process) was made; `other` is its parent thread.
pub const LIFE_FORK: u32 = 1;
/// [`Life::what`]: the process began another program; `other` is its thread id before.
pub const LIFE_EXEC: u32 = 2;
/// [`Life::what`]: the thread ended.
pub const LIFE_EXIT: u32 = 3;

/// A thread came, changed, or went.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Kind, CPU, loss, process and thread.
    pub head: Head,
    /// When.
    pub at_ns: u64,
    /// One of the `LIFE_…` constants.
    pub what: u32,
    /// A second thread, see the constants; 0 if there is none.
    pub other: u32,
    /// The thread's name at that moment (at a fork the parent's, which it inherits).
    pub comm: [u8; 16],
}
