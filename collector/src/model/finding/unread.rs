//! Descriptors that a thread's readiness calls find ready, and that nobody works on.
//!
//! What is counted are times that a descriptor was found ready and that were over, by the thread's next
//! readiness call on the same set, without any call on it by anyone. A time in which the thread made calls that
//! were not recorded does not count: one of them may have been a `splice`. Descriptors that can be emptied through
//! memory (`io_uring`, packet sockets) are never told of.

use super::thread::Found;
use super::{Unacted, What};
use crate::model::{Call, CallKind, DescriptorKind, Descriptors, Ready, Timeout, readiness as bit};

/// Readiness calls in a row that did not sleep for a descriptor nobody works on, before that is spinning: a loop
/// that hands a connection to another thread may go round a few times before that one reads.
const SPIN_MIN: u64 = 100;
/// Of those, percent between which the thread did nothing at all: one that is busy with others all the time would
/// not have slept anyway.
const SPIN_IDLE_PERCENT: u64 = 50;
/// Times that a descriptor was ready and left alone, before that is neglect.
const NEVER_READ_MIN: u64 = 16;
/// And for how long. A program may well leave something for later, but not for a second.
const NEVER_READ_NS: u64 = 1_000_000_000;
/// Hang-ups reported and not acted on: a socket hangs up once, and a program that knows what that is closes it.
const HANG_UPS_MIN: u64 = 16;
/// Descriptors watched in one thread: two readiness calls may name 32 each.
const WATCHED_MAX: usize = 64;
/// Entries of a call that are recorded; of those beyond nothing is known.
const ENTRIES_MAX: usize = 32;

const HANG_UP: u32 = bit::HUP | bit::ERR;

/// A readiness call, and what the thread had done up to it.
pub(super) struct Turn<'a> {
    pub(super) call: &'a Call,
    pub(super) kind: CallKind,
    pub(super) ready: &'a [Ready],
    /// Calls of the thread so far that were not recorded.
    pub(super) others: u64,
    /// Calls of the thread so far that were, but for readiness calls.
    pub(super) calls: u64,
    /// Before this, records were lost.
    pub(super) lost_until_ns: Option<u64>,
    pub(super) known: &'a Descriptors,
}

/// One descriptor that was found ready.
#[derive(Clone, Debug)]
struct Watched {
    id: u32,
    /// The `epoll` that found it; `None` for `select` and `poll`.
    set: Option<i32>,
    asked: Option<u32>,
    /// What it was ready for each time.
    bits: u32,
    /// What it was ready for at any time.
    any_bits: u32,
    since_ns: u64,
    last_ns: u64,
    /// Times that count, all together.
    certain: u64,
    /// Those in a row whose next readiness call found it ready again, and did not sleep.
    run: u64,
    /// Of those, how many the thread did nothing after.
    idle: u64,
    at_least: bool,
    /// It was found ready, and the next readiness call has not ended yet.
    open: bool,
    touches: u64,
    others: u64,
    calls: u64,
}

/// What one thread found ready and did not work on.
#[derive(Clone, Debug, Default)]
pub(super) struct Unread(Vec<Watched>);

impl Unread {
    /// A readiness call ended.
    pub(super) fn turn(&mut self, turn: &Turn<'_>, found: &mut Vec<Found>) {
        // A call that failed or was interrupted says nothing of any descriptor.
        let Some(ret @ 0..) = turn.call.ret.filter(|_| !turn.call.killed) else {
            return;
        };
        let set = turn.call.fd.filter(|_| turn.kind == CallKind::Epoll);
        self.0
            .retain_mut(|watched| watched.set != set || watched.goes_on(turn, ret, found));
        for entry in turn.ready.iter().filter(|entry| entry.ready != 0) {
            if self.0.len() >= WATCHED_MAX {
                break;
            }
            let Some(id) = entry
                .descriptor
                .filter(|&id| may_be_told(turn.known.kind(id)))
            else {
                continue;
            };
            if self
                .0
                .iter()
                .any(|watched| watched.id == id && watched.set == set)
            {
                continue;
            }
            if let Some(touches) = turn.known.touches(id) {
                self.0.push(Watched {
                    id,
                    set,
                    asked: entry.asked,
                    bits: entry.ready,
                    any_bits: entry.ready,
                    since_ns: turn.call.end_ns,
                    last_ns: turn.call.end_ns,
                    certain: 0,
                    run: 0,
                    idle: 0,
                    at_least: false,
                    open: true,
                    touches,
                    others: turn.others,
                    calls: turn.calls,
                });
            }
        }
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, known: &Descriptors, found: &mut Vec<Found>) {
        for watched in self.0.drain(..) {
            let acted = known.touches(watched.id) != Some(watched.touches);
            watched.end(known, acted, found);
        }
    }
}

impl Watched {
    /// What a readiness call on the same set says of it; `false` if that is the end of it.
    fn goes_on(&mut self, turn: &Turn<'_>, ret: i64, found: &mut Vec<Found>) -> bool {
        // What was missed may have been just that work.
        if turn.lost_until_ns.is_some_and(|lost| self.since_ns <= lost) {
            return false;
        }
        if turn.known.touches(self.id) != Some(self.touches) {
            self.end(turn.known, true, found);
            return false;
        }
        let Call {
            sleeps, timeout, ..
        } = *turn.call;
        let level = self.asked.is_some_and(|asked| asked & bit::ET == 0);
        // A wait would not have slept if this had still been ready.
        let rested = level || self.asked.is_none() && self.run >= SPIN_MIN;
        if sleeps > 0 && rested {
            self.end(turn.known, false, found);
            return false;
        }
        let entry = turn
            .ready
            .iter()
            .find(|entry| entry.descriptor == Some(self.id) && entry.ready != 0);
        let cut = entry.is_none() && is_cut(turn, ret);
        let certain = self.open && self.others == turn.others;
        self.certain += u64::from(certain);
        self.at_least |= self.open && !certain;
        self.open = false;
        if sleeps > 0 {
            (self.run, self.idle) = (0, 0);
        } else if timeout != Timeout::Zero && (entry.is_some() || cut) {
            self.run += u64::from(certain);
            self.idle += u64::from(certain && self.calls == turn.calls);
        }
        let Some(entry) = entry else {
            // Edges are told only once.
            if level && !cut {
                self.end(turn.known, false, found);
                return false;
            }
            return true;
        };
        self.open = true;
        self.bits &= entry.ready;
        self.any_bits |= entry.ready;
        self.last_ns = turn.call.end_ns;
        self.others = turn.others;
        self.calls = turn.calls;
        true
    }

    /// It is over: was it something?
    fn end(&self, known: &Descriptors, then_acted: bool, found: &mut Vec<Found>) {
        let kind = known.kind(self.id);
        let unacted = |ready| Unacted {
            ready,
            bits: self.bits,
            listens: known.listens(self.id).is_some(),
            then_acted,
            at_least: self.at_least,
        };
        let streams = matches!(
            kind,
            DescriptorKind::Tcp
                | DescriptorKind::Udp
                | DescriptorKind::Unix
                | DescriptorKind::Netlink
                | DescriptorKind::Pipe
        );
        let level = match self.asked {
            Some(asked) => asked & bit::ET == 0,
            // Waking a loop through an edge-triggered eventfd that is never read is good practice.
            None => streams,
        };
        let spun = self.run >= SPIN_MIN
            && u128::from(self.idle) * 100 >= u128::from(self.run) * u128::from(SPIN_IDLE_PERCENT);
        let hung_up =
            self.bits & HANG_UP != 0 && self.asked.is_some_and(|asked| self.any_bits & asked == 0);
        let neglected = self.last_ns.saturating_sub(self.since_ns) >= NEVER_READ_NS
            && self.bits & (bit::IN | bit::PRI | HANG_UP | bit::RDHUP) != 0;
        let what = if hung_up && self.certain >= HANG_UPS_MIN {
            What::HangUpIgnored(unacted(self.certain))
        } else if level && spun {
            What::Spin(unacted(self.run))
        } else if streams && neglected && self.certain >= NEVER_READ_MIN {
            What::NeverRead(unacted(self.certain))
        } else {
            return;
        };
        found.push(Found {
            what,
            on: Some(self.id),
            start_ns: self.since_ns,
            end_ns: self.last_ns,
            inferred: self.asked.is_none(),
        });
    }
}

/// Whether more may have been ready than the call told: more than was asked for, or than is recorded.
fn is_cut(turn: &Turn<'_>, ret: i64) -> bool {
    let ready = turn.ready.iter().filter(|entry| entry.ready != 0).count();
    let ret = ret.unsigned_abs();
    turn.ready.len() >= ENTRIES_MAX
        || u64::try_from(ready).is_ok_and(|listed| ret > listed)
        || turn.kind == CallKind::Epoll && turn.call.requested.is_some_and(|max| ret >= max)
}

/// Whether what is behind it can only be taken by a call.
fn may_be_told(kind: DescriptorKind) -> bool {
    matches!(
        kind,
        DescriptorKind::Tcp
            | DescriptorKind::Udp
            | DescriptorKind::Unix
            | DescriptorKind::Netlink
            | DescriptorKind::Pipe
            | DescriptorKind::Eventfd
            | DescriptorKind::Timerfd
            | DescriptorKind::Signalfd
            | DescriptorKind::Inotify
            | DescriptorKind::Pidfd
            | DescriptorKind::Epoll
    )
}
