//! What happened around any time, in the order in which it ended: from memory, lane by lane, or as the file has it.
//!
//! It shares the store's memory as it was, so that nobody who wants the store waits for an answer. It must never hand
//! out part of a stretch as if it were all: what is too much is not handed out.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use super::{
    Filter, Lane,
    near::Near,
    notes::{Note, Notes},
    shelf::Shelf,
    track::{At, Chunk as _},
};
use crate::model::{Call, Descriptor, Event, Gap, Life, LifeKind, OpenThread, id_map::IdSet};

/// Events of all lanes in one stretch, at most.
const EVENTS_MAX: usize = 20_000;
/// Batches of a file in one stretch, at most.
const BATCHES_MAX: usize = 6;
/// Chunks that are searched, if they have to be brought and if not.
const SEARCH_BROUGHT_MAX: usize = 32;
const SEARCH_MAX: usize = 4_096;

/// A file, and where each of its batches ended.
#[derive(Debug)]
pub(super) struct File {
    pub(super) shelf: Arc<Shelf>,
    pub(super) ends_ns: Vec<u64>,
}

/// All of a trace, as it was at one moment.
#[derive(Debug)]
pub struct Around {
    pub(super) lanes: Vec<(Lane, Near)>,
    pub(super) open: Vec<OpenThread>,
    pub(super) notes: Notes,
    pub(super) descriptors: HashMap<u32, Arc<Descriptor>>,
    pub(super) gaps: Vec<Gap>,
    pub(super) now_ns: u64,
    pub(super) kept_ns: u64,
    pub(super) file: Option<File>,
}

/// Where in the notes a stretch begins.
#[derive(Clone, Copy, Debug)]
enum Begin {
    Batch(u32),
    Time(u64),
}

/// All that happened in a stretch of time: in all lanes, or in one.
#[derive(Debug)]
pub struct Stretch {
    /// What ended after this is in it.
    pub from_ns: u64,
    /// What ended by then is in it.
    pub to_ns: u64,
    /// In the order in which they ended.
    pub events: Vec<Event>,
    begin: Begin,
}

/// What came of a search.
#[derive(Debug)]
pub enum Searched {
    /// There is one.
    Found(Box<Call>),
    /// There is none.
    Nothing,
    /// There may be one farther away.
    GaveUp,
}

impl Around {
    /// A lane, if there is one of this number.
    pub fn lane(&self, lane: u32) -> Option<&(Lane, Near)> {
        self.lanes.get(lane as usize)
    }

    /// The lane of a thread that was there at this time.
    pub fn lane_of(&self, tid: u32, at_ns: u64) -> Option<&(Lane, Near)> {
        let mut lanes = self.lanes.iter().rev();
        lanes.find(|(lane, _)| lane.was(tid, at_ns))
    }

    /// Those that were there at this time.
    pub fn lanes_at(&self, at_ns: u64) -> impl Iterator<Item = &Lane> {
        let lanes = self.lanes.iter().map(|(lane, _)| lane);
        lanes.filter(move |lane| {
            lane.began_ns.is_none_or(|began| began <= at_ns)
                && lane.ended_ns.is_none_or(|ended| ended > at_ns)
        })
    }

    /// How far the trace had come.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Before this, calls were let go.
    pub fn kept_ns(&self) -> u64 {
        self.kept_ns
    }

    /// After this, all is there: calls, times off the CPU and what happened beside them.
    pub fn held_ns(&self) -> u64 {
        self.notes.held_ns(self.kept_ns)
    }

    /// Hands over all that is there whole, a part at a time, in the order in which it ended: before that, what was known of threads
    /// and descriptors as it begins. Of a trace that is in a file there are no parts.
    ///
    /// # Errors
    /// Those of `each`.
    pub fn each<E>(&self, mut each: impl FnMut(Vec<Event>) -> Result<(), E>) -> Result<(), E> {
        let held_ns = self.held_ns();
        let mut from_ns = 0;
        if held_ns > 0 {
            each(self.known(held_ns))?;
            from_ns = held_ns.saturating_add(1);
        }
        let mut width_ns = u64::MAX;
        while from_ns <= self.now_ns {
            let mut to_ns = from_ns.saturating_add(width_ns).min(self.now_ns);
            let count = |to_ns| -> usize {
                let near = self.lanes.iter().map(|(_, near)| near);
                near.map(|near| near.count(from_ns, to_ns)).sum()
            };
            // What ended at one time is handed over together.
            while to_ns > from_ns && count(to_ns) > EVENTS_MAX {
                to_ns = from_ns.midpoint(to_ns);
            }
            each(self.merge(from_ns, to_ns, self.lanes.iter()).events)?;
            width_ns = (to_ns - from_ns).saturating_mul(2).max(1);
            from_ns = to_ns.saturating_add(1);
        }
        Ok(())
    }

    /// What was known of the threads and descriptors that were there at a time.
    fn known(&self, at_ns: u64) -> Vec<Event> {
        let all: IdSet<u32> = self.descriptors.keys().copied().collect();
        let words = self
            .notes
            .words(&all, &self.descriptors, |note| note.at_ns <= at_ns);
        let mut told: IdSet<u32> = words.iter().map(|word| word.id).collect();
        // One that was open by then, but whose first words were let go, is told by its next, but for its end: no descriptor is
        // first told of as it is closed.
        let later = self.notes.all().filter(|note| note.at_ns > at_ns);
        let later = later.filter_map(|note| match &note.event {
            Event::Descriptor(word) if told.insert(word.id) => {
                let was_open = word.opened_ns.is_some_and(|ns| ns <= at_ns);
                let is_known = was_open || word.opened_ns.is_none() && word.closed_ns.is_some();
                is_known.then(|| Descriptor {
                    closed_ns: None,
                    ..word.clone()
                })
            }
            _ => None,
        });
        let words = words.into_iter().chain(later.collect::<Vec<_>>());
        let words = words.filter(|word| {
            word.opened_ns.is_none_or(|ns| ns <= at_ns)
                && word.closed_ns.is_none_or(|ns| ns > at_ns)
        });
        let found = self.lanes_at(at_ns).map(|lane| {
            Event::Life(Life {
                pid: lane.pid,
                tid: lane.tid,
                at_ns,
                kind: LifeKind::Found,
                name: lane.name.clone(),
            })
        });
        found.chain(words.map(Event::Descriptor)).collect()
    }

    /// The last word on a descriptor.
    pub fn descriptor(&self, id: u32) -> Option<&Descriptor> {
        self.descriptors.get(&id).map(Arc::as_ref)
    }

    /// What was known of these descriptors as a stretch began.
    pub(crate) fn words(&self, of: &IdSet<u32>, stretch: &Stretch) -> Vec<Descriptor> {
        let early = |note: &Note| match stretch.begin {
            Begin::Batch(batch) => note.batch < batch,
            Begin::Time(from_ns) => note.at_ns < from_ns,
        };
        self.notes.words(of, &self.descriptors, early)
    }

    /// All that ended between these times; `None` if that is too much, or can't be read.
    pub fn stretch(&self, from_ns: u64, to_ns: u64) -> Option<Stretch> {
        if let Some(file) = &self.file {
            return file.stretch(from_ns, to_ns);
        }
        let mut count = 0;
        for (_, near) in &self.lanes {
            count += near.count(from_ns, to_ns);
            if count > EVENTS_MAX {
                return None;
            }
        }
        Some(self.merge(from_ns, to_ns, self.lanes.iter()))
    }

    /// The same of one lane only, with what concerns all.
    pub fn stretch_of(&self, lane: u32, from_ns: u64, to_ns: u64) -> Option<Stretch> {
        let (info, _) = self.lane(lane)?;
        let read = self.file.as_ref();
        if let Some(mut stretch) = read.and_then(|file| file.stretch(from_ns, to_ns)) {
            let alive = |ns: u64| info.began_ns.is_none_or(|began| began <= ns);
            stretch.events.retain(|event| match event {
                Event::Call(call) => call.tid == info.tid && alive(call.end_ns),
                Event::OffCpu(span) => span.tid == info.tid && alive(span.end_ns),
                Event::Ready(ready) => ready.tid == info.tid && alive(ready.call_start_ns),
                Event::Open(open) => open.tid == info.tid,
                Event::Life(life) => {
                    life.tid == info.tid || life.kind == LifeKind::Exec && life.pid == info.pid
                }
                Event::Request(request) => request.pid == info.pid,
                Event::Descriptor(_) | Event::Gap(_) | Event::End(_) => true,
            });
            return Some(stretch);
        }
        Some(self.merge(from_ns, to_ns, self.lane(lane).into_iter()))
    }

    fn merge<'a>(
        &self,
        from_ns: u64,
        to_ns: u64,
        lanes: impl Iterator<Item = &'a (Lane, Near)>,
    ) -> Stretch {
        let mut timed: Vec<(u64, u8, Event)> = Vec::new();
        let mut open = Vec::new();
        for (lane, near) in lanes {
            near.events(from_ns, to_ns, &mut timed);
            // One that was looked at before its last call ended is in another by now; one that is over is in none, and
            // another may have its number.
            let still = self.open.iter().filter(|open| {
                lane.ended_ns.is_none()
                    && (open.tid, open.pid) == (lane.tid, lane.pid)
                    && open.at_ns >= near.end_ns()
            });
            open.extend(still.copied().map(Event::Open));
        }
        let inside = |at_ns: u64| (from_ns..=to_ns).contains(&at_ns);
        for note in self.notes.all().filter(|note| inside(note.at_ns)) {
            timed.push((note.at_ns, 2, note.event.clone()));
        }
        if self.file.is_some() {
            let gaps = self.gaps.iter().filter(|gap| inside(gap.end_ns));
            timed.extend(gaps.map(|gap| (gap.end_ns, 2, Event::Gap(*gap))));
        }
        timed.sort_by_key(|(at_ns, order, _)| (*at_ns, *order));
        let mut events: Vec<Event> = timed.into_iter().map(|(_, _, event)| event).collect();
        if to_ns >= self.now_ns {
            events.extend(open);
        }
        Stretch {
            from_ns: from_ns.saturating_sub(1).max(self.kept_ns),
            to_ns,
            events,
            begin: Begin::Time(from_ns),
        }
    }

    /// The last call that ended by this time, on this lane or any, and on this descriptor or any.
    pub fn last(
        &self,
        by_ns: u64,
        lane: Option<u32>,
        descriptor: Option<u32>,
        wanted: impl Fn(&Call) -> bool,
    ) -> Searched {
        let mut chunks = self.chunks(0, by_ns, lane);
        chunks.sort_by_key(|chunk| Reverse(chunk.last_ns));
        let whole = self.kept_ns == 0;
        self.search(chunks, whole, descriptor, |calls| {
            let mut calls = calls.rev().filter(|call| call.end_ns <= by_ns);
            calls.find(|call| wanted(call))
        })
    }

    /// The first call on a descriptor that ended after one time and by another.
    pub fn first(
        &self,
        after_ns: u64,
        by_ns: u64,
        descriptor: u32,
        wanted: impl Fn(&Call) -> bool,
    ) -> Searched {
        let mut chunks = self.chunks(0, by_ns, None);
        chunks.retain(|chunk| chunk.end_ns > after_ns);
        chunks.sort_by_key(|chunk| chunk.first_ns);
        let inside = |call: &Call| call.end_ns > after_ns && call.end_ns <= by_ns;
        let mut first: Option<Call> = None;
        let all = chunks.len();
        for (at, chunk) in chunks.into_iter().enumerate() {
            if first
                .as_ref()
                .is_some_and(|first| first.end_ns < chunk.first_ns)
            {
                break;
            }
            if at >= self.most() && at < all {
                return Searched::GaveUp;
            }
            let found = self.search(vec![chunk], true, Some(descriptor), |mut calls| {
                Iterator::find(&mut calls, |call| inside(call) && wanted(call))
            });
            match found {
                Searched::Found(call) => {
                    let earlier = first
                        .as_ref()
                        .is_none_or(|first| call.end_ns < first.end_ns);
                    if earlier {
                        first = Some(*call);
                    }
                }
                Searched::Nothing => {}
                Searched::GaveUp => return Searched::GaveUp,
            }
        }
        first.map_or(Searched::Nothing, |call| Searched::Found(Box::new(call)))
    }

    /// Chunks that are searched at most.
    fn most(&self) -> usize {
        match self.file {
            Some(_) => SEARCH_BROUGHT_MAX,
            None => SEARCH_MAX,
        }
    }

    /// Where calls are that begin between these times.
    fn chunks(&self, from_ns: u64, by_ns: u64, lane: Option<u32>) -> Vec<Searchable<'_>> {
        let asked = self.lanes.iter();
        let asked = asked.filter(|(info, _)| lane.is_none_or(|lane| lane == info.lane));
        let chunks = asked.flat_map(|(_, near)| {
            let chunks = near.items.chunks(from_ns, by_ns.saturating_add(1));
            chunks.map(move |(first_ns, last_ns, chunk)| Searchable {
                first_ns,
                last_ns,
                end_ns: near.items.chunk_end_ns(chunk),
                chunk,
                near,
            })
        });
        chunks.collect()
    }

    fn search(
        &self,
        chunks: Vec<Searchable<'_>>,
        whole: bool,
        descriptor: Option<u32>,
        find: impl Fn(&mut dyn DoubleEndedIterator<Item = Call>) -> Option<Call>,
    ) -> Searched {
        let filter = Filter {
            descriptor,
            ..Filter::default()
        };
        let all = whole && chunks.len() <= self.most();
        for Searchable { chunk, near, .. } in chunks.into_iter().take(self.most()) {
            let Some(items) = near.items.chunk(At { chunk, index: 0 }) else {
                return Searched::GaveUp;
            };
            let here = (0..items.len()).filter(|&index| items.matches(index, &filter));
            let mut calls = here.filter_map(|index| items.call(index, near.pid, near.tid));
            if let Some(call) = find(&mut calls) {
                return Searched::Found(Box::new(call));
            }
        }
        if all {
            Searched::Nothing
        } else {
            Searched::GaveUp
        }
    }
}

/// A chunk that may have a call.
struct Searchable<'a> {
    first_ns: u64,
    last_ns: u64,
    end_ns: u64,
    chunk: usize,
    near: &'a Near,
}

impl File {
    /// All batches in which something may have ended between these times.
    fn stretch(&self, from_ns: u64, to_ns: u64) -> Option<Stretch> {
        let last = self.ends_ns.len().checked_sub(1)?;
        let with = |ns: u64| {
            self.ends_ns
                .partition_point(|&end_ns| end_ns < ns)
                .min(last)
        };
        let (first, last_with) = (with(from_ns), with(to_ns));
        if last_with - first >= BATCHES_MAX {
            return None;
        }
        let mut events = Vec::new();
        for batch in first..=last_with {
            let (ready, of_batch) = self.shelf.events(batch as u32)?;
            if batch == first {
                events.extend(ready.into_iter().map(Event::Ready));
            }
            events.extend(of_batch);
        }
        let before = first.checked_sub(1);
        Some(Stretch {
            from_ns: before
                .and_then(|at| self.ends_ns.get(at))
                .map_or(0, |end_ns| *end_ns),
            to_ns: if last_with == last {
                u64::MAX
            } else {
                *self.ends_ns.get(last_with)?
            },
            events,
            begin: Begin::Batch(first as u32),
        })
    }
}
