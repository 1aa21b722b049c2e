//! Requests of `io_uring`s that worked on a descriptor, and what those on one did along time.
//!
//! The last of them only, in bounded memory. Must never say when data came for one or was copied: a request tells when it was
//! submitted and when it was complete, and of one that was complete before not even since when it waited again.

use std::collections::VecDeque;
use std::ops::AddAssign;
use std::sync::Arc;

use super::{
    super::{
        Store,
        flow::{Cover, Grid},
    },
    UseKind, grid_of,
};
use crate::model::{Request, id_map::IdSet, operation_name};

/// Requests in a chunk, and chunks that are kept: some 12 MB.
const CHUNK: usize = 1024;
const CHUNKS_MAX: usize = 128;
/// Requests told by themselves, at most: of more, all are summed.
const TOLD_MAX: usize = 4096;

/// The last requests on descriptors. A copy shares them.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    chunks: VecDeque<Arc<Vec<Request>>>,
    /// When the last of those was over that were let go.
    gone_ns: u64,
}

/// What the requests on a descriptor did in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Along {
    /// Of a bucket; the first begins with the stretch.
    pub width_ns: u64,
    /// Those under way for a bucket or longer, by when they were submitted; `None` if there are too many.
    pub told: Option<Vec<Request>>,
    /// What the others did, by bucket, in order; without those in which there is nothing.
    pub buckets: Vec<(u32, Asks)>,
    /// Of what was over before this, some was let go.
    pub kept_ns: u64,
}

/// What requests do in one bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// Times that one was complete.
    pub complete: u64,
    /// What receives moved, of those that were complete.
    pub received_bytes: u64,
    /// What sends did.
    pub sent_bytes: u64,
    /// How long receives, and whatever else is no send, were under way, all together.
    pub waiting_ns: u64,
    /// How long sends were.
    pub sending_ns: u64,
}

impl AddAssign for Asks {
    fn add_assign(&mut self, other: Self) {
        let pairs = [
            (&mut self.complete, other.complete),
            (&mut self.received_bytes, other.received_bytes),
            (&mut self.sent_bytes, other.sent_bytes),
            (&mut self.waiting_ns, other.waiting_ns),
            (&mut self.sending_ns, other.sending_ns),
        ];
        for (sum, more) in pairs {
            *sum = sum.saturating_add(more);
        }
    }
}

/// What an operation does on its descriptor.
pub fn request_kind(opcode: u32) -> UseKind {
    match operation_name(opcode).as_ref() {
        "read" | "readv" | "read_fixed" | "readv_fixed" | "read_multishot" | "recv" | "recvmsg"
        | "recv_zc" => UseKind::Receive,
        "write" | "writev" | "write_fixed" | "writev_fixed" | "send" | "sendmsg" | "send_zc"
        | "sendmsg_zc" => UseKind::Send,
        _ => UseKind::Other,
    }
}

/// When a request was under way: without length where it is not known since when, and up to now if it is not complete.
pub fn under_way_ns(request: &Request, now_ns: u64) -> Option<(u64, u64)> {
    match (request.submit_ns, request.complete_ns) {
        (Some(submit_ns), Some(complete_ns)) if request.shot == 0 && submit_ns <= complete_ns => {
            Some((submit_ns, complete_ns))
        }
        (_, Some(complete_ns)) => Some((complete_ns, complete_ns)),
        (Some(submit_ns), None) if request.shot == 0 => Some((submit_ns, now_ns.max(submit_ns))),
        (_, None) => None,
    }
}

/// Bytes that it moved.
fn moved(request: &Request) -> u64 {
    request
        .ret
        .and_then(|ret| u64::try_from(ret).ok())
        .unwrap_or(0)
}

impl Store {
    /// The requests on descriptors that there are now, to be looked at without the store.
    pub fn requests(&self) -> Requests {
        self.notes.requests.clone()
    }
}

impl Requests {
    /// Keeps one, if it worked on a descriptor.
    pub(in crate::store) fn push(&mut self, request: &Request) {
        if request.descriptor.is_none() {
            return;
        }
        if self.chunks.back().is_none_or(|chunk| chunk.len() >= CHUNK) {
            self.chunks.push_back(Arc::default());
        }
        if self.chunks.len() > CHUNKS_MAX
            && let Some(gone) = self.chunks.pop_front()
        {
            let over_ns = gone.iter().filter_map(|request| request.complete_ns).max();
            self.gone_ns = self.gone_ns.max(over_ns.unwrap_or(0));
        }
        if let Some(chunk) = self.chunks.back_mut() {
            Arc::make_mut(chunk).push(*request);
        }
    }

    /// Whether one of these processes made any.
    pub(super) fn any_of(&self, pids: &IdSet<u32>) -> bool {
        let mut all = self.chunks.iter().flat_map(|chunk| chunk.iter());
        all.any(|request| pids.contains(&request.pid))
    }

    /// What those on a descriptor did from one time to before another, in so many buckets, in a trace that has come to `now_ns`.
    pub fn along(
        &self,
        descriptor: u32,
        from_ns: u64,
        to_ns: u64,
        buckets: u64,
        now_ns: u64,
    ) -> Along {
        let grid = grid_of(from_ns, to_ns, buckets);
        let mut narrow = Sums::new(grid);
        let mut wide = Sums::new(grid);
        let mut told: Option<Vec<Request>> = Some(Vec::new());
        let all = self.chunks.iter().flat_map(|chunk| chunk.iter());
        for request in all.filter(|request| request.descriptor == Some(descriptor)) {
            let Some((begin_ns, end_ns)) = under_way_ns(request, now_ns) else {
                continue;
            };
            // One that is complete at the very beginning counts there.
            if begin_ns >= grid.to_ns || end_ns < grid.from_ns {
                continue;
            }
            if end_ns - begin_ns < grid.width_ns {
                narrow.add(request, (begin_ns, end_ns));
                continue;
            }
            wide.add(request, (begin_ns, end_ns));
            match &mut told {
                Some(told) if told.len() < TOLD_MAX => told.push(*request),
                _ => told = None,
            }
        }
        let mut all = narrow;
        match &mut told {
            Some(told) => told.sort_by_key(|request| (request.submit_ns, request.complete_ns)),
            None => all.add_all(wide),
        }
        Along {
            width_ns: grid.width_ns,
            told,
            buckets: all.told(),
            kept_ns: self.gone_ns,
        }
    }
}

/// What requests do, by bucket.
struct Sums {
    grid: Grid,
    asks: Vec<Asks>,
    waiting: Cover,
    sending: Cover,
}

impl Sums {
    fn new(grid: Grid) -> Self {
        Self {
            grid,
            asks: vec![Asks::default(); grid.count()],
            waiting: Cover::new(grid),
            sending: Cover::new(grid),
        }
    }

    fn add(&mut self, request: &Request, (begin_ns, end_ns): (u64, u64)) {
        let kind = request_kind(request.opcode);
        let cover = match kind {
            UseKind::Send => &mut self.sending,
            UseKind::Receive | UseKind::Other => &mut self.waiting,
        };
        cover.add(begin_ns, end_ns);
        let Some(complete_ns) = request.complete_ns.filter(|&ns| self.grid.holds(ns)) else {
            return;
        };
        if let Some(asks) = self.asks.get_mut(self.grid.bucket(complete_ns)) {
            asks.complete += 1;
            match kind {
                UseKind::Receive => {
                    asks.received_bytes = asks.received_bytes.saturating_add(moved(request));
                }
                UseKind::Send => asks.sent_bytes = asks.sent_bytes.saturating_add(moved(request)),
                UseKind::Other => {}
            }
        }
    }

    fn add_all(&mut self, other: Self) {
        for (asks, more) in self.asks.iter_mut().zip(other.asks) {
            *asks += more;
        }
        self.waiting.add_all(other.waiting);
        self.sending.add_all(other.sending);
    }

    /// The buckets in which there is something.
    fn told(self) -> Vec<(u32, Asks)> {
        let times = self.waiting.sums().zip(self.sending.sums());
        let asks = (0..).zip(self.asks).zip(times);
        let asks = asks.map(|((bucket, asks), (waiting_ns, sending_ns))| {
            let asks = Asks {
                waiting_ns,
                sending_ns,
                ..asks
            };
            (bucket, asks)
        });
        asks.filter(|(_, asks)| *asks != Asks::default()).collect()
    }
}
