//! One lane's picture at every zoom wide enough to be worth keeping: ready to be copied, however long the trace.
//!
//! ```text
//!   level   sums of what is narrower than a bucket        things as wide as one bucket, not as wide as two
//!   base+2  |      s      |      s      |      …          calls, times off the CPU
//!   base+1  |  s   |  s   |      |  s   |      …          calls, times off the CPU
//!   base    | s| s |  | s |             |      …          calls, times off the CPU
//! ```
//!
//! A picture at one level is the sums of that level, and the things of it and of all above it. Buckets in which nothing
//! began take no room. The lowest level takes about as much as all others together: when there are too many buckets it
//! is dropped, and zooms below the lowest level are answered from the calls themselves.

use std::collections::VecDeque;

use super::{
    items::Items,
    spans::Spans,
    sums::Sums,
    tile::{Grid, LEVEL_MAX},
    track::{Chunk, Track},
};
use crate::model::{Call, Off, OffCpu, Run, SHORT_BITS, Sum};

/// The level that lanes begin with: buckets of 66 µs hold some ten calls of a busy server. Lower ones took four times
/// the memory of the calls themselves, and a picture from those is quick where buckets are that narrow.
pub(super) const FIRST_BASE: u8 = SHORT_BITS;

#[derive(Debug, Default)]
struct Level {
    /// In the order of time. The last one is open: what is in it is not in the levels above yet.
    sums: Sums,
    calls: Track<Items>,
    spans: Track<Spans>,
}

/// The levels of a lane from `base` on.
#[derive(Debug, Default)]
pub(super) struct Levels {
    base: u8,
    levels: VecDeque<Level>,
    bytes: isize,
}

/// The highest level at which a thing of this length comes back exactly; `None` if there is none.
fn octave(duration_ns: u64) -> Option<u8> {
    duration_ns
        .checked_ilog2()
        .map(|octave| (octave as u8).min(LEVEL_MAX))
}

impl Levels {
    pub(super) fn new(base: u8) -> Self {
        Self {
            base,
            ..Self::default()
        }
    }

    /// Memory it takes.
    pub(super) fn bytes(&self) -> isize {
        self.bytes
    }

    /// Adds a call, which comes after all others.
    pub(super) fn push_call(&mut self, call: &Call) {
        let octave = octave(call.duration_ns());
        if let Some(level) = octave.and_then(|octave| self.level(octave)) {
            let grown = level.calls.push(call.end_ns, |items| items.push_call(call));
            self.bytes += grown;
        }
        self.sum(call.start_ns, octave, Sum::of_call(call));
    }

    /// Adds short things that all begin in one bucket, likewise.
    pub(super) fn push_run(&mut self, run: &Run) {
        self.add(self.base, run.series.start_ns >> self.base, run.sum);
    }

    /// Adds a short time off the CPU outside calls, likewise.
    pub(super) fn push_off(&mut self, off: &Off) {
        self.add(self.base, off.start_ns >> self.base, Sum::of_outside(off));
    }

    /// Adds a time off the CPU, likewise. Those inside calls are in the calls' own sums.
    pub(super) fn push_span(&mut self, span: &OffCpu) {
        let octave = octave(span.end_ns.saturating_sub(span.start_ns));
        if let Some(level) = octave.and_then(|octave| self.level(octave)) {
            let grown = level.spans.push(span.end_ns, |spans| spans.push(span));
            self.bytes += grown;
        }
        if !span.in_call {
            self.sum(span.start_ns, octave, Sum::of_outside(&span.into()));
        }
    }

    fn level(&mut self, level: u8) -> Option<&mut Level> {
        let at = usize::from(level.checked_sub(self.base)?);
        while self.levels.len() <= at {
            self.levels.push_back(Level::default());
            self.bytes += size_of::<Level>() as isize;
        }
        self.levels.get_mut(at)
    }

    /// Adds a thing to the first level at which it is narrower than a bucket.
    fn sum(&mut self, start_ns: u64, octave: Option<u8>, sum: Sum) {
        let level = octave.map_or(0, |octave| octave + 1).max(self.base);
        self.add(level, start_ns >> level, sum);
    }

    fn add(&mut self, mut level: u8, mut bucket: u64, mut sum: Sum) {
        while level <= LEVEL_MAX
            && let Some(here) = self.level(level)
        {
            let before = here.sums.bytes();
            let up = here.sums.add(bucket, sum);
            self.bytes += here.sums.bytes() as isize - before as isize;
            let Some(closed) = up else { return };
            (level, bucket, sum) = (level + 1, closed.0 >> 1, closed.1);
        }
    }

    /// Drops the lowest level.
    pub(super) fn coarsen(&mut self) {
        let open = self.levels.front().and_then(|level| level.sums.last());
        if let Some((bucket, sum)) = open {
            self.add(self.base + 1, bucket >> 1, sum);
        }
        self.base += 1;
        if let Some(level) = self.levels.pop_front() {
            let bytes =
                size_of::<Level>() + level.sums.bytes() + level.calls.bytes() + level.spans.bytes();
            self.bytes -= bytes as isize;
        }
    }

    /// The levels that have what is exact at this zoom, lowest first; `None` if it is below the base.
    fn from(&self, level: u8) -> Option<impl Iterator<Item = &Level>> {
        let at = usize::from(level.checked_sub(self.base)?);
        Some(self.levels.iter().skip(at))
    }

    /// Calls at least a bucket wide that overlap this stretch; `None` if this zoom is below the base.
    pub(super) fn calls(&self, grid: Grid, pid: u32, tid: u32) -> Option<Vec<Call>> {
        let mut calls = Vec::new();
        for level in self.from(grid.level)? {
            overlapping(&level.calls, grid, |items, at| {
                calls.extend(items.call(at, pid, tid));
            });
        }
        calls.sort_by_key(|call: &Call| call.start_ns);
        Some(calls)
    }

    /// Times off the CPU, likewise.
    pub(super) fn spans(&self, grid: Grid, pid: u32, tid: u32) -> Option<Vec<OffCpu>> {
        let mut found = Vec::new();
        for level in self.from(grid.level)? {
            overlapping(&level.spans, grid, |spans, at| {
                found.extend(spans.get(at, pid, tid));
            });
        }
        found.sort_by_key(|span: &OffCpu| span.start_ns);
        Some(found)
    }

    /// What narrower things add up to, by bucket of this stretch; `None` likewise.
    pub(super) fn sums(&self, grid: Grid) -> Option<Vec<(u32, Sum)>> {
        let at = usize::from(grid.level.checked_sub(self.base)?);
        let (first, end) = (grid.start_ns >> grid.level, grid.end_ns >> grid.level);
        let here = self.levels.get(at);
        let mut sums = here.map_or_else(Vec::new, |level| level.sums.range(first, end));
        // What is still open below is not here yet.
        for (below, level) in self.levels.iter().take(at).enumerate() {
            let Some((bucket, sum)) = level.sums.last() else {
                continue;
            };
            let bucket = bucket >> (at - below);
            if !(first..end).contains(&bucket) {
                continue;
            }
            let bucket = (bucket - first) as u32;
            match sums.binary_search_by_key(&bucket, |(at, _)| *at) {
                Ok(at) => {
                    if let Some((_, there)) = sums.get_mut(at) {
                        *there += sum;
                    }
                }
                Err(at) => sums.insert(at, (bucket, sum)),
            }
        }
        sums.retain(|(_, sum)| *sum != Sum::default());
        Some(sums)
    }
}

/// Calls `each` with every thing that overlaps a stretch, in order. All of them have a length.
fn overlapping<C: Chunk>(track: &Track<C>, grid: Grid, mut each: impl FnMut(&C, usize)) {
    let mut at = track.find(grid.start_ns);
    if let Some(before) = track.previous(at)
        && let Some((_, end_ns)) = track.range_ns(before)
        && end_ns > grid.start_ns
    {
        at = before;
    }
    while let Some((start_ns, _)) = track.range_ns(at)
        && start_ns < grid.end_ns
    {
        if let Some(chunk) = track.chunk(at) {
            each(&chunk, at.index);
        }
        at = track.next(at);
    }
}
