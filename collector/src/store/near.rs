//! A lane looked at closely: each call and each time off the CPU, from memory or brought from a file.
//!
//! It shares the store's memory as it was. To bring what it needs takes time, for which nobody must have to wait who
//! wants the store.

use super::{
    items::Items,
    lane::Detail,
    spans::Spans,
    track::{At, Chunk as _, Track},
};
use crate::model::{Call, Event, OffCpu};

/// Times off the CPU shown with one call; the rest is counted.
const DETAIL_SPANS_MAX: usize = 1000;
/// Times off the CPU outside calls that are passed over in search of a call.
const SEARCH_MAX: usize = 10_000;

/// What one thread did.
#[derive(Debug)]
pub struct Near {
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) items: Track<Items>,
    pub(super) spans: Track<Spans>,
}

impl Near {
    /// The batches on the shelf that have some of it, in no order and some of them twice.
    pub(super) fn batches(&self) -> impl Iterator<Item = u32> {
        self.items.batches().chain(self.spans.batches())
    }

    /// The call at this time, or else the last one begun before it.
    pub fn call_at(&self, at_ns: u64) -> Option<Detail> {
        let mut at = self
            .items
            .previous(self.items.find(at_ns.saturating_add(1)))?;
        for _ in 0..SEARCH_MAX {
            let items = self.items.chunk(at)?;
            if let Some(call) = items.call(at.index, self.pid, self.tid) {
                let (spans, more) = self.spans_in(&call);
                let ready = items.ready(&call, at.index);
                return Some(Detail {
                    call,
                    spans,
                    more,
                    ready,
                });
            }
            at = self.items.previous(at)?;
        }
        None
    }

    /// Calls that begin before this time, the last first.
    pub fn before(&self, ns: u64) -> impl Iterator<Item = Call> {
        let mut at = self.items.previous(self.items.find(ns));
        std::iter::from_fn(move || {
            let here = at?;
            at = self.items.previous(here);
            Some(self.call(here))
        })
        .flatten()
    }

    /// Calls that begin after this time, in their order.
    pub fn after(&self, ns: u64) -> impl Iterator<Item = Call> {
        let mut at = self.items.find(ns.saturating_add(1));
        std::iter::from_fn(move || {
            let here = at;
            at = self.items.next(here);
            self.items.chunk(here).map(|_| self.call(here))
        })
        .flatten()
    }

    fn call(&self, at: At) -> Option<Call> {
        let items = self.items.chunk(at)?;
        items.call(at.index, self.pid, self.tid)
    }

    /// The last sleep that was over by this time.
    pub fn slept(&self, by_ns: u64) -> Option<OffCpu> {
        let mut at = self.spans.find(by_ns.saturating_add(1));
        for _ in 0..SEARCH_MAX {
            at = self.spans.previous(at)?;
            let span = self.spans.chunk(at)?.get(at.index, self.pid, self.tid)?;
            if span.woken_ns.is_some() && span.end_ns <= by_ns {
                return Some(span);
            }
        }
        None
    }

    /// When the last call or time off the CPU ended.
    pub(super) fn end_ns(&self) -> u64 {
        self.items.end_ns().max(self.spans.end_ns())
    }

    /// How many calls and times off the CPU ended between these times, or a few more.
    pub(super) fn count(&self, from_ns: u64, to_ns: u64) -> usize {
        let items = (self.items.find_end(from_ns), self.items.find(to_ns));
        let spans = (self.spans.find_end(from_ns), self.spans.find(to_ns));
        self.items.distance(items.0, items.1) + self.spans.distance(spans.0, spans.1)
    }

    /// Whether there are more calls and times off the CPU between these times than `things`, or more `batches` to bring.
    /// No more than a few are brought to know it.
    pub fn is_much(&self, from_ns: u64, to_ns: u64, things: usize, batches: usize) -> bool {
        let items = self.items.within(from_ns, to_ns).batches().count();
        let spans = self.spans.within(from_ns, to_ns).batches().count();
        items.max(spans) > batches || self.count(from_ns, to_ns) > things
    }

    /// All that ended between these times: when, in which order at the same time, and what.
    pub(super) fn events(&self, from_ns: u64, to_ns: u64, events: &mut Vec<(u64, u8, Event)>) {
        let mut at = self.spans.find_end(from_ns);
        while let Some(span) = (self.spans.chunk(at))
            .and_then(|chunk| chunk.get(at.index, self.pid, self.tid))
            .filter(|span| span.end_ns <= to_ns)
        {
            events.push((span.end_ns, 0, Event::OffCpu(span)));
            at = self.spans.next(at);
        }
        let mut at = self.items.find_end(from_ns);
        while let Some(items) = self.items.chunk(at)
            && items
                .start_ns(at.index)
                .saturating_add(items.duration_ns(at.index))
                <= to_ns
        {
            if let Some(call) = items.call(at.index, self.pid, self.tid) {
                let ready = items.ready(&call, at.index).into_iter();
                events.extend(ready.map(|ready| (call.end_ns, 1, Event::Ready(ready))));
                events.push((call.end_ns, 1, Event::Call(call)));
            }
            at = self.items.next(at);
        }
    }

    fn spans_in(&self, call: &Call) -> (Vec<OffCpu>, u64) {
        let mut spans = Vec::new();
        let mut at: At = self.spans.find(call.start_ns);
        let all = u64::from(call.sleeps) + u64::from(call.preemptions);
        while spans.len() < DETAIL_SPANS_MAX
            && let Some((_, end_ns)) = self.spans.range_ns(at)
            && end_ns <= call.end_ns
        {
            let span = self.spans.chunk(at);
            let span = span.and_then(|chunk| chunk.get(at.index, self.pid, self.tid));
            // One without length may lie at the very edge of the call, and not be in it.
            spans.extend(span.filter(|span| span.in_call));
            at = self.spans.next(at);
        }
        let told: u64 = spans.iter().map(|span| u64::from(span.times)).sum();
        (spans, all.saturating_sub(told))
    }
}
