//! Calls that sleep inside an event loop, where the loop serves nobody meanwhile.
//!
//! Told only of threads that wait in readiness calls for more than one descriptor, and of sleeps between two of
//! those: what a thread does before its loop and after it is its own affair.

use super::What;
use super::thread::Found;
use crate::model::{Call, CallKind, CallKinds, Ready};

/// Shorter sleeps don't count: as long as a page that is not in memory takes, or a lock.
const SLEEP_MIN_NS: u64 = 1_000_000;
/// A sleep that is told even if there was only one: what a person at the other end begins to feel.
const LONG_NS: u64 = 10_000_000;
/// Or this much of the thread's time, in percent.
const SHARE_PERCENT: u64 = 10;
/// Readiness calls that make a loop.
const TURNS_MIN: u64 = 100;
/// A thread that waits for other threads (`futex`) more often than once in so many sleeps for descriptors belongs to
/// a runtime's pool (Go's, tokio's): another one goes on with the loop while it sleeps.
const FUTEX_ONE_IN: u64 = 10;
/// Kinds of calls that are told apart in one thread, and sleeps between two readiness calls.
const KINDS_MAX: usize = 16;

#[derive(Clone, Copy, Debug)]
struct Sleeps {
    nr: u32,
    on: Option<u32>,
    times: u64,
    blocked_ns: u64,
    longest_ns: u64,
    /// Of the longest.
    start_ns: u64,
    end_ns: u64,
}

/// What one thread slept in.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocking {
    turns: u64,
    slept_turns: u64,
    multiplexes: bool,
    futex_sleeps: u64,
    /// Since the last readiness call.
    pending: Vec<Sleeps>,
    confirmed: Vec<Sleeps>,
}

impl Blocking {
    /// A readiness call ended.
    pub(super) fn turn(&mut self, kind: CallKind, call: &Call, ready: &[Ready]) {
        self.turns += 1;
        self.slept_turns += u64::from(call.sleeps > 0);
        // With one descriptor, `poll` is but a way to read with a timeout.
        self.multiplexes |= kind == CallKind::Epoll || ready.len() > 1;
        for sleeps in self.pending.drain(..) {
            let room = self.confirmed.len() < KINDS_MAX;
            match self
                .confirmed
                .iter_mut()
                .find(|known| known.nr == sleeps.nr)
            {
                Some(known) => known.add(sleeps),
                None if room => self.confirmed.push(sleeps),
                None => {}
            }
        }
    }

    /// Another call ended.
    pub(super) fn call(&mut self, kind: CallKind, call: &Call, on: Option<u32>) {
        self.futex_sleeps += u64::from(kind == CallKind::Futex && call.sleeps > 0);
        let waits_elsewhere = matches!(
            kind,
            CallKind::Uring | CallKind::SignalWait | CallKind::Unknown
        );
        if call.sleeps == 0
            || call.blocked_ns < SLEEP_MIN_NS
            || self.turns == 0
            || waits_elsewhere
            || call.killed
            || call.began_before
            || self.pending.len() >= KINDS_MAX
        {
            return;
        }
        self.pending.push(Sleeps {
            nr: call.nr,
            on,
            times: 1,
            blocked_ns: call.blocked_ns,
            longest_ns: call.blocked_ns,
            start_ns: call.start_ns,
            end_ns: call.end_ns,
        });
    }

    /// Nothing follows. `observed_ns` is how long the thread was seen.
    pub(super) fn finish(&mut self, kinds: &CallKinds, observed_ns: u64, found: &mut Vec<Found>) {
        let parked = self.futex_sleeps.saturating_mul(FUTEX_ONE_IN) > self.slept_turns;
        if self.turns < TURNS_MIN || !self.multiplexes || parked {
            return;
        }
        for sleeps in self.confirmed.drain(..) {
            let share = u128::from(sleeps.blocked_ns) * 100
                >= u128::from(observed_ns) * u128::from(SHARE_PERCENT);
            if sleeps.longest_ns < LONG_NS && !share {
                continue;
            }
            found.push(Found {
                what: What::BlockingInLoop {
                    call: kinds.name(sleeps.nr),
                    times: sleeps.times,
                    blocked_ns: sleeps.blocked_ns,
                    longest_ns: sleeps.longest_ns,
                },
                on: sleeps.on,
                start_ns: sleeps.start_ns,
                end_ns: sleeps.end_ns,
                inferred: false,
            });
        }
    }
}

impl Sleeps {
    fn add(&mut self, more: Self) {
        let times = self.times + more.times;
        let blocked_ns = self.blocked_ns.saturating_add(more.blocked_ns);
        // Of several descriptors, none is to blame alone.
        let on = self.on.filter(|on| more.on == Some(*on));
        let longest = if more.longest_ns > self.longest_ns {
            more
        } else {
            *self
        };
        *self = Self {
            times,
            blocked_ns,
            on,
            ..longest
        };
    }
}
