//! Cuts each thread's time into turns, from events in the order of a recording. Which calls begin and end one,
//! a [`LoopThread`] knows.
//!
//! A turn in which records were lost is never handed out, for it may be two. Nothing grows with the trace:
//! a few numbers are kept for each thread that has made a readiness call, up to a limit.

use super::loop_thread::LoopThread;
use super::recent_map::RecentMap;
use super::{Call, CallKinds, Event, Life, LifeKind, OpenThread, Ready, Turn};

/// Threads whose turns are cut.
const THREADS_MAX: usize = 16_384;

/// Cuts each thread's time into turns.
#[derive(Clone, Debug)]
pub struct Turns {
    kinds: CallKinds,
    threads: RecentMap<LoopThread>,
    /// Gaps so far. A thread finds out that there was one when it is next heard of.
    gaps: u64,
    broken: u64,
    left_out: u64,
}

impl Turns {
    /// For a trace with these calls. Where none is known, there are no turns.
    pub fn new(kinds: CallKinds) -> Self {
        Self {
            kinds,
            threads: RecentMap::new(THREADS_MAX),
            gaps: 0,
            broken: 0,
            left_out: 0,
        }
    }

    /// Turns that were not handed out, for records were lost in them, or those there are contradict each other.
    pub fn broken(&self) -> u64 {
        self.broken
    }

    /// Readiness calls of threads for which there was no room.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Takes in what happened next, and appends the turns that ended by it to `turns`: mostly none or one. What a
    /// thread was still doing when the trace ended tells of the turn that was under way then.
    pub fn push(&mut self, event: &Event, turns: &mut Vec<Turn>) {
        match event {
            Event::Call(call) => self.call(call, turns),
            Event::OffCpu(span) => {
                if let Some(thread) = self.thread(span.tid) {
                    thread.span(span);
                }
            }
            Event::Ready(Ready { tid, .. }) => {
                if let Some(thread) = self.thread(*tid) {
                    thread.watches();
                }
            }
            Event::Life(life) => self.live(life),
            Event::Gap(_) => self.gaps += 1,
            Event::Open(open) => self.still(open, turns),
            Event::Descriptor(_) | Event::Request(_) | Event::End(_) => {}
        }
    }

    fn thread(&mut self, tid: u32) -> Option<&mut LoopThread> {
        let thread = self.threads.get_mut(tid)?;
        if thread.gaps != self.gaps {
            self.broken += u64::from(thread.is_in_turn());
            thread.forget(self.gaps);
        }
        Some(thread)
    }

    fn call(&mut self, call: &Call, turns: &mut Vec<Turn>) {
        let kind = self.kinds.of(call.nr);
        if kind.is_readiness() {
            let new = || LoopThread::new(call.pid, self.gaps);
            match self.threads.get_or(call.tid, new) {
                // Its end was not seen, and the id is another thread's now.
                Some(thread) if thread.pid != call.pid => *thread = new(),
                Some(_) => {}
                None => self.left_out += 1,
            }
        }
        let Some(thread) = self.thread(call.tid) else {
            return;
        };
        let sound = thread.call(kind, call, turns);
        self.broken += u64::from(!sound);
    }

    fn still(&mut self, open: &OpenThread, turns: &mut Vec<Turn>) {
        let kind = open.nr.flatten().map(|nr| self.kinds.of(nr));
        let thread = self.thread(open.tid);
        let Some(thread) = thread.filter(|thread| thread.pid == open.pid) else {
            return;
        };
        let sound = thread.still(kind, open, turns);
        self.broken += u64::from(!sound);
    }

    fn live(&mut self, life: &Life) {
        match life.kind {
            LifeKind::Began | LifeKind::Ended => {
                self.threads.remove(life.tid);
            }
            LifeKind::Exec => {
                let threads = self.threads.iter();
                let gone: Vec<u32> = threads
                    .filter(|(_, thread)| thread.pid == life.pid)
                    .map(|(tid, _)| *tid)
                    .collect();
                gone.into_iter().for_each(|tid| self.threads.remove(tid));
            }
            LifeKind::Found | LifeKind::Renamed => {}
        }
    }
}
