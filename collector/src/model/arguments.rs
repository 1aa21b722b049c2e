//! What a call's raw arguments say: descriptor, amount asked for, timeout.
//!
//! Only what one register says for sure; nothing is taken from memory that may have changed.

use probe_ebpf::{TIMEOUT_NONE, TIMEOUT_UNKNOWN};

use super::{Arch, CallClass, Timeout, call_class, call_name};

/// Decoded arguments.
pub(super) struct Decoded {
    pub(super) fd: Option<i32>,
    pub(super) requested: Option<u64>,
    pub(super) timeout: Timeout,
}

/// Calls of no class of ours whose first argument is the descriptor they work on.
const WORK_ON_FD: [&str; 26] = [
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
    "sendfile",
    "splice",
    "tee",
    "fstat",
    "setsockopt",
    "getsockopt",
];

/// What the arguments of this call say. `timeout_ns` is the timeout that an argument points to.
pub(super) fn decode(arch: Arch, nr: u32, args: &[u64; 4], timeout_ns: i64) -> Decoded {
    let name = call_name(arch, nr);
    let name = name.as_ref();
    let class = call_class(arch, nr);
    let fd = match class {
        CallClass::Receive | CallClass::Send | CallClass::Connect | CallClass::Uring => true,
        CallClass::Readiness => name.starts_with("epoll"),
        _ => WORK_ON_FD.contains(&name),
    };
    let requested = match name {
        "read" | "recvfrom" | "write" | "sendto" | "pread64" | "pwrite64" => Some(args[2]),
        "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => Some(u64::from(args[2] as u32)),
        "poll" | "ppoll" => Some(args[1]),
        _ => None,
    };
    let timeout = match name {
        "epoll_wait" | "epoll_pwait" => milliseconds(args[3] as i32),
        "poll" => milliseconds(args[2] as i32),
        _ => pointed(timeout_ns),
    };
    // A descriptor is a C int: the upper half of the register is not part of it.
    Decoded {
        fd: fd.then_some(args[0] as i32),
        requested,
        timeout,
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
