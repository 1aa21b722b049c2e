//! Requests of an `io_uring`: from the kernel taking one to it being complete, and what it did to descriptors.
//!
//! A request is known by where the kernel keeps it, which it does until it is complete for the last time. It must
//! never read what a request moves.

use aya_ebpf::{macros::map, maps::HashMap, programs::BtfTracePointContext};
use probe_ebpf::{
    BY_REQUEST, CLASS_URING, CQE_MORE, CQE_NOTIFICATION, FD_CLOSED, FD_NAMED, FD_OPENED, Head,
    KIND_FD, KIND_REQUEST, NO_CALL, REQUESTS_MAX, Request, RequestOffsets, SQE_FIXED_FILE,
    UNKNOWN_OPERATION,
};

use crate::{
    descriptor::{self, By, EINPROGRESS, Interest},
    emit,
    kernel::{self, Task, global, read},
    target, thread,
};

#[unsafe(no_mangle)]
static REQUEST: RequestOffsets = RequestOffsets {
    opcode: 0,
    flags: 0,
    user_data: 0,
    ring: 0,
    fd: 0,
    cqe_res: 0,
    cqe_flags: 0,
    complete_has_cqe: 0,
    accept_slot: 0,
    open_slot: 0,
    socket_slot: 0,
    close_fd: 0,
    epoll_epfd: 0,
    epoll_op: 0,
    epoll_fd: 0,
    epoll_event: 0,
};

/// Operations that do something to descriptors:
/// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/io_uring.h#L208-L267>
mod op {
    pub(super) const POLL_ADD: u32 = 6;
    pub(super) const RECVMSG: u32 = 10;
    pub(super) const TIMEOUT: u32 = 11;
    pub(super) const ACCEPT: u32 = 13;
    pub(super) const CONNECT: u32 = 16;
    pub(super) const OPENAT: u32 = 18;
    pub(super) const CLOSE: u32 = 19;
    pub(super) const RECV: u32 = 27;
    pub(super) const OPENAT2: u32 = 28;
    pub(super) const EPOLL_CTL: u32 = 29;
    pub(super) const SOCKET: u32 = 45;
    pub(super) const READ_MULTISHOT: u32 = 49;
    pub(super) const FIXED_FD_INSTALL: u32 = 54;
    pub(super) const BIND: u32 = 56;
    pub(super) const LISTEN: u32 = 57;
}

/// `IOSQE_CQE_SKIP_SUCCESS`: nothing will tell that it is complete.
const SQE_SKIP_SUCCESS: u32 = 1 << 6;
/// `IORING_ENTER_REGISTERED_RING`: the ring is named by a number of the thread's own.
const ENTER_REGISTERED_RING: u64 = 1 << 4;

/// What a request that did nothing is complete with.
const EBADF: i32 = 9;
const EINVAL: i32 = 22;
const ECANCELED: i32 = 125;

/// A ring, by where the kernel keeps it, and a word of the program's own for a request of it.
type Word = [u64; 2];
/// In the place of a request: several have that word.
const SEVERAL: u64 = 0;

/// Requests that may be complete more than once, by the program's word: but for the last time that is all which the
/// kernel says of them.
#[map]
static WORDS: HashMap<Word, u64> = HashMap::with_max_entries(REQUESTS_MAX, 0);
#[map]
static REQUESTS: HashMap<u64, Request> = HashMap::with_max_entries(REQUESTS_MAX, 0);

/// The kernel takes a request.
#[inline(always)]
pub(crate) fn submitted(request: u64) {
    let task = kernel::current();
    let pid = kernel::pid(task);
    if !target::is_target(pid) || target::armed_ns().is_none() {
        return;
    }
    let at = global(&REQUEST);
    let sqe_flags: u8 = read(request, at.flags);
    let sqe_flags = sqe_flags.into();
    if sqe_flags & SQE_SKIP_SUCCESS != 0 {
        return;
    }
    let tid = kernel::tid(task);
    let mut ring = -1;
    if let Some(thread) = thread::find(tid)
        && thread.call.nr != NO_CALL
        && thread.class == u32::from(CLASS_URING)
        && thread.call.args[3] & ENTER_REGISTERED_RING == 0
    {
        ring = thread.call.args[0] as i32;
    }
    let opcode: u8 = read(request, at.opcode);
    let taken = Request {
        head: head(pid, tid),
        submit_ns: kernel::now(),
        complete_ns: 0,
        user_data: read(request, at.user_data),
        res: 0,
        cqe_flags: 0,
        fd: read(request, at.fd),
        ring,
        opcode: opcode.into(),
        sqe_flags,
        shot: 0,
        reserved: 0,
    };
    // Without room its submission is one that was not seen.
    if REQUESTS.insert(request, &taken, 0).is_ok() && may_go_on(taken.opcode) {
        let word: Word = [read(request, at.ring), taken.user_data];
        // SAFETY: copied before anything could take it away.
        let only = match unsafe { WORDS.get(word) } {
            // One that has ended without a word left it behind.
            Some(&other) => other == request || REQUESTS.get_ptr(other).is_none(),
            None => true,
        };
        let _ = WORDS.insert(word, &if only { request } else { SEVERAL }, 0);
    }
}

/// Whether such an operation may be complete more than once.
#[inline(always)]
fn may_go_on(opcode: u32) -> bool {
    matches!(
        opcode,
        op::POLL_ADD | op::RECVMSG | op::TIMEOUT | op::ACCEPT | op::RECV | op::READ_MULTISHOT
    )
}

/// A request is complete, for this time or for good. This runs in a thread of the process that submitted it, but for
/// what the kernel cancels by itself when a ring goes away.
#[inline(always)]
pub(crate) fn completed(ctx: &BtfTracePointContext) {
    let task = kernel::current();
    let pid = kernel::pid(task);
    if !target::is_target(pid) || target::armed_ns().is_none() {
        return;
    }
    let (ring, last): (u64, u64) = (ctx.arg(0), ctx.arg(1));
    let at = global(&REQUEST);
    let (user_data, res, cqe_flags): (u64, i32, u32) = if at.complete_has_cqe != 0 {
        let cqe: u64 = ctx.arg(2);
        (read(cqe, 0), read(cqe, at.cqe_res), read(cqe, at.cqe_flags))
    } else {
        let (user_data, res, cqe_flags): (u64, u64, u64) = (ctx.arg(2), ctx.arg(3), ctx.arg(4));
        (user_data, res as i32, cqe_flags as u32)
    };
    if cqe_flags & CQE_NOTIFICATION != 0 {
        // The memory that a request sent from is free again: the request itself was complete before.
        return;
    }
    let now = kernel::now();
    let word: Word = [ring, user_data];
    // Only with its last word comes the request itself.
    let request = if last != 0 {
        last
    } else if cqe_flags & CQE_MORE != 0 {
        // SAFETY: copied before anything could take it away.
        unsafe { WORDS.get(word) }.copied().unwrap_or(SEVERAL)
    } else {
        // A word that another ring sent, which no request stands behind.
        return;
    };
    let mut done = match REQUESTS.get_ptr_mut(request) {
        Some(taken) => {
            // SAFETY: a request is complete once at a time.
            let taken = unsafe { &mut *taken };
            let done = *taken;
            taken.shot += 1;
            done
        }
        None => {
            let mut unknown = Request {
                head: head(pid, kernel::tid(task)),
                submit_ns: 0,
                complete_ns: 0,
                user_data,
                res: 0,
                cqe_flags: 0,
                fd: -1,
                ring: -1,
                opcode: UNKNOWN_OPERATION,
                sqe_flags: 0,
                shot: 0,
                reserved: 0,
            };
            if last != 0 {
                unknown.opcode = read::<u8>(last, at.opcode).into();
                unknown.sqe_flags = read::<u8>(last, at.flags).into();
            }
            unknown
        }
    };
    if last != 0 {
        let _ = REQUESTS.remove(last);
        if may_go_on(done.opcode) {
            let _ = WORDS.remove(word);
        }
    }
    done.complete_ns = now;
    done.user_data = user_data;
    done.res = res;
    done.cqe_flags = cqe_flags;
    effect(request, task, &done);
    emit::emit(done);
}

#[inline(always)]
fn head(pid: u32, tid: u32) -> Head {
    Head {
        kind: KIND_REQUEST,
        cpu: 0,
        lost: 0,
        pid,
        tid,
    }
}

/// What it did to descriptors, told before it is.
#[inline(always)]
fn effect(request: u64, task: Task, done: &Request) {
    let at = global(&REQUEST);
    let by = By {
        head: Head {
            kind: KIND_FD,
            ..done.head
        },
        enter_ns: if done.submit_ns == 0 {
            done.complete_ns
        } else {
            done.submit_ns
        },
        at_ns: done.complete_ns,
        nr: BY_REQUEST | done.opcode,
    };
    let fd = if done.sqe_flags & SQE_FIXED_FILE == 0 {
        done.fd
    } else {
        -1
    };
    // A file of the ring's own has a slot, and no number in the process.
    let slot: u32 = match done.opcode {
        op::ACCEPT => read(request, at.accept_slot),
        op::OPENAT | op::OPENAT2 => read(request, at.open_slot),
        op::SOCKET => read(request, at.socket_slot),
        _ => 0,
    };
    match done.opcode {
        op::CLOSE => {
            // As in `close` whatever came of it, unless it was never begun.
            let begun = done.res != -EBADF && done.res != -EINVAL && done.res != -ECANCELED;
            let closed: i32 = read(request, at.close_fd);
            if begun && closed > 0 && at.close_fd != 0 {
                descriptor::tell(&by, task, FD_CLOSED, descriptor::both(closed, -1));
            }
        }
        op::CONNECT | op::BIND | op::LISTEN
            if fd >= 0 && (done.res == 0 || done.res == -(EINPROGRESS as i32)) =>
        {
            descriptor::tell(&by, task, FD_NAMED, descriptor::both(fd, -1));
        }
        op::EPOLL_CTL if done.res == 0 && at.epoll_event != 0 => {
            let events_at = at.epoll_event;
            let interest = Interest {
                epfd: read(request, at.epoll_epfd),
                op: read::<i32>(request, at.epoll_op) as u64,
                fd: read(request, at.epoll_fd),
                events: read(request, events_at),
                data: read(request, events_at + descriptor::epoll_data_offset() as u32),
            };
            descriptor::tell_interest(&by, &interest);
        }
        op::ACCEPT | op::OPENAT | op::OPENAT2 | op::SOCKET | op::FIXED_FD_INSTALL
            if done.res >= 0 && slot == 0 =>
        {
            let listening = if done.opcode == op::ACCEPT { fd } else { -1 };
            let opened = descriptor::both(done.res, listening);
            descriptor::tell(&by, task, FD_OPENED, opened);
        }
        _ => {}
    }
}
