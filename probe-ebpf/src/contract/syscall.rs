//! What a syscall is to the programs: its class, its timeout, what it does to descriptors. Never its number, which
//! differs between architectures.

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
