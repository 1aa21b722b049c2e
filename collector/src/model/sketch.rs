//! A batch of a recording as far as a picture needs it: short calls that follow one another as one sum, everything
//! longer as it is.
//!
//! What it leaves out is read again from the file when it is looked at closely. It must say of each call in which
//! stretch of time it is, and that one was there; and must sum nothing that a store would refuse.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::{Call, Event, OffCpu, Ready, id_map::IdMap};

/// A sketch's width as two to this in nanoseconds (66 µs), where it is made for all pictures of a whole trace: the
/// bucket of the finest one that is kept.
pub const SHORT_BITS: u8 = 16;
/// The same (2.1 ms) for a first look, however long the trace: a batch takes some dozens of pieces then.
pub const GLANCE_BITS: u8 = 21;
/// The same (34 ms) for a first look at a batch in which many threads do little each.
pub const GLANCE_BITS_MAX: u8 = 25;

/// A batch in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketch {
    /// Calls and times off the CPU shorter than two to this in nanoseconds are only summed.
    pub bits: u8,
    /// What is in it, in the order of the file.
    pub pieces: Vec<Piece>,
    /// What readiness calls found that are in the next batch.
    pub ready: Vec<Ready>,
}

/// What a batch is sketched with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// Short calls, and what was off the CPU between them.
    Run(Run),
    /// Short times off the CPU, some of which may be in a run too.
    Spans(Series),
    /// A short time off the CPU that is in no run.
    Off(Off),
    /// Anything else.
    Event(Event),
}

/// Short calls, and short times off the CPU outside calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Where they are.
    pub series: Series,
    /// What they add up to.
    pub sum: Sum,
}

/// Things of one thread that follow one another and all begin in the same bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// When the first began.
    pub start_ns: u64,
    /// When the last began.
    pub last_start_ns: u64,
    /// When the last ended.
    pub end_ns: u64,
    /// How many there are.
    pub count: u32,
}

impl Sketch {
    /// The same in less detail, to this many bits: what followed one another in a wider bucket is summed. What was long
    /// stays as it is.
    pub fn coarser(self, bits: u8) -> Self {
        let mut sketcher = Sketcher::new(bits);
        for piece in self.pieces {
            match piece {
                Piece::Run(run) => sketcher.run(run),
                Piece::Spans(spans) => sketcher.spans(spans),
                Piece::Off(off) => sketcher.off(off),
                Piece::Event(event) => sketcher.event(event),
            }
        }
        Self {
            bits,
            pieces: sketcher.take(),
            ready: self.ready,
        }
    }
}

impl Series {
    /// Of a single thing.
    pub fn one(pid: u32, tid: u32, start_ns: u64, end_ns: u64) -> Self {
        Self {
            pid,
            tid,
            start_ns,
            last_start_ns: start_ns,
            end_ns,
            count: 1,
        }
    }

    /// Whether a thing that comes next begins in the same bucket.
    fn has_room(&self, next: &Self, bits: u8) -> bool {
        self.start_ns >> bits == next.start_ns >> bits && self.pid == next.pid
    }

    fn add(&mut self, next: &Self) {
        self.last_start_ns = next.last_start_ns;
        self.end_ns = next.end_ns;
        self.count = self.count.saturating_add(next.count);
    }

    /// Whether its times are in order.
    pub fn is_sound(&self) -> bool {
        self.start_ns <= self.last_start_ns && self.last_start_ns <= self.end_ns
    }
}

/// A short time off the CPU, but for what woke it. What each means is said at [`OffCpu`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "they are those of a whole one")]
pub struct Off {
    pub pid: u32,
    pub tid: u32,
    pub start_ns: u64,
    pub woken_ns: Option<u64>,
    pub end_ns: u64,
    pub in_call: bool,
}

impl From<&OffCpu> for Off {
    fn from(span: &OffCpu) -> Self {
        Self {
            pid: span.pid,
            tid: span.tid,
            start_ns: span.start_ns,
            woken_ns: span.woken_ns,
            end_ns: span.end_ns,
            in_call: span.in_call,
        }
    }
}

impl Off {
    /// Asleep.
    pub fn blocked_ns(&self) -> u64 {
        self.woken_ns
            .map_or(0, |woken| woken.saturating_sub(self.start_ns))
    }

    /// Wanting the CPU.
    pub fn runnable_ns(&self) -> u64 {
        self.end_ns
            .saturating_sub(self.woken_ns.unwrap_or(self.start_ns))
    }

    fn is_sound(&self) -> bool {
        self.start_ns <= self.end_ns
            && self
                .woken_ns
                .is_none_or(|woken| self.start_ns <= woken && woken <= self.end_ns)
    }
}

/// What the calls, and the times off the CPU outside calls, of some stretch add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// Calls.
    pub calls: u32,
    /// Their phases, in nanoseconds.
    pub kernel_ns: u64,
    /// See `kernel_ns`.
    pub blocked_ns: u64,
    /// See `kernel_ns`.
    pub runnable_ns: u64,
    /// See `kernel_ns`.
    pub copying_ns: u64,
    /// Blocked outside calls.
    pub outside_blocked_ns: u64,
    /// Runnable outside calls.
    pub outside_runnable_ns: u64,
    /// In calls not recorded, before these.
    pub other_ns: u64,
}

impl Sum {
    /// Of one call.
    pub fn of_call(call: &Call) -> Self {
        Self {
            calls: 1,
            kernel_ns: call.kernel_ns,
            blocked_ns: call.blocked_ns,
            runnable_ns: call.runnable_ns,
            copying_ns: call.copying_ns,
            other_ns: call.other_ns,
            ..Self::default()
        }
    }

    /// Of one time off the CPU outside calls.
    pub fn of_outside(span: &Off) -> Self {
        Self {
            outside_blocked_ns: span.blocked_ns(),
            outside_runnable_ns: span.runnable_ns(),
            ..Self::default()
        }
    }

    /// The time spent in calls.
    pub fn calls_ns(&self) -> u64 {
        self.kernel_ns
            .saturating_add(self.blocked_ns)
            .saturating_add(self.runnable_ns)
            .saturating_add(self.copying_ns)
    }
}

impl AddAssign for Sum {
    fn add_assign(&mut self, more: Self) {
        // Exhaustive, so that a new field can't be forgotten. Saturating: a file may hold any numbers.
        let Self {
            calls,
            kernel_ns,
            blocked_ns,
            runnable_ns,
            copying_ns,
            outside_blocked_ns,
            outside_runnable_ns,
            other_ns,
        } = more;
        self.calls = self.calls.saturating_add(calls);
        for (sum, more) in [
            (&mut self.kernel_ns, kernel_ns),
            (&mut self.blocked_ns, blocked_ns),
            (&mut self.runnable_ns, runnable_ns),
            (&mut self.copying_ns, copying_ns),
            (&mut self.outside_blocked_ns, outside_blocked_ns),
            (&mut self.outside_runnable_ns, outside_runnable_ns),
            (&mut self.other_ns, other_ns),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

impl Run {
    /// A single call, if it is shorter than a bucket and its phases are its duration.
    pub fn of_call(call: &Call, bits: u8) -> Option<Self> {
        let duration_ns = call.end_ns.checked_sub(call.start_ns)?;
        let is_short = duration_ns >> bits == 0 && call.phases_ns() == duration_ns;
        is_short.then(|| Self {
            series: Series::one(call.pid, call.tid, call.start_ns, call.end_ns),
            sum: Sum::of_call(call),
        })
    }

    fn of_outside(series: Series, off: &Off) -> Self {
        let sum = Sum::of_outside(off);
        Self { series, sum }
    }
}

/// How far a thread has come in a batch.
#[derive(Default)]
struct Last {
    /// Whether it had anything yet that must be in order with its calls, and when the last of that ended.
    items_end_ns: Option<u64>,
    /// Where its last run is, if that may go on.
    run: Option<usize>,
    /// The same of its times off the CPU.
    spans_end_ns: Option<u64>,
    spans: Option<usize>,
}

/// Makes a sketch of what it is told, in the order of the file.
///
/// The first call of a thread in a batch, and one out of order, are never added to others: the store may refuse them.
pub struct Sketcher {
    bits: u8,
    pieces: Vec<Piece>,
    threads: IdMap<u32, Last>,
}

impl Sketcher {
    /// Nothing yet. Short is what is shorter than two to `bits` in nanoseconds.
    pub fn new(bits: u8) -> Self {
        Self {
            bits,
            pieces: Vec::new(),
            threads: IdMap::default(),
        }
    }

    /// How long is not short.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Adds a run, as which a short call comes by itself.
    pub fn run(&mut self, run: Run) {
        let last = self.threads.entry(run.series.tid).or_default();
        put(run, last, &mut self.pieces, self.bits);
    }

    /// Adds short times off the CPU, of which those outside calls come in a run too.
    fn spans(&mut self, series: Series) {
        let last = self.threads.entry(series.tid).or_default();
        let in_order = last
            .spans_end_ns
            .is_some_and(|end_ns| series.start_ns >= end_ns);
        last.spans_end_ns = last.spans_end_ns.max(Some(series.end_ns));
        if in_order
            && let Some(Piece::Spans(spans)) = last.spans.and_then(|at| self.pieces.get_mut(at))
            && spans.has_room(&series, self.bits)
        {
            spans.add(&series);
        } else {
            last.spans = in_order.then_some(self.pieces.len());
            self.pieces.push(Piece::Spans(series));
        }
    }

    /// Adds a short time off the CPU.
    pub fn off(&mut self, off: Off) {
        let last = self.threads.entry(off.tid).or_default();
        let is_after = |end_ns: Option<u64>| end_ns.is_some_and(|end_ns| off.start_ns >= end_ns);
        let in_order = is_after(last.spans_end_ns) && (off.in_call || is_after(last.items_end_ns));
        if !in_order || !off.is_sound() {
            last.spans_end_ns = last.spans_end_ns.max(Some(off.end_ns));
            if !off.in_call {
                last.items_end_ns = last.items_end_ns.max(Some(off.end_ns));
            }
            (last.run, last.spans) = (None, None);
            self.pieces.push(Piece::Off(off));
            return;
        }
        let one = Series::one(off.pid, off.tid, off.start_ns, off.end_ns);
        self.spans(one);
        if !off.in_call {
            self.run(Run::of_outside(one, &off));
        }
    }

    /// Adds anything else.
    pub fn event(&mut self, event: Event) {
        match &event {
            Event::Call(call) => {
                let last = self.threads.entry(call.tid).or_default();
                last.items_end_ns = last.items_end_ns.max(Some(call.end_ns));
                last.run = None;
            }
            Event::OffCpu(span) => {
                let last = self.threads.entry(span.tid).or_default();
                last.spans_end_ns = last.spans_end_ns.max(Some(span.end_ns));
                if !span.in_call {
                    last.items_end_ns = last.items_end_ns.max(Some(span.end_ns));
                }
                (last.run, last.spans) = (None, None);
            }
            // Another thread may have the number from now on.
            Event::Life(life) => {
                self.threads.remove(&life.tid);
            }
            _ => {}
        }
        self.pieces.push(Piece::Event(event));
    }

    /// Takes what there is so far, and begins with the next batch.
    pub fn take(&mut self) -> Vec<Piece> {
        self.threads.clear();
        std::mem::take(&mut self.pieces)
    }
}

/// Adds a thing to its thread's run, or begins another.
fn put(one: Run, last: &mut Last, pieces: &mut Vec<Piece>, bits: u8) {
    let in_order = last
        .items_end_ns
        .is_some_and(|end_ns| one.series.start_ns >= end_ns);
    last.items_end_ns = last.items_end_ns.max(Some(one.series.end_ns));
    if !in_order {
        last.run = None;
        pieces.push(Piece::Run(one));
        return;
    }
    if let Some(Piece::Run(run)) = last.run.and_then(|at| pieces.get_mut(at))
        && run.series.has_room(&one.series, bits)
    {
        run.series.add(&one.series);
        run.sum += one.sum;
        return;
    }
    last.run = Some(pieces.len());
    pieces.push(Piece::Run(one));
}
