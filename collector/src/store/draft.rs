//! A tile still to be made, as far as the store is needed for it: the rest takes time, for which nobody must have to wait
//! who wants the store.

use std::sync::Arc;

use super::{
    items::Items,
    near::Near,
    shelf::Shelf,
    spans::Spans,
    tile::{Grid, Tile},
    visit::Visit,
};
use crate::model::Sum;

/// Batches that lanes go through together: as many as any memory has room for, and enough that all CPUs bring some.
const TOGETHER: usize = 16;

/// A tile that is still to be made.
#[derive(Debug)]
pub struct Draft {
    /// All but what is looked at closely.
    pub(super) tile: Tile,
    /// That, if it is not kept for the tile's zoom.
    pub(super) near: Option<(Near, Grid)>,
    pub(super) shelf: Option<Arc<Shelf>>,
}

impl Draft {
    /// The tiles of drafts of one store, in their order. What must be brought for them is brought once for all, however
    /// little room there is.
    pub fn tiles(drafts: Vec<Self>) -> Vec<Tile> {
        let shelf = drafts.iter().find_map(|draft| draft.shelf.clone());
        let parts = drafts.into_iter().map(|draft| (draft.tile, draft.near));
        let (mut tiles, near): (Vec<Tile>, Vec<Option<(Near, Grid)>>) = parts.unzip();
        let mut drawings: Vec<Drawing<'_>> = (tiles.iter_mut().zip(&near))
            .filter_map(|(tile, near)| Some(Drawing::new(tile, near.as_ref()?)))
            .collect();
        if let Some(shelf) = &shelf {
            let near = near.iter().flatten();
            let mut batches: Vec<u32> = near.flat_map(|(near, _)| near.batches()).collect();
            batches.sort_unstable();
            batches.dedup();
            for together in batches.chunks(TOGETHER) {
                shelf.bring_all(together);
                let until = together.last().map_or(u32::MAX, |last| last + 1);
                drawings.iter_mut().for_each(|drawing| drawing.go(until));
            }
        }
        drawings.iter_mut().for_each(|drawing| drawing.go(u32::MAX));
        let is_whole = shelf.is_none_or(|shelf| shelf.missing() == 0);
        tiles.iter_mut().for_each(|tile| tile.sealed &= is_whole);
        tiles
    }

    /// The tile.
    pub fn tile(self) -> Tile {
        let mut tiles = Self::tiles(vec![self]);
        tiles.pop().unwrap_or_default()
    }
}

/// A lane that is being looked at closely.
struct Drawing<'a> {
    near: &'a Near,
    items: Visit<'a, Items>,
    spans: Visit<'a, Spans>,
    tile: &'a mut Tile,
}

impl<'a> Drawing<'a> {
    fn new(tile: &'a mut Tile, (near, grid): &'a (Near, Grid)) -> Self {
        Self {
            near,
            items: Visit::new(&near.items, *grid),
            spans: Visit::new(&near.spans, *grid),
            tile,
        }
    }

    /// Adds what is in batches before this one.
    fn go(&mut self, until: u32) {
        let Near { pid, tid, .. } = *self.near;
        let Tile {
            calls, spans, sums, ..
        } = self.tile;
        self.items.go(
            until,
            |items, from, to, wide| {
                calls.extend(wide.and_then(|wide| items.call(wide, pid, tid)));
                items.sum(from, to)
            },
            |bucket, sum| {
                if sum != Sum::default() {
                    sums.push((bucket, sum));
                }
            },
        );
        self.spans.go(
            until,
            |found, _, _, wide| {
                spans.extend(wide.and_then(|wide| found.get(wide, pid, tid)));
                Sum::default()
            },
            |_, _| {},
        );
    }
}
