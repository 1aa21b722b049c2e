//! When data came for a socket, and how long it lay there before a traced thread began to read it.
//!
//! A socket is known from the first time that a traced thread reads from it or is given it. Others cost one
//! look-up for each piece of data that comes for them, whosever they are.

use aya_ebpf::{macros::map, maps::LruHashMap};
use probe_ebpf::{CLASS_RECEIVE, NO_CALL};

use crate::{kernel, target, thread};

/// Sockets known at one time; the least used are forgotten.
const SOCKETS_MAX: u32 = 65_536;
/// `MSG_PEEK`: what is read stays.
const MSG_PEEK: u32 = 2;

/// By the socket's address: since when there is something to read, or 0.
#[map]
static SOCKETS: LruHashMap<u64, u64> = LruHashMap::with_max_entries(SOCKETS_MAX, 0);

/// A socket of a traced process, from now on.
#[inline(always)]
pub(crate) fn watch(sk: u64) {
    const BPF_NOEXIST: u64 = 1;
    // One that is known already stays as it is.
    let _ = SOCKETS.insert(sk, 0, BPF_NOEXIST);
}

/// Data came for a socket.
#[inline(always)]
pub(crate) fn came(sk: u64) {
    if target::armed_ns().is_none() {
        return;
    }
    if let Some(since) = SOCKETS.get_ptr_mut(sk) {
        // SAFETY: the entry is not freed before the program ends; a torn value can't be, it is one word.
        unsafe {
            if *since == 0 {
                *since = kernel::now();
            }
        }
    }
}

/// A thread read `ret` bytes from a socket.
#[inline(always)]
pub(crate) fn was_read(sk: u64, ret: i32, flags: u32) {
    let task = kernel::current();
    if !target::is_target(kernel::pid(task)) || target::armed_ns().is_none() || ret <= 0 {
        return;
    }
    let Some(thread) = thread::find(kernel::tid(task)) else {
        return;
    };
    let Some(since) = SOCKETS.get_ptr_mut(sk) else {
        watch(sk);
        return;
    };
    // SAFETY: as above.
    let came_ns = unsafe { *since };
    if came_ns == 0 || thread.call.nr == NO_CALL || thread.class != u32::from(CLASS_RECEIVE) {
        return;
    }
    if flags & MSG_PEEK == 0 {
        // SAFETY: as above. What came while this was read is taken to be read with it.
        unsafe { *since = 0 };
    }
    // It began to read when the kernel began to copy; without that it began with the call.
    let began_ns = if thread.call.copy_ns != 0 {
        thread.call.copy_ns
    } else {
        thread.call.enter_ns
    };
    thread.call.ready_delay_ns = if began_ns > came_ns {
        began_ns - came_ns
    } else {
        0
    };
}
