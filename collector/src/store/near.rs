//! A lane looked at closely: each call and each time off the CPU, from memory or brought from a file.
//!
//! It shares the store's memory as it was. To bring what it needs takes time, for which nobody must have to wait who
//! wants the store.

use std::sync::Arc;

use super::{
    items::Items,
    lane::Detail,
    shelf::Shelf,
    spans::Spans,
    tile::{self, Grid, Tile},
    track::{At, Track},
};
use crate::model::{Call, OffCpu};

/// Times off the CPU shown with one call; the rest is counted.
const DETAIL_SPANS_MAX: usize = 1000;
/// Times off the CPU outside calls that are passed over in search of a call.
const SEARCH_MAX: usize = 10_000;

/// What one thread did.
#[derive(Debug)]
pub struct Near {
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) items: Track<Items>,
    pub(super) spans: Track<Spans>,
}

impl Near {
    fn tile(&self, grid: Grid) -> Tile {
        let Self { pid, tid, .. } = *self;
        let (calls, sums) = tile::items(&self.items, grid, |items, at| items.call(at, pid, tid));
        let spans = tile::spans(&self.spans, grid, |spans, at| spans.get(at, pid, tid));
        Tile {
            calls,
            spans,
            sums,
            ..Tile::default()
        }
    }

    /// The call at this time, or else the last one begun before it.
    pub fn call_at(&self, at_ns: u64) -> Option<Detail> {
        let mut at = self
            .items
            .previous(self.items.find(at_ns.saturating_add(1)))?;
        for _ in 0..SEARCH_MAX {
            let items = self.items.chunk(at)?;
            if let Some(call) = items.call(at.index, self.pid, self.tid) {
                let (spans, more) = self.spans_in(&call);
                let ready = items.ready(&call, at.index);
                return Some(Detail {
                    call,
                    spans,
                    more,
                    ready,
                });
            }
            at = self.items.previous(at)?;
        }
        None
    }

    fn spans_in(&self, call: &Call) -> (Vec<OffCpu>, u64) {
        let mut spans = Vec::new();
        let mut at: At = self.spans.find(call.start_ns);
        let all = u64::from(call.sleeps) + u64::from(call.preemptions);
        while spans.len() < DETAIL_SPANS_MAX
            && let Some((_, end_ns)) = self.spans.range_ns(at)
            && end_ns <= call.end_ns
        {
            let span = self.spans.chunk(at);
            let span = span.and_then(|chunk| chunk.get(at.index, self.pid, self.tid));
            // One without length may lie at the very edge of the call, and not be in it.
            spans.extend(span.filter(|span| span.in_call));
            at = self.spans.next(at);
        }
        let told: u64 = spans.iter().map(|span| u64::from(span.times)).sum();
        (spans, all.saturating_sub(told))
    }
}

/// A tile that is still to be made, as far as the store is needed for it.
#[derive(Debug)]
pub struct Draft {
    /// All but what is looked at closely.
    pub(super) tile: Tile,
    /// That, if it is not kept for the tile's zoom.
    pub(super) near: Option<(Near, Grid)>,
    pub(super) shelf: Option<Arc<Shelf>>,
}

impl Draft {
    /// The tile.
    pub fn tile(self) -> Tile {
        let Self { tile, near, shelf } = self;
        let (arch, sealed) = (tile.arch, tile.sealed);
        let drawn = near.map_or(tile, |(near, grid)| near.tile(grid));
        let unread = shelf.is_some_and(|shelf| shelf.missing() > 0);
        Tile {
            arch,
            sealed: sealed && !unread,
            ..drawn
        }
    }
}
