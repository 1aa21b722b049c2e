//! Turns summed up, by loop; and the longest turns of all, with what stalled them.
//!
//! A thread has a loop once so many of its turns could have been ended by more than one descriptor. Then those
//! turns count that it had before, so none is missing; but what a thread does that polls the one descriptor
//! before it reads from it is no loop. Nothing grows with the trace.

use super::loops::{LoopReport, Sums};
use super::stalls::{LongestTurn, Stalls};
use crate::export::threads::Threads;
use crate::model::{CallKinds, Event, Trace, Turn, Turns, id_map::IdMap};

/// Turns that make a loop.
const LOOP_TURNS: usize = 8;
/// Threads whose turns are kept until there are as many.
const THREADS_MAX: usize = 16_384;
/// Loops whose sums are kept. The two histograms of each take some 80 kB, its lag over time some 120.
const LOOPS_MAX: usize = 128;
/// Epoll descriptors that are kept in mind, to see whether several threads wait on them.
const EPOLLS_MAX: usize = 4_096;

/// What [`Loops`] come to.
pub(super) struct Summed {
    pub(super) loops: Vec<LoopReport>,
    pub(super) longest: Vec<LongestTurn>,
    pub(super) broken: u64,
    pub(super) not_listed: u64,
}

/// Of one thread: its loop, or the turns that may be one.
#[derive(Clone, Default)]
struct State {
    held: Vec<Turn>,
    of_loop: Option<Box<Sums>>,
    under_way: Option<LongestTurn>,
}

/// All turns so far.
#[derive(Clone)]
pub(super) struct Loops {
    turns: Turns,
    ended: Vec<Turn>,
    threads: Threads<State>,
    loops: usize,
    epolls: IdMap<(u32, i32), Waiters>,
    stalls: Stalls,
    not_listed: u64,
}

/// Which threads wait on an epoll descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiters {
    One(u32),
    Several,
}

impl Loops {
    pub(super) fn new(trace: &Trace, kinds: CallKinds) -> Self {
        Self {
            turns: Turns::new(kinds),
            ended: Vec::new(),
            threads: Threads::new(THREADS_MAX),
            loops: 0,
            epolls: IdMap::default(),
            stalls: Stalls::new(trace),
            not_listed: 0,
        }
    }

    pub(super) fn push(&mut self, event: &Event) {
        self.turns.push(event, &mut self.ended);
        if !self.ended.is_empty() {
            // Taken out and put back: it is the same memory for all turns.
            let mut ended = std::mem::take(&mut self.ended);
            for turn in ended.drain(..) {
                self.turn(turn);
            }
            self.ended = ended;
        }
        match event {
            Event::Life(life) => self.threads.live(life),
            Event::Gap(gap) => self.stalls.gap(gap),
            _ => {}
        }
    }

    fn turn(&mut self, turn: Turn) {
        let shared = self.waits(&turn);
        let Some(thread) = self.threads.at(turn.pid, turn.tid, turn.end_ns) else {
            self.not_listed = self.not_listed.saturating_add(1);
            return;
        };
        let State {
            held,
            of_loop,
            under_way,
        } = &mut thread.of;
        if !turn.ended {
            if let Some(sums) = of_loop {
                // Which epoll it will wait on, its last turn tells.
                let fd = turn.fd.or(sums.fd);
                let turn = Turn { fd, ..turn };
                *under_way = Some(self.stalls.tell(&turn, thread.name.as_deref()));
                self.stalls.push(&turn, thread.name.as_deref(), shared);
            }
            return;
        }
        if of_loop.is_none() {
            if !turn.many {
                return;
            }
            held.push(turn);
            if held.len() < LOOP_TURNS {
                return;
            }
            if self.loops >= LOOPS_MAX {
                self.not_listed = self.not_listed.saturating_add(held.len() as u64);
                held.clear();
                return;
            }
            self.loops += 1;
            let sums = of_loop.insert(Box::default());
            for turn in std::mem::take(held) {
                sums.push(&turn);
                self.stalls.push(&turn, thread.name.as_deref(), shared);
            }
        } else if let Some(sums) = of_loop {
            sums.push(&turn);
            self.stalls.push(&turn, thread.name.as_deref(), shared);
        }
    }

    /// Keeps in mind who waits on which epoll, and says whether others do on this one.
    fn waits(&mut self, turn: &Turn) -> bool {
        let Some(epoll) = turn.fd.map(|fd| (turn.pid, fd)) else {
            return false;
        };
        let room = self.epolls.len() < EPOLLS_MAX;
        let waiters = match self.epolls.get_mut(&epoll) {
            Some(waiters) => waiters,
            None if room => self.epolls.entry(epoll).or_insert(Waiters::One(turn.tid)),
            None => return false,
        };
        if *waiters != Waiters::One(turn.tid) {
            *waiters = Waiters::Several;
        }
        *waiters == Waiters::Several
    }

    /// The sums, of the loop with most turns first.
    pub(super) fn finish(self) -> Summed {
        let Self {
            turns,
            ended: _,
            threads,
            loops: _,
            epolls,
            stalls,
            not_listed,
        } = self;
        let shared = |pid, fd: Option<i32>| {
            fd.is_some_and(|fd| epolls.get(&(pid, fd)) == Some(&Waiters::Several))
        };
        let mut loops: Vec<_> = threads
            .all()
            .iter()
            .filter_map(|thread| {
                let sums = thread.of.of_loop.as_deref()?;
                let shared = shared(thread.pid, sums.fd);
                Some(LoopReport {
                    tid: thread.tid,
                    pid: thread.pid,
                    name: thread.name.clone(),
                    under_way: thread.of.under_way.clone().filter(|_| !shared),
                    ..sums.report(shared)
                })
            })
            .collect();
        // Of those with as many turns, the order of appearance stays.
        loops.sort_by_key(|of| std::cmp::Reverse(of.turns));
        Summed {
            loops,
            longest: stalls.finish(shared),
            broken: turns.broken(),
            not_listed: not_listed.saturating_add(turns.left_out()),
        }
    }
}
