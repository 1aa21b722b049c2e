//! Chunks in the order of time, and positions in them. A copy shares them, and so takes no time to speak of.
//!
//! A chunk is in memory, or on the [`Shelf`] that brings it when it is looked at. Nothing here may bring one to learn
//! only where it begins and ends.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;

use super::shelf::Shelf;
use super::tracks::Tracks;

/// Things of one thread in the order of time, none overlapping another.
pub(super) trait Chunk: Clone + Default {
    fn len(&self) -> usize;
    fn start_ns(&self, index: usize) -> u64;
    fn duration_ns(&self, index: usize) -> u64;
    /// Memory it takes.
    fn bytes(&self) -> usize;
    /// Those of a thread.
    fn of(tracks: &Tracks) -> &Track<Self>;
}

/// Things in a chunk.
pub(super) const CHUNK: usize = 4096;

/// A position: which chunk, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) chunk: usize,
    pub(super) index: usize,
}

/// A chunk that is looked at.
pub(super) enum Held<'a, C> {
    Here(&'a C),
    Brought(Arc<C>),
}

impl<C> Deref for Held<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        match self {
            Self::Here(chunk) => chunk,
            Self::Brought(chunk) => chunk,
        }
    }
}

/// Where a chunk is.
#[derive(Clone, Debug)]
enum Slot<C> {
    Here(Arc<C>),
    Shelved(Shelved),
}

/// A chunk on the shelf: all things of the lane in one batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shelved {
    batch: u32,
    pub(super) len: u32,
    pub(super) first_start_ns: u64,
    last_start_ns: u64,
    pub(super) last_end_ns: u64,
}

impl<C: Chunk> Slot<C> {
    fn len(&self) -> usize {
        match self {
            Self::Here(chunk) => chunk.len(),
            Self::Shelved(place) => place.len as usize,
        }
    }

    fn first_start_ns(&self) -> Option<u64> {
        match self {
            Self::Here(chunk) => (chunk.len() > 0).then(|| chunk.start_ns(0)),
            Self::Shelved(place) => Some(place.first_start_ns),
        }
    }

    fn last_start_ns(&self) -> Option<u64> {
        match self {
            Self::Here(chunk) => Some(chunk.start_ns(chunk.len().checked_sub(1)?)),
            Self::Shelved(place) => Some(place.last_start_ns),
        }
    }

    fn last_end_ns(&self) -> Option<u64> {
        match self {
            Self::Here(chunk) => {
                let last = chunk.len().checked_sub(1)?;
                Some(chunk.start_ns(last).saturating_add(chunk.duration_ns(last)))
            }
            Self::Shelved(place) => Some(place.last_end_ns),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Here(chunk) => chunk.bytes(),
            Self::Shelved(_) => size_of::<Self>(),
        }
    }
}

/// All things of one kind of one thread.
#[derive(Clone, Debug)]
pub(super) struct Track<C> {
    chunks: VecDeque<Slot<C>>,
    /// The shelf that chunks may be on, and the lane whose they are there.
    shelf: Option<(Arc<Shelf>, u32)>,
    /// Where the last one ended.
    end_ns: u64,
}

impl<C> Default for Track<C> {
    fn default() -> Self {
        Self {
            chunks: VecDeque::new(),
            shelf: None,
            end_ns: 0,
        }
    }
}

/// Short calls, or a single thing, of which a batch has more to say.
#[derive(Clone, Copy)]
pub(super) struct Noted {
    pub(super) count: u32,
    pub(super) start_ns: u64,
    pub(super) last_start_ns: u64,
    pub(super) end_ns: u64,
}

impl Noted {
    /// A single thing.
    pub(super) fn one(start_ns: u64, end_ns: u64) -> Self {
        Self {
            count: 1,
            start_ns,
            last_start_ns: start_ns,
            end_ns,
        }
    }
}

impl<C: Chunk> Track<C> {
    /// One whose things are all in this chunk.
    pub(super) fn whole(chunk: C, end_ns: u64) -> Self {
        let chunk = (chunk.len() > 0).then(|| Slot::Here(Arc::new(chunk)));
        Self {
            chunks: chunk.into_iter().collect(),
            shelf: None,
            end_ns,
        }
    }

    /// The batches on the shelf that have some of these, in order.
    pub(super) fn batches(&self) -> impl Iterator<Item = u32> {
        self.chunks.iter().filter_map(|slot| match slot {
            Slot::Here(_) => None,
            Slot::Shelved(place) => Some(place.batch),
        })
    }

    /// The batch on the shelf that has a chunk.
    pub(super) fn batch(&self, chunk: usize) -> Option<u32> {
        match self.chunks.get(chunk)? {
            Slot::Here(_) => None,
            Slot::Shelved(place) => Some(place.batch),
        }
    }

    /// Adds what `push` pushes, which ends at `end_ns`. Returns by how much the memory changed.
    pub(super) fn push(&mut self, end_ns: u64, push: impl FnOnce(&mut C)) -> isize {
        let room = |slot: &Slot<C>| match slot {
            Slot::Here(chunk) => (chunk.len() < CHUNK).then(|| chunk.bytes()),
            Slot::Shelved(_) => None,
        };
        let open = self.chunks.back().and_then(room);
        if open.is_none() {
            self.chunks.push_back(Slot::Here(Arc::default()));
        }
        self.end_ns = end_ns;
        let Some(Slot::Here(chunk)) = self.chunks.back_mut() else {
            return 0;
        };
        // The open chunk is copied if somebody looks at it; then it is our own again.
        let chunk = Arc::make_mut(chunk);
        push(chunk);
        chunk.bytes() as isize - open.unwrap_or(0) as isize
    }

    /// Notes things that a batch has, which come after all that is here. Returns by how much the memory changed.
    pub(super) fn note(
        &mut self,
        shelf: &Arc<Shelf>,
        batch: u32,
        lane: u32,
        noted: Noted,
    ) -> isize {
        self.end_ns = noted.end_ns;
        if let Some(Slot::Shelved(last)) = self.chunks.back_mut()
            && last.batch == batch
        {
            last.len = last.len.saturating_add(noted.count);
            last.last_start_ns = noted.last_start_ns;
            last.last_end_ns = noted.end_ns;
            return 0;
        }
        self.shelf.get_or_insert_with(|| (shelf.clone(), lane));
        self.chunks.push_back(Slot::Shelved(Shelved {
            batch,
            len: noted.count,
            first_start_ns: noted.start_ns,
            last_start_ns: noted.last_start_ns,
            last_end_ns: noted.end_ns,
        }));
        size_of::<Slot<C>>() as isize
    }

    /// Where the things of this batch are, if it is the last that has any.
    pub(super) fn noted(&self, batch: u32) -> Option<&Shelved> {
        match self.chunks.back()? {
            Slot::Shelved(place) if place.batch == batch => Some(place),
            _ => None,
        }
    }

    /// Lets the oldest chunk go. Returns its memory, and when its last thing ended.
    pub(super) fn evict(&mut self) -> Option<(usize, u64)> {
        let end_ns = self.oldest_end_ns()?;
        let chunk = self.chunks.pop_front()?;
        Some((chunk.bytes(), end_ns))
    }

    /// When the last thing of the oldest chunk ended.
    pub(super) fn oldest_end_ns(&self) -> Option<u64> {
        self.chunks.front()?.last_end_ns()
    }

    /// `None` if the shelf can't bring it.
    fn get<'a>(&self, slot: &'a Slot<C>) -> Option<Held<'a, C>> {
        match slot {
            Slot::Here(chunk) => Some(Held::Here(chunk)),
            Slot::Shelved(place) => {
                let (shelf, lane) = self.shelf.as_ref()?;
                let tracks = shelf.bring(place.batch, *lane)?;
                match &C::of(&tracks).chunks.front()? {
                    Slot::Here(chunk) => Some(Held::Brought(chunk.clone())),
                    Slot::Shelved(_) => None,
                }
            }
        }
    }

    pub(super) fn chunk(&self, at: At) -> Option<Held<'_, C>> {
        self.get(self.chunks.get(at.chunk)?)
    }

    /// The first chunk that may have things that begin at `ns` or later. None is brought.
    pub(super) fn find_chunk(&self, ns: u64) -> usize {
        let is_before = |slot: &Slot<C>| slot.last_start_ns().is_some_and(|last| last < ns);
        self.chunks.partition_point(is_before)
    }

    /// The position of the first thing that begins at `ns` or later.
    pub(super) fn find(&self, ns: u64) -> At {
        let chunk = self.find_chunk(ns);
        let found = match self.chunks.get(chunk) {
            // All of it does, which is known without a look.
            Some(Slot::Shelved(place)) if place.first_start_ns >= ns => None,
            Some(slot) => self.get(slot),
            None => None,
        };
        let Some(found) = found else {
            return At { chunk, index: 0 };
        };
        At {
            chunk,
            index: first_from(&*found, 0, found.len(), ns),
        }
    }

    /// Goes along it.
    pub(super) fn walk(&self) -> Walk<'_, C> {
        Walk {
            track: self,
            here: None,
        }
    }

    /// The chunks that have things in this stretch of time, or between such.
    pub(super) fn within(&self, start_ns: u64, end_ns: u64) -> Self {
        let first = self
            .chunks
            .partition_point(|slot| slot.last_end_ns().is_some_and(|last| last <= start_ns));
        let here = self.chunks.iter().skip(first);
        let here = here.take_while(|slot| slot.first_start_ns().is_some_and(|ns| ns < end_ns));
        Self {
            chunks: here.cloned().collect(),
            shelf: self.shelf.clone(),
            end_ns: self.end_ns,
        }
    }

    /// The chunks that may have things that begin in this stretch: when the first and the last of each begin, and its
    /// number. None is brought.
    pub(super) fn chunks(
        &self,
        from_ns: u64,
        to_ns: u64,
    ) -> impl Iterator<Item = (u64, u64, usize)> {
        let begins = |slot: &Slot<C>| Some((slot.first_start_ns()?, slot.last_start_ns()?));
        let first = self.find_chunk(from_ns);
        let here = self.chunks.iter().enumerate().skip(first);
        here.map_while(move |(chunk, slot)| {
            let (first_ns, last_ns) = begins(slot)?;
            (first_ns < to_ns).then_some((first_ns, last_ns, chunk))
        })
    }

    /// Memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.chunks.iter().map(Slot::bytes).sum()
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

    /// When the last thing ended.
    pub(super) fn end_ns(&self) -> u64 {
        self.end_ns
    }

    /// When the last thing of a chunk ended.
    pub(super) fn chunk_end_ns(&self, chunk: usize) -> u64 {
        let slot = self.chunks.get(chunk);
        slot.and_then(Slot::last_end_ns).unwrap_or(self.end_ns)
    }

    /// How many things there are from one position to before another.
    pub(super) fn distance(&self, from: At, to: At) -> usize {
        let whole = self.chunks.iter().skip(from.chunk);
        let whole = whole.take(to.chunk.saturating_sub(from.chunk));
        let whole: usize = whole.map(Slot::len).sum();
        (whole + to.index).saturating_sub(from.index)
    }

    /// The position of the first thing that ends at `ns` or later.
    pub(super) fn find_end(&self, ns: u64) -> At {
        let at = self.find(ns);
        match self.previous(at) {
            Some(before)
                if self
                    .range_ns(before)
                    .is_some_and(|(_, end_ns)| end_ns >= ns) =>
            {
                before
            }
            _ => at,
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
        range_ns(&*self.chunk(at)?, at.index)
    }
}

/// Somebody who goes along a track, and looks at one chunk for a while. To look for it anew at each step took twice as
/// long where there are few things in a bucket: a shelf is asked under a lock.
pub(super) struct Walk<'a, C> {
    track: &'a Track<C>,
    here: Option<(usize, Held<'a, C>)>,
}

impl<C: Chunk> Walk<'_, C> {
    /// The chunk of this position; `None` if there is none, or it can't be brought.
    pub(super) fn chunk(&mut self, at: At) -> Option<&C> {
        if (self.here.as_ref()).is_none_or(|(number, _)| *number != at.chunk) {
            // What is let go first makes room for the other.
            self.here = None;
            self.here = self.track.chunk(at).map(|chunk| (at.chunk, chunk));
        }
        self.here.as_ref().map(|(_, chunk)| &**chunk)
    }

    /// Begin and end of the thing at a position.
    pub(super) fn range_ns(&mut self, at: At) -> Option<(u64, u64)> {
        range_ns(self.chunk(at)?, at.index)
    }

    /// The position of the first thing that begins at `ns` or later, which is this position or not far after it.
    pub(super) fn find_from(&mut self, at: At, ns: u64) -> At {
        let slot = self.track.chunks.get(at.chunk);
        let is_here = slot.is_some_and(|slot| slot.last_start_ns().is_some_and(|last| last >= ns));
        let Some(chunk) = is_here.then(|| self.chunk(at)).flatten() else {
            return self.track.find(ns);
        };
        let (mut low, mut step) = (at.index, 1);
        while low + step < chunk.len() && chunk.start_ns(low + step) < ns {
            low += step;
            step *= 2;
        }
        let high = (low + step).min(chunk.len());
        At {
            index: first_from(chunk, low, high, ns),
            ..at
        }
    }
}

/// The first thing from `low` to before `high` that begins at `ns` or later; `high` if none does.
fn first_from<C: Chunk>(chunk: &C, mut low: usize, mut high: usize, ns: u64) -> usize {
    while low < high {
        let middle = low.midpoint(high);
        if chunk.start_ns(middle) < ns {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Begin and end of a thing in a chunk.
fn range_ns<C: Chunk>(chunk: &C, index: usize) -> Option<(u64, u64)> {
    if index >= chunk.len() {
        return None;
    }
    let start_ns = chunk.start_ns(index);
    Some((start_ns, start_ns.saturating_add(chunk.duration_ns(index))))
}
