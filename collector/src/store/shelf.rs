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

use super::parting::{self, Part};
use super::track::{Chunk, Noted, Track};
use super::tracks::{Tracks, follows};
use crate::model::{Event, Ready, Series, Table, id_map::IdMap};

/// Threads that bring batches for one who looks.
const BRINGERS_MAX: usize = 4;
/// Spreads numbers over all bits (2^64 divided by the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Reads batches of a file again, each by its number.
pub trait Bring: Send + Sync {
    /// Hands over its events in order. Returns whether all of it could be read.
    fn events(&self, batch: u32, take: &mut dyn FnMut(Event)) -> bool;

    /// Hands over its columns. Returns whether all of it could be read.
    fn table(&self, batch: u32, take: &mut dyn FnMut(&Table<'_>)) -> bool;
}

/// What is to be known of a batch before it is brought.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    pub(super) parts: Vec<Part>,
    /// What calls of it found, as the batch before says.
    pub(super) ready: Vec<Ready>,
}

impl Contents {
    /// Memory it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.parts) + size_of_val(&*self.ready)
    }
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
    pub(super) fn new(bring: Box<dyn Bring>) -> Self {
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
        let is_next = follows(track.end_ns(), series.start_ns, series.end_ns);
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
    bring: Box<dyn Bring>,
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
    pub(super) fn new(bring: Box<dyn Bring>) -> Self {
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
        let is_whole = (self.bring).events(batch, &mut |event| events.push(event));
        is_whole.then_some((ready, events))
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
    pub(super) fn bring_all(&self, batches: &[u32]) {
        let batches: Vec<u32> = {
            let inner = self.inner();
            let cell = |batch: &u32| inner.batches.get(batch);
            let is_gone = |batch: &&u32| cell(batch).is_none_or(|cell| cell.get().is_none());
            batches.iter().filter(is_gone).copied().collect()
        };
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

    /// Brings batches from the first on, until there is no more room. `brought` is called after each.
    pub(super) fn fill(&self, brought: &mut dyn FnMut()) {
        let count = self.inner().contents.len() as u32;
        for batch in 0..count {
            // Another of about the same size must fit, or this one would only take the place of one.
            let here = self.inner().batches.len() as u64;
            let one = self.bytes() / here.max(1);
            if self.bytes() + 2 * one > self.limit_bytes.load(Relaxed) {
                return;
            }
            self.bring(batch, 0);
            brought();
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
        let Contents { parts, ready } = self.inner().contents.get(batch as usize)?.clone();
        let mut tracks = None;
        let is_whole = self.bring.table(batch, &mut |table| {
            tracks = parting::tracks(&parts, &ready, table);
        });
        tracks.filter(|_| is_whole)
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
