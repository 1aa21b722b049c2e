//! What stood behind a number of a process, what readiness calls found of it, and the requests that an `io_uring` was
//! given for it: events of a trace.
//!
//! Nothing here may hold a default for what is not known: what may be unknown is an `Option` or says so by name.

use serde::{Deserialize, Serialize};

/// What stood behind one number of a process's table of descriptors, from when it was opened to when it was
/// closed. The number may come again: then it is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

    /// Known to be a socket or a pipe: copies of one, and nothing else, have its object, and what comes for it is taken by
    /// calls on one of them.
    pub fn is_shared_by_copies(self) -> bool {
        matches!(
            self,
            Self::Tcp | Self::Udp | Self::Unix | Self::Netlink | Self::Pipe
        )
    }
}

/// One descriptor that a readiness call waited for, or found ready. Of `epoll`, only those it found; of `select`
/// and `poll` those asked for, too. At most 32 a call: what the call returned says if there were more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
