//! Calls, their phases and times off the CPU as slices of threads, for viewers of traces.
//!
//! On each thread the slices are ordered and nested, whatever the recording holds. Nothing honest is moved by that.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;

use super::call::name;
use super::overview::Overview;
use super::phases::{Extent, Phase, pieces};
use super::range::Range;
use super::slice_args::CallArgs;
use crate::model::{Arch, Call, Descriptor, Event, OffCpu, OpenThread};

/// Threads drawn, at most.
const LANES_MAX: usize = 1 << 18;
/// Times off the CPU that wait for the call they are in, at most: of one thread, and of all.
const PENDING_MAX: usize = 4_096;
const PENDING_ALL_MAX: usize = 1 << 19;

/// A process and its thread.
pub(super) type ThreadId = (u32, u32);

/// The next mark on a thread.
pub(super) enum Mark<'a> {
    /// A call begins.
    Call(&'a str, CallArgs),
    /// A phase of the call that was begun last.
    Phase {
        phase: Phase,
        /// The time off the CPU it belongs to.
        span: Option<&'a OffCpu>,
        /// The sleep whose end this phase begins with.
        woken: Option<&'a OffCpu>,
    },
    /// A part of a time off the CPU outside calls, or in one that was lost.
    OffCpu {
        phase: Phase,
        span: &'a OffCpu,
        woken: Option<&'a OffCpu>,
    },
    /// What was begun last ends.
    End,
}

/// What is done with each mark.
pub(super) type Put<'a> = dyn FnMut(ThreadId, u64, Mark<'_>) -> Result<()> + 'a;

/// One thread as far as it has been drawn.
#[derive(Default)]
struct Lane {
    pid: u32,
    /// Nothing may be drawn before this.
    drawn_ns: u64,
    /// Times off the CPU in a call that has not ended yet.
    pending: Vec<OffCpu>,
}

/// Turns events into marks.
pub(super) struct Slices<'a> {
    arch: Option<Arch>,
    lanes: HashMap<u32, Lane>,
    /// Times off the CPU that are pending, of all threads.
    pending: usize,
    descriptors: &'a BTreeMap<u32, Descriptor>,
    /// What is not in it is not drawn, but moves what may be drawn after it as if it were.
    range: Range,
}

impl<'a> Slices<'a> {
    pub(super) fn new(first: &'a Overview) -> Self {
        Self {
            arch: first.arch,
            lanes: HashMap::new(),
            pending: 0,
            descriptors: &first.descriptors,
            range: first.held.range,
        }
    }

    pub(super) fn event(&mut self, event: &Event, put: &mut Put<'_>) -> Result<()> {
        match event {
            Event::Call(call) => self.call(call, put),
            Event::OffCpu(span) => self.span(span, put),
            Event::Open(open) => self.open(open, put),
            // A thread's end shows in that nothing follows. What was lost, and requests, are of no one thread.
            Event::Life(_)
            | Event::Descriptor(_)
            | Event::Ready(_)
            | Event::Request(_)
            | Event::Gap(_)
            | Event::End(_) => Ok(()),
        }
    }

    /// The thread's lane; `None` if there are too many.
    fn lane(&mut self, pid: u32, tid: u32) -> Option<&mut Lane> {
        if self.lanes.len() >= LANES_MAX && !self.lanes.contains_key(&tid) {
            return None;
        }
        let lane = self.lanes.entry(tid).or_default();
        lane.pid = pid;
        Some(lane)
    }

    fn span(&mut self, span: &OffCpu, put: &mut Put<'_>) -> Result<()> {
        let room = self.pending < PENDING_ALL_MAX;
        let Some(lane) = self.lane(span.pid, span.tid) else {
            return Ok(());
        };
        if !span.in_call {
            return self.off_cpu(span, put);
        }
        // One left out shows: the call's phases don't add up then.
        if room && lane.pending.len() < PENDING_MAX {
            lane.pending.push(span.clone());
            self.pending += 1;
        }
        Ok(())
    }

    /// The pending times off the CPU that lie in a call which began then. Others are of calls that
    /// were lost, and are drawn as they are.
    fn take_pending(&mut self, tid: u32, since_ns: u64, put: &mut Put<'_>) -> Result<Vec<OffCpu>> {
        let Some(lane) = self.lanes.get_mut(&tid) else {
            return Ok(Vec::new());
        };
        let spans = std::mem::take(&mut lane.pending);
        self.pending -= spans.len();
        let (inside, outside): (Vec<_>, Vec<_>) = spans
            .into_iter()
            .partition(|span| span.start_ns >= since_ns);
        for span in outside {
            self.off_cpu(&span, put)?;
        }
        Ok(inside)
    }

    fn call(&mut self, call: &Call, put: &mut Put<'_>) -> Result<()> {
        if self.lane(call.pid, call.tid).is_none() {
            return Ok(());
        }
        let spans = self.take_pending(call.tid, call.start_ns, put)?;
        let name = name(self.arch, call.nr);
        self.nest(
            (call.pid, call.tid),
            &name,
            &Extent::from(call),
            &spans,
            CallArgs {
                descriptor: self.name_of(call.descriptor),
                ..call.into()
            },
            put,
        )
    }

    fn name_of(&self, descriptor: Option<u32>) -> Option<String> {
        let descriptor = self.descriptors.get(&descriptor?)?;
        Some(descriptor.name.clone()).filter(|name| !name.is_empty())
    }

    fn open(&mut self, open: &OpenThread, put: &mut Put<'_>) -> Result<()> {
        let Some(lane) = self.lane(open.pid, open.tid) else {
            return Ok(());
        };
        let since = if open.nr.is_some() {
            open.since_ns
        } else {
            lane.drawn_ns
        };
        let mut spans = self.take_pending(open.tid, since, put)?;
        // The time off the CPU that has not ended yet.
        if let Some(start_ns) = open.off_since_ns {
            spans.push(OffCpu {
                pid: open.pid,
                tid: open.tid,
                cpu: 0,
                start_ns,
                // A preempted thread counts as woken when it left.
                woken_ns: Some(open.woken_ns.unwrap_or(open.at_ns)),
                end_ns: open.at_ns,
                times: 1,
                unseen: false,
                in_call: open.nr.is_some(),
                state: 0,
                waker: None,
                waker_comm: String::new(),
            });
        }
        let Some(nr) = open.nr else {
            return spans.iter().try_for_each(|span| self.off_cpu(span, put));
        };
        let call = nr.map_or_else(|| "unknown call".into(), |nr| name(self.arch, nr));
        self.nest(
            (open.pid, open.tid),
            &call,
            &Extent::from(open),
            &spans,
            open.into(),
            put,
        )
    }

    /// A call with its phases in it.
    fn nest(
        &mut self,
        thread: ThreadId,
        name: &str,
        extent: &Extent,
        spans: &[OffCpu],
        args: CallArgs,
        put: &mut Put<'_>,
    ) -> Result<()> {
        let (pieces, complete) = pieces(extent, spans);
        let (start, end) = self.advance(thread.1, extent.start_ns, extent.end_ns);
        if !self.range.touches(extent.start_ns, extent.end_ns) {
            return Ok(());
        }
        let args = CallArgs {
            phases_incomplete: !complete,
            ..args
        };
        put(thread, start, Mark::Call(name, args))?;
        let mut slept = None;
        for piece in pieces {
            let span = piece.span.and_then(|at| spans.get(at));
            let of_wakeup = if piece.phase == Phase::Runnable {
                span
            } else {
                None
            };
            let woken = slept.or(of_wakeup);
            let woken = woken.filter(|span| span.woken_ns == Some(piece.start_ns));
            slept = span.filter(|_| piece.phase == Phase::Blocked);
            let from = piece.start_ns.clamp(start, end);
            let to = piece.end_ns.clamp(start, end);
            if from < to {
                let phase = piece.phase;
                put(thread, from, Mark::Phase { phase, span, woken })?;
                put(thread, to, Mark::End)?;
            }
        }
        put(thread, end, Mark::End)
    }

    /// A time off the CPU outside calls, or in one that was lost.
    fn off_cpu(&mut self, span: &OffCpu, put: &mut Put<'_>) -> Result<()> {
        let thread = (span.pid, span.tid);
        let woken_ns = span.woken_ns.unwrap_or(span.start_ns);
        let slept = span.woken_ns.map(|_| span);
        for (phase, from, to, woken) in [
            (Phase::Blocked, span.start_ns, woken_ns, None),
            (Phase::Runnable, woken_ns, span.end_ns, slept),
        ] {
            let (from, to) = self.advance(span.tid, from, to);
            if from < to && self.range.touches(span.start_ns, span.end_ns) {
                put(thread, from, Mark::OffCpu { phase, span, woken })?;
                put(thread, to, Mark::End)?;
            }
        }
        Ok(())
    }

    /// Where the next slice of this thread may be drawn: nothing honest is changed by this.
    fn advance(&mut self, tid: u32, start_ns: u64, end_ns: u64) -> (u64, u64) {
        let Some(lane) = self.lanes.get_mut(&tid) else {
            return (start_ns, end_ns.max(start_ns));
        };
        let start = start_ns.max(lane.drawn_ns);
        let end = end_ns.max(start);
        lane.drawn_ns = end;
        (start, end)
    }

    /// What was pending when the recording ended.
    pub(super) fn finish(&mut self, put: &mut Put<'_>) -> Result<()> {
        let mut tids: Vec<u32> = self.lanes.keys().copied().collect();
        tids.sort_unstable();
        for tid in tids {
            for span in self.take_pending(tid, 0, put)? {
                self.off_cpu(&span, put)?;
            }
        }
        Ok(())
    }
}
