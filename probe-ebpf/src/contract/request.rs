//! The record of a request of an `io_uring`, and where the kernel keeps one. It must never hold what a request
//! moves.

use super::Head;

/// Where the kernel keeps what a request is: offsets in bytes, 0 for what this kernel does not have.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestOffsets {
    /// `io_kiocb.opcode`
    pub opcode: u32,
    /// `io_kiocb.flags`: its lowest byte is the program's `io_uring_sqe.flags`.
    pub flags: u32,
    /// `io_kiocb.cqe.user_data`
    pub user_data: u32,
    /// `io_kiocb.ctx`
    pub ring: u32,
    /// `io_kiocb.cqe.fd`, which only stands there until the request is complete.
    pub fd: u32,
    /// `io_uring_cqe.res`
    pub cqe_res: u32,
    /// `io_uring_cqe.flags`
    pub cqe_flags: u32,
    /// 1 if `io_uring_complete` hands over the `io_uring_cqe` itself, not what is in it (Linux 6.14).
    pub complete_has_cqe: u32,
    /// `io_accept.file_slot`
    pub accept_slot: u32,
    /// `io_open.file_slot`
    pub open_slot: u32,
    /// `io_socket.file_slot`
    pub socket_slot: u32,
    /// `io_close.fd`
    pub close_fd: u32,
    /// `io_epoll.epfd`
    pub epoll_epfd: u32,
    /// `io_epoll.op`
    pub epoll_op: u32,
    /// `io_epoll.fd`
    pub epoll_fd: u32,
    /// `io_epoll.event`
    pub epoll_event: u32,
}

/// An operation that a program handed to an `io_uring`, and what came of it. One that goes on after it was complete
/// for the first time (multishot) has a record for each time.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Kind, CPU it was complete on, loss, and process and thread that submitted it; if that was not seen, that
    /// it was complete in.
    pub head: Head,
    /// When the kernel took it; 0 if that was not seen.
    pub submit_ns: u64,
    /// When it was complete; 0 if that was not seen.
    pub complete_ns: u64,
    /// The program's own word for it.
    pub user_data: u64,
    /// What came of it: below zero a negated errno.
    pub res: i32,
    /// `io_uring_cqe.flags`
    pub cqe_flags: u32,
    /// The descriptor it works on, or -1.
    pub fd: i32,
    /// The descriptor of the ring, or -1 if that is not known.
    pub ring: i32,
    /// One of `enum io_uring_op`, or [`UNKNOWN_OPERATION`].
    pub opcode: u32,
    /// The program's `io_uring_sqe.flags`.
    pub sqe_flags: u32,
    /// How often it was complete before.
    pub shot: u32,
    /// Zero.
    pub reserved: u32,
}

/// [`Request::opcode`]: nobody knows which request it was.
pub const UNKNOWN_OPERATION: u32 = u32::MAX;
/// Requests of all targets that can be under way at one time; of those that find no room the submission is not seen.
pub const REQUESTS_MAX: u32 = 16_384;

/// [`Request::cqe_flags`]: it goes on, and will be complete again (`IORING_CQE_F_MORE`).
pub const CQE_MORE: u32 = 2;
/// [`Request::cqe_flags`]: the memory it sent from is free again (`IORING_CQE_F_NOTIF`), which is no completion.
pub const CQE_NOTIFICATION: u32 = 8;
/// [`Request::sqe_flags`]: the descriptor is a number of the ring's own (`IOSQE_FIXED_FILE`).
pub const SQE_FIXED_FILE: u32 = 1;

/// In [`Fd::nr`](super::Fd::nr): not a call did it but a request, whose opcode stands below.
pub const BY_REQUEST: u32 = 1 << 31;
