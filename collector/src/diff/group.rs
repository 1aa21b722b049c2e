//! One group of a trace (the calls of one name, on one kind of connection, the turns of one loop): how many, what each
//! took, how that is spread.

use super::slices::{SUMS_MAX, Slice, Slices};
use crate::report::latency::Latency;

/// What is summed in a group, by name; and of which the percentiles are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// What the group is of.
    pub(super) of: &'static str,
    /// Names of the sums.
    pub(super) sums: &'static [&'static str],
    /// Name of what the percentiles are of.
    pub(super) spread: &'static str,
}

/// All calls of one name.
pub(super) const CALLS: Kind = Kind {
    of: "call",
    sums: &[
        "duration_ns",
        "kernel_ns",
        "blocked_ns",
        "runnable_ns",
        "copying_ns",
    ],
    spread: "duration_ns",
};
/// All calls on the connections of one kind.
pub(super) const CONNECTIONS: Kind = Kind {
    of: "connection",
    sums: &[
        "duration_ns",
        "blocked_ns",
        "runnable_ns",
        "copying_ns",
        "received_bytes",
        "sent_bytes",
    ],
    spread: "duration_ns",
};
/// What was read from the connections of one kind.
pub(super) const READY_DELAYS: Kind = Kind {
    of: "ready_delay",
    sums: &["ready_delay_ns"],
    spread: "ready_delay_ns",
};
/// All turns of the loops of one name.
pub(super) const TURNS: Kind = Kind {
    of: "turn",
    sums: &["work_ns", "wait_ns", "lag_ns", "off_cpu_ns"],
    spread: "lag_ns",
};

/// One group.
#[derive(Default)]
pub(super) struct Group {
    pub(super) slices: Slices,
    spread: Latency,
}

impl Group {
    /// Adds one that ended then. `values` go with the kind's names.
    pub(super) fn push(&mut self, at_ns: u64, values: &[u64], spread_ns: u64) {
        let mut sums = [0; SUMS_MAX];
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = *value;
        }
        self.slices.push(at_ns, sums, spread_ns);
        self.spread.push(spread_ns);
    }

    pub(super) fn total(&self) -> Slice {
        self.slices.total()
    }

    /// Such a part of all took no longer, to a hundredth.
    pub(super) fn at(&self, quantile: f64) -> Option<u64> {
        (self.spread.count() > 0).then(|| self.spread.at(quantile))
    }
}
