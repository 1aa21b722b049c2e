//! What a descriptor is and what a person would call it, from what the programs read of it.
//!
//! Every number and byte is the kernel's or the traced program's own, and may be anything.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use probe_ebpf::Fd;

use super::{Descriptor, DescriptorKind};

const S_IFMT: u32 = 0o170_000;
const S_IFSOCK: u32 = 0o140_000;
const S_IFREG: u32 = 0o100_000;
const S_IFBLK: u32 = 0o060_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFCHR: u32 = 0o020_000;
const S_IFIFO: u32 = 0o010_000;
const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const AF_NETLINK: u16 = 16;
const SOCK_STREAM: u16 = 1;
const SOCK_DGRAM: u16 = 2;

/// Bytes of a name at most, so that a recording can keep it.
const NAME_BYTES_MAX: usize = 240;

/// The descriptor of a record, without its number in the trace and its times.
pub(super) fn of(record: &Fd, call: &str) -> Descriptor {
    let text = until_zero(&record.name);
    let kind = kind(record, &text);
    let mut descriptor = Descriptor {
        id: 0,
        pid: record.head.pid,
        fd: record.fd,
        kind,
        name: String::new(),
        local: None,
        peer: None,
        peer_pid: (record.peer_pid != 0).then_some(record.peer_pid),
        object: record.inode,
        opened_ns: None,
        closed_ns: None,
    };
    match kind {
        DescriptorKind::Tcp | DescriptorKind::Udp => {
            let peer_port = u16::from_be(record.peer_port);
            descriptor.local = address(record.family, record.local, record.local_port);
            descriptor.peer = address(record.family, record.peer, peer_port);
        }
        DescriptorKind::Unix if record.name_len > 0 => {
            let length = usize::from(record.name_len).min(record.name.len());
            let path = unix_path(record.name.get(..length).unwrap_or_default());
            if record.name_is_peers == 0 {
                descriptor.local = Some(path);
            } else {
                descriptor.peer = Some(path);
            }
        }
        _ => {}
    }
    let direction = match call {
        "accept" | "accept4" => Direction::In,
        "connect" => Direction::Out,
        "listen" => Direction::Listening,
        _ => Direction::Unknown,
    };
    let (local, peer) = (descriptor.local.as_deref(), descriptor.peer.as_deref());
    descriptor.name = match kind {
        DescriptorKind::Netlink => netlink_name(record.protocol),
        kind if kind.is_socket() => socket_name(local, peer, direction, record.inode),
        DescriptorKind::Pipe => format!("pipe:[{}]", record.inode),
        _ => short(&text),
    };
    descriptor
}

/// Who asked for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The other end: it was accepted.
    In,
    /// This end: it connected.
    Out,
    /// It waits for connections.
    Listening,
    /// Not known.
    Unknown,
}

/// What to call a socket.
pub(crate) fn socket_name(
    local: Option<&str>,
    peer: Option<&str>,
    direction: Direction,
    inode: u64,
) -> String {
    let name = match (local, peer) {
        (Some(local), Some(peer)) => match direction {
            Direction::In => format!("{local} ← {peer}"),
            Direction::Out => format!("{local} → {peer}"),
            Direction::Listening | Direction::Unknown => format!("{local} ↔ {peer}"),
        },
        (Some(local), None) if direction == Direction::Listening => format!("{local} (listening)"),
        (Some(local), None) => local.to_owned(),
        (None, Some(peer)) => format!("→ {peer}"),
        (None, None) => format!("socket:[{inode}]"),
    };
    short(&name)
}

/// What the kernel's headers call a protocol of netlink, whose sockets have no address that tells one from another:
/// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/netlink.h#L9-L31>.
pub(crate) fn netlink_name(protocol: u16) -> String {
    let word = match protocol {
        0 => "ROUTE",
        2 => "USERSOCK",
        4 => "SOCK_DIAG",
        5 => "NFLOG",
        6 => "XFRM",
        7 => "SELINUX",
        8 => "ISCSI",
        9 => "AUDIT",
        10 => "FIB_LOOKUP",
        11 => "CONNECTOR",
        12 => "NETFILTER",
        15 => "KOBJECT_UEVENT",
        16 => "GENERIC",
        18 => "SCSITRANSPORT",
        20 => "RDMA",
        21 => "CRYPTO",
        22 => "SMC",
        other => return format!("netlink protocol {other}"),
    };
    format!("NETLINK_{word}")
}

fn kind(record: &Fd, name: &str) -> DescriptorKind {
    if let Some(kind) = anonymous(name) {
        return kind;
    }
    match record.mode & S_IFMT {
        S_IFSOCK => match (record.family, record.socket_type) {
            (AF_INET | AF_INET6, SOCK_STREAM) => DescriptorKind::Tcp,
            (AF_INET | AF_INET6, SOCK_DGRAM) => DescriptorKind::Udp,
            (AF_UNIX, _) => DescriptorKind::Unix,
            (AF_NETLINK, _) => DescriptorKind::Netlink,
            _ => DescriptorKind::Socket,
        },
        S_IFIFO => DescriptorKind::Pipe,
        S_IFREG => DescriptorKind::File,
        S_IFDIR => DescriptorKind::Directory,
        S_IFCHR | S_IFBLK => DescriptorKind::Device,
        _ => DescriptorKind::Unknown,
    }
}

/// What the kernel calls the files that it makes without a path, such as `[eventfd]`. In links it says
/// `anon_inode:` before it.
pub(crate) fn anonymous(name: &str) -> Option<DescriptorKind> {
    let name = name.strip_prefix("anon_inode:").unwrap_or(name);
    Some(match name {
        "[eventfd]" => DescriptorKind::Eventfd,
        "[timerfd]" => DescriptorKind::Timerfd,
        "[signalfd]" => DescriptorKind::Signalfd,
        "[eventpoll]" => DescriptorKind::Epoll,
        "[io_uring]" => DescriptorKind::Uring,
        "[pidfd]" => DescriptorKind::Pidfd,
        "inotify" | "[inotify]" => DescriptorKind::Inotify,
        _ => return None,
    })
}

/// An address and port; `None` if both are zero, which stands for none.
fn address(family: u16, words: [u64; 2], port: u16) -> Option<String> {
    let mut bytes = [0; 16];
    for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    let ip = if family == AF_INET {
        let [a, b, c, d, ..] = bytes;
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    } else {
        // IPv4 on an IPv6 socket looks like IPv4 to everyone else.
        Ipv6Addr::from(bytes).to_canonical()
    };
    (port != 0 || !ip.is_unspecified()).then(|| SocketAddr::new(ip, port).to_string())
}

/// A unix socket's address: a path up to its zero, or an abstract name, which begins with one.
fn unix_path(bytes: &[u8]) -> String {
    match bytes.split_first() {
        Some((0, name)) => format!("@{}", String::from_utf8_lossy(name)),
        _ => until_zero(bytes),
    }
}

fn until_zero(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0);
    let bytes = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// A name that a recording can keep: of a long one, the end, which tells more.
pub(crate) fn short(name: &str) -> String {
    if name.len() <= NAME_BYTES_MAX {
        return name.to_owned();
    }
    let from = name.len() - NAME_BYTES_MAX;
    let from = (from..name.len()).find(|&at| name.is_char_boundary(at));
    format!("…{}", name.get(from.unwrap_or(0)..).unwrap_or_default())
}
