//! The contract between the kernel side and user space: the records, the names of maps and
//! globals, and the compiled object itself.
//!
//! This is the only definition of a record. It must never depend on anything, allocate, or hold
//! a fact about one kernel or one architecture: those are resolved in user space and handed to
//! the programs as read-only globals.
//!
//! All times are nanoseconds of `CLOCK_BOOTTIME` (`bpf_ktime_get_boot_ns`).
#![cfg_attr(target_arch = "bpf", no_std)]
#![forbid(unsafe_code)]

/// The version of everything in this file. User space refuses an object that carries another.
pub const ABI_VERSION: u32 = 3;

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
    /// Times a thread could not be tracked, for want of room in the table of threads.
    pub untracked: u64,
    /// 32-bit calls, which are not recorded.
    pub compat: u64,
    /// Times that a thread left the CPU or came back and the tracepoint kept silent, see
    /// [`OFF_CPU_INFERRED`].
    pub unseen: u64,
}

/// What a syscall is, as far as the programs care. Set by user space, per number.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Syscall {
    /// One of the `CLASS_…` constants.
    pub class: u8,
    /// One of the `TIMEOUT_…` constants.
    pub timeout: u8,
    /// Which argument (2 to 4) holds the timeout, if it is a pointer.
    pub timeout_arg: u8,
    /// One of the `EFFECT_…` constants.
    pub effect: u8,
}

/// What the call does to descriptors: nothing.
pub const EFFECT_NONE: u8 = 0;
/// It returns a new one.
pub const EFFECT_RETURNS: u8 = 1;
/// It writes two new ones to where its first argument points.
pub const EFFECT_PAIR_FIRST: u8 = 2;
/// It writes two new ones to where its fourth argument points.
pub const EFFECT_PAIR_FOURTH: u8 = 3;
/// It gives that of its first argument a name: `bind`, `connect`, `listen`.
pub const EFFECT_NAMES: u8 = 4;
/// It closes that of its first argument.
pub const EFFECT_CLOSES: u8 = 5;
/// `close_range`
pub const EFFECT_CLOSES_RANGE: u8 = 6;
/// It returns a copy of that of its first argument, and closes what stood there.
pub const EFFECT_COPIES: u8 = 7;
/// `fcntl`, which copies with some commands.
pub const EFFECT_FCNTL: u8 = 8;
/// `epoll_ctl`
pub const EFFECT_EPOLL_CTL: u8 = 9;
/// It says which of many are ready: `epoll_wait` and its kin.
pub const EFFECT_EPOLL_WAIT: u8 = 10;
/// `poll`, `ppoll`
pub const EFFECT_POLL: u8 = 11;
/// `select`, `pselect6`
pub const EFFECT_SELECT: u8 = 12;

/// Where the kernel keeps what stands behind a descriptor: offsets in bytes, 0 for what this kernel does not
/// have. The path is `task.files → files.fdt → fdtable.fd[n] → file`, and from there to inode, name and socket.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileOffsets {
    /// `task_struct.files`
    pub task_files: u32,
    /// `files_struct.fdt`
    pub files_fdt: u32,
    /// `fdtable.max_fds`
    pub fdt_max: u32,
    /// `fdtable.fd`
    pub fdt_fd: u32,
    /// `file.f_inode`
    pub file_inode: u32,
    /// `file.f_path.dentry`
    pub file_dentry: u32,
    /// `file.private_data`
    pub file_private: u32,
    /// `inode.i_mode`
    pub inode_mode: u32,
    /// `inode.i_ino`
    pub inode_number: u32,
    /// `dentry.d_name.name`
    pub dentry_name: u32,
    /// `socket.sk`
    pub socket_sk: u32,
    /// `sock.__sk_common.skc_family`
    pub sk_family: u32,
    /// `sock.sk_type`
    pub sk_type: u32,
    /// `sock.sk_protocol`
    pub sk_protocol: u32,
    /// `sock.__sk_common.skc_num`: the local port, in the machine's order.
    pub sk_local_port: u32,
    /// `sock.__sk_common.skc_dport`: the peer's port, in the network's order.
    pub sk_peer_port: u32,
    /// `sock.__sk_common.skc_rcv_saddr`
    pub sk_local_v4: u32,
    /// `sock.__sk_common.skc_daddr`
    pub sk_peer_v4: u32,
    /// `sock.__sk_common.skc_v6_rcv_saddr`
    pub sk_local_v6: u32,
    /// `sock.__sk_common.skc_v6_daddr`
    pub sk_peer_v6: u32,
    /// `sock.sk_peer_pid`
    pub sk_peer_pid: u32,
    /// `pid.numbers[0].nr`
    pub pid_number: u32,
    /// `unix_sock.addr`
    pub unix_address: u32,
    /// `unix_sock.peer`
    pub unix_peer: u32,
    /// `unix_address.len`
    pub unix_address_len: u32,
    /// `unix_address.name`
    pub unix_address_name: u32,
}

/// Recorded only if the thread left the CPU in it.
pub const CLASS_OTHER: u8 = 0;
/// Waits until some descriptor is ready: always recorded.
pub const CLASS_READINESS: u8 = 1;
/// Moves bytes from the kernel to the user: always recorded.
pub const CLASS_RECEIVE: u8 = 2;
/// Moves bytes from the user to the kernel: always recorded.
pub const CLASS_SEND: u8 = 3;
/// `accept`, `accept4`, `connect`: always recorded.
pub const CLASS_CONNECT: u8 = 4;
/// `io_uring_enter`: always recorded.
pub const CLASS_URING: u8 = 5;
/// Has no exit (`exit`, `exit_group`, `rt_sigreturn`): never a call of its own.
pub const CLASS_NO_RETURN: u8 = 6;
/// `restart_syscall`: goes on with the call that a signal interrupted.
pub const CLASS_RESTART: u8 = 7;

/// The call has no timeout, or one that is a plain argument.
pub const TIMEOUT_NOT_POINTED: u8 = 0;
/// The argument points to a `struct timespec` (64-bit).
pub const TIMEOUT_TIMESPEC: u8 = 1;
/// The argument points to a `struct timeval` (64-bit).
pub const TIMEOUT_TIMEVAL: u8 = 2;

/// [`Call::timeout_ns`]: the pointer was null, which means for ever.
pub const TIMEOUT_NONE: i64 = -1;
/// [`Call::timeout_ns`]: not read, because not pointed to or not readable.
pub const TIMEOUT_UNKNOWN: i64 = -2;

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

/// What every record begins with.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// One of the `KIND_…` constants.
    pub kind: u16,
    /// The CPU it was made on.
    pub cpu: u16,
    /// Records lost on this CPU since the last one that got through.
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
/// a [`Call`] does, in a third of the room, because the cost of a call's record is the memory it touches.
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

/// Bytes of a unix socket's path, or of a file's name, at most.
pub const NAME_BYTES: usize = 112;

/// A process opened, named, copied or closed a descriptor, or changed what an epoll waits for.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fd {
    /// Kind, CPU, loss, process and thread.
    pub head: Head,
    /// When the call entered.
    pub enter_ns: u64,
    /// When the call returned.
    pub at_ns: u64,
    /// One of the `FD_…` constants.
    pub what: u32,
    /// The descriptor.
    pub fd: i32,
    /// See the constants.
    pub other: i32,
    /// The syscall's number.
    pub nr: u32,
    /// `epoll_ctl`: `epoll_event.data`.
    pub data: u64,
    /// `epoll_ctl`: `epoll_event.events`.
    pub events: u32,
    /// `inode.i_mode`; 0 if nothing could be read.
    pub mode: u32,
    /// `inode.i_ino`
    pub inode: u64,
    /// A socket's family; 0 for none.
    pub family: u16,
    /// A socket's type.
    pub socket_type: u16,
    /// A socket's protocol.
    pub protocol: u16,
    /// Its port, in the machine's order.
    pub local_port: u16,
    /// The port it is connected to, in the network's order; 0 for none.
    pub peer_port: u16,
    /// Bytes of `name` that are a unix socket's address, path or not.
    pub name_len: u16,
    /// The process that connected at the other end of a unix socket; 0 for none.
    pub peer_pid: u32,
    /// Its IPv4 (first four bytes) or IPv6 address.
    pub local: [u64; 2],
    /// The address it is connected to.
    pub peer: [u64; 2],
    /// A unix socket's address without its family, or the file's own name, without its directory.
    pub name: [u8; NAME_BYTES],
    /// `name` is the address of the other end.
    pub name_is_peers: u32,
    /// Zero.
    pub reserved: u32,
}

/// [`Fd::what`]: opened; `other` is -1, or the listening socket of an accepted one.
pub const FD_OPENED: u32 = 1;
/// [`Fd::what`]: the same descriptor has other names now.
pub const FD_NAMED: u32 = 2;
/// [`Fd::what`]: closed.
pub const FD_CLOSED: u32 = 3;
/// [`Fd::what`]: all from `fd` to `other` were closed.
pub const FD_CLOSED_RANGE: u32 = 4;
/// [`Fd::what`]: opened as a copy of `other`.
pub const FD_COPIED: u32 = 5;
/// [`Fd::what`]: epoll `fd` waits for `events` of `other` from now on, and says `data` for it.
pub const FD_INTEREST: u32 = 6;
/// [`Fd::what`]: epoll `fd` no longer waits for `other`.
pub const FD_NO_INTEREST: u32 = 7;

/// What a readiness call was asked for and found, as it stands in the program's memory: raw bytes, up to a bound.
/// Comes just before the record of the call.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready<const N: usize> {
    /// Kind, CPU, loss, process and thread.
    pub head: Head,
    /// When the call was entered.
    pub enter_ns: u64,
    /// [`EFFECT_EPOLL_WAIT`], [`EFFECT_POLL`] or [`EFFECT_SELECT`], which says what is in `raw`: `epoll_event`s that
    /// were returned; `pollfd`s as they were at the end; or six sets of [`SELECT_WORDS`] words, three as asked and
    /// three as found.
    pub what: u32,
    /// The epoll, if it is one.
    pub epfd: i32,
    /// How many entries `raw` holds; of sets, how many bits.
    pub count: u32,
    /// What the call returned.
    pub ret: i32,
    /// The bytes.
    pub raw: [u64; N],
}

/// Words of [`Ready::raw`] in a small record: 8 descriptors of an epoll.
pub const READY_SMALL: usize = 16;
/// Words of [`Ready::raw`] in a large record: 32 descriptors of an epoll.
pub const READY_LARGE: usize = 64;
/// Entries of an epoll or poll that are looked at, at most.
pub const READY_MAX: u32 = 32;
/// Words of each of a select's sets that are looked at: the first 256 descriptors.
pub const SELECT_WORDS: usize = 4;

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

// Both sides must agree to the byte, and no padding may leak kernel memory.
const _: () = {
    assert!(size_of::<Head>() == 16);
    assert!(size_of::<Call>() == 184);
    assert!(size_of::<Brief>() == 72);
    assert!(size_of::<Fd>() == 16 + 16 + 16 + 8 + 8 + 8 + 16 + 32 + NAME_BYTES + 8);
    assert!(size_of::<Ready<READY_SMALL>>() == 40 + READY_SMALL * 8);
    assert!(size_of::<FileOffsets>() == 26 * 4);
    assert!(size_of::<OffCpu>() == 88);
    assert!(size_of::<Life>() == 48);
    assert!(size_of::<Syscall>() == 4);
    assert!(size_of::<Seed>() == 40);
    assert!(size_of::<Thread>() == 184 + 7 * 8 + 10 * 4 + 16 + 32);
    assert!(THREAD_SLOTS.is_power_of_two());
    // Claimed as one number of 64 bits.
    assert!(core::mem::offset_of!(Head, pid) == 8 && core::mem::offset_of!(Head, tid) == 12);
};

/// The compiled programs, as `cargo xtask ebpf` made them from this crate's sources.
#[cfg(not(target_arch = "bpf"))]
pub fn object() -> &'static [u8] {
    /// An ELF file is read in place, so it must stand where its headers are aligned.
    #[repr(C, align(32))]
    struct Aligned<B: ?Sized>(B);
    static OBJECT: &Aligned<[u8]> = &Aligned(*include_bytes!("../object/waitscope-probe.bpf.o"));
    &OBJECT.0
}
