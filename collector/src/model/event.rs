//! One thing that happened in a trace: a call, a time off the CPU, a thread's life, a descriptor's, a loss.
//!
//! All times are nanoseconds since the trace began, on `CLOCK_BOOTTIME`. Nothing here may hold a
//! default for what is not known: what may be unknown is an `Option` or says so by name.

/// Anything a trace consists of, in the order in which it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waker {
    /// The thread that ran on the waking CPU; 0 is the idle task.
    pub tid: u32,
    /// Its process.
    pub pid: u32,
    /// Whether it was really that thread, or an interrupt while it ran.
    pub context: Context,
}

/// What the waking CPU was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
        self.woken_ns
            .map_or(0, |woken| woken.saturating_sub(self.start_ns))
    }

    /// Wanting the CPU.
    pub fn runnable_ns(&self) -> u64 {
        self.end_ns
            .saturating_sub(self.woken_ns.unwrap_or(self.start_ns))
    }
}

/// A thread came, changed or went.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// What stood behind one number of a process's table of descriptors, from when it was opened to when it was
/// closed. The number may come again: then it is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Its number in this trace, which no other gets.
    pub id: u32,
    /// The process.
    pub pid: u32,
    /// Its number in the process.
    pub fd: i32,
    /// What it is.
    pub kind: DescriptorKind,
    /// What a person would call it: `127.0.0.1:6379 ← 127.0.0.1:50312`, `pipe:[1234]`, a path. Unescaped;
    /// empty if nothing is known.
    pub name: String,
    /// A socket's own address.
    pub local: Option<String>,
    /// The address it is connected to.
    pub peer: Option<String>,
    /// The process at the other end of a unix socket, as it connected.
    pub peer_pid: Option<u32>,
    /// The kernel's number of the thing behind it (inode): descriptors that share it are copies of one, or the
    /// same file. 0 if it is not known.
    pub object: u64,
    /// When it was opened; `None` if it was there before the trace, or that was not seen.
    pub opened_ns: Option<u64>,
    /// When it was closed, if that was seen.
    pub closed_ns: Option<u64>,
}

/// What a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DescriptorKind {
    /// Not known.
    Unknown,
    /// A TCP socket, IPv4 or IPv6.
    Tcp,
    /// A UDP socket, likewise.
    Udp,
    /// A unix socket.
    Unix,
    /// A netlink socket.
    Netlink,
    /// A socket of another family.
    Socket,
    /// An end of a pipe or FIFO.
    Pipe,
    /// `eventfd`
    Eventfd,
    /// `timerfd_create`
    Timerfd,
    /// `signalfd`
    Signalfd,
    /// `epoll_create`
    Epoll,
    /// `inotify_init`
    Inotify,
    /// `io_uring_setup`
    Uring,
    /// `pidfd_open`
    Pidfd,
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A device, a terminal among them.
    Device,
}

impl DescriptorKind {
    /// All of them, with the words used in exports and on the page.
    pub const ALL: [(Self, &'static str); 17] = [
        (Self::Unknown, "unknown"),
        (Self::Tcp, "tcp"),
        (Self::Udp, "udp"),
        (Self::Unix, "unix"),
        (Self::Netlink, "netlink"),
        (Self::Socket, "socket"),
        (Self::Pipe, "pipe"),
        (Self::Eventfd, "eventfd"),
        (Self::Timerfd, "timerfd"),
        (Self::Signalfd, "signalfd"),
        (Self::Epoll, "epoll"),
        (Self::Inotify, "inotify"),
        (Self::Uring, "io_uring"),
        (Self::Pidfd, "pidfd"),
        (Self::File, "file"),
        (Self::Directory, "directory"),
        (Self::Device, "device"),
    ];

    /// The word used in exports and on the page.
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(kind, _)| *kind == self);
        found.map_or("unknown", |(_, word)| word)
    }

    /// A socket of any family.
    pub fn is_socket(self) -> bool {
        matches!(
            self,
            Self::Tcp | Self::Udp | Self::Unix | Self::Netlink | Self::Socket
        )
    }
}

/// One descriptor that a readiness call waited for, or found ready. Of `epoll`, only those it found; of `select`
/// and `poll` those asked for, too. At most 32 a call: what the call returned says if there were more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// When the readiness call began: with the thread, this names it.
    pub call_start_ns: u64,
    /// The descriptor; `None` if `epoll` gave back a word of the program's own that is not known to mean one.
    pub fd: Option<i32>,
    /// What stood behind it: the [`Descriptor`] of this id.
    pub descriptor: Option<u32>,
    /// What was waited for: bits of `poll.h` (1 `IN`, 2 `PRI`, 4 `OUT`, and of epoll `1 << 31` `ET` and its kin);
    /// `None` if that is not known.
    pub asked: Option<u32>,
    /// What it is ready for: the same bits, with 8 `ERR`, 16 `HUP`, 32 `NVAL`, `0x2000` `RDHUP`. 0 if it is not ready.
    pub ready: u32,
}

/// Bits of [`Ready::asked`] and [`Ready::ready`], as in `poll.h`.
pub mod readiness {
    /// Something to read, or to accept.
    pub const IN: u32 = 1;
    /// Something urgent to read.
    pub const PRI: u32 = 2;
    /// Room to write.
    pub const OUT: u32 = 4;
    /// An error; always reported.
    pub const ERR: u32 = 8;
    /// The other end hung up; always reported.
    pub const HUP: u32 = 16;
    /// Not open (`poll` only).
    pub const NVAL: u32 = 32;
    /// The other end will send no more.
    pub const RDHUP: u32 = 0x2000;
    /// Epoll: only one of several that wait is woken.
    pub const EXCLUSIVE: u32 = 1 << 28;
    /// Epoll: told once, then not again before it is armed again.
    pub const ONESHOT: u32 = 1 << 30;
    /// Epoll: edge-triggered.
    pub const ET: u32 = 1 << 31;
}

/// An operation that a program handed to an `io_uring`, and what came of it. One that goes on after it was complete
/// for the first time (multishot) is told of each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The process.
    pub pid: u32,
    /// The thread that submitted it; if that was not seen, one that it was complete in.
    pub tid: u32,
    /// The descriptor of the ring, if that is known.
    pub ring: Option<i32>,
    /// The operation's number, see [`operation_name`](super::operation_name).
    pub opcode: u32,
    /// The descriptor that it works on, for operations that work on one that is the process's.
    pub fd: Option<i32>,
    /// What stood behind `fd` as it was submitted: the [`Descriptor`] of this id. `None` if that is not known.
    pub descriptor: Option<u32>,
    /// When the kernel took it; `None` if that was not seen.
    pub submit_ns: Option<u64>,
    /// When it was complete; `None` if that was not seen.
    pub complete_ns: Option<u64>,
    /// The program's own word for it.
    pub user_data: u64,
    /// What came of it: below zero a negated errno. `None` if it is not complete.
    pub ret: Option<i32>,
    /// How often it was complete before.
    pub shot: u32,
    /// It goes on, and will be complete again.
    pub more: bool,
}

impl Request {
    /// From submission to completion, of one that is complete for the first time.
    pub fn latency_ns(&self) -> Option<u64> {
        let first = self.shot == 0;
        let (submit_ns, complete_ns) = (self.submit_ns?, self.complete_ns?);
        first.then(|| complete_ns.saturating_sub(submit_ns))
    }
}

/// Records that were lost: between these times, what this CPU ran is incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
