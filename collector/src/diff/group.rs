//! One group of a trace (the calls of one name, on one kind of connection, the turns of one loop): how many, what each
//! took, how that is spread.

use hdrhistogram::Histogram;

use super::slices::{SUMS_MAX, Slice, Slices};

/// Percentiles are exact to a hundredth.
const DIGITS: u8 = 2;
/// What takes longer counts as this long in percentiles. A day.
const LONGEST_NS: u64 = 86_400_000_000_000;

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
pub(super) struct Group {
    pub(super) slices: Slices,
    histogram: Option<Histogram<u64>>,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            slices: Slices::default(),
            // Fails for senseless bounds only.
            histogram: Histogram::new_with_bounds(1, LONGEST_NS, DIGITS).ok(),
        }
    }
}

impl Group {
    /// Adds one that ended then. `values` go with the kind's names.
    pub(super) fn push(&mut self, at_ns: u64, values: &[u64], spread_ns: u64) {
        let mut sums = [0; SUMS_MAX];
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = *value;
        }
        self.slices.push(at_ns, sums, spread_ns);
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record(spread_ns);
        }
    }

    pub(super) fn total(&self) -> Slice {
        self.slices.total()
    }

    /// Such a part of all took no longer, to a hundredth.
    pub(super) fn at(&self, quantile: f64) -> Option<u64> {
        let histogram = self.histogram.as_ref().filter(|all| !all.is_empty())?;
        Some(histogram.value_at_quantile(quantile).min(histogram.max()))
    }
}
