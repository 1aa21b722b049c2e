//! One thread's lane: who it is, its items, its times off the CPU, and what it is doing now.

use super::{
    levels::Levels,
    near::Near,
    parting::Part,
    query::LaneCalls,
    shelf::Shelving,
    tile::{Grid, Tile},
    track::{Noted, Shelved},
    tracks::Tracks,
};
use crate::model::{Call, Off, OffCpu, OpenThread, Ready, Run, Series};

/// A thread, as the page lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Its number, which never changes.
    pub lane: u32,
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// Its name as the kernel has it, unescaped; empty if it was never seen.
    pub name: String,
    /// When it was made; `None` if it was there before the trace.
    pub began_ns: Option<u64>,
    /// When it ended, if it has.
    pub ended_ns: Option<u64>,
    /// When the last of its calls and times off the CPU ended; 0 if none has. All that ended before is told.
    pub last_ns: u64,
    /// Its calls so far.
    pub calls: u64,
}

impl Lane {
    /// Whether it was this thread's at that time.
    pub fn was(&self, tid: u32, at_ns: u64) -> bool {
        self.tid == tid
            && self.began_ns.is_none_or(|began| began <= at_ns)
            && self.ended_ns.is_none_or(|ended| ended >= at_ns)
    }
}

/// One call with its times off the CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The call.
    pub call: Call,
    /// Its times off the CPU, at most 1000.
    pub spans: Vec<OffCpu>,
    /// How many more there are.
    pub more: u64,
    /// What it waited for and found.
    pub ready: Vec<Ready>,
}

/// A lane with everything on it.
#[derive(Debug)]
pub(super) struct FullLane {
    pub(super) info: Lane,
    tracks: Tracks,
    levels: Levels,
    pub(super) open: Option<OpenThread>,
    /// Since when what the lane did at the look before that could still change its picture.
    was_open_since_ns: u64,
}

impl FullLane {
    /// With sums from level `base` on.
    pub(super) fn new(info: Lane, base: u8) -> Self {
        Self {
            info,
            tracks: Tracks::default(),
            levels: Levels::new(base),
            open: None,
            was_open_since_ns: u64::MAX,
        }
    }

    /// Adds a call. Returns by how much the memory changed; `None` if it does not come after all others.
    pub(super) fn push_call(&mut self, call: &Call, shelving: Option<&Shelving>) -> Option<isize> {
        if !self.tracks.accepts_call(call) {
            return None;
        }
        self.info.calls += 1;
        self.ended(call.end_ns);
        self.levels.push_call(call);
        Some(match shelving {
            Some(shelving) => {
                let noted = Noted::one(call.start_ns, call.end_ns);
                shelving.note(&mut self.tracks.items, self.info.lane, noted)
            }
            None => self.tracks.push_call(call),
        })
    }

    /// Adds short things of which a batch has more to say, likewise.
    pub(super) fn push_run(&mut self, run: &Run, shelving: &Shelving) -> Option<isize> {
        let grown = shelving.note_series(&mut self.tracks.items, self.info.lane, &run.series)?;
        self.info.calls += u64::from(run.sum.calls);
        self.ended(run.series.end_ns);
        self.levels.push_run(run);
        Some(grown)
    }

    /// Adds short times off the CPU of which a batch has more to say, likewise.
    pub(super) fn push_spans(&mut self, spans: &Series, shelving: &Shelving) -> Option<isize> {
        let grown = shelving.note_series(&mut self.tracks.spans, self.info.lane, spans)?;
        self.ended(spans.end_ns);
        Some(grown)
    }

    /// Keeps what a call waited for and found, until that call comes.
    pub(super) fn push_ready(&mut self, ready: Ready) {
        self.tracks.push_ready(ready);
    }

    /// Adds a time off the CPU, likewise.
    pub(super) fn push_span(
        &mut self,
        span: &OffCpu,
        shelving: Option<&Shelving>,
    ) -> Option<isize> {
        let off = Off::from(span);
        if !self.tracks.accepts_span(&off) {
            return None;
        }
        self.ended(span.end_ns);
        self.levels.push_span(span);
        Some(match shelving {
            Some(shelving) => self.note_off(&off, shelving),
            None => self.tracks.push_span(span),
        })
    }

    /// Adds a short one of which a batch has more to say, likewise.
    pub(super) fn push_off(&mut self, off: &Off, shelving: &Shelving) -> Option<isize> {
        if !self.tracks.accepts_span(off) {
            return None;
        }
        self.ended(off.end_ns);
        if !off.in_call {
            self.levels.push_off(off);
        }
        Some(self.note_off(off, shelving))
    }

    fn note_off(&mut self, off: &Off, shelving: &Shelving) -> isize {
        let noted = Noted::one(off.start_ns, off.end_ns);
        let lane = self.info.lane;
        let mut bytes = shelving.note(&mut self.tracks.spans, lane, noted);
        if !off.in_call {
            bytes += shelving.note(&mut self.tracks.items, lane, noted);
        }
        bytes
    }

    /// Something of it ended then.
    fn ended(&mut self, at_ns: u64) {
        self.info.last_ns = self.info.last_ns.max(at_ns);
    }

    /// What it has in this batch, if it is the last.
    pub(super) fn part(&self, batch: u32) -> Option<Part> {
        let items = self.tracks.items.noted(batch);
        let spans = self.tracks.spans.noted(batch);
        let first =
            |place: Option<&Shelved>| place.map_or((0, u64::MAX), |at| (at.len, at.first_start_ns));
        let ends = [items, spans]
            .into_iter()
            .flatten()
            .map(|at| at.last_end_ns);
        Some(Part {
            lane: self.info.lane,
            tid: self.info.tid,
            items: first(items),
            spans: first(spans),
            end_ns: ends.max()?,
        })
    }

    /// When the oldest chunk's last thing ended.
    pub(super) fn oldest_end_ns(&self) -> Option<u64> {
        [
            self.tracks.items.oldest_end_ns(),
            self.tracks.spans.oldest_end_ns(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Lets the oldest chunk go. Returns its memory, and before when the lane is no longer whole.
    pub(super) fn evict(&mut self) -> Option<(usize, u64)> {
        match (
            self.tracks.items.oldest_end_ns(),
            self.tracks.spans.oldest_end_ns(),
        ) {
            (Some(items), Some(spans)) if spans < items => self.tracks.spans.evict(),
            (None, _) => self.tracks.spans.evict(),
            (Some(_), _) => self.tracks.items.evict(),
        }
    }

    /// Memory of the sums at all zooms, which no eviction frees.
    pub(super) fn levels_bytes(&self) -> isize {
        self.levels.bytes()
    }

    /// Drops the lowest zoom that has sums.
    pub(super) fn coarsen(&mut self) {
        self.levels.coarsen();
    }

    /// The thread was looked at again: it is doing this now.
    pub(super) fn look(&mut self, open: Option<OpenThread>) {
        self.was_open_since_ns = open_since_ns(self.open.as_ref());
        self.open = open;
    }

    /// Since when the lane's picture may still change. What ended just before the last look at the
    /// thread may not be here yet; then it was open at the look before.
    pub(super) fn unsettled_since_ns(&self) -> u64 {
        open_since_ns(self.open.as_ref()).min(self.was_open_since_ns)
    }

    /// What to draw of it, if that is kept for this zoom.
    pub(super) fn kept(&self, grid: Grid) -> Option<Tile> {
        let Lane { pid, tid, .. } = self.info;
        Some(Tile {
            calls: self.levels.calls(grid, pid, tid)?,
            sums: self.levels.sums(grid)?,
            spans: self.levels.spans(grid, pid, tid)?,
            ..Tile::default()
        })
    }

    /// All that it did in a stretch of time, or ever.
    pub(super) fn near(&self, grid: Option<Grid>) -> Near {
        let Lane { pid, tid, .. } = self.info;
        let Tracks { items, spans, .. } = &self.tracks;
        let (items, spans) = match grid {
            Some(Grid {
                start_ns, end_ns, ..
            }) => (
                items.within(start_ns, end_ns),
                spans.within(start_ns, end_ns),
            ),
            None => (items.clone(), spans.clone()),
        };
        Near {
            pid,
            tid,
            items,
            spans,
        }
    }

    /// Its calls, as they are now.
    pub(super) fn calls(&self) -> LaneCalls {
        let Lane { lane, pid, tid, .. } = self.info;
        LaneCalls {
            lane,
            pid,
            tid,
            items: self.tracks.items.clone(),
        }
    }
}

/// Since when the call or the time off the CPU has been going on that will come as one piece.
fn open_since_ns(open: Option<&OpenThread>) -> u64 {
    open.map_or(u64::MAX, |open| {
        let off = open.off_since_ns.unwrap_or(u64::MAX);
        if open.nr.is_some() {
            open.since_ns.min(off)
        } else {
            off
        }
    })
}
