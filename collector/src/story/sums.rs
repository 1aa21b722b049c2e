//! What the calls of a turn add up to, with the time between them.
//!
//! Of a turn, all phases add up to its length, or the time in the program's own code is not told. It must never make up a
//! rest to have them add up.

use serde::Serialize;

use super::thread::Thread;
use crate::model::Call;

/// Phases of calls and of the time between them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Sums {
    pub(super) calls: u64,
    kernel_ns: u64,
    blocked_ns: u64,
    runnable_ns: u64,
    copying_ns: u64,
    /// In calls not recorded, before these.
    other_ns: u64,
    /// Off the CPU outside calls.
    outside_blocked_ns: u64,
    outside_runnable_ns: u64,
    /// In the program's own code; `None` if it can't be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_ns: Option<u64>,
    /// From the first to the end of the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    length_ns: Option<u64>,
}

impl Sums {
    /// Of calls alone.
    pub(super) fn of<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Self {
        let mut sums = Self::default();
        for call in calls {
            sums.calls += 1;
            sums.kernel_ns = sums.kernel_ns.saturating_add(call.kernel_ns);
            sums.blocked_ns = sums.blocked_ns.saturating_add(call.blocked_ns);
            sums.runnable_ns = sums.runnable_ns.saturating_add(call.runnable_ns);
            sums.copying_ns = sums.copying_ns.saturating_add(call.copying_ns);
            sums.other_ns = sums.other_ns.saturating_add(call.other_ns);
        }
        sums
    }

    /// Of the call that began a turn and all of its work; `None` if there is no turn.
    pub(super) fn whole(thread: &Thread) -> Option<Self> {
        let turn = thread.turn.as_ref().ok()?;
        let calls = || thread.calls.iter().map(|told| &told.call);
        let from_ns = calls().next()?.start_ns;
        let work = calls().filter(|call| call.end_ns <= turn.work_end_ns);
        let mut sums = Self::of(work);
        // Calls not recorded before the first are none of the turn's, and those before the wait that ended it are.
        let others = calls()
            .skip(1)
            .filter(|call| call.start_ns <= turn.work_end_ns);
        sums.other_ns = others
            .map(|call| call.other_ns)
            .fold(0, u64::saturating_add);
        for span in thread
            .outside
            .iter()
            .filter(|span| span.end_ns <= turn.work_end_ns)
        {
            sums.outside_blocked_ns = sums.outside_blocked_ns.saturating_add(span.blocked_ns());
            sums.outside_runnable_ns = sums.outside_runnable_ns.saturating_add(span.runnable_ns());
        }
        let length_ns = turn.work_end_ns.saturating_sub(from_ns);
        sums.length_ns = Some(length_ns);
        // What a turn that has not ended is in the middle of is not among its calls.
        if turn.ended || turn.nr.is_some() {
            let told = [
                sums.kernel_ns,
                sums.blocked_ns,
                sums.runnable_ns,
                sums.copying_ns,
                sums.other_ns,
                sums.outside_blocked_ns,
                sums.outside_runnable_ns,
            ];
            let told = told.into_iter().try_fold(0, u64::checked_add);
            sums.user_ns = told.and_then(|told| length_ns.checked_sub(told));
        }
        Some(sums)
    }
}
