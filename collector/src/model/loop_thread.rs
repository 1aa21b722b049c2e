//! A thread that makes readiness calls: which of them are its loop, and where its turns begin and end.
//!
//! A turn begins and ends with the return of a readiness call of the thread's loop:
//!
//! - of a wait, which is any that is not a check;
//! - of a check that found something, for what follows is work on that. But a check that goes on with a call
//!   that was full (it returned as many events as it had room for, and more than one) belongs to the turn of
//!   that call.
//!
//! Any other check is part of the work. So a loop that only ever checks has a turn for each check that found
//! something, and never waits.
//!
//! The loop of a thread that ever waited in `epoll` is that; `poll` and `select` in it are calls of its work,
//! which can stall it. In other threads, all of `poll` and `select` are the loop.

use super::turn::{Turn, found};
use super::{Call, CallKind, OffCpu, OpenThread};

/// What is kept of a thread that has made a readiness call.
#[derive(Clone, Debug)]
pub(super) struct LoopThread {
    pub(super) pid: u32,
    /// The gaps it knows of.
    pub(super) gaps: u64,
    /// Its loop is `epoll`.
    epoll: bool,
    /// The turn under way.
    open: Option<Turn>,
    /// The turn before, whose wait a signal interrupted: the next call tells whether it goes on.
    interrupted: Option<Turn>,
    /// When it last looked for events.
    looked_ns: u64,
    /// That look returned as many events as it had room for, and more than one.
    full: bool,
    /// Descriptors of which was told since its last call.
    watched: u32,
    /// The last sleep inside a call: when it began, and who ended it.
    slept_ns: u64,
    waker_comm: String,
}

impl LoopThread {
    pub(super) fn new(pid: u32, gaps: u64) -> Self {
        Self {
            pid,
            gaps,
            epoll: false,
            open: None,
            interrupted: None,
            looked_ns: 0,
            full: false,
            watched: 0,
            slept_ns: 0,
            waker_comm: String::new(),
        }
    }

    /// Records were lost: of what it did there is nothing to go on with.
    pub(super) fn forget(&mut self, gaps: u64) {
        *self = Self {
            epoll: self.epoll,
            ..Self::new(self.pid, gaps)
        };
    }

    pub(super) fn is_in_turn(&self) -> bool {
        self.open.is_some()
    }

    /// Its next call watches one descriptor more.
    pub(super) fn watches(&mut self) {
        self.watched = self.watched.saturating_add(1);
    }

    pub(super) fn span(&mut self, span: &OffCpu) {
        if !span.in_call {
            if let Some(open) = &mut self.open {
                open.span(span);
            }
        } else if span.waker.is_some() {
            self.slept_ns = span.start_ns;
            self.waker_comm.clone_from(&span.waker_comm);
        }
    }

    /// Takes in a call; false if a turn had to be given up, for it ended before it began.
    pub(super) fn call(&mut self, kind: CallKind, call: &Call, turns: &mut Vec<Turn>) -> bool {
        let watched = std::mem::take(&mut self.watched);
        let looks = self.looks(kind);
        let goes_on = looks && call.continues;
        if goes_on {
            // Between the two parts of a wait there was no turn.
            self.open = self.interrupted.take();
        } else if self.interrupted.is_some() {
            turns.extend(self.interrupted.take());
        }
        if !looks {
            self.work(kind, call);
            return true;
        }
        if kind == CallKind::Epoll && !self.epoll {
            // What it polled before, as it connected to something, was no loop, or is none any more.
            self.epoll = true;
            self.open = None;
        }
        self.look(kind, call, watched, goes_on, turns)
    }

    /// Whether such a call is one of its loop.
    fn looks(&self, kind: CallKind) -> bool {
        match kind {
            CallKind::Epoll => true,
            kind => !self.epoll && kind.is_readiness(),
        }
    }

    /// Takes in what the thread was still doing when the trace ended, and hands out the turn that was under way;
    /// false if that had to be given up, for it ended before it began.
    pub(super) fn still(
        &mut self,
        kind: Option<CallKind>,
        open: &OpenThread,
        turns: &mut Vec<Turn>,
    ) -> bool {
        let interrupted = self.interrupted.take();
        let goes_on = kind.is_some_and(|kind| self.looks(kind));
        let Some(mut turn) = (match interrupted {
            Some(turn) if goes_on => Some(turn),
            ended => {
                turns.extend(ended);
                self.open.take()
            }
        }) else {
            return true;
        };
        turn.end_ns = open.at_ns;
        if turn.ended {
            // Its wait goes on.
            turn.ended = false;
        } else {
            let waits = kind.is_some_and(|kind| self.looks(kind));
            if waits {
                turn.work_end_ns = open.since_ns;
                turn.nr = open.nr.flatten();
                turn.fd = open.fd.filter(|_| kind == Some(CallKind::Epoll));
            } else {
                turn.work_end_ns = open.at_ns;
                turn.still(open);
            }
            let unwatched = turn.work_end_ns.saturating_sub(self.looked_ns);
            turn.lag_ns = turn.lag_ns.max(unwatched);
        }
        let sound = turn.start_ns <= turn.work_end_ns && turn.work_end_ns <= turn.end_ns;
        turns.extend(sound.then_some(turn));
        sound
    }

    fn work(&mut self, kind: CallKind, call: &Call) {
        let Some(open) = &mut self.open else { return };
        let bytes = match kind {
            CallKind::Receive => Some(&mut open.received),
            CallKind::Send => Some(&mut open.sent),
            _ => None,
        };
        if let Some(bytes) = bytes {
            *bytes = bytes.saturating_add(found(call));
        }
        open.work(call, waker_comm(call, self.slept_ns, &self.waker_comm));
    }

    /// A readiness call of the loop.
    fn look(
        &mut self,
        kind: CallKind,
        call: &Call,
        watched: u32,
        goes_on: bool,
        turns: &mut Vec<Turn>,
    ) -> bool {
        let found = found(call);
        let check = call.is_check();
        let goes_on_full = check && self.full;
        self.full = kind == CallKind::Epoll && found > 1 && call.requested == Some(found);
        let looked_ns = std::mem::replace(&mut self.looked_ns, call.end_ns);
        if let Some(open) = self.open.as_mut().filter(|_| !goes_on) {
            open.lag_ns = open.lag_ns.max(call.start_ns.saturating_sub(looked_ns));
        }
        if check && (found == 0 || goes_on_full) {
            if let Some(open) = &mut self.open {
                open.checks = open.checks.saturating_add(1);
                open.events = open.events.saturating_add(found);
                open.work(call, "");
            }
            return true;
        }
        let ended = self.open.take();
        if call.ret.is_none() {
            // The thread died in it, and the turn never ended.
            return true;
        }
        self.open = Some(Turn::begun(call));
        let Some(mut turn) = ended else { return true };
        if !goes_on {
            turn.others(call);
            turn.work_end_ns = if check { call.end_ns } else { call.start_ns };
        }
        turn.end_ns = call.end_ns;
        turn.ended = true;
        turn.ready_before_asked = found > 0 && call.sleeps == 0 && !goes_on;
        turn.nr = Some(call.nr);
        turn.fd = call.fd.filter(|_| kind == CallKind::Epoll);
        turn.many = match kind {
            CallKind::Poll => call.requested.is_some_and(|asked| asked > 1),
            // Its arguments don't say. One that is only a pause finds nothing.
            CallKind::Select => watched > 1 || watched == 0 && found > 0,
            _ => true,
        };
        if turn.work_end_ns < turn.start_ns || turn.end_ns < turn.work_end_ns {
            return false;
        }
        if call.ret.is_some_and(crate::text::restarts) {
            self.interrupted = Some(turn);
        } else {
            turns.push(turn);
        }
        true
    }
}

/// The waker's name, if the last sleep that is known was in this call.
fn waker_comm<'a>(call: &Call, slept_ns: u64, comm: &'a str) -> &'a str {
    let known = call.waker.is_some() && slept_ns >= call.start_ns;
    if known { comm } else { "" }
}
