//! What stands behind a descriptor: file, inode, socket, addresses, names.
//!
//! All of it is read as it is at that moment, by offsets from user space; what can't be read stays zero. It must
//! never read what a file or a socket holds.

use aya_ebpf::helpers::{bpf_probe_read_kernel_buf, bpf_probe_read_kernel_str_bytes};
use probe_ebpf::{FD_OPENED, Fd, FileOffsets, NAME_BYTES};

use crate::{
    arrival,
    kernel::{Task, global, read},
};

#[unsafe(no_mangle)]
static FILE: FileOffsets = FileOffsets {
    task_files: 0,
    files_fdt: 0,
    fdt_max: 0,
    fdt_fd: 0,
    file_inode: 0,
    file_dentry: 0,
    file_private: 0,
    inode_mode: 0,
    inode_number: 0,
    dentry_name: 0,
    socket_sk: 0,
    sk_family: 0,
    sk_type: 0,
    sk_protocol: 0,
    sk_local_port: 0,
    sk_peer_port: 0,
    sk_local_v4: 0,
    sk_peer_v4: 0,
    sk_local_v6: 0,
    sk_peer_v6: 0,
    sk_peer_pid: 0,
    pid_number: 0,
    unix_address: 0,
    unix_peer: 0,
    unix_address_len: 0,
    unix_address_name: 0,
};

const S_IFMT: u32 = 0o170_000;
const S_IFSOCK: u32 = 0o140_000;
const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// The `struct file` behind a descriptor of this task, or 0.
#[inline(always)]
fn file(task: Task, fd: i32, at: &FileOffsets) -> u64 {
    let files: u64 = read(task as u64, at.task_files);
    let table: u64 = read(files, at.files_fdt);
    let max: u32 = read(table, at.fdt_max);
    if fd < 0 || fd as u32 >= max {
        return 0;
    }
    let all: u64 = read(table, at.fdt_fd);
    read(all.wrapping_add(fd as u64 * 8), 0)
}

/// Whether this task has a descriptor of this number.
#[inline(always)]
pub(crate) fn is_open(task: Task, fd: i32) -> bool {
    file(task, fd, &global(&FILE)) != 0
}

/// Fills in what stands behind a descriptor, in a record that says what was done with it, and whose other fields are zero.
#[inline(always)]
pub(crate) fn describe(record: &mut Fd, task: Task, fd: i32) {
    let at = global(&FILE);
    let file = file(task, fd, &at);
    let inode: u64 = read(file, at.file_inode);
    let mode: u16 = read(inode, at.inode_mode);
    record.mode = mode.into();
    record.inode = read(inode, at.inode_number);
    if record.mode & S_IFMT == S_IFSOCK {
        let socket: u64 = read(file, at.file_private);
        let sk: u64 = read(socket, at.socket_sk);
        describe_socket(record, sk, &at);
        return;
    }
    let dentry: u64 = read(file, at.file_dentry);
    let name: u64 = read(dentry, at.dentry_name);
    if name != 0 {
        // SAFETY: the helper fails on memory that it can't read.
        let _ = unsafe { bpf_probe_read_kernel_str_bytes(name as *const u8, &mut record.name) };
    }
}

#[inline(always)]
fn describe_socket(record: &mut Fd, sk: u64, at: &FileOffsets) {
    if sk == 0 {
        return;
    }
    arrival::watch(sk, record.what == FD_OPENED);
    record.family = read(sk, at.sk_family);
    record.socket_type = read(sk, at.sk_type);
    record.protocol = read(sk, at.sk_protocol);
    if record.family == AF_INET || record.family == AF_INET6 {
        record.local_port = read(sk, at.sk_local_port);
        record.peer_port = read(sk, at.sk_peer_port);
        if record.family == AF_INET {
            record.local[0] = read::<u32>(sk, at.sk_local_v4).into();
            record.peer[0] = read::<u32>(sk, at.sk_peer_v4).into();
        } else {
            record.local = read(sk, at.sk_local_v6);
            record.peer = read(sk, at.sk_peer_v6);
        }
    } else if record.family == AF_UNIX && at.unix_address != 0 {
        let pid: u64 = read(sk, at.sk_peer_pid);
        record.peer_pid = read(pid, at.pid_number);
        if !unix_name(record, read(sk, at.unix_address), at) {
            let peer: u64 = read(sk, at.unix_peer);
            if unix_name(record, read(peer, at.unix_address), at) {
                record.name_is_peers = 1;
            }
        }
    }
}

/// Copies a unix socket's address, if it has one.
#[inline(always)]
fn unix_name(record: &mut Fd, address: u64, at: &FileOffsets) -> bool {
    /// The family, which stands before the path.
    const FAMILY_BYTES: u32 = 2;
    let length: u32 = read(address, at.unix_address_len);
    if length <= FAMILY_BYTES {
        return false;
    }
    let from = address.wrapping_add((at.unix_address_name + FAMILY_BYTES).into());
    // The structure has room for the longest path there is, 108 bytes; memory beyond a shorter one may be
    // anything, and is cut off by its length in user space.
    const PATH_BYTES: usize = 108;
    let length = (length - FAMILY_BYTES) as usize;
    let length = if length > PATH_BYTES {
        PATH_BYTES
    } else {
        length
    };
    let (path, _) = record.name.split_at_mut(PATH_BYTES.min(NAME_BYTES));
    let Some(path) = path.get_mut(..length) else {
        return false;
    };
    // SAFETY: the helper fails on memory that it can't read.
    if unsafe { bpf_probe_read_kernel_buf(from as *const u8, path) }.is_err() {
        return false;
    }
    record.name_len = length as u16;
    true
}
