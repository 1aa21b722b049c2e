//! One connection along time: when data arrived on it, how long it waited, while it was read, and what was sent.
//!
//! What takes a bucket or longer is told by itself, the rest is summed into the buckets that it lies in: exactly, nothing is
//! sampled. Must never say when data came of which the recording does not.

mod requests;
mod unread;

use std::collections::BTreeSet;

use super::{
    Calls, Filter,
    flow::{Flow, Grid, Sums, merged},
    items::Items,
    query::LaneCalls,
    track::{At, Chunk as _, Track},
};
use crate::model::{Call, CallKind, CallKinds, Copying};
pub use requests::{Along, Asks, Requests, request_kind, under_way_ns};
pub use unread::{Unread, Unsure, Watched};

/// Buckets in an answer, at most.
pub const CONNECTION_BUCKETS_MAX: u64 = 4096;
/// Calls told by themselves, at most: of more, all are summed.
const CALLS_MAX: usize = 4096;
/// Chunks after the stretch that are searched for who read what came in it, and batches of a file that are brought for it.
const AHEAD_CHUNKS_MAX: usize = 4096;
const AHEAD_BATCHES_MAX: usize = 32;

/// What was done on a descriptor in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Of a bucket; the first begins with the stretch.
    pub width_ns: u64,
    /// The calls that take a bucket or longer, by when they begin; `None` if there are too many.
    pub calls: Option<Vec<(u32, Use)>>,
    /// What the others do, by bucket, in order; without those in which there is nothing.
    pub buckets: Vec<(u32, Flow)>,
    /// Data that came in the stretch, and was first read long after it, may be missing.
    pub is_cut: bool,
}

/// What a call does on its descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseKind {
    /// Receives, or tries to.
    Receive,
    /// Sends, or tries to.
    Send,
    /// Anything else.
    Other,
}

/// A call, as what it does on its descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The call.
    pub call: Call,
    /// What it does.
    pub kind: UseKind,
    /// Whether it returned a number of bytes.
    of_bytes: bool,
}

impl Use {
    /// Of a call.
    pub fn new(kinds: &CallKinds, call: Call) -> Self {
        let (kind, of_bytes) = match kinds.of(call.nr) {
            CallKind::Receive => (UseKind::Receive, true),
            CallKind::ReceiveMany => (UseKind::Receive, false),
            CallKind::Send => (UseKind::Send, true),
            CallKind::SendMany => (UseKind::Send, false),
            _ => (UseKind::Other, false),
        };
        Self {
            call,
            kind,
            of_bytes,
        }
    }

    /// When a receive began to read, if it read.
    pub fn read_ns(&self) -> Option<u64> {
        let read_ns = self.call.copying.start_ns();
        read_ns.filter(|_| self.kind == UseKind::Receive)
    }

    /// When what a receive read had come, if that is known.
    pub fn arrived_ns(&self) -> Option<u64> {
        let read_ns = self.read_ns()?;
        let delay_ns = self.call.ready_delay_ns?;
        // A delay counts from the kernel's word that it copies; without that, from the entry: unless the data came after.
        let from_ns = match self.call.copying {
            Copying::Inferred(_) if delay_ns > 0 => self.call.start_ns,
            _ => read_ns,
        };
        from_ns.checked_sub(delay_ns)
    }

    /// What it takes of the connection's time: from when the data came, or else since it reads.
    fn range_ns(&self) -> (u64, u64) {
        let from_ns = self.arrived_ns().or(self.read_ns());
        (from_ns.unwrap_or(self.call.start_ns), self.call.end_ns)
    }

    /// Bytes that it moved.
    pub(super) fn bytes(&self) -> u64 {
        let bytes = self.call.ret.filter(|_| self.of_bytes);
        bytes.and_then(|ret| u64::try_from(ret).ok()).unwrap_or(0)
    }
}

/// A stretch of time in so many buckets, or as many as there may be.
fn grid_of(from_ns: u64, to_ns: u64, buckets: u64) -> Grid {
    let buckets = buckets.clamp(1, CONNECTION_BUCKETS_MAX);
    let to_ns = to_ns.max(from_ns.saturating_add(1));
    Grid {
        from_ns,
        to_ns,
        width_ns: (to_ns - from_ns).div_ceil(buckets).max(1),
    }
}

impl Calls {
    /// What was done on a descriptor from one time to before another, in so many buckets.
    pub fn connection(
        &self,
        kinds: &CallKinds,
        descriptor: u32,
        from_ns: u64,
        to_ns: u64,
        buckets: u64,
    ) -> Connection {
        let grid = grid_of(from_ns, to_ns, buckets);
        let width_ns = grid.width_ns;
        let filter = Filter {
            descriptor: Some(descriptor),
            ..Filter::default()
        };
        let mut narrow = Sums::new(grid);
        let mut wide = Sums::new(grid);
        let mut calls: Option<Vec<(u32, Use)>> = Some(Vec::new());
        let mut take = |lane: u32, used: Use| {
            let range_ns = used.range_ns();
            if !grid.touches(range_ns) {
                return;
            }
            if range_ns.1.saturating_sub(range_ns.0) < width_ns {
                narrow.add(&used);
                return;
            }
            wide.add(&used);
            match &mut calls {
                Some(told) if told.len() < CALLS_MAX => told.push((lane, used)),
                _ => calls = None,
            }
        };
        self.during(&filter, grid, |lane, call| {
            take(lane, Use::new(kinds, call))
        });
        let is_cut = self.after(&filter, grid, |lane, call| {
            let used = Use::new(kinds, call);
            let arrived_ns = used.arrived_ns();
            take(lane, used);
            arrived_ns
        });
        let Some(mut calls) = calls else {
            let mut all = narrow.told();
            all.extend(wide.told());
            return Connection {
                width_ns,
                calls: None,
                buckets: merged(all),
                is_cut,
            };
        };
        calls.sort_by_key(|(lane, used)| (used.call.start_ns, *lane));
        Connection {
            width_ns,
            calls: Some(calls),
            buckets: narrow.told(),
            is_cut,
        }
    }

    /// Hands over the matching calls that begin before the end of a stretch and end in it or later.
    fn during(&self, filter: &Filter, grid: Grid, mut each: impl FnMut(u32, Call)) {
        // One without length may lie at the very edge.
        let since_ns = grid.from_ns.saturating_sub(1);
        let lanes = self.lanes.iter();
        let lanes: Vec<(&LaneCalls, Track<Items>)> = lanes
            .map(|lane| (lane, lane.items.within(since_ns, grid.to_ns)))
            .collect();
        let mut chunks: Vec<(u64, usize, usize)> = Vec::new();
        for (at, (_, items)) in lanes.iter().enumerate() {
            let here = items.chunks(0, grid.to_ns);
            chunks.extend(here.map(|(first_ns, _, chunk)| (first_ns, at, chunk)));
        }
        // By time, so that what a file has is brought once.
        chunks.sort_unstable();
        for (_, at, chunk) in chunks {
            let Some((lane, track)) = lanes.get(at) else {
                continue;
            };
            let Some(items) = track.chunk(At { chunk, index: 0 }) else {
                continue;
            };
            for index in items.between(0, grid.to_ns) {
                let end_ns = items
                    .start_ns(index)
                    .saturating_add(items.duration_ns(index));
                if end_ns >= grid.from_ns
                    && items.matches(index, filter)
                    && let Some(call) = items.call(index, lane.pid, lane.tid)
                {
                    each(lane.lane, call);
                }
            }
        }
    }

    /// Hands over the matching calls that begin after a stretch, up to the first that read what came after it: what comes
    /// later is read later. `each` says when what a call read had come. Returns whether there may be more of them.
    fn after(
        &self,
        filter: &Filter,
        grid: Grid,
        mut each: impl FnMut(u32, Call) -> Option<u64>,
    ) -> bool {
        let filter = Filter {
            from_ns: grid.to_ns,
            ..*filter
        };
        let mut done_ns = u64::MAX;
        let mut batches = BTreeSet::new();
        for (at, ((first_ns, _, chunk), lane)) in self.chunks(&filter).into_iter().enumerate() {
            if first_ns >= done_ns {
                return false;
            }
            batches.extend(lane.items.batch(chunk));
            if at >= AHEAD_CHUNKS_MAX || batches.len() > AHEAD_BATCHES_MAX {
                return true;
            }
            let Some(items) = lane.items.chunk(At { chunk, index: 0 }) else {
                return true;
            };
            for index in items.between(filter.from_ns, done_ns) {
                if items.matches(index, &filter)
                    && let Some(call) = items.call(index, lane.pid, lane.tid)
                {
                    let start_ns = call.start_ns;
                    let arrived_ns = each(lane.lane, call);
                    if arrived_ns.is_some_and(|ns| ns >= grid.to_ns) {
                        done_ns = start_ns;
                        break;
                    }
                }
            }
        }
        false
    }
}
