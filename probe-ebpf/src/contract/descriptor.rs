//! The records of descriptors: what stands behind one, and what readiness calls were asked for and found; and
//! where the kernel keeps that. It must never hold what a file or a socket holds.

use super::Head;

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
    /// The syscall's number, or the opcode of a request with [`BY_REQUEST`](super::BY_REQUEST).
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
/// [`Fd::what`]: still open as the process goes on with another program. Those come just before the word of that, one
/// for each below [`KEPT_MAX`].
pub const FD_KEPT: u32 = 8;
/// Numbers of descriptors that are looked at as a process begins another program.
pub const KEPT_MAX: u32 = 64;

/// What a readiness call was asked for and found, as it stands in the program's memory: raw bytes, up to a bound.
/// Comes just before the record of the call.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready<const N: usize> {
    /// Kind, CPU, loss, process and thread.
    pub head: Head,
    /// When the call was entered.
    pub enter_ns: u64,
    /// When it returned.
    pub at_ns: u64,
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
