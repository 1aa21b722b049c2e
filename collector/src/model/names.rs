//! Syscall numbers to names and classes, per architecture.
//!
//! The class decides what is always recorded. It must never be guessed from a number: unknown
//! numbers are shown as numbers.

use std::borrow::Cow;

/// An architecture whose syscall numbers are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 64-bit ARM.
    Aarch64,
}

impl Arch {
    /// From what `uname -m` prints; `None` for any other machine.
    pub fn from_machine(machine: &str) -> Option<Self> {
        match machine {
            "x86_64" => Some(Self::X86_64),
            "aarch64" => Some(Self::Aarch64),
            _ => None,
        }
    }
}

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallClass {
    /// Waits until some descriptor is ready.
    Readiness,
    /// Moves bytes from the kernel to the user.
    Receive,
    /// Moves bytes from the user to the kernel, or within it.
    Send,
    /// Accepts or makes a connection.
    Connect,
    /// `io_uring_enter`.
    Uring,
    /// Never returns.
    NoReturn,
    /// `restart_syscall`.
    Restart,
    /// Anything else: recorded only when the thread left the CPU in it.
    Other,
}

/// The name of a syscall, or `syscall_N` for a number that has none.
pub fn call_name(arch: Arch, nr: u32) -> Cow<'static, str> {
    let name = match arch {
        Arch::X86_64 => syscalls::x86_64::Sysno::new(nr as usize).map(|call| call.name()),
        Arch::Aarch64 => syscalls::aarch64::Sysno::new(nr as usize).map(|call| call.name()),
    };
    match name {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(format!("syscall_{nr}")),
    }
}

/// What the syscall of this number is for.
pub fn call_class(arch: Arch, nr: u32) -> CallClass {
    match call_name(arch, nr).as_ref() {
        "select" | "pselect6" | "poll" | "ppoll" | "epoll_wait" | "epoll_pwait"
        | "epoll_pwait2" => CallClass::Readiness,
        "recvfrom" | "recvmsg" | "recvmmsg" | "read" | "readv" => CallClass::Receive,
        "sendto" | "sendmsg" | "sendmmsg" | "write" | "writev" | "sendfile" | "splice" => {
            CallClass::Send
        }
        "accept" | "accept4" | "connect" => CallClass::Connect,
        "io_uring_enter" => CallClass::Uring,
        "exit" | "exit_group" | "rt_sigreturn" => CallClass::NoReturn,
        "restart_syscall" => CallClass::Restart,
        _ => CallClass::Other,
    }
}
