//! What a readiness call was asked for and found, from the bytes of the program's memory.
//!
//! The bytes are the traced program's own and may be anything: nothing here trusts a count or a number.

use probe_ebpf::{
    EFFECT_EPOLL_WAIT, EFFECT_POLL, EFFECT_SELECT, READY_LARGE, READY_MAX, SELECT_WORDS,
};

use super::{Arch, Ready, readiness, registry::Registry};

type Record = probe_ebpf::Ready<READY_LARGE>;

/// The entries of a record. `call_start_ns` is when the call was entered, since the trace began.
pub(super) fn entries(
    record: &Record,
    arch: Arch,
    registry: &Registry,
    call_start_ns: u64,
) -> impl Iterator<Item = Ready> {
    let found: Vec<Entry> = match record.what as u8 {
        EFFECT_EPOLL_WAIT => epoll(record, arch, registry),
        EFFECT_POLL => poll(record),
        EFFECT_SELECT => select(record),
        _ => Vec::new(),
    };
    let (pid, tid) = (record.head.pid, record.head.tid);
    found
        .into_iter()
        .take(READY_MAX as usize)
        .map(move |(fd, asked, ready)| Ready {
            pid,
            tid,
            call_start_ns,
            fd,
            descriptor: fd.and_then(|fd| registry.at(pid, fd, call_start_ns)),
            asked,
            ready,
        })
}

/// Descriptor, bits asked for, bits found.
type Entry = (Option<i32>, Option<u32>, u32);

/// The bytes of all entries of this size.
fn bytes(record: &Record, size: usize) -> Vec<u8> {
    let wanted = (record.count as usize).saturating_mul(size).div_ceil(8);
    let mut bytes = Vec::with_capacity(wanted.min(READY_LARGE) * 8);
    for word in record.raw.iter().take(wanted) {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes
}

fn epoll(record: &Record, arch: Arch, registry: &Registry) -> Vec<Entry> {
    let size = epoll_event_bytes(arch);
    bytes(record, size)
        .chunks_exact(size)
        .take(record.count as usize)
        .filter_map(|event| {
            let bits = u32::from_le_bytes(event.get(..4)?.try_into().ok()?);
            let data = u64::from_le_bytes(event.get(size - 8..)?.try_into().ok()?);
            let meant = registry.meant(record.head.pid, record.epfd, data);
            Some((meant.map(|(fd, _)| fd), meant.map(|(_, asked)| asked), bits))
        })
        .collect()
}

/// Bytes of a `struct epoll_event`: packed on x86 only.
/// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/eventpoll.h#L74-L86>
pub(crate) const fn epoll_event_bytes(arch: Arch) -> usize {
    match arch {
        Arch::X86_64 => 12,
        Arch::Aarch64 => 16,
    }
}

fn poll(record: &Record) -> Vec<Entry> {
    const POLLFD_BYTES: usize = 8;
    bytes(record, POLLFD_BYTES)
        .chunks_exact(POLLFD_BYTES)
        .take(record.count as usize)
        .filter_map(|entry| {
            let fd = i32::from_le_bytes(entry.get(..4)?.try_into().ok()?);
            let asked = u16::from_le_bytes(entry.get(4..6)?.try_into().ok()?);
            let found = u16::from_le_bytes(entry.get(6..8)?.try_into().ok()?);
            // One below zero is passed over by the kernel, too.
            (fd >= 0).then_some((Some(fd), Some(asked.into()), found.into()))
        })
        .collect()
}

fn select(record: &Record) -> Vec<Entry> {
    const KINDS: [u32; 3] = [readiness::IN, readiness::OUT, readiness::PRI];
    let bits_of = |sets: &[u64], fd: usize| -> u32 {
        let sets = sets.chunks_exact(SELECT_WORDS).zip(KINDS);
        sets.filter(|(set, _)| {
            let word = set.get(fd / 64).copied().unwrap_or(0);
            word >> (fd % 64) & 1 == 1
        })
        .map(|(_, kind)| kind)
        .sum()
    };
    let (asked, found) = record.raw.split_at(3 * SELECT_WORDS);
    let found = found.get(..3 * SELECT_WORDS).unwrap_or_default();
    (0..SELECT_WORDS * 64)
        .take(record.count as usize)
        .filter_map(|fd| {
            let (asked, found) = (bits_of(asked, fd), bits_of(found, fd));
            (asked != 0).then_some((Some(fd as i32), Some(asked), found))
        })
        .collect()
}
