//! How much of each part of the trace an event loop worked, in percent.
//!
//! ```text
//!   turns       |work|wait   |work     |wait|
//!   parts    |       |       |       |       |
//!   percent      57     12      100     20
//! ```
//!
//! Work and waits of a part are those of the turns in it, to the nanosecond. What a thread does is told from the same turn on
//! as in the report, and then of all turns before.

use std::collections::HashMap;

use anyhow::Result;

use super::super::slices::ThreadId;
use crate::model::{Arch, CallKinds, Event, Turn, Turns};

/// Parts of a trace, and the least length of one.
const PARTS: u64 = 1_000;
const PART_MIN_NS: u64 = 1_000_000;
/// Turns that make a loop, as in the report.
const LOOP_TURNS: u64 = 8;
/// Threads whose turns are looked at, at most.
const THREADS_MAX: usize = 1_024;

/// A loop so far.
#[derive(Default)]
struct Busy {
    turns: u64,
    /// Parts that are over, while too few turns make this a loop; and how busy it was in each.
    held: Vec<(u64, f64)>,
    part: u64,
    work_ns: u64,
    wait_ns: u64,
}

/// All loops so far.
pub(super) struct Utilisation {
    part_ns: u64,
    turns: Turns,
    ended: Vec<Turn>,
    threads: HashMap<ThreadId, Busy>,
}

/// What is done with each: whose it is, since when, and how many percent.
type Put<'a> = dyn FnMut(ThreadId, u64, f64) -> Result<()> + 'a;

impl Utilisation {
    /// Of a trace in which nothing is later than `last_ns`.
    pub(super) fn new(arch: Option<Arch>, last_ns: u64) -> Self {
        Self {
            part_ns: last_ns.div_ceil(PARTS).max(PART_MIN_NS),
            turns: Turns::new(CallKinds::new(arch)),
            ended: Vec::new(),
            threads: HashMap::new(),
        }
    }

    /// How long each part is.
    pub(super) fn part_ns(&self) -> u64 {
        self.part_ns
    }

    pub(super) fn push(&mut self, event: &Event, put: &mut Put<'_>) -> Result<()> {
        self.turns.push(event, &mut self.ended);
        let mut ended = std::mem::take(&mut self.ended);
        for turn in ended.drain(..).filter(|turn| turn.many && turn.ended) {
            let thread = (turn.pid, turn.tid);
            if self.threads.len() >= THREADS_MAX && !self.threads.contains_key(&thread) {
                continue;
            }
            let busy = self.threads.entry(thread).or_default();
            busy.add(&turn, self.part_ns);
            if busy.turns >= LOOP_TURNS {
                busy.held
                    .drain(..)
                    .try_for_each(|(at_ns, percent)| put(thread, at_ns, percent))?;
            }
        }
        self.ended = ended;
        Ok(())
    }

    /// What is left of each loop.
    pub(super) fn finish(self, put: &mut Put<'_>) -> Result<()> {
        let mut threads: Vec<_> = self.threads.into_iter().collect();
        threads.sort_unstable_by_key(|(thread, _)| *thread);
        for (thread, mut busy) in threads {
            if busy.turns >= LOOP_TURNS {
                busy.end_part(self.part_ns);
                for (at_ns, percent) in busy.held {
                    put(thread, at_ns, percent)?;
                }
            }
        }
        Ok(())
    }
}

impl Busy {
    fn add(&mut self, turn: &Turn, part_ns: u64) {
        self.turns += 1;
        self.share(turn.start_ns, turn.work_end_ns, part_ns, |busy, nanos| {
            busy.work_ns = busy.work_ns.saturating_add(nanos);
        });
        self.share(turn.work_end_ns, turn.end_ns, part_ns, |busy, nanos| {
            busy.wait_ns = busy.wait_ns.saturating_add(nanos);
        });
    }

    fn share(&mut self, from_ns: u64, to_ns: u64, part_ns: u64, add: impl Fn(&mut Self, u64)) {
        let mut at_ns = from_ns;
        while at_ns < to_ns {
            let part = at_ns / part_ns;
            if part != self.part {
                self.end_part(part_ns);
                self.part = part;
            }
            let until_ns = to_ns.min((part + 1).saturating_mul(part_ns));
            add(self, until_ns - at_ns);
            at_ns = until_ns;
        }
    }

    fn end_part(&mut self, part_ns: u64) {
        let (work_ns, wait_ns) = (self.work_ns, self.wait_ns);
        (self.work_ns, self.wait_ns) = (0, 0);
        let whole_ns = work_ns.saturating_add(wait_ns);
        if whole_ns > 0 {
            let percent = work_ns as f64 * 100.0 / whole_ns as f64;
            self.held.push((self.part * part_ns, percent));
        }
    }
}
