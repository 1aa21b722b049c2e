//! What is not in memory: batches of a file, brought when they are looked at, and let go for others.
//!
//! It knows no files: whoever has one says how a batch is read. What can't be read is counted, and never shown as
//! nothing having happened.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, available_parallelism};

use super::track::{Chunk, Noted, Track};
use super::tracks::Tracks;
use crate::model::{Event, Ready, Series, id_map::IdMap};

/// Things of a batch, over all lanes, that room is made for before they come. A file may promise any number.
const ROOM_MAX: u32 = 65_536;
/// Threads that bring batches for one who looks.
const BRINGERS_MAX: usize = 4;
/// Spreads numbers over all bits (2^64 divided by the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Reads the batch of this number, and hands over its events in order. Returns whether all of it could be read.
pub type Bring = dyn Fn(u32, &mut dyn FnMut(Event)) -> bool + Send + Sync;

/// What one lane has in a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) lane: u32,
    pub(super) tid: u32,
    /// How many there are, and where the first begins.
    pub(super) items: (u32, u64),
    /// The same of times off the CPU.
    pub(super) spans: (u32, u64),
    /// When the last of either ended: another thread may have the number after that.
    pub(super) end_ns: u64,
}

/// What is to be known of a batch before it is brought.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) parts: Vec<Part>,
    /// What calls of it found, as the batch before says.
    pub(super) ready: Vec<Ready>,
}

/// The batch that is noted just now.
#[derive(Debug)]
pub(super) struct Shelving {
    pub(super) shelf: Arc<Shelf>,
    pub(super) batch: u32,
    /// What calls of it found, as the batch before says.
    pub(super) ready: Vec<Ready>,
}

impl Shelving {
    /// From the first batch on.
    pub(super) fn new(bring: Box<Bring>) -> Self {
        Self {
            shelf: Arc::new(Shelf::new(bring)),
            batch: 0,
            ready: Vec::new(),
        }
    }

    /// Notes what a lane has in it.
    pub(super) fn note<C: Chunk>(&self, track: &mut Track<C>, lane: u32, noted: Noted) -> isize {
        track.note(&self.shelf, self.batch, lane, noted)
    }

    /// The same of things that follow one another; `None` if they do not come after all that is there.
    pub(super) fn note_series<C: Chunk>(
        &self,
        track: &mut Track<C>,
        lane: u32,
        series: &Series,
    ) -> Option<isize> {
        let noted = Noted {
            count: series.count,
            start_ns: series.start_ns,
            last_start_ns: series.last_start_ns,
            end_ns: series.end_ns,
        };
        let is_next = track.accepts(series.start_ns, series.end_ns);
        is_next.then(|| self.note(track, lane, noted))
    }
}

/// A batch in memory, by lane; `None` if it could not be brought.
type Brought = Option<IdMap<u32, Arc<Tracks>>>;

#[derive(Default)]
struct Inner {
    contents: Vec<Contents>,
    batches: HashMap<u32, Arc<OnceLock<Brought>>>,
    /// How often one was brought.
    brought: u64,
}

/// The batches of a file.
pub(super) struct Shelf {
    bring: Box<Bring>,
    inner: Mutex<Inner>,
    limit_bytes: AtomicU64,
    bytes: AtomicU64,
    missing: AtomicU64,
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shelf of {} bytes", self.bytes())
    }
}

impl Shelf {
    pub(super) fn new(bring: Box<Bring>) -> Self {
        Self {
            bring,
            inner: Mutex::default(),
            limit_bytes: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            missing: AtomicU64::new(0),
        }
    }

    /// What the next batch has.
    pub(super) fn put(&self, contents: Contents) {
        self.inner().contents.push(contents);
    }

    /// Takes this much memory at most, and one batch more for each who looks at one.
    pub(super) fn limit(&self, bytes: u64) {
        self.limit_bytes.store(bytes, Relaxed);
    }

    /// Memory it takes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Batches that could not be brought.
    pub(super) fn missing(&self) -> u64 {
        self.missing.load(Relaxed)
    }

    /// Everything in a batch as the file has it, after what calls of it found that the batch before says; `None` if it
    /// can't be read.
    pub(super) fn events(&self, batch: u32) -> Option<(Vec<Ready>, Vec<Event>)> {
        let ready = self.inner().contents.get(batch as usize)?.ready.clone();
        let mut events = Vec::new();
        (self.bring)(batch, &mut |event| events.push(event)).then_some((ready, events))
    }

    /// What a lane did in a batch; `None` if that can't be brought.
    pub(super) fn bring(&self, batch: u32, lane: u32) -> Option<Arc<Tracks>> {
        let cell = {
            let mut inner = self.inner();
            inner.batches.entry(batch).or_default().clone()
        };
        // Whoever asks for the same batch waits here, and for no other.
        let brought = cell.get_or_init(|| {
            let brought = self.read(batch);
            match &brought {
                Some(lanes) => {
                    self.bytes.fetch_add(bytes(lanes), Relaxed);
                }
                None => {
                    self.missing.fetch_add(1, Relaxed);
                }
            }
            self.make_room(batch);
            brought
        });
        brought.as_ref()?.get(&lane).cloned()
    }

    /// Brings those of these that are not here, several at a time if there are CPUs for it.
    pub(super) fn bring_all(&self, mut batches: Vec<u32>) {
        {
            let inner = self.inner();
            let cell = |batch: &u32| inner.batches.get(batch);
            batches.retain(|batch| cell(batch).is_none_or(|cell| cell.get().is_none()));
        }
        if batches.len() < 2 {
            // Whoever looks brings it.
            return;
        }
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(batch) = batches.get(next.fetch_add(1, Relaxed)) {
                self.bring(*batch, 0);
            }
        };
        let cpus = available_parallelism().map_or(1, NonZero::get);
        thread::scope(|scope| {
            for _ in 1..cpus.min(batches.len()).min(BRINGERS_MAX) {
                // Where there can be no more threads, this one does it all.
                let _begun = thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
    }

    /// Brings batches from the first on, until there is no more room.
    pub(super) fn fill(&self) {
        let count = self.inner().contents.len() as u32;
        for batch in 0..count {
            // Another of about the same size must fit, or this one would only take the place of one.
            let one = self.bytes() / u64::from(batch.max(1));
            if self.bytes() + 2 * one > self.limit_bytes.load(Relaxed) {
                return;
            }
            self.bring(batch, 0);
        }
    }

    /// Lets batches go, but not this one.
    ///
    /// Any of them: with those that were not looked at for longest, a question to a file a little larger than the
    /// memory found nothing of it there, each time.
    fn make_room(&self, batch: u32) {
        let mut inner = self.inner();
        inner.brought += 1;
        while self.bytes() > self.limit_bytes.load(Relaxed) {
            let is_there = |cell: &OnceLock<Brought>| cell.get().is_some_and(Option::is_some);
            let there = inner.batches.iter();
            let there = there.filter(|(number, cell)| **number != batch && is_there(cell));
            // A hash of number and time is as good as a die.
            let any = there.max_by_key(|(number, _)| {
                (inner.brought ^ u64::from(**number).wrapping_mul(SPREAD)).wrapping_mul(SPREAD)
            });
            let Some((&any, _)) = any else { return };
            let gone = inner.batches.remove(&any);
            let gone = gone.and_then(|cell| cell.get()?.as_ref().map(bytes));
            self.bytes.fetch_sub(gone.unwrap_or(0), Relaxed);
        }
    }

    fn read(&self, batch: u32) -> Brought {
        let (parts, ready) = {
            let inner = self.inner();
            let contents = inner.contents.get(batch as usize)?;
            (contents.parts.clone(), contents.ready.clone())
        };
        let mut room = ROOM_MAX;
        let mut take = |count: u32| {
            let given = count.min(room);
            room -= given;
            given
        };
        let mut lanes: Vec<(Part, Tracks)> = parts
            .into_iter()
            .map(|part| {
                let items = (take(part.items.0), part.items.1);
                let spans = (take(part.spans.0), part.spans.1);
                (part, Tracks::single(items, spans))
            })
            .collect();
        let mut by_tid: IdMap<u32, Vec<usize>> = IdMap::default();
        for (at, (part, _)) in lanes.iter().enumerate() {
            by_tid.entry(part.tid).or_default().push(at);
        }
        let mut put = |event: Event| {
            let (tid, at_ns) = match &event {
                Event::Call(call) => (call.tid, call.end_ns),
                Event::OffCpu(span) => (span.tid, span.end_ns),
                Event::Ready(ready) => (ready.tid, ready.call_start_ns),
                _ => return,
            };
            // Lanes of one number follow one another.
            let of = by_tid.get(&tid).into_iter().flatten();
            let mut of =
                of.filter(|&&at| lanes.get(at).is_some_and(|(part, _)| at_ns <= part.end_ns));
            let Some((_, tracks)) = of.next().and_then(|&at| lanes.get_mut(at)) else {
                return;
            };
            let _grown = match event {
                Event::Call(call) if tracks.accepts_call(&call) => tracks.push_call(&call),
                Event::OffCpu(span) if tracks.accepts_span(&(&span).into()) => {
                    tracks.push_span(&span)
                }
                Event::Ready(ready) => {
                    tracks.push_ready(ready);
                    return;
                }
                _ => return,
            };
        };
        ready.into_iter().map(Event::Ready).for_each(&mut put);
        if !(self.bring)(batch, &mut put) {
            return None;
        }
        // All that was there must be there again: or else the file is another.
        let same = lanes.iter().all(|(part, tracks)| {
            tracks.items.len() == part.items.0 as usize
                && tracks.spans.len() == part.spans.0 as usize
        });
        let lanes = lanes.into_iter();
        same.then(|| {
            lanes
                .map(|(part, mut tracks)| {
                    tracks.shrink();
                    (part.lane, Arc::new(tracks))
                })
                .collect()
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes(lanes: &IdMap<u32, Arc<Tracks>>) -> u64 {
    let bytes = lanes
        .values()
        .map(|tracks| tracks.items.bytes() + tracks.spans.bytes());
    bytes.sum::<usize>() as u64
}
