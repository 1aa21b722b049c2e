//! Questions about calls of any stretch of time and any kind: totals, durations, the longest, the next.
//!
//! They are put to [`Calls`], which share the store's memory as it was: however long an answer takes, who fills the
//! store does not wait for it. Each question goes once over the columns of the calls, in the order of time over all
//! lanes, so that what a file has is brought once; what is before [`State::kept_ns`](super::State::kept_ns) is in no
//! answer. An answer has a bound of its own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{
    DESCRIPTORS_MAX, Filter, Histogram,
    items::Items,
    track::{At, Chunk as _, Track},
};
use crate::model::{Call, Sum, id_map::IdMap};

/// Descriptors in an answer, at most: the others are one sum.
pub const TOTALS_MAX: usize = 1000;
/// Calls in an answer, at most.
pub const LONGEST_MAX: usize = 1000;
/// Columns of a heatmap, at most.
pub const HEATMAP_COLUMNS_MAX: u64 = 512;

/// A duration's place in [`Calls::latency`]: told to one part in 32.
pub type Latency = Histogram<5>;
/// A duration's row in [`Calls::heatmap`]: told to one part in 4.
pub type Row = Histogram<2>;

/// What calls add up to, apart by thread and by descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All of them.
    pub all: Sum,
    /// By lane, in the order of lanes.
    pub lanes: Vec<(u32, Sum)>,
    /// By descriptor, those that took the most time first; `None` is that of calls without a known one.
    pub descriptors: Vec<(Option<u32>, Sum)>,
    /// What is in no descriptor above, for there are too many.
    pub other_descriptors: Sum,
}

/// How long a call took, when it began, on which lane, and where it is.
type Long = (u64, Reverse<u64>, Reverse<u32>, At);

/// When the first and the last thing of a chunk begin, and the chunk's number in its lane.
type Place = (u64, u64, usize);

/// A call that was found: when it began, on which lane, and where it is.
type Found<'a> = (u64, &'a LaneCalls, At);

/// All calls that there were at one moment.
#[derive(Debug)]
pub struct Calls {
    /// In the order of lanes.
    pub(super) lanes: Vec<LaneCalls>,
    /// How far the trace had come.
    pub(super) now_ns: u64,
}

/// Those of one lane.
#[derive(Debug)]
pub(super) struct LaneCalls {
    pub(super) lane: u32,
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) items: Track<Items>,
}

impl Calls {
    /// How far the trace had come.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// The lanes that may have matching calls.
    fn asked<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a LaneCalls> {
        let lanes = self.lanes.iter();
        lanes.filter(|lane| filter.lane.is_none_or(|wanted| wanted == lane.lane))
    }

    /// The chunks that may have matching calls, by when they begin.
    pub(super) fn chunks<'a>(&'a self, filter: &'a Filter) -> Vec<(Place, &'a LaneCalls)> {
        let mut chunks: Vec<_> = self
            .asked(filter)
            .flat_map(|lane| {
                let chunks = lane.items.chunks(filter.from_ns, filter.to_ns);
                chunks.map(move |place| (place, lane))
            })
            .collect();
        chunks.sort_by_key(|(place, lane)| (*place, lane.lane));
        chunks
    }

    /// Calls `each` with the lane of every matching call, where it is and how long it took. Those of a lane come in the
    /// order of time.
    fn matching(&self, filter: &Filter, mut each: impl FnMut(&LaneCalls, &Items, At, u64)) {
        for ((_, _, chunk), lane) in self.chunks(filter) {
            let Some(items) = lane.items.chunk(At { chunk, index: 0 }) else {
                continue;
            };
            for index in items.between(filter.from_ns, filter.to_ns) {
                if items.matches(index, filter) {
                    let at = At { chunk, index };
                    each(lane, &items, at, items.duration_ns(index));
                }
            }
        }
    }

    /// What matching calls add up to.
    pub fn totals(&self, filter: &Filter) -> Totals {
        let mut totals = Totals::default();
        let mut by_descriptor: IdMap<u32, Sum> = IdMap::default();
        let mut without = Sum::default();
        let mut lanes = vec![Sum::default(); self.lanes.len()];
        self.matching(filter, |lane, items, at, _| {
            let one = items.one(at.index);
            if let Some(sum) = lanes.get_mut(lane.lane as usize) {
                *sum += one;
            }
            let Some(id) = items.descriptor(at.index) else {
                without += one;
                return;
            };
            let room = by_descriptor.len() < DESCRIPTORS_MAX;
            match by_descriptor.get_mut(&id) {
                Some(known) => *known += one,
                None if room => drop(by_descriptor.insert(id, one)),
                None => totals.other_descriptors += one,
            }
        });
        for (lane, sum) in (0..).zip(lanes) {
            totals.all += sum;
            if sum != Sum::default() {
                totals.lanes.push((lane, sum));
            }
        }
        let known = by_descriptor.into_iter().map(|(id, sum)| (Some(id), sum));
        let without = (without != Sum::default()).then_some((None, without));
        let mut descriptors: Vec<_> = known.chain(without).collect();
        descriptors.sort_by_key(|(id, sum)| (Reverse(sum.calls_ns()), *id));
        let others = descriptors.split_off(descriptors.len().min(TOTALS_MAX));
        others
            .into_iter()
            .for_each(|(_, sum)| totals.other_descriptors += sum);
        Totals {
            descriptors,
            ..totals
        }
    }

    /// How long matching calls took.
    pub fn latency(&self, filter: &Filter) -> Latency {
        let mut latency = Latency::default();
        self.matching(filter, |_, _, _, duration_ns| latency.add(duration_ns));
        latency
    }

    /// How many matching calls begin in each column of the filter's time, by how long they took: a column and a slot
    /// of [`Row`], with the count. All columns are `width_ns` wide, of which there are as many as asked for, or fewer.
    pub fn heatmap(&self, filter: &Filter, columns: u64) -> (u64, Vec<(u32, usize, u64)>) {
        let columns = columns.clamp(1, HEATMAP_COLUMNS_MAX);
        let end_ns = filter.to_ns.min(self.now_ns.saturating_add(1));
        let width_ns = end_ns
            .saturating_sub(filter.from_ns)
            .div_ceil(columns)
            .max(1);
        let rows = Row::slot(u64::MAX) + 1;
        let mut counts = vec![0_u64; columns as usize * rows];
        self.matching(filter, |_, items, at, duration_ns| {
            let column = items.start_ns(at.index).saturating_sub(filter.from_ns) / width_ns;
            let cell = column.min(columns - 1) as usize * rows + Row::slot(duration_ns);
            if let Some(count) = counts.get_mut(cell) {
                *count += 1;
            }
        });
        let cells = counts.into_iter().enumerate();
        let cells = cells.filter(|(_, count)| *count > 0);
        let cells = cells.map(|(cell, count)| ((cell / rows) as u32, cell % rows, count));
        (width_ns, cells.collect())
    }

    /// The longest matching calls with their lanes, longest first; of equally long ones the first to begin.
    pub fn longest(&self, filter: &Filter, count: usize) -> Vec<(u32, Call)> {
        let count = count.min(LONGEST_MAX);
        // The shortest of those found so far is on top.
        let mut longest: BinaryHeap<Reverse<Long>> = BinaryHeap::new();
        self.matching(filter, |lane, items, at, duration_ns| {
            let full = longest.len() >= count;
            if full
                && longest
                    .peek()
                    .is_none_or(|Reverse(least)| duration_ns < least.0)
            {
                return;
            }
            let start_ns = items.start_ns(at.index);
            longest.push(Reverse((
                duration_ns,
                Reverse(start_ns),
                Reverse(lane.lane),
                at,
            )));
            if full {
                longest.pop();
            }
        });
        let found = longest.into_sorted_vec().into_iter();
        found
            .filter_map(|Reverse((_, _, Reverse(lane), at))| {
                Some((lane, self.lanes.get(lane as usize)?.call(at)?))
            })
            .collect()
    }

    /// The first matching call that begins after this time.
    pub fn next_call(&self, filter: &Filter, after_ns: u64) -> Option<(u32, Call)> {
        let from_ns = filter.from_ns.max(after_ns.checked_add(1)?);
        let filter = Filter { from_ns, ..*filter };
        let mut found: Option<Found<'_>> = None;
        for ((first_ns, _, chunk), lane) in self.chunks(&filter) {
            if found.is_some_and(|(start_ns, ..)| first_ns > start_ns) {
                break;
            }
            let Some(items) = lane.items.chunk(At { chunk, index: 0 }) else {
                continue;
            };
            let mut here = items.between(filter.from_ns, filter.to_ns);
            let first = here.find(|&index| items.matches(index, &filter));
            let Some(index) = first else { continue };
            let start_ns = items.start_ns(index);
            if found
                .is_none_or(|(known_ns, known, _)| (start_ns, lane.lane) < (known_ns, known.lane))
            {
                found = Some((start_ns, lane, At { chunk, index }));
            }
        }
        let (_, lane, at) = found?;
        Some((lane.lane, lane.call(at)?))
    }

    /// The last matching call that begins before this time.
    pub fn previous_call(&self, filter: &Filter, before_ns: u64) -> Option<(u32, Call)> {
        let to_ns = filter.to_ns.min(before_ns);
        let filter = Filter { to_ns, ..*filter };
        let mut chunks = self.chunks(&filter);
        chunks.sort_by_key(|((_, last_ns, _), lane)| (Reverse(*last_ns), lane.lane));
        let mut found: Option<Found<'_>> = None;
        for ((_, last_ns, chunk), lane) in chunks {
            if found.is_some_and(|(start_ns, ..)| last_ns < start_ns) {
                break;
            }
            let Some(items) = lane.items.chunk(At { chunk, index: 0 }) else {
                continue;
            };
            let mut here = items.between(filter.from_ns, filter.to_ns).rev();
            let last = here.find(|&index| items.matches(index, &filter));
            let Some(index) = last else { continue };
            let start_ns = items.start_ns(index);
            let order = |start_ns, lane: &LaneCalls| (start_ns, Reverse(lane.lane));
            if found
                .is_none_or(|(known_ns, known, _)| order(start_ns, lane) > order(known_ns, known))
            {
                found = Some((start_ns, lane, At { chunk, index }));
            }
        }
        let (_, lane, at) = found?;
        Some((lane.lane, lane.call(at)?))
    }
}

impl LaneCalls {
    /// The call at a position.
    fn call(&self, at: At) -> Option<Call> {
        self.items.chunk(at)?.call(at.index, self.pid, self.tid)
    }
}
