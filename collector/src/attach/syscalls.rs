//! What the programs are told about each syscall number, from the names and classes of the model.

use probe_ebpf::{
    CLASS_CONNECT, CLASS_NO_RETURN, CLASS_OTHER, CLASS_READINESS, CLASS_RECEIVE, CLASS_RESTART,
    CLASS_SEND, CLASS_URING, SYSCALLS_MAX, Syscall, TIMEOUT_NOT_POINTED, TIMEOUT_TIMESPEC,
    TIMEOUT_TIMEVAL,
};

use crate::model::{Arch, CallClass, call_class, call_name};

/// The table, by number.
pub(crate) fn table(arch: Arch) -> impl Iterator<Item = (u32, Syscall)> {
    (0..SYSCALLS_MAX).map(move |nr| {
        let class = match call_class(arch, nr) {
            CallClass::Readiness => CLASS_READINESS,
            CallClass::Receive => CLASS_RECEIVE,
            CallClass::Send => CLASS_SEND,
            CallClass::Connect => CLASS_CONNECT,
            CallClass::Uring => CLASS_URING,
            CallClass::NoReturn => CLASS_NO_RETURN,
            CallClass::Restart => CLASS_RESTART,
            CallClass::Other => CLASS_OTHER,
        };
        let (timeout, timeout_arg) = match call_name(arch, nr).as_ref() {
            "select" => (TIMEOUT_TIMEVAL, 4),
            "pselect6" => (TIMEOUT_TIMESPEC, 4),
            "ppoll" => (TIMEOUT_TIMESPEC, 2),
            "epoll_pwait2" => (TIMEOUT_TIMESPEC, 3),
            "recvmmsg" => (TIMEOUT_TIMESPEC, 4),
            _ => (TIMEOUT_NOT_POINTED, 0),
        };
        (
            nr,
            Syscall {
                class,
                timeout,
                timeout_arg,
                reserved: 0,
            },
        )
    })
}
