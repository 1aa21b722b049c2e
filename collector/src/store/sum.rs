//! Sums of narrow items, for the picture when a pixel is wider than a call.

use std::ops::AddAssign;

use crate::model::{Call, Off, Run};

/// What the calls, and the times off the CPU outside calls, of some stretch add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Calls.
    pub calls: u32,
    /// Their phases, in nanoseconds.
    pub kernel_ns: u64,
    /// See `kernel_ns`.
    pub blocked_ns: u64,
    /// See `kernel_ns`.
    pub runnable_ns: u64,
    /// See `kernel_ns`.
    pub copying_ns: u64,
    /// Blocked outside calls.
    pub outside_blocked_ns: u64,
    /// Runnable outside calls.
    pub outside_runnable_ns: u64,
    /// In calls not recorded, before these.
    pub other_ns: u64,
}

impl Sum {
    /// Of one call.
    pub(super) fn of_call(call: &Call) -> Self {
        Self {
            calls: 1,
            kernel_ns: call.kernel_ns,
            blocked_ns: call.blocked_ns,
            runnable_ns: call.runnable_ns,
            copying_ns: call.copying_ns,
            other_ns: call.other_ns,
            ..Self::default()
        }
    }

    /// Of short calls.
    pub(super) fn of_run(run: &Run) -> Self {
        Self {
            calls: run.calls,
            kernel_ns: run.kernel_ns,
            blocked_ns: run.blocked_ns,
            runnable_ns: run.runnable_ns,
            copying_ns: run.copying_ns,
            other_ns: run.other_ns,
            ..Self::default()
        }
    }

    /// The time spent in calls.
    pub fn calls_ns(&self) -> u64 {
        self.kernel_ns
            .saturating_add(self.blocked_ns)
            .saturating_add(self.runnable_ns)
            .saturating_add(self.copying_ns)
    }

    /// Of one time off the CPU outside calls.
    pub(super) fn of_outside(span: &Off) -> Self {
        Self {
            outside_blocked_ns: span.blocked_ns(),
            outside_runnable_ns: span.runnable_ns(),
            ..Self::default()
        }
    }
}

impl AddAssign for Sum {
    fn add_assign(&mut self, more: Self) {
        // Exhaustive, so that a new field can't be forgotten. Saturating: a file may hold any numbers.
        let Self {
            calls,
            kernel_ns,
            blocked_ns,
            runnable_ns,
            copying_ns,
            outside_blocked_ns,
            outside_runnable_ns,
            other_ns,
        } = more;
        self.calls = self.calls.saturating_add(calls);
        for (sum, more) in [
            (&mut self.kernel_ns, kernel_ns),
            (&mut self.blocked_ns, blocked_ns),
            (&mut self.runnable_ns, runnable_ns),
            (&mut self.copying_ns, copying_ns),
            (&mut self.outside_blocked_ns, outside_blocked_ns),
            (&mut self.outside_runnable_ns, outside_runnable_ns),
            (&mut self.other_ns, other_ns),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}
