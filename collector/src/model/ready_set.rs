//! What a readiness call was asked for and found, from the bytes of the program's memory.
//!
//! The bytes are the traced program's own and may be anything: nothing here trusts a count or a number.

use probe_ebpf::{
    EFFECT_EPOLL_WAIT, EFFECT_POLL, EFFECT_SELECT, READY_LARGE, READY_MAX, SELECT_WORDS,
};

use super::{Arch, Ready, readiness, registry::Registry};

type Record = probe_ebpf::Ready<READY_LARGE>;

/// Tells each entry of a record. `call_start_ns` is when the call was entered, since the trace began.
pub(super) fn each(
    record: &Record,
    arch: Arch,
    registry: &Registry,
    call_start_ns: u64,
    mut tell: impl FnMut(Ready),
) {
    let (pid, tid) = (record.head.pid, record.head.tid);
    let tell = |(fd, asked, ready): Entry| {
        tell(Ready {
            pid,
            tid,
            call_start_ns,
            fd,
            descriptor: fd.and_then(|fd| registry.at(pid, fd, call_start_ns)),
            asked,
            ready,
        });
    };
    let max = READY_MAX as usize;
    match record.what as u8 {
        EFFECT_EPOLL_WAIT => epoll(record, arch, registry).take(max).for_each(tell),
        EFFECT_POLL => poll(record).take(max).for_each(tell),
        EFFECT_SELECT => select(record).take(max).for_each(tell),
        _ => {}
    }
}

/// Descriptor, bits asked for, bits found.
type Entry = (Option<i32>, Option<u32>, u32);

fn epoll(record: &Record, arch: Arch, registry: &Registry) -> impl Iterator<Item = Entry> {
    let interest = registry.interest(record.head.pid, record.epfd);
    let size = epoll_event_bytes(arch) / 4;
    (0..record.count as usize).map_while(move |at| {
        // The word of the program's own stands at the end.
        let (first, end) = (at * size, (at + 1) * size);
        let (low, high) = (half(record, end - 2)?, half(record, end - 1)?);
        let data = u64::from(low) | u64::from(high) << 32;
        let meant = interest.and_then(|interest| interest.meant(data));
        let bits = half(record, first)?;
        Some((meant.map(|(fd, _)| fd), meant.map(|(_, asked)| asked), bits))
    })
}

/// The 32 bits at this place, counted from the first byte.
fn half(record: &Record, at: usize) -> Option<u32> {
    let word = record.raw.get(at / 2)?;
    Some((word >> (at % 2 * 32)) as u32)
}

/// Bytes of a `struct epoll_event`: packed on x86 only.
/// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/eventpoll.h#L74-L86>
pub(crate) const fn epoll_event_bytes(arch: Arch) -> usize {
    match arch {
        Arch::X86_64 => 12,
        Arch::Aarch64 => 16,
    }
}

/// A `struct pollfd` is one word: the descriptor, and 16 bits each of what was asked for and found.
fn poll(record: &Record) -> impl Iterator<Item = Entry> {
    let entries = record.raw.iter().take(record.count as usize);
    entries.filter_map(|entry| {
        let (fd, bits) = (*entry as i32, (entry >> 32) as u32);
        // One below zero is passed over by the kernel, too.
        (fd >= 0).then_some((Some(fd), Some(bits & 0xffff), bits >> 16))
    })
}

fn select(record: &Record) -> impl Iterator<Item = Entry> {
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
        .filter_map(move |fd| {
            let (asked, found) = (bits_of(asked, fd), bits_of(found, fd));
            (asked != 0).then_some((Some(fd as i32), Some(asked), found))
        })
}
