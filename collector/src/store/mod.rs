//! What the page's questions run on: all of a trace that fits a bounded memory, with sums for every zoom
//! level.
//!
//! No files, no clock, no HTTP. It believes nothing of what it is given: what does not come in order is
//! counted and left out.

mod around;
mod columns;
mod connection;
mod draft;
mod filter;
mod flow;
mod gaps;
mod histogram;
mod items;
mod lane;
mod levels;
mod near;
mod notes;
mod parting;
mod query;
mod shelf;
mod spans;
mod state;
mod sums;
mod tile;
mod track;
mod tracks;
mod visit;

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{
    Arch, Descriptor, End, Event, Life, LifeKind, Off, OpenThread, Piece, Run, Series, Sketch,
    Trace, id_map::IdMap,
};

use around::File;
pub use around::{Around, Searched, Stretch};
pub use connection::{
    Along, Asks, CONNECTION_BUCKETS_MAX, Connection, Requests, Unread, Unsure, Use, UseKind,
    Watched, request_kind, under_way_ns,
};
pub use draft::Draft;
pub use filter::Filter;
pub use flow::Flow;
use gaps::Gaps;
pub use histogram::Histogram;
use lane::FullLane;
pub use lane::{Detail, Lane};
use levels::FIRST_BASE;
pub use near::Near;
use notes::Notes;
pub use query::{Calls, HEATMAP_COLUMNS_MAX, LONGEST_MAX, Latency, Row, TOTALS_MAX, Totals};
pub use shelf::Bring;
use shelf::{Contents, Shelving};
pub use state::State;
use tile::Grid;
pub use tile::{LEVEL_MAX, TILE_BUCKETS, Tile};

/// Lanes at most; threads beyond are counted.
const LANES_MAX: usize = 4096;
/// Descriptors that are kept at most; calls on any others have a number only.
const DESCRIPTORS_MAX: usize = 65_536;
/// The sums at all zooms take at most so many thirds of the memory, and calls have the rest: the calls of a file can be
/// brought again, and whoever looks closely looks at few of them.
const LEVELS_THIRDS: u64 = 1;
const LEVELS_THIRDS_OF_FILES: u64 = 2;

/// All of a trace that fits.
#[derive(Debug)]
pub struct Store {
    trace: Trace,
    arch: Option<Arch>,
    limit_bytes: u64,
    lanes: Vec<FullLane>,
    /// The lane of each thread id now; ids are used again.
    by_tid: IdMap<u32, usize>,
    lanes_more: u64,
    lanes_version: u64,
    gaps: Gaps,
    /// The last word on each.
    descriptors: HashMap<u32, Arc<Descriptor>>,
    notes: Notes,
    /// Where each batch of the file ended.
    batch_ends_ns: Vec<u64>,
    now_ns: u64,
    sealed_ns: u64,
    /// When threads were last looked at.
    looked_ns: u64,
    kept_ns: u64,
    calls: u64,
    offcpu: u64,
    disordered: u64,
    bytes: u64,
    /// The lowest level that lanes have sums of.
    base: u8,
    /// Memory of those sums, which is part of `bytes`.
    levels_bytes: u64,
    /// What was still open when the trace ended, before it says so.
    last_open: Vec<OpenThread>,
    end: Option<End>,
    /// What is in no memory, if there is a file that has it, and the batch that comes next.
    shelving: Option<Shelving>,
}

impl Store {
    /// An empty store that takes about `limit_bytes` of memory at most.
    pub fn new(trace: Trace, limit_bytes: u64) -> Self {
        Self {
            arch: Arch::from_machine(&trace.arch),
            trace,
            limit_bytes,
            lanes: Vec::new(),
            by_tid: IdMap::default(),
            lanes_more: 0,
            lanes_version: 0,
            gaps: Gaps::default(),
            descriptors: HashMap::new(),
            notes: Notes::default(),
            batch_ends_ns: Vec::new(),
            now_ns: 0,
            sealed_ns: 0,
            looked_ns: 0,
            kept_ns: 0,
            calls: 0,
            offcpu: 0,
            disordered: 0,
            bytes: 0,
            base: FIRST_BASE,
            levels_bytes: 0,
            last_open: Vec::new(),
            end: None,
            shelving: None,
        }
    }

    /// An empty store for what [`sketch`](Self::sketch) is told of, which brings the rest from where it is.
    pub fn shelved(trace: Trace, limit_bytes: u64, bring: Box<dyn Bring>) -> Self {
        Self {
            shelving: Some(Shelving::new(bring)),
            ..Self::new(trace, limit_bytes)
        }
    }

    /// What holds for the whole trace.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The calls there are now, to put questions to.
    pub fn calls(&self) -> Calls {
        Calls {
            lanes: self.lanes.iter().map(FullLane::calls).collect(),
            now_ns: self.now_ns,
        }
    }

    /// Takes in what has happened, in the order in which it ended.
    pub fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.push(event);
        }
        self.bound();
    }

    /// Takes in the next batch of a file in short. In a store that brings nothing, what it leaves out counts as not shown.
    pub fn sketch(&mut self, sketch: Sketch) {
        // Of what is only summed no finer picture can be kept.
        while self.base < sketch.bits.min(LEVEL_MAX) {
            self.coarsen();
        }
        for piece in sketch.pieces {
            match piece {
                Piece::Run(run) => self.push_run(&run),
                Piece::Spans(spans) => self.push_spans(&spans),
                Piece::Off(off) => self.push_off(&off),
                Piece::Event(event) => self.push(event),
            }
        }
        if let Some(shelving) = &mut self.shelving {
            let parts = self
                .lanes
                .iter()
                .filter_map(|lane| lane.part(shelving.batch));
            let parts: Vec<_> = parts.collect();
            let ready = std::mem::replace(&mut shelving.ready, sketch.ready);
            let contents = Contents { parts, ready };
            self.bytes += contents.bytes() as u64;
            shelving.shelf.put(contents);
            shelving.batch += 1;
            self.batch_ends_ns.push(self.now_ns);
        }
        self.bound();
    }

    /// What brings as much of a file as there is memory for, so that close pictures are quick too: to be called where
    /// nobody waits for it. It calls what it is given after each part.
    pub fn filler(&self) -> impl FnOnce(&mut dyn FnMut()) + Send + 'static {
        let shelf = self
            .shelving
            .as_ref()
            .map(|shelving| shelving.shelf.clone());
        move |brought| {
            if let Some(shelf) = shelf {
                shelf.fill(brought);
            }
        }
    }

    /// Keeps the memory as small as it is wanted.
    fn bound(&mut self) {
        let thirds = match self.shelving {
            Some(_) => LEVELS_THIRDS_OF_FILES,
            None => LEVELS_THIRDS,
        };
        while self.levels_bytes > self.limit_bytes / 3 * thirds && self.base < LEVEL_MAX {
            self.coarsen();
        }
        match &self.shelving {
            Some(shelving) => shelving
                .shelf
                .limit(self.limit_bytes.saturating_sub(self.bytes)),
            None => while self.bytes > self.limit_bytes && self.evict() {},
        }
    }

    fn push(&mut self, event: Event) {
        let batch = self.shelving.as_ref().map(|shelving| shelving.batch);
        self.notes.push(batch, self.now_ns, &event);
        match event {
            Event::Call(call) => {
                self.now_ns = self.now_ns.max(call.end_ns);
                self.calls += 1;
                self.push_to(call.pid, call.tid, 1, |lane, shelving| {
                    lane.push_call(&call, shelving)
                });
            }
            Event::OffCpu(span) => {
                self.now_ns = self.now_ns.max(span.end_ns);
                self.offcpu += 1;
                self.push_to(span.pid, span.tid, 1, |lane, shelving| {
                    lane.push_span(&span, shelving)
                });
            }
            Event::Life(life) => {
                self.now_ns = self.now_ns.max(life.at_ns);
                self.live(&life);
            }
            Event::Descriptor(descriptor) => {
                let known = self.descriptors.contains_key(&descriptor.id);
                if known || self.descriptors.len() < DESCRIPTORS_MAX {
                    self.descriptors.insert(descriptor.id, Arc::new(descriptor));
                }
            }
            Event::Ready(ready) => {
                let lane = self.lane(ready.pid, ready.tid);
                if let Some(lane) = lane.and_then(|index| self.lanes.get_mut(index)) {
                    lane.push_ready(ready);
                }
            }
            // Told with the story of a call, and in no picture.
            Event::Request(_) => {}
            Event::Gap(gap) => {
                self.now_ns = self.now_ns.max(gap.end_ns);
                self.gaps.push(gap);
            }
            Event::Open(open) => {
                if self.last_open.len() < LANES_MAX {
                    self.last_open.push(open);
                }
            }
            Event::End(end) => {
                let open = std::mem::take(&mut self.last_open);
                self.end = Some(end);
                self.advance(end.at_ns, end.at_ns, open);
            }
        }
    }

    fn push_run(&mut self, run: &Run) {
        let Series {
            pid,
            tid,
            count,
            end_ns,
            ..
        } = run.series;
        self.now_ns = self.now_ns.max(end_ns);
        self.calls += u64::from(run.sum.calls);
        self.push_to(pid, tid, count, |lane, shelving| {
            lane.push_run(run, shelving?)
        });
    }

    fn push_spans(&mut self, spans: &Series) {
        self.now_ns = self.now_ns.max(spans.end_ns);
        self.offcpu += u64::from(spans.count);
        self.push_to(spans.pid, spans.tid, spans.count, |lane, shelving| {
            lane.push_spans(spans, shelving?)
        });
    }

    fn push_off(&mut self, off: &Off) {
        self.now_ns = self.now_ns.max(off.end_ns);
        self.offcpu += 1;
        self.push_to(off.pid, off.tid, 1, |lane, shelving| {
            lane.push_off(off, shelving?)
        });
    }

    /// Pushes some things to a thread's lane; `push` says by how much the memory of what can be evicted grew.
    fn push_to(
        &mut self,
        pid: u32,
        tid: u32,
        count: u32,
        push: impl FnOnce(&mut FullLane, Option<&Shelving>) -> Option<isize>,
    ) {
        let Some(index) = self.lane(pid, tid) else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(index) else {
            return;
        };
        let before = lane.levels_bytes();
        let grown = push(lane, self.shelving.as_ref());
        let levels = lane.levels_bytes() - before;
        match grown {
            Some(bytes) => self.bytes = self.bytes.saturating_add_signed(bytes as i64),
            None => self.disordered += u64::from(count),
        }
        self.bytes = self.bytes.saturating_add_signed(levels as i64);
        self.levels_bytes = self.levels_bytes.saturating_add_signed(levels as i64);
    }

    /// Drops the lowest level of all lanes.
    fn coarsen(&mut self) {
        self.lanes.iter_mut().for_each(FullLane::coarsen);
        self.base += 1;
        let bytes: isize = self.lanes.iter().map(FullLane::levels_bytes).sum();
        let bytes = u64::try_from(bytes).unwrap_or(0);
        self.bytes = self
            .bytes
            .saturating_sub(self.levels_bytes.saturating_sub(bytes));
        self.levels_bytes = bytes;
    }

    /// Lets the oldest chunk of all lanes go. Returns whether there was one.
    fn evict(&mut self) -> bool {
        let oldest = self
            .lanes
            .iter_mut()
            .filter_map(|lane| Some((lane.oldest_end_ns()?, lane)))
            .min_by_key(|(end_ns, _)| *end_ns);
        let Some((bytes, end_ns)) = oldest.and_then(|(_, lane)| lane.evict()) else {
            return false;
        };
        self.bytes = self.bytes.saturating_sub(bytes as u64);
        self.kept_ns = self.kept_ns.max(end_ns);
        true
    }

    /// The lane of a thread, made if it has none; `None` if there are too many.
    fn lane(&mut self, pid: u32, tid: u32) -> Option<usize> {
        match self.by_tid.get(&tid) {
            Some(&index) => Some(index),
            None => self.open_lane(pid, tid, String::new(), None),
        }
    }

    fn open_lane(
        &mut self,
        pid: u32,
        tid: u32,
        name: String,
        began_ns: Option<u64>,
    ) -> Option<usize> {
        let index = self.lanes.len();
        if index >= LANES_MAX {
            return None;
        }
        let lane = index as u32;
        let info = Lane {
            lane,
            pid,
            tid,
            name,
            began_ns,
            ended_ns: None,
            last_ns: 0,
            calls: 0,
        };
        self.lanes.push(FullLane::new(info, self.base));
        self.by_tid.insert(tid, index);
        self.lanes_version += 1;
        Some(index)
    }

    fn live(&mut self, life: &Life) {
        let known = self.by_tid.get(&life.tid).copied();
        match life.kind {
            LifeKind::Began => {
                let began_ns = Some(life.at_ns);
                let lane = self.open_lane(life.pid, life.tid, life.name.clone(), began_ns);
                self.lanes_more += u64::from(lane.is_none());
            }
            LifeKind::Found | LifeKind::Exec | LifeKind::Renamed => match known {
                Some(index) => {
                    if let Some(lane) = self.lanes.get_mut(index) {
                        lane.info.name.clone_from(&life.name);
                    }
                }
                None => {
                    let lane = self.open_lane(life.pid, life.tid, life.name.clone(), None);
                    let is_new = life.kind == LifeKind::Found;
                    self.lanes_more += u64::from(is_new && lane.is_none());
                }
            },
            LifeKind::Ended => {
                if let Some(lane) = known.and_then(|index| self.lanes.get_mut(index)) {
                    lane.info.ended_ns = Some(life.at_ns);
                    lane.look(None);
                }
                self.by_tid.remove(&life.tid);
            }
        }
        self.lanes_version += 1;
    }

    /// The trace has come to `now_ns`; all that ended before `sealed_ns` is in; `open` is what threads
    /// are doing now.
    pub fn advance(&mut self, now_ns: u64, sealed_ns: u64, open: Vec<OpenThread>) {
        // A call that began after the last look and ended before this one was seen by neither.
        self.sealed_ns = self.sealed_ns.max(sealed_ns.min(self.looked_ns));
        self.looked_ns = now_ns;
        self.now_ns = self.now_ns.max(now_ns);
        let mut open: HashMap<u32, OpenThread> = open
            .into_iter()
            .map(|thread| (thread.tid, thread))
            .collect();
        for thread in open.values() {
            self.lane(thread.pid, thread.tid);
        }
        for (tid, &index) in &self.by_tid {
            if let Some(lane) = self.lanes.get_mut(index) {
                lane.look(open.remove(tid));
            }
        }
    }

    /// Parts of the file that could not be read again, see [`State::unread`].
    pub fn unread(&self) -> u64 {
        let shelving = self.shelving.as_ref();
        shelving.map_or(0, |shelving| shelving.shelf.missing())
    }

    /// The lanes, in the order of appearance.
    pub fn lanes(&self) -> Vec<Lane> {
        self.lanes.iter().map(|lane| lane.info.clone()).collect()
    }

    /// Threads that found no lane.
    pub fn lanes_more(&self) -> u64 {
        self.lanes_more
    }

    /// What to draw of a lane; `None` if there is no such lane, level or time.
    pub fn tile(&self, lane: u32, level: u8, index: u64) -> Option<Tile> {
        Some(self.draft(lane, level, index)?.tile())
    }

    /// The same, to be finished without the store.
    pub fn draft(&self, lane: u32, level: u8, index: u64) -> Option<Draft> {
        let lane = self.lanes.get(lane as usize)?;
        let grid = Grid::new(level, index)?;
        let (tile, near) = match lane.kept(grid) {
            Some(tile) => (tile, None),
            None => (Tile::default(), Some((lane.near(Some(grid)), grid))),
        };
        let settled_ns = match self.end {
            Some(_) => u64::MAX,
            None => self.sealed_ns.min(lane.unsettled_since_ns()),
        };
        let sealed = grid.end_ns <= settled_ns && grid.start_ns >= self.kept_ns;
        let shelf = self.shelving.as_ref();
        Some(Draft {
            tile: Tile {
                arch: self.arch,
                sealed,
                ..tile
            },
            near,
            shelf: shelf.map(|shelving| shelving.shelf.clone()),
        })
    }

    /// The descriptor of this number, if it is kept.
    pub fn descriptor(&self, id: u32) -> Option<&Descriptor> {
        self.descriptors.get(&id).map(Arc::as_ref)
    }

    /// The call of a lane at this time, or else the last one begun before it.
    pub fn call_at(&self, lane: u32, at_ns: u64) -> Option<Detail> {
        self.near(lane)?.call_at(at_ns)
    }

    /// What happened around any time, to be looked at without the store.
    pub fn around(&self) -> Around {
        let lanes = self.lanes.iter();
        let open = lanes.clone().filter_map(|lane| lane.open);
        Around {
            lanes: lanes
                .map(|lane| (lane.info.clone(), lane.near(None)))
                .collect(),
            open: open.collect(),
            notes: self.notes.clone(),
            descriptors: self.descriptors.clone(),
            gaps: self.gaps.all().to_vec(),
            now_ns: self.now_ns,
            kept_ns: self.kept_ns,
            file: self.shelving.as_ref().map(|shelving| File {
                shelf: shelving.shelf.clone(),
                ends_ns: self.batch_ends_ns.clone(),
            }),
        }
    }

    /// A lane, to be looked at closely without the store.
    pub fn near(&self, lane: u32) -> Option<Near> {
        Some(self.lanes.get(lane as usize)?.near(None))
    }
}
