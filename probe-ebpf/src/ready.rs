//! What a readiness call was asked for, and what it found: raw bytes of the program's own memory, up to a bound.
//!
//! They are read as the call returns, but for the sets of `select`, which it overwrites. It must never read anything
//! but these lists of descriptors.

use aya_ebpf::{
    helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_user},
    macros::map,
    maps::LruHashMap,
};
use probe_ebpf::{
    Head, KIND_READY, READY_LARGE, READY_MAX, READY_SMALL, Ready, SELECT_WORDS, Thread,
};

use crate::{emit, kernel::global};

#[unsafe(no_mangle)]
static READY_SETS: u32 = 0;
#[unsafe(no_mangle)]
static EPOLL_EVENT_BYTES: u32 = 0;

/// Threads in a `select` at one time; the oldest are forgotten.
const SELECTING_MAX: u32 = 4_096;
/// Bits of each set that are looked at.
const SELECT_BITS: u32 = SELECT_WORDS as u32 * 64;

/// Three sets as they were asked for, by thread.
type Sets = [u64; 3 * SELECT_WORDS];
#[map]
static ASKED: LruHashMap<u32, Sets> = LruHashMap::with_max_entries(SELECTING_MAX, 0);

/// Bytes of a `struct epoll_event`.
#[inline(always)]
pub(crate) fn epoll_event_bytes() -> u64 {
    global(&EPOLL_EVENT_BYTES).into()
}

#[inline(always)]
fn wanted() -> bool {
    global(&READY_SETS) != 0
}

/// A thread enters `select`: keeps what it asks for.
#[inline(always)]
pub(crate) fn asked(tid: u32, args: &[u64; 4]) {
    if wanted() {
        let mut sets: Sets = [0; 3 * SELECT_WORDS];
        read_sets(args, &mut sets);
        // Without room, what was asked is not known.
        let _ = ASKED.insert(tid, &sets, 0);
    }
}

/// Reads the three sets of a `select`, as far as its first argument says that they reach.
#[inline(always)]
fn read_sets(args: &[u64; 4], sets: &mut [u64]) {
    let bytes = set_bytes(args[0] as u32);
    for (set, pointer) in sets.chunks_exact_mut(SELECT_WORDS).zip(&args[1..4]) {
        if *pointer == 0 || bytes == 0 {
            continue;
        }
        // SAFETY: at most the set's own size; the helper fails on memory that it can't read.
        unsafe { bpf_probe_read_user(set.as_mut_ptr().cast(), bytes, *pointer as *const _) };
    }
}

/// Bytes of one set up to this descriptor, in whole words as the kernel reads them.
#[inline(always)]
fn set_bytes(descriptors: u32) -> u32 {
    const ALL: u32 = SELECT_WORDS as u32 * 8;
    let bytes = opaque(descriptors.div_ceil(64) * 8);
    if bytes > ALL { ALL } else { bytes }
}

/// `epoll_wait` returns: those that are ready stand where its second argument points.
#[inline(always)]
pub(crate) fn found_by_epoll(thread: &Thread, now: u64, ret: i64) {
    if !wanted() || ret <= 0 {
        return;
    }
    let count = if ret > READY_MAX.into() {
        READY_MAX
    } else {
        ret as u32
    };
    let bytes = count * global(&EPOLL_EVENT_BYTES);
    let found = Found {
        at_ns: now,
        epfd: thread.call.args[0] as i32,
        count,
        ret: ret as i32,
    };
    tell_bytes(thread, found, thread.call.args[1], bytes);
}

/// `poll` returns: what was asked and what was found stand where its first argument points.
#[inline(always)]
pub(crate) fn found_by_poll(thread: &Thread, now: u64, ret: i64) {
    if !wanted() || ret < 0 {
        return;
    }
    const POLLFD_BYTES: u32 = 8;
    let asked = thread.call.args[1] as u32;
    let count = if asked > READY_MAX { READY_MAX } else { asked };
    if count > 0 {
        let found = Found {
            at_ns: now,
            epfd: -1,
            count,
            ret: ret as i32,
        };
        tell_bytes(thread, found, thread.call.args[0], count * POLLFD_BYTES);
    }
}

/// What a readiness call found, but for the list itself.
#[derive(Clone, Copy)]
struct Found {
    /// When it returned.
    at_ns: u64,
    epfd: i32,
    count: u32,
    ret: i32,
}

#[inline(always)]
fn tell_bytes(thread: &Thread, found: Found, at: u64, bytes: u32) {
    if bytes <= READY_SMALL as u32 * 8 {
        tell::<READY_SMALL>(thread, found, |raw| {
            read_user(raw, at, bytes);
        });
    } else {
        tell::<READY_LARGE>(thread, found, |raw| {
            read_user(raw, at, bytes);
        });
    }
}

/// The same number, of which the compiler knows nothing: else it leaves out a check that it finds needless, and the
/// verifier does not.
#[inline(always)]
fn opaque(mut number: u32) -> u32 {
    // SAFETY: no instruction at all.
    unsafe {
        core::arch::asm!("/* {number} */", number = inout(reg) number, options(pure, nomem, nostack, preserves_flags));
    }
    number
}

#[inline(always)]
fn read_user<const N: usize>(raw: &mut [u64; N], at: u64, bytes: u32) {
    let (room, bytes) = (N as u32 * 8, opaque(bytes));
    let bytes = if bytes > room { room } else { bytes };
    // SAFETY: at most the room there is; the helper fails on memory that it can't read, and leaves zeros.
    unsafe { bpf_probe_read_user(raw.as_mut_ptr().cast(), bytes, at as *const _) };
}

/// `select` returns: what it was asked was kept, what it found stands in its sets.
#[inline(always)]
pub(crate) fn found_by_select(thread: &Thread, now: u64, ret: i64) {
    if !wanted() || ret < 0 {
        return;
    }
    let args = thread.call.args;
    let asked = args[0] as u32;
    let count = if asked > SELECT_BITS {
        SELECT_BITS
    } else {
        asked
    };
    let tid = thread.call.head.tid;
    let Some(sets) = ASKED.get_ptr(tid) else {
        return;
    };
    let found = Found {
        at_ns: now,
        epfd: -1,
        count,
        ret: ret as i32,
    };
    tell::<READY_LARGE>(thread, found, |raw| {
        let (before, after) = raw.split_at_mut(3 * SELECT_WORDS);
        // SAFETY: both are that long, and the entry is not freed before the program ends.
        unsafe {
            bpf_probe_read_kernel(
                before.as_mut_ptr().cast(),
                size_of::<Sets>() as u32,
                sets.cast(),
            );
        }
        read_sets(&args, after);
    });
}

#[inline(always)]
fn tell<const N: usize>(thread: &Thread, found: Found, read: impl FnOnce(&mut [u64; N])) {
    let Found {
        at_ns,
        epfd,
        count,
        ret,
    } = found;
    let head = Head {
        kind: KIND_READY,
        ..thread.call.head
    };
    emit::emit_in_place(head, |place: *mut Ready<N>| {
        // SAFETY: it is room for a record, and all of it is written here.
        unsafe {
            (&raw mut (*place).enter_ns).write(thread.call.enter_ns);
            (&raw mut (*place).at_ns).write(at_ns);
            (&raw mut (*place).what).write(thread.effect);
            (&raw mut (*place).epfd).write(epfd);
            (&raw mut (*place).count).write(count);
            (&raw mut (*place).ret).write(ret);
            let raw: *mut u64 = (&raw mut (*place).raw).cast();
            for word in 0..N {
                raw.add(word).write_volatile(0);
            }
            read(&mut (*place).raw);
        }
    });
}
