//! The stretch of time that an export is of, and what of a trace is in it.
//!
//! One rule for everything that has a beginning and an end: it began before the range ends, and ended when the range had
//! begun, or later. Nothing is cut at an edge: what is in the range is as it is in an export of all.

use std::collections::HashMap;

use crate::model::{Call, Event, Finding, Ready, Request, Turn};

/// Threads whose call that reaches into the range is kept in mind.
const THREADS_MAX: usize = 1 << 18;

/// From a time, up to another. The whole trace unless told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// What ended before that is not in it.
    pub from_ns: u64,
    /// What began at that time or later is not in it; `None` leaves nothing out.
    pub to_ns: Option<u64>,
}

impl Range {
    /// Whether nothing can be out of it.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nothing can be in it.
    pub fn is_empty(&self) -> bool {
        self.to_ns.is_some_and(|to_ns| to_ns <= self.from_ns)
    }

    /// Whether what was from `start_ns` to `end_ns` is in it.
    pub(super) fn touches(&self, start_ns: u64, end_ns: u64) -> bool {
        end_ns >= self.from_ns && self.to_ns.is_none_or(|to_ns| start_ns < to_ns)
    }

    pub(super) fn holds_turn(&self, turn: &Turn) -> bool {
        self.touches(turn.start_ns, turn.end_ns)
    }

    pub(super) fn holds_finding(&self, finding: &Finding) -> bool {
        self.touches(finding.start_ns, finding.end_ns)
    }

    /// One that was not seen to begin was there before, and one that was not seen to be complete is under way. How long a
    /// later shot took is not known: it is where it was complete.
    fn holds_request(&self, request: &Request) -> bool {
        let end_ns = request.complete_ns.unwrap_or(u64::MAX);
        let start_ns = match request.shot {
            0 => request.submit_ns.unwrap_or(0),
            _ => request.complete_ns.or(request.submit_ns).unwrap_or(0),
        };
        self.touches(start_ns, end_ns)
    }
}

/// What is in a range: it knows of each thread which call reaches into it from before, since what a call found is told by
/// the call's start alone.
#[derive(Default)]
pub(super) struct Held {
    pub(super) range: Range,
    reaching: HashMap<(u32, u32), u64>,
}

impl Held {
    pub(super) fn new(range: Range) -> Self {
        Self {
            range,
            reaching: HashMap::new(),
        }
    }

    /// Takes in a call, before anything is asked.
    pub(super) fn note(&mut self, call: &Call) {
        let reaches = call.start_ns < self.range.from_ns && call.end_ns >= self.range.from_ns;
        if reaches && self.reaching.len() < THREADS_MAX {
            self.reaching.insert((call.pid, call.tid), call.start_ns);
        }
    }

    /// Whether an event is in it. What stands behind a descriptor and how the trace ended is of the whole trace.
    pub(super) fn holds(&self, event: &Event) -> bool {
        match event {
            Event::Call(call) => self.range.touches(call.start_ns, call.end_ns),
            Event::OffCpu(span) => self.range.touches(span.start_ns, span.end_ns),
            Event::Life(life) => self.range.touches(life.at_ns, life.at_ns),
            Event::Gap(gap) => self.range.touches(gap.start_ns, gap.end_ns),
            Event::Open(open) => self.range.touches(open.since_ns, open.at_ns),
            Event::Request(request) => self.range.holds_request(request),
            Event::Ready(ready) => self.holds_ready(ready),
            Event::Descriptor(_) | Event::End(_) => true,
        }
    }

    /// Of a call that is in it.
    fn holds_ready(&self, ready: &Ready) -> bool {
        let start_ns = ready.call_start_ns;
        let reaches = || self.reaching.get(&(ready.pid, ready.tid)) == Some(&start_ns);
        self.range.touches(start_ns, start_ns) || start_ns < self.range.from_ns && reaches()
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn what_touches_a_range_is_in_it_and_the_whole_trace_leaves_nothing_out() {
        let range = Range {
            from_ns: 10,
            to_ns: Some(20),
        };
        for (start_ns, end_ns, is_in) in [
            (0, 9, false),
            (0, 10, true),
            (0, 30, true),
            (10, 10, true),
            (19, 30, true),
            (20, 30, false),
            (20, 20, false),
        ] {
            assert_eq!(
                range.touches(start_ns, end_ns),
                is_in,
                "{start_ns}–{end_ns}"
            );
        }
        assert!(Range::default().touches(u64::MAX, u64::MAX));
        assert!(Range::default().is_whole() && !Range::default().is_empty());
        assert!(!range.is_whole() && !range.is_empty());
        let backwards = Range {
            from_ns: 20,
            to_ns: Some(20),
        };
        assert!(backwards.is_empty());
    }
}
