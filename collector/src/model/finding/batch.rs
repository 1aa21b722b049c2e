//! Work in small pieces: reads that fill a tiny buffer again and again, and `epoll_wait` that asks for few events
//! where there are more.

use super::What;
use super::thread::Found;
use crate::model::id_map::IdMap;
use crate::model::{Call, CallKind, DescriptorKind};

/// A larger buffer is not tiny.
const TINY_BYTES: u64 = 512;
/// Reads in a row that fill it before they count: a header and its body are two, and few messages are a handful.
const ROW_MIN: u64 = 8;
/// Of these, how many are worth a word.
const READS_MIN: u64 = 1_000;
/// Asking for more than this at once pays for the call.
const BATCH_SMALL: u64 = 16;
/// Times that there was more,
const CUT_MIN: u64 = 1_000;
/// and their share of the calls, in percent.
const CUT_PERCENT: u64 = 50;
/// `epoll` descriptors of which it is known who waits on them.
const EPOLLS_MAX: usize = 1_024;

/// Which `epoll` descriptors several threads wait on: there, taking few at a time shares the work.
#[derive(Clone, Debug, Default)]
pub(super) struct Epolls(IdMap<u32, (u32, bool)>);

impl Epolls {
    /// A thread waited on it; whether it is the only one so far.
    pub(super) fn alone(&mut self, id: u32, tid: u32) -> bool {
        if self.0.len() >= EPOLLS_MAX && !self.0.contains_key(&id) {
            return false;
        }
        let (first, shared) = self.0.entry(id).or_insert((tid, false));
        *shared |= *first != tid;
        !*shared
    }
}

/// The small pieces of one thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    /// Reads in a row on this descriptor that filled it.
    row: Option<(u32, u64)>,
    /// What was read so.
    tiny: Option<Tiny>,
    /// The last readiness call gave all that it was asked for,
    full: bool,
    /// and the thread worked on it since.
    worked: bool,
    epoll: Option<u32>,
    calls: u64,
    cut: u64,
    asked: u64,
    start_ns: u64,
    end_ns: u64,
    shared: bool,
}

#[derive(Clone, Debug)]
struct Tiny {
    on: Option<u32>,
    reads: u64,
    buffer: u64,
    start_ns: u64,
    end_ns: u64,
}

impl Batch {
    /// A call other than a readiness call ended. `behind` is what it works on.
    pub(super) fn call(
        &mut self,
        kind: CallKind,
        call: &Call,
        on: Option<u32>,
        behind: DescriptorKind,
    ) {
        self.worked |= kind.takes() || matches!(kind, CallKind::Send | CallKind::SendMany);
        let stream = matches!(
            behind,
            DescriptorKind::Tcp | DescriptorKind::Unix | DescriptorKind::Pipe
        );
        let filled = call.requested.filter(|&size| {
            size <= TINY_BYTES
                && call
                    .ret
                    .is_some_and(|ret| ret > 0 && ret.unsigned_abs() == size)
        });
        let (Some(id), Some(size), CallKind::Receive, true, 0) =
            (on, filled, kind, stream, call.sleeps)
        else {
            self.row = None;
            return;
        };
        let in_row = match self.row {
            Some((known, reads)) if known == id => reads + 1,
            _ => 1,
        };
        self.row = Some((id, in_row));
        if in_row <= ROW_MIN {
            return;
        }
        let tiny = self.tiny.get_or_insert(Tiny {
            on: Some(id),
            reads: 0,
            buffer: 0,
            start_ns: call.start_ns,
            end_ns: call.end_ns,
        });
        tiny.reads += 1;
        tiny.buffer = tiny.buffer.max(size);
        tiny.end_ns = call.end_ns;
        tiny.on = tiny.on.filter(|known| *known == id);
    }

    /// A readiness call ended. `alone`: no other thread waits on this `epoll`.
    pub(super) fn turn(&mut self, kind: CallKind, call: &Call, on: Option<u32>, alone: bool) {
        self.row = None;
        let full_before = std::mem::take(&mut self.full) && std::mem::take(&mut self.worked);
        let (CallKind::Epoll, Some(id), Some(asked), Some(ret @ 0..)) =
            (kind, on, call.requested, call.ret)
        else {
            return;
        };
        if asked > BATCH_SMALL || asked == 0 || self.epoll.is_some_and(|known| known != id) {
            return;
        }
        if self.epoll.is_none() {
            self.epoll = Some(id);
            self.start_ns = call.start_ns;
        }
        self.shared |= !alone;
        self.calls += 1;
        self.end_ns = call.end_ns;
        self.asked = self.asked.max(asked);
        // Without work in between it would be the same once more.
        if full_before && call.sleeps == 0 && ret > 0 {
            self.cut += 1;
        }
        self.full = ret.unsigned_abs() == asked;
        self.worked = false;
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, found: &mut Vec<Found>) {
        if let Some(tiny) = self.tiny.take().filter(|tiny| tiny.reads >= READS_MIN) {
            found.push(Found {
                what: What::TinyReads {
                    reads: tiny.reads,
                    buffer: tiny.buffer,
                },
                on: tiny.on,
                start_ns: tiny.start_ns,
                end_ns: tiny.end_ns,
                inferred: false,
            });
        }
        let mostly = u128::from(self.cut) * 100 >= u128::from(self.calls) * u128::from(CUT_PERCENT);
        if self.cut >= CUT_MIN && mostly && !self.shared {
            found.push(Found {
                what: What::SmallBatches {
                    times: self.cut,
                    calls: self.calls,
                    asked: self.asked,
                },
                on: self.epoll,
                start_ns: self.start_ns,
                end_ns: self.end_ns,
                inferred: false,
            });
        }
    }
}
