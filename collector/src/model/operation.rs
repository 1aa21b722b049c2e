//! Operations of an `io_uring`, by number: their names, and which work on a descriptor.
//!
//! The numbers are the same on every architecture
//! (<https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/io_uring.h#L208-L267>). It must never guess: one
//! that is not in the list is a number, and works on nothing that is known.

use std::borrow::Cow;

use probe_ebpf::UNKNOWN_OPERATION;

/// In order of their numbers. Those marked work on the descriptor of `io_uring_sqe.fd`
/// (`needs_file` in <https://github.com/torvalds/linux/blob/v6.12/io_uring/opdef.c#L53>).
const OPERATIONS: [(&str, bool); 63] = [
    ("nop", false),
    ("readv", true),
    ("writev", true),
    ("fsync", true),
    ("read_fixed", true),
    ("write_fixed", true),
    ("poll_add", true),
    ("poll_remove", false),
    ("sync_file_range", true),
    ("sendmsg", true),
    ("recvmsg", true),
    ("timeout", false),
    ("timeout_remove", false),
    ("accept", true),
    ("async_cancel", false),
    ("link_timeout", false),
    ("connect", true),
    ("fallocate", true),
    ("openat", false),
    ("close", false),
    ("files_update", false),
    ("statx", false),
    ("read", true),
    ("write", true),
    ("fadvise", true),
    ("madvise", false),
    ("send", true),
    ("recv", true),
    ("openat2", false),
    ("epoll_ctl", false),
    ("splice", true),
    ("provide_buffers", false),
    ("remove_buffers", false),
    ("tee", true),
    ("shutdown", true),
    ("renameat", false),
    ("unlinkat", false),
    ("mkdirat", false),
    ("symlinkat", false),
    ("linkat", false),
    ("msg_ring", true),
    ("fsetxattr", true),
    ("setxattr", false),
    ("fgetxattr", true),
    ("getxattr", false),
    ("socket", false),
    ("uring_cmd", true),
    ("send_zc", true),
    ("sendmsg_zc", true),
    ("read_multishot", true),
    ("waitid", false),
    ("futex_wait", false),
    ("futex_wake", false),
    ("futex_waitv", false),
    ("fixed_fd_install", true),
    ("ftruncate", true),
    ("bind", true),
    ("listen", true),
    ("recv_zc", true),
    ("epoll_wait", true),
    ("readv_fixed", true),
    ("writev_fixed", true),
    ("pipe", false),
];

fn operation(opcode: u32) -> Option<(&'static str, bool)> {
    let index = usize::try_from(opcode).ok()?;
    OPERATIONS.get(index).copied()
}

/// The name of an operation, or `operation_N` for a number that has none here; `unknown` if nobody knows which it was.
pub fn operation_name(opcode: u32) -> Cow<'static, str> {
    match operation(opcode) {
        Some((name, _)) => Cow::Borrowed(name),
        None if opcode == UNKNOWN_OPERATION => Cow::Borrowed("unknown"),
        None => Cow::Owned(format!("operation_{opcode}")),
    }
}

/// Whether an operation works on a descriptor.
pub(super) fn works_on_descriptor(opcode: u32) -> bool {
    operation(opcode).is_some_and(|(_, works)| works)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_named_as_the_kernel_does() {
        for (opcode, name, works) in [
            (0, "nop", false),
            (13, "accept", true),
            (22, "read", true),
            (26, "send", true),
            (27, "recv", true),
            (45, "socket", false),
            (54, "fixed_fd_install", true),
            (62, "pipe", false),
            (63, "operation_63", false),
            (UNKNOWN_OPERATION, "unknown", false),
        ] {
            assert_eq!(operation_name(opcode), name);
            assert_eq!(works_on_descriptor(opcode), works, "{name}");
        }
    }
}
