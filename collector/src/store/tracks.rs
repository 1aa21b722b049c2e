//! What one thread did: its items, its times off the CPU, and what its next call waited for.
//!
//! It is the same whether it comes as it happens or is brought from a file again: the same things are refused.

use super::{items::Items, spans::Spans, track::Track};
use crate::model::{Call, Off, OffCpu, Ready};

/// Entries of a ready set that are kept: as many as there ever are.
const READY_MAX: usize = 32;

/// When the last item of a thread ended, and the last time off the CPU: what comes next begins then or later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) items_ns: u64,
    pub(super) spans_ns: u64,
}

impl Ends {
    /// Whether a call comes after all others, and is sound.
    pub(super) fn accepts_call(&self, start_ns: u64, end_ns: u64, phases_ns: u64) -> bool {
        follows(self.items_ns, start_ns, end_ns) && phases_ns == end_ns - start_ns
    }

    /// The same of a time off the CPU.
    pub(super) fn accepts_span(&self, span: &Off) -> bool {
        let in_order = span
            .woken_ns
            .is_none_or(|woken| span.start_ns <= woken && woken <= span.end_ns);
        let follows = |last_ns| follows(last_ns, span.start_ns, span.end_ns);
        in_order && follows(self.spans_ns) && (span.in_call || follows(self.items_ns))
    }
}

/// Whether something comes after the last that ended then.
pub(super) fn follows(last_ns: u64, start_ns: u64, end_ns: u64) -> bool {
    start_ns >= last_ns && end_ns >= start_ns
}

/// What a call found that is still to come.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<Ready>);

impl Found {
    /// Keeps one, until its call comes.
    pub(super) fn push(&mut self, ready: Ready) {
        let of = self.0.first().map(|first| first.call_start_ns);
        if of.is_some_and(|of| of != ready.call_start_ns) {
            self.0.clear();
        }
        if self.0.len() < READY_MAX {
            self.0.push(ready);
        }
    }

    /// Takes what the call found that began then; of others nothing is kept.
    pub(super) fn take(&mut self, start_ns: u64) -> impl Iterator<Item = Ready> {
        let found = self.0.drain(..);
        found.filter(move |of| of.call_start_ns == start_ns)
    }
}

/// All of one thread.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    pub(super) items: Track<Items>,
    pub(super) spans: Track<Spans>,
    found: Found,
}

impl Tracks {
    /// All of these.
    pub(super) fn whole(items: Items, spans: Spans, ends: Ends) -> Self {
        Self {
            items: Track::whole(items, ends.items_ns),
            spans: Track::whole(spans, ends.spans_ns),
            found: Found::default(),
        }
    }

    fn ends(&self) -> Ends {
        Ends {
            items_ns: self.items.end_ns(),
            spans_ns: self.spans.end_ns(),
        }
    }

    /// Whether a call comes after all others, and is sound.
    pub(super) fn accepts_call(&self, call: &Call) -> bool {
        (self.ends()).accepts_call(call.start_ns, call.end_ns, call.phases_ns())
    }

    /// The same of a time off the CPU.
    pub(super) fn accepts_span(&self, span: &Off) -> bool {
        self.ends().accepts_span(span)
    }

    /// Adds a call that is accepted, with what it found. Returns by how much the memory changed.
    pub(super) fn push_call(&mut self, call: &Call) -> isize {
        let found = self.found.take(call.start_ns);
        self.items.push(call.end_ns, |items| {
            found.for_each(|ready| items.push_ready(&ready));
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

    /// Keeps what a call waited for and found, until that call comes.
    pub(super) fn push_ready(&mut self, ready: Ready) {
        self.found.push(ready);
    }
}
