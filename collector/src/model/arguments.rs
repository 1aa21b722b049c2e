//! What a call's raw arguments say: descriptor, amount asked for, timeout.
//!
//! Only what one register says for sure; nothing is taken from memory that may have changed.

use probe_ebpf::{SYSCALLS_MAX, TIMEOUT_NONE, TIMEOUT_UNKNOWN};

use super::{Arch, CallClass, Timeout, call_class, call_name};

/// Decoded arguments.
pub(super) struct Decoded {
    pub(super) fd: Option<i32>,
    pub(super) requested: Option<u64>,
    pub(super) timeout: Timeout,
}

/// Calls of no class of ours whose first argument is the descriptor they work on.
const WORK_ON_FD: [&str; 24] = [
    "pread64",
    "pwrite64",
    "preadv",
    "pwritev",
    "preadv2",
    "pwritev2",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "syncfs",
    "flock",
    "ioctl",
    "fcntl",
    "lseek",
    "ftruncate",
    "fallocate",
    "close",
    "shutdown",
    "getdents64",
    "epoll_ctl",
    "tee",
    "fstat",
    "setsockopt",
    "getsockopt",
];

/// Which argument says how much is asked for.
#[derive(Clone, Copy, Debug)]
enum Asks {
    Nothing,
    /// The second, a number of descriptors.
    Second,
    /// The third, a number of bytes.
    Third,
    /// The third, a C int.
    ThirdInt,
}

/// Which argument says how long the call may wait.
#[derive(Clone, Copy, Debug)]
enum Waits {
    /// The third, milliseconds.
    Third,
    /// The fourth, milliseconds.
    Fourth,
    /// The one that the programs followed, if any.
    Pointed,
}

/// How to read the arguments of one syscall: told from its name once, since every call of a trace asks.
#[derive(Clone, Copy, Debug)]
struct Plan {
    has_fd: bool,
    asks: Asks,
    waits: Waits,
}

impl Plan {
    fn of(arch: Arch, nr: u32) -> Self {
        let name = call_name(arch, nr);
        let name = name.as_ref();
        Self {
            has_fd: match call_class(arch, nr) {
                CallClass::Receive | CallClass::Send | CallClass::Connect | CallClass::Uring => {
                    true
                }
                CallClass::Readiness => name.starts_with("epoll"),
                _ => WORK_ON_FD.contains(&name),
            },
            asks: match name {
                "read" | "recvfrom" | "write" | "sendto" | "pread64" | "pwrite64" => Asks::Third,
                "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => Asks::ThirdInt,
                "poll" | "ppoll" => Asks::Second,
                _ => Asks::Nothing,
            },
            waits: match name {
                "epoll_wait" | "epoll_pwait" => Waits::Fourth,
                "poll" => Waits::Third,
                _ => Waits::Pointed,
            },
        }
    }
}

/// How to read the arguments of every syscall of an architecture.
#[derive(Debug)]
pub(super) struct Arguments {
    arch: Arch,
    plans: Vec<Plan>,
}

impl Arguments {
    pub(super) fn new(arch: Arch) -> Self {
        let plans = (0..SYSCALLS_MAX).map(|nr| Plan::of(arch, nr)).collect();
        Self { arch, plans }
    }

    /// What the arguments of this call say. `timeout_ns` is the timeout that an argument points to.
    pub(super) fn decode(&self, nr: u32, args: &[u64; 4], timeout_ns: i64) -> Decoded {
        let plan = self.plans.get(nr as usize).copied();
        let Plan {
            has_fd,
            asks,
            waits,
        } = plan.unwrap_or_else(|| Plan::of(self.arch, nr));
        // A descriptor is a C int: the upper half of the register is not part of it.
        Decoded {
            fd: has_fd.then_some(args[0] as i32),
            requested: match asks {
                Asks::Nothing => None,
                Asks::Second => Some(args[1]),
                Asks::Third => Some(args[2]),
                Asks::ThirdInt => Some(u64::from(args[2] as u32)),
            },
            timeout: match waits {
                Waits::Third => milliseconds(args[2] as i32),
                Waits::Fourth => milliseconds(args[3] as i32),
                Waits::Pointed => pointed(timeout_ns),
            },
        }
    }
}

fn milliseconds(timeout: i32) -> Timeout {
    match timeout {
        0 => Timeout::Zero,
        1.. => Timeout::Nanos(timeout as u64 * 1_000_000),
        ..0 => Timeout::Infinite,
    }
}

fn pointed(timeout_ns: i64) -> Timeout {
    match timeout_ns {
        TIMEOUT_NONE => Timeout::Infinite,
        0 => Timeout::Zero,
        1.. => Timeout::Nanos(timeout_ns as u64),
        TIMEOUT_UNKNOWN | ..TIMEOUT_UNKNOWN => Timeout::Unknown,
    }
}
