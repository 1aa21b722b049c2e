//! Chunks in the order of time, and positions in them. A copy shares them, and so takes no time to speak of.

use std::collections::VecDeque;
use std::sync::Arc;

/// Things of one thread in the order of time, none overlapping another.
pub(super) trait Chunk: Clone + Default {
    fn len(&self) -> usize;
    fn start_ns(&self, index: usize) -> u64;
    fn duration_ns(&self, index: usize) -> u64;
    /// Memory it takes.
    fn bytes(&self) -> usize;
}

/// Things in a chunk.
pub(super) const CHUNK: usize = 4096;

/// A position: which chunk, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) chunk: usize,
    pub(super) index: usize,
}

/// All things of one kind of one thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Track<C> {
    chunks: VecDeque<Arc<C>>,
    /// Where the last one ended.
    end_ns: u64,
}

impl<C: Chunk> Track<C> {
    /// Whether something that begins then comes after all that is here.
    pub(super) fn accepts(&self, start_ns: u64, end_ns: u64) -> bool {
        start_ns >= self.end_ns && end_ns >= start_ns
    }

    /// Adds what `push` pushes, which ends at `end_ns`. Returns by how much the memory changed.
    pub(super) fn push(&mut self, end_ns: u64, push: impl FnOnce(&mut C)) -> isize {
        let mut before = 0;
        if self.chunks.back().is_none_or(|chunk| chunk.len() >= CHUNK) {
            self.chunks.push_back(Arc::default());
        } else if let Some(chunk) = self.chunks.back() {
            before = chunk.bytes();
        }
        self.end_ns = end_ns;
        let Some(chunk) = self.chunks.back_mut() else {
            return 0;
        };
        // The open chunk is copied if somebody looks at it; then it is our own again.
        let chunk = Arc::make_mut(chunk);
        push(chunk);
        chunk.bytes() as isize - before as isize
    }

    /// Lets the oldest chunk go. Returns its memory, and when its last thing ended.
    pub(super) fn evict(&mut self) -> Option<(usize, u64)> {
        let end_ns = self.oldest_end_ns()?;
        let chunk = self.chunks.pop_front()?;
        Some((chunk.bytes(), end_ns))
    }

    /// When the last thing of the oldest chunk ended.
    pub(super) fn oldest_end_ns(&self) -> Option<u64> {
        let chunk = self.chunks.front()?;
        let last = chunk.len().checked_sub(1)?;
        Some(chunk.start_ns(last).saturating_add(chunk.duration_ns(last)))
    }

    pub(super) fn chunk(&self, at: At) -> Option<&C> {
        self.chunks.get(at.chunk).map(AsRef::as_ref)
    }

    /// The position of the first thing that begins at `ns` or later.
    pub(super) fn find(&self, ns: u64) -> At {
        let chunk = self.chunks.partition_point(|chunk| {
            chunk
                .len()
                .checked_sub(1)
                .is_some_and(|last| chunk.start_ns(last) < ns)
        });
        let Some(found) = self.chunks.get(chunk) else {
            return At { chunk, index: 0 };
        };
        let (mut low, mut high) = (0, found.len());
        while low < high {
            let middle = low.midpoint(high);
            if found.start_ns(middle) < ns {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        At { chunk, index: low }
    }

    /// The same, for one that is at this position or not far after it.
    pub(super) fn find_from(&self, at: At, ns: u64) -> At {
        let Some(chunk) = self.chunks.get(at.chunk) else {
            return self.find(ns);
        };
        if chunk
            .len()
            .checked_sub(1)
            .is_none_or(|last| chunk.start_ns(last) < ns)
        {
            return self.find(ns);
        }
        let (mut low, mut step) = (at.index, 1);
        while low + step < chunk.len() && chunk.start_ns(low + step) < ns {
            low += step;
            step *= 2;
        }
        let mut high = (low + step).min(chunk.len());
        while low < high {
            let middle = low.midpoint(high);
            if chunk.start_ns(middle) < ns {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        At { index: low, ..at }
    }

    /// Memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.bytes()).sum()
    }

    /// The position after this one.
    pub(super) fn next(&self, at: At) -> At {
        match self.chunks.get(at.chunk) {
            Some(chunk) if at.index + 1 < chunk.len() => At {
                index: at.index + 1,
                ..at
            },
            _ => At {
                chunk: at.chunk + 1,
                index: 0,
            },
        }
    }

    /// The position before this one.
    pub(super) fn previous(&self, at: At) -> Option<At> {
        if at.index > 0 {
            return Some(At {
                index: at.index - 1,
                ..at
            });
        }
        let chunk = at.chunk.checked_sub(1)?;
        let index = self.chunks.get(chunk)?.len().checked_sub(1)?;
        Some(At { chunk, index })
    }

    /// Begin and end of the thing at a position.
    pub(super) fn range_ns(&self, at: At) -> Option<(u64, u64)> {
        let chunk = self
            .chunks
            .get(at.chunk)
            .filter(|chunk| at.index < chunk.len())?;
        let start_ns = chunk.start_ns(at.index);
        Some((
            start_ns,
            start_ns.saturating_add(chunk.duration_ns(at.index)),
        ))
    }
}
