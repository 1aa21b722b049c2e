//! What a call did to descriptors, told as it returns: so each has a name that no look into `/proc` has to find
//! afterwards.

use aya_ebpf::helpers::bpf_probe_read_user;
use probe_ebpf::{
    EFFECT_CLOSES, EFFECT_CLOSES_RANGE, EFFECT_COPIES, EFFECT_EPOLL_CTL, EFFECT_EPOLL_WAIT,
    EFFECT_FCNTL, EFFECT_NAMES, EFFECT_PAIR_FIRST, EFFECT_PAIR_FOURTH, EFFECT_POLL, EFFECT_RETURNS,
    EFFECT_SELECT, FD_CLOSED, FD_CLOSED_RANGE, FD_COPIED, FD_INTEREST, FD_KEPT, FD_NAMED,
    FD_NO_INTEREST, FD_OPENED, Fd, Head, KEPT_MAX, KIND_FD, NAME_BYTES, NO_CALL, Thread,
};

use crate::{
    emit, file,
    kernel::{Task, global},
    ready,
};

#[unsafe(no_mangle)]
static NAMES: u32 = 0;

/// `connect` on a socket that doesn't wait: it has its names by now.
pub(crate) const EINPROGRESS: i64 = 115;
/// Commands of `fcntl` that copy a descriptor.
const F_DUPFD: u64 = 0;
const F_DUPFD_CLOEXEC: u64 = 1030;
/// `close_range` that closes nothing yet.
const CLOSE_RANGE_CLOEXEC: u64 = 4;
/// Of `epoll_ctl`.
const EPOLL_CTL_DEL: u64 = 2;

/// Who did it, and when.
pub(crate) struct By {
    /// Of the record.
    pub(crate) head: Head,
    /// When the call was entered, or the request submitted.
    pub(crate) enter_ns: u64,
    /// When it returned.
    pub(crate) at_ns: u64,
    /// See [`Fd::nr`].
    pub(crate) nr: u32,
}

impl By {
    #[inline(always)]
    fn sign(&self, record: &mut Fd) {
        record.enter_ns = self.enter_ns;
        record.at_ns = self.at_ns;
        record.nr = self.nr;
    }
}

/// The call of this thread returns `ret` at `now`.
#[inline(never)]
pub(crate) fn effect(thread: &mut Thread, task: Task, now: u64, ret: i64) {
    let args = thread.call.args;
    let first = args[0] as i32;
    let by = &By {
        head: Head {
            kind: KIND_FD,
            ..thread.call.head
        },
        enter_ns: thread.call.enter_ns,
        at_ns: now,
        nr: thread.call.nr,
    };
    match thread.effect as u8 {
        EFFECT_EPOLL_WAIT => ready::found_by_epoll(thread, now, ret),
        EFFECT_POLL => ready::found_by_poll(thread, now, ret),
        EFFECT_SELECT => ready::found_by_select(thread, now, ret),
        // A descriptor is closed whatever `close` returns.
        EFFECT_CLOSES => tell(by, task, FD_CLOSED, both(first, -1)),
        EFFECT_NAMES if ret == 0 || ret == -EINPROGRESS => {
            tell(by, task, FD_NAMED, both(first, -1));
        }
        _ if ret < 0 => {}
        EFFECT_RETURNS => tell(by, task, FD_OPENED, both(ret as i32, first)),
        EFFECT_COPIES => tell(by, task, FD_COPIED, both(ret as i32, first)),
        EFFECT_FCNTL if args[1] == F_DUPFD || args[1] == F_DUPFD_CLOEXEC => {
            tell(by, task, FD_COPIED, both(ret as i32, first));
        }
        EFFECT_PAIR_FIRST => pair(by, task, args[0]),
        EFFECT_PAIR_FOURTH => pair(by, task, args[3]),
        EFFECT_CLOSES_RANGE if args[2] & CLOSE_RANGE_CLOEXEC == 0 => {
            let last = if args[1] as u32 > i32::MAX as u32 {
                i32::MAX
            } else {
                args[1] as i32
            };
            tell(by, task, FD_CLOSED_RANGE, both(first, last));
        }
        EFFECT_EPOLL_CTL => change_interest(by, args),
        _ => {}
    }
}

/// Two descriptors that the call has written to the program's memory.
#[inline(always)]
fn pair(by: &By, task: Task, at: u64) {
    // SAFETY: the helper fails on memory that it can't read.
    if let Ok([one, other]) = unsafe { bpf_probe_read_user(at as *const [i32; 2]) } {
        tell(by, task, FD_OPENED, both(one, -1));
        tell(by, task, FD_OPENED, both(other, -1));
    }
}

/// A descriptor and the other one, as one argument: there are five at most.
#[inline(always)]
pub(crate) fn both(fd: i32, other: i32) -> u64 {
    u64::from(fd as u32) | u64::from(other as u32) << 32
}

/// Tells of one descriptor.
#[inline(never)]
pub(crate) fn tell(by: &By, task: Task, what: u32, both: u64) {
    emit::emit_in_place(by.head, |place: *mut Fd| {
        // SAFETY: it is room for a record, and all of it is written here before anything reads it.
        let record = unsafe { blank(place) };
        by.sign(record);
        record.what = what;
        record.fd = both as i32;
        record.other = (both >> 32) as i32;
        if what != FD_CLOSED && what != FD_CLOSED_RANGE {
            file::describe(record, task, both as i32);
        }
    });
}

/// `epoll_ctl`: what an epoll waits for from now on.
#[inline(always)]
fn change_interest(by: &By, args: [u64; 4]) {
    let (events, data) = if args[1] == EPOLL_CTL_DEL {
        (0, 0)
    } else {
        let at = args[3];
        // SAFETY: the helper fails on memory that it can't read.
        let events = unsafe { bpf_probe_read_user(at as *const u32) };
        let data_at = at.wrapping_add(epoll_data_offset());
        // SAFETY: as above.
        let data = unsafe { bpf_probe_read_user(data_at as *const u64) };
        match (events, data) {
            (Ok(events), Ok(data)) => (events, data),
            _ => return,
        }
    };
    let interest = Interest {
        epfd: args[0] as i32,
        op: args[1],
        fd: args[2] as i32,
        events,
        data,
    };
    tell_interest(by, &interest);
}

/// Where the program's own word stands in a `struct epoll_event`: after the bits, padded or not.
#[inline(always)]
pub(crate) fn epoll_data_offset() -> u64 {
    ready::epoll_event_bytes().wrapping_sub(8)
}

/// What `epoll_ctl` was asked.
pub(crate) struct Interest {
    pub(crate) epfd: i32,
    pub(crate) op: u64,
    pub(crate) fd: i32,
    pub(crate) events: u32,
    pub(crate) data: u64,
}

/// Tells what an epoll waits for from now on.
#[inline(always)]
pub(crate) fn tell_interest(by: &By, interest: &Interest) {
    emit::emit_in_place(by.head, |place: *mut Fd| {
        // SAFETY: as in `tell`.
        let record = unsafe { blank(place) };
        by.sign(record);
        record.what = if interest.op == EPOLL_CTL_DEL {
            FD_NO_INTEREST
        } else {
            FD_INTEREST
        };
        record.fd = interest.epfd;
        record.other = interest.fd;
        record.events = interest.events;
        record.data = interest.data;
    });
}

/// A process goes on with another program: tells what it keeps open, of the first [`KEPT_MAX`] numbers. The others
/// are closed.
#[inline(always)]
pub(crate) fn kept(task: Task, pid: u32, tid: u32, now: u64) {
    if global(&NAMES) == 0 {
        return;
    }
    let by = &By {
        head: Head {
            kind: KIND_FD,
            cpu: 0,
            lost: 0,
            pid,
            tid,
        },
        enter_ns: now,
        at_ns: now,
        nr: NO_CALL,
    };
    for fd in 0..KEPT_MAX as i32 {
        if file::is_open(task, fd) {
            tell(by, task, FD_KEPT, both(fd, -1));
        }
    }
}

/// A record of zeros where there was room for one.
///
/// # Safety
/// `place` is valid to write, and aligned to 8 bytes.
#[inline(always)]
unsafe fn blank<'a>(place: *mut Fd) -> &'a mut Fd {
    const WORDS: usize = size_of::<Fd>() / 8;
    const _: () = assert!(size_of::<Fd>() % 8 == 0 && NAME_BYTES % 8 == 0);
    let words: *mut u64 = place.cast();
    for word in 0..WORDS {
        // SAFETY: within the record.
        unsafe { words.add(word).write_volatile(0) };
    }
    // SAFETY: zeros are a record.
    unsafe { &mut *place }
}
