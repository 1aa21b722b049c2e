//! When data came for a socket, and how long it lay there before a traced thread began to read it.
//!
//! A socket is known from the first time that a traced thread reads from it or is given it. Any other costs a
//! comparison for each piece of data that comes for it, whosever it is: so its place in the table follows from its
//! address (with a hash instead the program took 161 ns in place of 105, the kernel's counting included), and one that finds its place taken by another takes it over. Then
//! what came for that one is not known any more, and nothing is said.

use aya_ebpf::{macros::map, maps::Array};
use probe_ebpf::{CLASS_RECEIVE, NO_CALL};

use crate::{kernel, target, thread};

/// `MSG_PEEK`: what is read stays.
const MSG_PEEK: u32 = 2;
/// Places in the table, as a power of two.
const PLACES_BITS: u32 = 16;

/// A place in the table.
#[repr(C)]
struct Socket {
    /// Whose it is: see [`Key`].
    key: u64,
    /// Since when there is something to read, or 0: 48 bits of the time, and below them a mark of the address, by
    /// which a time is told that another CPU put in for the socket before. (78 hours long, times are unlike.)
    since: u64,
}

#[map]
static SOCKETS: Array<Socket> = Array::with_max_entries(1 << PLACES_BITS, 0);

const MARK_BITS: u32 = 16;
const MARK_MASK: u64 = (1 << MARK_BITS) - 1;
const TIME_MASK: u64 = u64::MAX >> MARK_BITS;

/// A socket, as a number: how far it lies from the table. A hook hands over a pointer, with which the verifier allows
/// no arithmetic but to take another pointer from it; so that is what makes a number of it.
#[derive(Clone, Copy)]
struct Key(u64);

/// Where the table is, as a number, which comes of writing the pointer down. It is the same for all who do.
#[map]
static TABLE: Array<u64> = Array::with_max_entries(1, 0);

impl Key {
    /// Of a pointer that a hook handed over.
    #[inline(always)]
    fn of_pointer(sk: u64) -> Option<Self> {
        let table = SOCKETS.get_ptr(0)?;
        let mut key = sk;
        // SAFETY: subtracts two numbers.
        unsafe {
            core::arch::asm!(
                "{key} -= {table}",
                key = inout(reg) key,
                table = in(reg) table,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        Some(Self(key))
    }

    /// Of an address that was read from memory.
    #[inline(always)]
    fn of_address(sk: u64) -> Option<Self> {
        let table = SOCKETS.get_ptr(0)? as u64;
        let note = TABLE.get_ptr_mut(0)?;
        // SAFETY: it is in a map, and everyone writes the same.
        let table = unsafe {
            note.write_volatile(table);
            note.read_volatile()
        };
        Some(Self(sk.wrapping_sub(table)))
    }

    /// A mark that is never 0, and differs between most sockets.
    #[inline(always)]
    fn mark(self) -> u64 {
        (self.0 >> 6) & MARK_MASK | 1
    }

    #[inline(always)]
    fn place(self) -> Option<&'static mut Socket> {
        /// Spreads addresses, which are multiples of a large number (2^64 divided by the golden ratio).
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let at = self.0.wrapping_mul(SPREAD) >> (64 - PLACES_BITS);
        // SAFETY: two CPUs may write it at once; each word is whole, and the mark tells whose it is.
        SOCKETS
            .get_ptr_mut(at as u32)
            .map(|socket| unsafe { &mut *socket })
    }
}

/// A socket of a traced process, from now on, by its address. Where it is `new`, another one may have had the address before:
/// what came for that one, its end for example, and was never read is not this one's.
#[inline(always)]
pub(crate) fn watch(sk: u64, new: bool) {
    if let Some(key) = Key::of_address(sk)
        && let Some(socket) = key.place()
        && (new || socket.key != key.0)
    {
        take_over(socket, key);
    }
}

#[inline(always)]
fn take_over(socket: &mut Socket, key: Key) {
    socket.since = 0;
    socket.key = key.0;
}

/// Data came for a socket.
#[inline(always)]
pub(crate) fn came(sk: u64) {
    let Some(key) = Key::of_pointer(sk) else {
        return;
    };
    let Some(socket) = key.place() else { return };
    if socket.key == key.0 && socket.since & MARK_MASK != key.mark() && target::armed_ns().is_some()
    {
        socket.since = kernel::now() << MARK_BITS | key.mark();
    }
}

/// A thread read `ret` bytes from a socket.
#[inline(always)]
pub(crate) fn was_read(sk: u64, ret: i32, flags: u32) {
    // Most reads of a server that looks for more than it was told of find nothing: asked first, since it costs nothing.
    if ret <= 0 {
        return;
    }
    let task = kernel::current();
    if !target::is_target(kernel::pid(task)) {
        return;
    }
    // Whoever has an entry was seen while armed.
    let Some(thread) = thread::find(kernel::tid(task)) else {
        return;
    };
    let Some(key) = Key::of_pointer(sk) else {
        return;
    };
    let Some(socket) = key.place() else { return };
    if socket.key != key.0 {
        take_over(socket, key);
        return;
    }
    let since = socket.since;
    if since & MARK_MASK != key.mark()
        || thread.call.nr == NO_CALL
        || thread.class != u32::from(CLASS_RECEIVE)
    {
        return;
    }
    if flags & MSG_PEEK == 0 {
        // What came while this was read is taken to be read with it.
        socket.since = 0;
    }
    // It began to read when the kernel began to copy; without that it began with the call.
    let began_ns = if thread.call.copy_ns != 0 {
        thread.call.copy_ns
    } else {
        thread.call.enter_ns
    };
    let delay_ns = began_ns.wrapping_sub(since >> MARK_BITS) & TIME_MASK;
    // Half of all there could be and more is what came after: it waited in the call.
    thread.call.ready_delay_ns = if delay_ns > TIME_MASK / 2 {
        0
    } else {
        delay_ns
    };
}
