//! What the programs are told about each syscall number, from the names and classes of the model.

use probe_ebpf::{
    CLASS_CONNECT, CLASS_NO_RETURN, CLASS_OTHER, CLASS_READINESS, CLASS_RECEIVE, CLASS_RESTART,
    CLASS_SEND, CLASS_URING, EFFECT_CLOSES, EFFECT_CLOSES_RANGE, EFFECT_COPIES, EFFECT_EPOLL_CTL,
    EFFECT_EPOLL_WAIT, EFFECT_FCNTL, EFFECT_NAMES, EFFECT_NONE, EFFECT_PAIR_FIRST,
    EFFECT_PAIR_FOURTH, EFFECT_POLL, EFFECT_RETURNS, EFFECT_SELECT, SYSCALLS_MAX, Syscall,
    TIMEOUT_NOT_POINTED, TIMEOUT_TIMESPEC, TIMEOUT_TIMEVAL,
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
                effect: effect(call_name(arch, nr).as_ref()),
            },
        )
    })
}

/// What a call does to descriptors.
fn effect(call: &str) -> u8 {
    match call {
        "accept" | "accept4" | "creat" | "epoll_create" | "epoll_create1" | "eventfd"
        | "eventfd2" | "fanotify_init" | "inotify_init" | "inotify_init1" | "io_uring_setup"
        | "memfd_create" | "mq_open" | "open" | "openat" | "openat2" | "perf_event_open"
        | "pidfd_getfd" | "pidfd_open" | "signalfd" | "signalfd4" | "socket" | "timerfd_create"
        | "userfaultfd" => EFFECT_RETURNS,
        "pipe" | "pipe2" => EFFECT_PAIR_FIRST,
        "socketpair" => EFFECT_PAIR_FOURTH,
        "bind" | "connect" | "listen" => EFFECT_NAMES,
        "close" => EFFECT_CLOSES,
        "close_range" => EFFECT_CLOSES_RANGE,
        "dup" | "dup2" | "dup3" => EFFECT_COPIES,
        "fcntl" => EFFECT_FCNTL,
        "epoll_ctl" => EFFECT_EPOLL_CTL,
        "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => EFFECT_EPOLL_WAIT,
        "poll" | "ppoll" => EFFECT_POLL,
        "select" | "pselect6" => EFFECT_SELECT,
        _ => EFFECT_NONE,
    }
}
