//! The sockets of a process's network namespace, as the kernel's tables in `/proc/PID/net` have them.
//!
//! It must never take a line that it does not understand for a socket.

use std::{collections::HashMap, fs, net::IpAddr, net::SocketAddr};

use procfs::{net::TcpState, process::Process};

use crate::model::{
    DescriptorKind,
    descriptor_name::{netlink_name, short},
};

/// The flag of a unix socket that listens, `__SO_ACCEPTCON`:
/// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/net.h#L48>. Its state does not say: it is "not
/// connected", like that of one that is only bound.
const ACCEPTS: u32 = 1 << 16;

/// One socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) kind: DescriptorKind,
    pub(super) local: Option<String>,
    pub(super) peer: Option<String>,
    pub(super) listening: bool,
    /// What to call it, where addresses don't say.
    pub(super) name: Option<String>,
}

/// All sockets of the process's network namespace, by inode.
pub(super) fn all(process: &Process) -> HashMap<u64, Socket> {
    let mut sockets = HashMap::new();
    let tcp = [process.tcp(), process.tcp6()];
    for entry in tcp.into_iter().flatten().flatten() {
        let listening = entry.state == TcpState::Listen;
        let ends = (entry.local_address, entry.remote_address);
        sockets.insert(entry.inode, ip(DescriptorKind::Tcp, ends, listening));
    }
    let udp = [process.udp(), process.udp6()];
    for entry in udp.into_iter().flatten().flatten() {
        let ends = (entry.local_address, entry.remote_address);
        sockets.insert(entry.inode, ip(DescriptorKind::Udp, ends, false));
    }
    let table = |name: &str| {
        let bytes = fs::read(format!("/proc/{}/net/{name}", process.pid())).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    // A unix socket's name may hold what looks like another line: of two that claim one socket, neither is believed.
    let mut named: HashMap<u64, Option<Socket>> = HashMap::new();
    for (inode, socket) in table("unix").lines().filter_map(unix) {
        let doubted = |known: &mut Option<Socket>| *known = None;
        named
            .entry(inode)
            .and_modify(doubted)
            .or_insert(Some(socket));
    }
    let named = named.into_iter();
    let named = named.filter_map(|(inode, socket)| Some((inode, socket?)));
    for (inode, socket) in named.chain(table("netlink").lines().filter_map(netlink)) {
        sockets.entry(inode).or_insert(socket);
    }
    sockets
}

fn ip(kind: DescriptorKind, (local, peer): (SocketAddr, SocketAddr), listening: bool) -> Socket {
    let some = |address: SocketAddr| {
        (address.port() != 0 || !address.ip().is_unspecified()).then(|| plain(address).to_string())
    };
    Socket {
        kind,
        local: some(local),
        peer: some(peer),
        listening,
        name: None,
    }
}

/// IPv4 on an IPv6 socket looks like IPv4 to everyone else.
fn plain(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V6(ip) => SocketAddr::new(ip.to_canonical(), address.port()),
        IpAddr::V4(_) => address,
    }
}

/// `000000005c2f6a4e: 00000002 00000000 00010000 0001 01 651325 @name`: flags, type, state, inode, and all the rest
/// of the line is the name.
fn unix(line: &str) -> Option<(u64, Socket)> {
    let (place, rest) = line.split_once(": ")?;
    u64::from_str_radix(place, 16).ok()?;
    let mut words = rest.trim_start().splitn(4, ' ').skip(2);
    let flags = u32::from_str_radix(words.next()?, 16).ok()?;
    // The inode is set right, so blanks may stand before it.
    let (_, rest) = words.next()?.split_once(' ')?;
    let (_, rest) = rest.split_once(' ')?;
    let rest = rest.trim_start();
    let (inode, path) = rest.split_once(' ').unwrap_or((rest, ""));
    let socket = Socket {
        kind: DescriptorKind::Unix,
        local: (!path.is_empty()).then(|| short(path)),
        peer: None,
        listening: flags & ACCEPTS != 0,
        name: None,
    };
    Some((inode.parse().ok()?, socket))
}

/// `000000002c0e9c1b 15  11972  00000001 0 0 0 2 0 651324`: the second word is the protocol, the last one the inode.
fn netlink(line: &str) -> Option<(u64, Socket)> {
    let mut words = line.split_ascii_whitespace();
    u64::from_str_radix(words.next()?, 16).ok()?;
    let protocol = words.next()?.parse().ok()?;
    let socket = Socket {
        kind: DescriptorKind::Netlink,
        local: None,
        peer: None,
        listening: false,
        name: Some(netlink_name(protocol)),
    };
    Some((words.next_back()?.parse().ok()?, socket))
}

/// What kind of socket this is, from the kernel's name of its protocol: for those that are in no table, since they are
/// not bound, or of a family that has none.
pub(super) fn kind_of(pid: u32, fd: i32) -> DescriptorKind {
    let mut name = [0; 32];
    let path = format!("/proc/{pid}/fd/{fd}");
    let length =
        rustix::fs::getxattr(path, "system.sockprotoname", &mut name[..]).unwrap_or_default();
    match name.get(..length).unwrap_or_default() {
        b"TCP\0" | b"TCPv6\0" => DescriptorKind::Tcp,
        b"UDP\0" | b"UDPv6\0" => DescriptorKind::Udp,
        name if name.starts_with(b"UNIX") => DescriptorKind::Unix,
        b"NETLINK\0" => DescriptorKind::Netlink,
        b"" => DescriptorKind::Unknown,
        _ => DescriptorKind::Socket,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_socket_listens_only_if_the_kernel_says_so_and_its_name_is_the_rest_of_the_line() {
        let head = "000000005c2f6a4e: 00000002 00000000";
        for (rest, inode, local, listening) in [
            (
                "00010000 0001 01 651325 @name",
                651_325,
                Some("@name"),
                true,
            ),
            ("00000000 0002 01    77 a b ", 77, Some("a b "), false),
            ("00000000 0001 03  1077", 1077, None, false),
        ] {
            let (found, socket) = unix(&format!("{head} {rest}")).expect(rest);
            assert_eq!(
                (found, socket.local.as_deref(), socket.listening),
                (inode, local, listening),
                "{rest}"
            );
        }
    }

    #[test]
    fn what_is_no_line_of_a_table_is_passed_over() {
        let title = "Num       RefCount Protocol Flags    Type St Inode Path";
        for line in [
            "",
            title,
            "0: 0",
            "0: 1 2 3 4 5 x y",
            "x: 2 0 10000 1 1 5 a",
        ] {
            assert_eq!(unix(line), None, "{line}");
        }
        let title = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode";
        for line in ["", title, "0", "0 0", "00 x 1 2 3", "00 99999999 1 2 3"] {
            assert_eq!(netlink(line), None, "{line}");
        }
    }

    #[test]
    fn a_netlink_socket_is_named_for_its_protocol() {
        let line = "00000000f7cfedcf 15  11972      00000001 0        0        0     2        0        651324  ";
        let (inode, socket) = netlink(line).unwrap();
        assert_eq!((inode, socket.kind), (651_324, DescriptorKind::Netlink));
        assert_eq!(socket.name.as_deref(), Some("NETLINK_KOBJECT_UEVENT"));
    }
}
