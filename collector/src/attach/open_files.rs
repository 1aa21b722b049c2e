//! What a process had open before tracing began: its descriptors, with the names of its sockets and what its epolls
//! wait for.
//!
//! Read once, right after the programs were armed, since the right to read it is given up then. It must never
//! open anything but `/proc`.

use std::{collections::HashMap, path::Path};

use procfs::process::{FDTarget, Process};

use super::sockets::{self, Socket};
use crate::model::{
    DescriptorKind,
    descriptor_name::{Direction, anonymous, short, socket_name},
    readiness,
    registry::Found,
};

/// All that a process has open, as far as it may be read.
pub(crate) fn of(pid: u32) -> Vec<Found> {
    let Ok(process) = Process::new(pid as i32) else {
        return Vec::new();
    };
    let Ok(all) = process.fd() else {
        return Vec::new();
    };
    let sockets = sockets::all(&process);
    let listening: Vec<&str> = sockets
        .values()
        .filter(|socket| socket.listening)
        .filter_map(|socket| port(socket.local.as_deref()?))
        .collect();
    all.filter_map(Result::ok)
        .map(|info| found(pid, info.fd, &info.target, &sockets, &listening))
        .collect()
}

fn found(
    pid: u32,
    fd: i32,
    target: &FDTarget,
    sockets: &HashMap<u64, Socket>,
    listening: &[&str],
) -> Found {
    let mut found = Found {
        fd,
        kind: DescriptorKind::Unknown,
        name: String::new(),
        local: None,
        peer: None,
        object: 0,
        interest: Vec::new(),
    };
    match target {
        FDTarget::Socket(inode) => {
            found.object = *inode;
            if let Some(socket) = sockets.get(inode) {
                found.kind = socket.kind;
                found.local.clone_from(&socket.local);
                found.peer.clone_from(&socket.peer);
                let own = found.local.as_deref().and_then(port);
                let direction = match own {
                    _ if socket.listening => Direction::Listening,
                    Some(port) if listening.contains(&port) => Direction::In,
                    _ => Direction::Unknown,
                };
                let (local, peer) = (found.local.as_deref(), found.peer.as_deref());
                let by_address = || socket_name(local, peer, direction, *inode);
                found.name = socket.name.clone().unwrap_or_else(by_address);
            } else {
                found.kind = sockets::kind_of(pid, fd);
                found.name = format!("socket:[{inode}]");
            }
        }
        FDTarget::Pipe(inode) => {
            found.object = *inode;
            found.kind = DescriptorKind::Pipe;
            found.name = format!("pipe:[{inode}]");
        }
        FDTarget::AnonInode(name) => {
            found.kind = anonymous(name).unwrap_or(DescriptorKind::Unknown);
            found.name.clone_from(name);
            if found.kind == DescriptorKind::Epoll {
                found.interest = interest(pid, fd);
            }
        }
        FDTarget::Path(path) => {
            found.kind = kind_of_path(path);
            found.name = short(&path.to_string_lossy());
        }
        FDTarget::MemFD(name) => {
            found.kind = DescriptorKind::File;
            found.name = short(name);
        }
        _ => {}
    }
    found
}

fn kind_of_path(path: &Path) -> DescriptorKind {
    use std::os::unix::fs::FileTypeExt as _;
    match std::fs::metadata(path).map(|found| found.file_type()) {
        Ok(kind) if kind.is_dir() => DescriptorKind::Directory,
        Ok(kind) if kind.is_char_device() || kind.is_block_device() => DescriptorKind::Device,
        Ok(kind) if kind.is_fifo() => DescriptorKind::Pipe,
        // One that was removed, or is in another mount namespace, is a file most likely.
        Ok(_) | Err(_) => DescriptorKind::File,
    }
}

/// The port of an address that was printed.
fn port(address: &str) -> Option<&str> {
    address.rsplit_once(':').map(|(_, port)| port)
}

/// What an epoll waits for: descriptor, bits, and the program's own word for it. See proc(5), `fdinfo`.
fn interest(pid: u32, epfd: i32) -> Vec<(i32, u32, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{epfd}")).unwrap_or_default();
    text.lines().filter_map(interest_line).collect()
}

/// `tfd:        8 events:       19 data:                8  pos:0 ino:… sdev:…`
fn interest_line(line: &str) -> Option<(i32, u32, u64)> {
    let mut words = line.split_ascii_whitespace();
    let mut after = |key: &str| {
        words.find(|word| *word == key)?;
        words.next()
    };
    let fd = after("tfd:")?.parse().ok()?;
    let events = u32::from_str_radix(after("events:")?, 16).ok()?;
    let data = u64::from_str_radix(after("data:")?, 16).ok()?;
    // The kernel adds these two to what was asked for, whatever that was.
    let asked = events & !(readiness::ERR | readiness::HUP);
    Some((fd, asked, data))
}

#[cfg(test)]
mod tests {
    use super::interest_line;

    #[test]
    fn a_line_of_fdinfo_is_read_and_any_other_is_passed_over() {
        let line = "tfd:        8 events: 80000019 data:     7f0000000008  pos:0 ino:81 sdev:9";
        assert_eq!(
            interest_line(line),
            Some((8, 0x8000_0001, 0x7f00_0000_0008))
        );
        assert_eq!(interest_line("pos:\t0"), None);
        assert_eq!(interest_line("tfd: 8 events: x data: 1"), None);
    }
}
