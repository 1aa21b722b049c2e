//! A way through one lane's track in a stretch of time, bucket by bucket, by the rule of a [`Tile`](super::Tile).
//!
//! It stops where it is told to: what is brought from a file for one lane is there for all others, if they go along it
//! together.

use super::{
    tile::Grid,
    track::{At, Chunk, Track},
};
use crate::model::Sum;

/// Somebody who goes through a stretch of time, and how far that is.
pub(super) struct Visit<'a, C> {
    track: &'a Track<C>,
    grid: Grid,
    at: At,
    has_begun: bool,
}

impl<'a, C: Chunk> Visit<'a, C> {
    pub(super) fn new(track: &'a Track<C>, grid: Grid) -> Self {
        let at = At {
            chunk: track.find_chunk(grid.start_ns),
            index: 0,
        };
        Self {
            track,
            grid,
            at,
            has_begun: false,
        }
    }

    /// Goes on as long as it comes upon batches before `until`. `part` is called for each run of narrow things that begin
    /// in one bucket and stand in one chunk, with the wide one among them or before it, if there is one; `bucket` with
    /// what the parts of a bucket add up to.
    ///
    /// Things of one thread don't overlap, so one that is a bucket wide is the last to begin in its bucket: no other needs
    /// to be looked at.
    pub(super) fn go(
        &mut self,
        until: u32,
        mut part: impl FnMut(&C, usize, usize, Option<usize>) -> Sum,
        mut bucket: impl FnMut(u32, Sum),
    ) {
        let Self { track, grid, .. } = *self;
        let is_far = |at: At| track.batch(at.chunk).is_some_and(|batch| batch >= until);
        if is_far(self.at) {
            return;
        }
        let mut walk = track.walk();
        let mut at = self.at;
        if !self.has_begun {
            self.has_begun = true;
            at = track.find(grid.start_ns);
            // One that began before and reaches in.
            if let Some(before) = track.previous(at)
                && let Some((start_ns, end_ns)) = walk.range_ns(before)
                && end_ns > grid.start_ns
                && end_ns - start_ns >= grid.bucket_ns
                && let Some(chunk) = walk.chunk(before)
            {
                part(chunk, before.index, before.index, Some(before.index));
            }
        }
        while !is_far(at)
            && let Some((start_ns, _)) = walk.range_ns(at)
            && start_ns < grid.end_ns
        {
            let number = grid.bucket(start_ns);
            let next = walk.find_from(at, grid.bucket_end_ns(number));
            let last = track.previous(next).filter(|&last| last >= at);
            let wide = last.filter(|&last| {
                walk.range_ns(last)
                    .is_some_and(|(start, end)| end - start >= grid.bucket_ns)
            });
            let mut sum = Sum::default();
            while at < next {
                let Some(chunk) = walk.chunk(at) else { break };
                let chunk_end = if at.chunk == next.chunk {
                    next.index
                } else {
                    chunk.len()
                };
                let wide_here = wide
                    .filter(|wide| wide.chunk == at.chunk)
                    .map(|wide| wide.index);
                sum += part(chunk, at.index, wide_here.unwrap_or(chunk_end), wide_here);
                at = At {
                    chunk: at.chunk + 1,
                    index: 0,
                };
            }
            bucket(number as u32, sum);
            at = next;
        }
        self.at = at;
    }
}
