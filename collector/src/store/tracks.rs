//! What one thread did: its items, its times off the CPU, and what its next call waited for.
//!
//! It is the same whether it comes as it happens or is brought from a file again: the same things are refused.

use super::{items::Items, spans::Spans, track::Track};
use crate::model::{Call, Off, OffCpu, Ready};

/// Entries of a ready set that are kept: as many as there ever are.
const READY_MAX: usize = 32;

/// All of one thread.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    pub(super) items: Track<Items>,
    pub(super) spans: Track<Spans>,
    /// Of a call that is still to come.
    ready: Vec<Ready>,
}

impl Tracks {
    /// With room for so many items and times off the CPU, which begin at these times or later.
    pub(super) fn single((items, items_ns): (u32, u64), (spans, spans_ns): (u32, u64)) -> Self {
        Self {
            items: Track::single(items, items_ns),
            spans: Track::single(spans, spans_ns),
            ready: Vec::new(),
        }
    }

    /// Whether a call comes after all others, and is sound.
    pub(super) fn accepts_call(&self, call: &Call) -> bool {
        self.items.accepts(call.start_ns, call.end_ns) && call.phases_ns() == call.duration_ns()
    }

    /// The same of a time off the CPU.
    pub(super) fn accepts_span(&self, span: &Off) -> bool {
        let in_order = span
            .woken_ns
            .is_none_or(|woken| span.start_ns <= woken && woken <= span.end_ns);
        in_order
            && self.spans.accepts(span.start_ns, span.end_ns)
            && (span.in_call || self.items.accepts(span.start_ns, span.end_ns))
    }

    /// Adds a call that is accepted, with what it found. Returns by how much the memory changed.
    pub(super) fn push_call(&mut self, call: &Call) -> isize {
        let ready = std::mem::take(&mut self.ready);
        let ready = ready.iter().filter(|of| of.call_start_ns == call.start_ns);
        self.items.push(call.end_ns, |items| {
            ready.for_each(|ready| items.push_ready(ready));
            items.push_call(call);
        })
    }

    /// The same with a time off the CPU.
    pub(super) fn push_span(&mut self, span: &OffCpu) -> isize {
        let bytes = self.spans.push(span.end_ns, |spans| spans.push(span));
        if span.in_call {
            return bytes;
        }
        let items = &mut self.items;
        bytes + items.push(span.end_ns, |items| items.push_outside(span))
    }

    /// Nothing more will come: gives back what room there is.
    pub(super) fn shrink(&mut self) {
        self.items.shrink();
        self.spans.shrink();
    }

    /// Keeps what a call waited for and found, until that call comes.
    pub(super) fn push_ready(&mut self, ready: Ready) {
        let of = self.ready.first().map(|first| first.call_start_ns);
        if of.is_some_and(|of| of != ready.call_start_ns) {
            self.ready.clear();
        }
        if self.ready.len() < READY_MAX {
            self.ready.push(ready);
        }
    }
}
