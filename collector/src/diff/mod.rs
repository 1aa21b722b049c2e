//! Two recordings side by side: what changed from one to the other, and whether that is more than noise.
//!
//! `waitscope diff --json` prints [`Diff`]: its fields are a promise to programs. Nothing here may call a difference
//! real because it is large: what a number wavers by within each recording decides.

mod group;
mod judge;
mod show;
mod sides;
mod slices;

use std::collections::BTreeSet;

use anyhow::Result;
use serde::Serialize;

pub use sides::SideReport;
#[cfg(test)]
pub(crate) use sides::group_name;

use crate::recording::Reader;
use group::{CALLS, CONNECTIONS, Group, Kind, READY_DELAYS, TURNS};
use judge::{P_MAX, chance};
use sides::Side;

/// The value of `format` in `waitscope diff --json`.
pub const FORMAT: &str = "waitscope-diff";
/// Its version. A field never changes its meaning within a version.
pub const VERSION: u32 = 1;

/// Smaller changes are real, maybe, and nobody's concern.
const MARGIN_PERCENT: f64 = 5.0;
const SECOND_NS: f64 = 1e9;

/// What changed from one recording to the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// [`FORMAT`].
    pub format: &'static str,
    /// [`VERSION`].
    pub version: u32,
    /// The first one: before.
    pub a: SideReport,
    /// The second one: after.
    pub b: SideReport,
    /// Each group that is in either of them, by kind and name.
    pub groups: Vec<GroupDiff>,
}

/// One group in both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupDiff {
    /// `call`, `connection`, `ready_delay` or `turn`.
    pub of: &'static str,
    /// Name of the call, what the connections have in common, or the thread's name. Unescaped.
    pub name: String,
    /// How many in the first.
    pub a_count: u64,
    /// How many in the second.
    pub b_count: u64,
    /// The numbers: how many a second, the mean of each sum, percentiles.
    pub numbers: Vec<NumberDiff>,
}

/// One number in both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NumberDiff {
    /// `per_second`, a mean as `duration_ns`, or a percentile as `p99_duration_ns`.
    pub name: String,
    /// In the first; `None` if there is nothing that it is of.
    pub a: Option<f64>,
    /// In the second.
    pub b: Option<f64>,
    /// How likely two such numbers of one and the same behaviour differ as much. `None` where too little was seen.
    pub chance: Option<f64>,
    /// Whether it differs by more than it wavers, and by 5 % at least. `None` if too little was seen to say.
    pub changed: Option<bool>,
}

/// Compares two recordings. `progress` is told how many bytes of how many are read, of both together.
///
/// # Errors
/// One of them can't be read. One that is cut is compared as far as it goes, and says so.
pub fn diff(a: Reader, b: Reader, progress: &mut dyn FnMut(u64, u64)) -> Result<Diff> {
    let (first, second) = (a.bytes_total(), b.bytes_total());
    let all = first.saturating_add(second);
    let a = Side::read(a, &mut |read, _| progress(read, all))?;
    let b = Side::read(b, &mut |read, _| progress(first.saturating_add(read), all))?;
    Ok(compare(&a, &b))
}

fn compare(a: &Side, b: &Side) -> Diff {
    let keys: BTreeSet<&(&str, String)> = a.groups.keys().chain(b.groups.keys()).collect();
    let groups = keys.into_iter().filter_map(|key| {
        let kind = [CALLS, CONNECTIONS, READY_DELAYS, TURNS]
            .into_iter()
            .find(|kind| kind.of == key.0)?;
        let nothing = Group::default();
        let one = Of {
            group: a.groups.get(key).unwrap_or(&nothing),
            duration_ns: a.duration_ns,
        };
        let other = Of {
            group: b.groups.get(key).unwrap_or(&nothing),
            duration_ns: b.duration_ns,
        };
        Some(GroupDiff {
            of: kind.of,
            name: key.1.clone(),
            a_count: one.group.total().count,
            b_count: other.group.total().count,
            numbers: numbers(kind, &one, &other),
        })
    });
    Diff {
        format: FORMAT,
        version: VERSION,
        a: a.report(),
        b: b.report(),
        groups: groups.collect(),
    }
}

/// A group of one recording.
struct Of<'a> {
    group: &'a Group,
    duration_ns: u64,
}

impl Of<'_> {
    fn per_second(&self) -> Option<f64> {
        let duration = self.duration_ns as f64;
        (duration > 0.0).then(|| self.group.total().count as f64 * SECOND_NS / duration)
    }

    /// The same for each slice of time.
    fn rates(&self) -> Vec<f64> {
        let slices = self.group.slices.of(self.duration_ns).into_iter();
        let rate = |(width_ns, slice): (u64, slices::Slice)| {
            slice.count as f64 * SECOND_NS / width_ns as f64
        };
        slices.map(rate).collect()
    }

    fn mean(&self, index: usize) -> Option<f64> {
        let total = self.group.total();
        mean(total.sums.get(index)?, total.count)
    }

    /// Which part lies above a number, for each slice of time in which there was something.
    fn shares_above(&self, value: u64) -> Vec<f64> {
        let slices = self.group.slices.of(self.duration_ns).into_iter();
        slices
            .filter_map(|(_, slice)| slice.share_above(value))
            .collect()
    }

    /// The mean for each slice of time in which there was something.
    fn means(&self, index: usize) -> Vec<f64> {
        let slices = self.group.slices.of(self.duration_ns).into_iter();
        slices
            .filter_map(|(_, slice)| mean(slice.sums.get(index)?, slice.count))
            .collect()
    }
}

fn mean(sum: &u64, count: u64) -> Option<f64> {
    (count > 0).then(|| *sum as f64 / count as f64)
}

fn numbers(kind: Kind, a: &Of<'_>, b: &Of<'_>) -> Vec<NumberDiff> {
    let rate = judged(
        "per_second".to_owned(),
        (a.per_second(), b.per_second()),
        (&a.rates(), &b.rates()),
    );
    let means = kind.sums.iter().enumerate().map(|(index, name)| {
        judged(
            (*name).to_owned(),
            (a.mean(index), b.mean(index)),
            (&a.means(index), &b.means(index)),
        )
    });
    let percentiles = [("p50", 0.5), ("p99", 0.99)];
    let percentiles = percentiles.map(|(word, quantile)| percentile(kind, word, quantile, a, b));
    std::iter::once(rate)
        .chain(means)
        .chain(percentiles)
        .collect()
}

/// A number that is known for each slice of time.
fn judged(
    name: String,
    (a, b): (Option<f64>, Option<f64>),
    (slices_a, slices_b): (&[f64], &[f64]),
) -> NumberDiff {
    let chance = chance(slices_a, slices_b);
    NumberDiff {
        name,
        a,
        b,
        chance,
        changed: chance.map(|chance| chance < P_MAX && is_concern(a, b)),
    }
}

/// A percentile. It changed if the part of all that lies above what it is in the first (or if that has none, in the
/// second) did.
fn percentile(kind: Kind, word: &str, quantile: f64, a: &Of<'_>, b: &Of<'_>) -> NumberDiff {
    let (at_a, at_b) = (a.group.at(quantile), b.group.at(quantile));
    let shares = at_a
        .or(at_b)
        .map(|value| (a.shares_above(value), b.shares_above(value)));
    let (shares_a, shares_b) = shares.unwrap_or_default();
    let number = |at: Option<u64>| at.map(|nanos| nanos as f64);
    judged(
        format!("{word}_{}", kind.spread),
        (number(at_a), number(at_b)),
        (&shares_a, &shares_b),
    )
}

fn is_concern(a: Option<f64>, b: Option<f64>) -> bool {
    let (a, b) = (a.unwrap_or(0.0), b.unwrap_or(0.0));
    (a - b).abs() * 100.0 > MARGIN_PERCENT * a.max(b)
}
