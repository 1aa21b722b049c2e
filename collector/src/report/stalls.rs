//! The longest turns of a trace, and what stalled them.
//!
//! Longest is the one with the most lag. A turn is kept only if nothing is known that makes it doubtful, and marked
//! if that is found out later: a CPU's loss comes to light with its next record.

use serde::Serialize;

use super::TOLD;
use crate::export::StallJson;
use crate::model::{Arch, Gap, Trace, Turn};

/// A turn with much lag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LongestTurn {
    /// The thread.
    pub tid: u32,
    /// The process.
    pub pid: u32,
    /// The thread's name then, if any was seen.
    pub name: Option<String>,
    /// The return of the readiness call that began it.
    pub start_ns: u64,
    /// False if it was still under way when the trace ended: its times are those so far.
    pub ended: bool,
    /// From there to the entry of the next wait.
    pub work_ns: u64,
    /// That wait.
    pub wait_ns: u64,
    /// The longest time in the work without a check.
    pub lag_ns: u64,
    /// In the work, asleep.
    pub blocked_ns: u64,
    /// In the work, wanting the CPU.
    pub runnable_ns: u64,
    /// Descriptors found ready.
    pub events: u64,
    /// Calls made in the work.
    pub calls: u64,
    /// Of those, checks of the loop.
    pub checks: u64,
    /// Bytes received in the work.
    pub received_bytes: u64,
    /// Bytes sent in the work.
    pub sent_bytes: u64,
    /// What the thread was off the CPU in for longest, in the work; `None` if it never left the CPU.
    pub stall: Option<StallJson>,
    /// A CPU lost records then: the thread may have made calls that are not known, and this be several turns.
    pub loss: bool,
}

/// The longest turns so far.
#[derive(Clone)]
pub(super) struct Stalls {
    arch: Option<Arch>,
    /// Each with the epoll it waited on.
    longest: Vec<(Option<i32>, LongestTurn)>,
}

impl Stalls {
    pub(super) fn new(trace: &Trace) -> Self {
        Self {
            arch: Arch::from_machine(&trace.arch),
            longest: Vec::new(),
        }
    }

    /// Adds a turn of a loop, unless other threads notice what it is late for.
    pub(super) fn push(&mut self, turn: &Turn, name: Option<&str>, shared: bool) {
        let least = self.longest.last().map_or(0, |(_, least)| least.lag_ns);
        let room = self.longest.len() < TOLD;
        if shared || turn.lag_ns == 0 || !room && turn.lag_ns <= least {
            return;
        }
        let longer = |(_, longer): &(_, LongestTurn)| longer.lag_ns >= turn.lag_ns;
        let at = self.longest.partition_point(longer);
        let told = (turn.fd, self.tell(turn, name));
        self.longest.insert(at, told);
        self.longest.truncate(TOLD);
    }

    /// The turn as a report has it.
    pub(super) fn tell(&self, turn: &Turn, name: Option<&str>) -> LongestTurn {
        let stall = turn.stall.as_ref();
        LongestTurn {
            tid: turn.tid,
            pid: turn.pid,
            name: name.map(str::to_owned),
            start_ns: turn.start_ns,
            ended: turn.ended,
            work_ns: turn.work_ns(),
            wait_ns: turn.wait_ns(),
            lag_ns: turn.lag_ns,
            blocked_ns: turn.blocked_ns,
            runnable_ns: turn.runnable_ns,
            events: turn.events,
            calls: turn.calls,
            checks: turn.checks,
            received_bytes: turn.received,
            sent_bytes: turn.sent,
            stall: stall.map(|stall| StallJson::new(self.arch, stall)),
            loss: false,
        }
    }

    pub(super) fn gap(&mut self, gap: &Gap) {
        for (_, turn) in &mut self.longest {
            let end_ns = turn.start_ns.saturating_add(turn.work_ns);
            turn.loss |= gap.start_ns < end_ns && turn.start_ns < gap.end_ns;
        }
    }

    /// The longest first. `shared` says whether several threads turned out to wait on an epoll of a process.
    pub(super) fn finish(self, shared: impl Fn(u32, Option<i32>) -> bool) -> Vec<LongestTurn> {
        let longest = self.longest.into_iter();
        longest
            .filter(|(fd, turn)| !shared(turn.pid, *fd))
            .map(|(_, turn)| turn)
            .collect()
    }
}
