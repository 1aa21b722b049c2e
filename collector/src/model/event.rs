//! One thing that happened in a trace: a call, a time off the CPU, a thread's life, a descriptor's, a loss.
//!
//! All times are nanoseconds since the trace began, on `CLOCK_BOOTTIME`. Nothing here may hold a
//! default for what is not known: what may be unknown is an `Option` or says so by name.

use serde::{Deserialize, Serialize};

use super::{Descriptor, Off, Ready, Request};

/// Anything a trace consists of, in the order in which it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A call that ended.
    Call(Call),
    /// A time off the CPU that ended.
    OffCpu(OffCpu),
    /// A thread came, changed or went.
    Life(Life),
    /// What a descriptor is, whenever more of it is known: of one id, the last word holds.
    Descriptor(Descriptor),
    /// What came of one of the descriptors that a readiness call waited for. Those of a call come just before it.
    Ready(Ready),
    /// A request of an `io_uring` that was complete, or was not yet when the trace ended.
    Request(Request),
    /// Records were lost.
    Gap(Gap),
    /// What a thread was still doing when the trace ended.
    Open(OpenThread),
    /// The trace ended; nothing follows. A trace without it was cut off.
    End(End),
}

/// One system call of one thread.
///
/// `kernel_ns + blocked_ns + runnable_ns + copying_ns = end_ns - start_ns`, exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// The CPU on which it ended.
    pub cpu: u16,
    /// The syscall's number on the trace's architecture, see [`call_name`](super::call_name).
    pub nr: u32,
    /// Entry, or the start of the trace if `began_before`.
    pub start_ns: u64,
    /// Return, or the thread's death if `killed`.
    pub end_ns: u64,
    /// On the CPU in the call, but not copying.
    pub kernel_ns: u64,
    /// Off the CPU, asleep.
    pub blocked_ns: u64,
    /// Off the CPU, wanting it.
    pub runnable_ns: u64,
    /// On the CPU, copying between kernel and user.
    pub copying_ns: u64,
    /// When copying began, and how that is known.
    pub copying: Copying,
    /// How often the thread fell asleep in it.
    pub sleeps: u32,
    /// How often it was preempted in it.
    pub preemptions: u32,
    /// When the first sleep began.
    pub first_sleep_ns: Option<u64>,
    /// The last wake-up.
    pub last_wake_ns: Option<u64>,
    /// Who made the last wake-up, `None` if that was not seen: then `last_wake_ns` is when the thread got
    /// the CPU back, and what it may have waited for it is in `blocked_ns`. The name is in the [`OffCpu`] of the same wake-up.
    pub waker: Option<Waker>,
    /// The descriptor the call works on, for calls that work on one.
    pub fd: Option<i32>,
    /// What stood behind `fd` as the call began: the [`Descriptor`] of this id. `None` if that is not known.
    pub descriptor: Option<u32>,
    /// How long the data it read had been there, from the moment in which the kernel told the socket of it to the
    /// moment in which the thread began to read. `None` if it read nothing from a socket, or that was not seen.
    pub ready_delay_ns: Option<u64>,
    /// Bytes (transfer calls) or events (readiness calls) asked for, where one argument says it.
    pub requested: Option<u64>,
    /// How long the call may wait.
    pub timeout: Timeout,
    /// What it returned: below zero a negated errno. `None` if it never returned.
    pub ret: Option<i64>,
    /// It began before the trace did: its times count from the trace's start.
    pub began_before: bool,
    /// The thread died in it.
    pub killed: bool,
    /// It goes on with the call before it, which a signal interrupted.
    pub continues: bool,
    /// Some of its times off the CPU are inferred, see [`OffCpu::unseen`].
    pub unseen: bool,
    /// Calls of this thread that were not recorded, since its last recorded one.
    pub others: u32,
    /// The time those took, all of it on the CPU.
    pub other_ns: u64,
}

impl Call {
    /// From entry to return.
    pub fn duration_ns(&self) -> u64 {
        self.end_ns.saturating_sub(self.start_ns)
    }

    /// Off the CPU, asleep or wanting it.
    pub fn off_ns(&self) -> u64 {
        self.blocked_ns.saturating_add(self.runnable_ns)
    }

    /// The sum of all phases, which is [`duration_ns`](Self::duration_ns) in every honest record.
    pub fn phases_ns(&self) -> u64 {
        self.kernel_ns
            .saturating_add(self.blocked_ns)
            .saturating_add(self.runnable_ns)
            .saturating_add(self.copying_ns)
    }

    /// A readiness call that was told not to wait, and did not: a look, not a wait.
    pub fn is_check(&self) -> bool {
        self.timeout == Timeout::Zero && self.sleeps == 0
    }
}

/// When copying began in a call, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Copying {
    /// There was none.
    None,
    /// The kernel said so, at this time.
    Seen(u64),
    /// Taken to be the time on the CPU after the last wake-up, or since the entry if it never slept.
    Inferred(u64),
}

impl Copying {
    /// When copying began, seen or inferred.
    pub fn start_ns(self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Seen(at) | Self::Inferred(at) => Some(at),
        }
    }
}

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Timeout {
    /// Not a call with a timeout, or its value could not be read.
    Unknown,
    /// For ever.
    Infinite,
    /// Not at all.
    Zero,
    /// At most this many nanoseconds.
    Nanos(u64),
}

/// Who made a wake-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waker {
    /// The thread that ran on the waking CPU; 0 is the idle task.
    pub tid: u32,
    /// Its process.
    pub pid: u32,
    /// Whether it was really that thread, or an interrupt while it ran.
    pub context: Context,
}

/// What the waking CPU was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Context {
    /// Not known.
    Unknown,
    /// The thread itself woke it.
    Task,
    /// A soft interrupt (network, timer) did, while the thread ran.
    SoftIrq,
    /// A hardware interrupt did, while the thread ran.
    HardIrq,
    /// A non-maskable interrupt did, while the thread ran.
    Nmi,
}

impl Context {
    /// All of them, with the words used in exports and on the page.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Unknown, "unknown"),
        (Self::Task, "task"),
        (Self::SoftIrq, "softirq"),
        (Self::HardIrq, "hardirq"),
        (Self::Nmi, "nmi"),
    ];

    /// The word used in exports and on the page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Task => "task",
            Self::SoftIrq => "softirq",
            Self::HardIrq => "hardirq",
            Self::Nmi => "nmi",
        }
    }
}

/// One time off the CPU: blocked from `start_ns` to `woken_ns`, runnable from there to `end_ns`.
/// Without `woken_ns` it was preempted, and runnable all the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffCpu {
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// The CPU it came back on.
    pub cpu: u16,
    /// When it left the CPU.
    pub start_ns: u64,
    /// When it was woken, if it slept.
    pub woken_ns: Option<u64>,
    /// When it got the CPU back.
    pub end_ns: u64,
    /// How often it left the CPU in this time: once, unless `unseen`.
    pub times: u32,
    /// The kernel kept a switch from its tracepoint, and what is here comes from the scheduler's own sums: how
    /// long the thread was `runnable` is right, and that it slept or not; what it ran just before or after
    /// counts as blocked, and where in the time it was off the CPU is a guess.
    pub unseen: bool,
    /// Whether it was inside a call. That call's own record follows, unless it was lost.
    pub in_call: bool,
    /// The scheduler's state as it left: 0 preempted, else bits of `task_struct.__state`.
    pub state: u32,
    /// Who woke it, if that was seen.
    pub waker: Option<Waker>,
    /// The waker's name as the kernel has it: any bytes, unescaped.
    pub waker_comm: String,
}

impl OffCpu {
    /// Asleep.
    pub fn blocked_ns(&self) -> u64 {
        Off::from(self).blocked_ns()
    }

    /// Wanting the CPU.
    pub fn runnable_ns(&self) -> u64 {
        Off::from(self).runnable_ns()
    }
}

/// A thread came, changed or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// When.
    pub at_ns: u64,
    /// What happened.
    pub kind: LifeKind,
    /// The thread's name then, as the kernel has it: any bytes made text, unescaped.
    pub name: String,
}

/// What happened to a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LifeKind {
    /// It was there when the trace began.
    Found,
    /// It was made.
    Began,
    /// Its process began another program; any other thread of it is gone.
    Exec,
    /// It has another name.
    Renamed,
    /// It ended.
    Ended,
}

/// Records that were lost: between these times, what this CPU ran is incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The CPU whose records were lost.
    pub cpu: u16,
    /// The last record of that CPU that got through before, or the trace's start.
    pub start_ns: u64,
    /// The first record of that CPU that got through again, or when this was found out.
    pub end_ns: u64,
    /// How many were lost.
    pub lost: u64,
}

/// What a thread is still doing: the open end of its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenThread {
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// When this was looked at.
    pub at_ns: u64,
    /// The call it is in, `None` outside calls. `Some(None)`: in a call that is not known.
    pub nr: Option<Option<u32>>,
    /// Since when it is in that call, or since its last call ended.
    pub since_ns: u64,
    /// The descriptor the call works on, for calls that work on one.
    pub fd: Option<i32>,
    /// The call began before the trace did.
    pub began_before: bool,
    /// Phases of the open call so far, up to `at_ns`: they sum to `at_ns - since_ns` in a call.
    pub kernel_ns: u64,
    /// See `kernel_ns`.
    pub blocked_ns: u64,
    /// See `kernel_ns`.
    pub runnable_ns: u64,
    /// See `kernel_ns`.
    pub copying_ns: u64,
    /// Off the CPU since then, asleep or not.
    pub off_since_ns: Option<u64>,
    /// If off the CPU and woken already: when. A preempted thread counts as woken when it left.
    pub woken_ns: Option<u64>,
}

impl OpenThread {
    /// Asleep and wanting the CPU: in its call so far, or outside calls since it left the CPU.
    pub fn off_cpu_ns(&self) -> (u64, u64) {
        match self.off_since_ns {
            _ if self.nr.is_some() => (self.blocked_ns, self.runnable_ns),
            Some(off) => {
                let woken = self.woken_ns.unwrap_or(self.at_ns);
                (woken.saturating_sub(off), self.at_ns.saturating_sub(woken))
            }
            None => (0, 0),
        }
    }
}

/// How the trace ended, with the sums over all CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When.
    pub at_ns: u64,
    /// Records the programs made. `made = delivered + lost`.
    pub made: u64,
    /// Records that were lost.
    pub lost: u64,
    /// Times that a thread could not be tracked for want of room.
    pub untracked: u64,
    /// 32-bit calls, which are not recorded.
    pub compat: u64,
    /// Times off the CPU that were inferred, for their switches went unseen.
    pub unseen: u64,
}
