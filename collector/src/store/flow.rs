//! What calls on one connection do, by bucket of time: counts, bytes, and how much of each bucket they take.
//!
//! Sums are exact to the nanosecond, however many calls there are and however long each is.

use std::ops::AddAssign;

use super::connection::{Use, UseKind};
use crate::model::Call;

/// What calls do in one bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Times that data came that was then read.
    pub arrivals: u64,
    /// Receives that began to read.
    pub receives: u64,
    /// Of those, of how many it is not known when what they read came.
    pub unknown: u64,
    /// Receives that began and read nothing.
    pub empty: u64,
    /// Sends that began.
    pub sends: u64,
    /// Other calls that began.
    pub others: u64,
    /// What the receives read.
    pub received_bytes: u64,
    /// What the sends sent.
    pub sent_bytes: u64,
    /// How long data waited, all together.
    pub waiting_ns: u64,
    /// How long it was being read, all together.
    pub reading_ns: u64,
    /// How long threads were in sends, all together.
    pub sending_ns: u64,
}

impl AddAssign for Flow {
    fn add_assign(&mut self, other: Self) {
        let pairs = [
            (&mut self.arrivals, other.arrivals),
            (&mut self.receives, other.receives),
            (&mut self.unknown, other.unknown),
            (&mut self.empty, other.empty),
            (&mut self.sends, other.sends),
            (&mut self.others, other.others),
            (&mut self.received_bytes, other.received_bytes),
            (&mut self.sent_bytes, other.sent_bytes),
            (&mut self.waiting_ns, other.waiting_ns),
            (&mut self.reading_ns, other.reading_ns),
            (&mut self.sending_ns, other.sending_ns),
        ];
        for (sum, more) in pairs {
            *sum = sum.saturating_add(more);
        }
    }
}

/// A stretch of time in buckets.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub(super) from_ns: u64,
    pub(super) to_ns: u64,
    pub(super) width_ns: u64,
}

impl Grid {
    pub(super) fn holds(self, ns: u64) -> bool {
        (self.from_ns..self.to_ns).contains(&ns)
    }

    pub(super) fn bucket(self, ns: u64) -> usize {
        (ns.saturating_sub(self.from_ns) / self.width_ns) as usize
    }

    pub(super) fn count(self) -> usize {
        self.bucket(self.to_ns - 1) + 1
    }

    /// Whether any of it lies in the stretch.
    pub(super) fn touches(self, (from_ns, to_ns): (u64, u64)) -> bool {
        from_ns < self.to_ns && (to_ns > self.from_ns || from_ns >= self.from_ns)
    }
}

/// How much of each bucket stretches of time cover, all together. However long one is, to add it takes the same time.
pub(super) struct Cover {
    grid: Grid,
    /// What lies in a bucket's part.
    parts: Vec<u64>,
    /// How many more cover all of a bucket than of the one before.
    steps: Vec<i64>,
}

impl Cover {
    pub(super) fn new(grid: Grid) -> Self {
        let count = grid.count();
        Self {
            grid,
            parts: vec![0; count],
            steps: vec![0; count + 1],
        }
    }

    pub(super) fn add(&mut self, from_ns: u64, to_ns: u64) {
        let Grid {
            from_ns: least_ns,
            to_ns: most_ns,
            width_ns,
        } = self.grid;
        let (from_ns, to_ns) = (from_ns.max(least_ns), to_ns.min(most_ns));
        if from_ns >= to_ns {
            return;
        }
        let (first, last) = (self.grid.bucket(from_ns), self.grid.bucket(to_ns - 1));
        let begin_ns = |bucket: usize| least_ns.saturating_add(bucket as u64 * width_ns);
        let first_end_ns = begin_ns(first).saturating_add(width_ns).min(to_ns);
        self.part(first, first_end_ns - from_ns);
        if last > first {
            self.part(last, to_ns - begin_ns(last));
            self.step(first + 1, 1);
            self.step(last, -1);
        }
    }

    /// Adds what another of the same buckets has.
    pub(super) fn add_all(&mut self, other: Self) {
        for (part, more) in self.parts.iter_mut().zip(other.parts) {
            *part = part.saturating_add(more);
        }
        for (step, more) in self.steps.iter_mut().zip(other.steps) {
            *step += more;
        }
    }

    fn part(&mut self, bucket: usize, ns: u64) {
        if let Some(part) = self.parts.get_mut(bucket) {
            *part = part.saturating_add(ns);
        }
    }

    fn step(&mut self, bucket: usize, by: i64) {
        if let Some(step) = self.steps.get_mut(bucket) {
            *step += by;
        }
    }

    /// What each bucket has.
    pub(super) fn sums(self) -> impl Iterator<Item = u64> {
        let width_ns = self.grid.width_ns;
        let mut whole: i64 = 0;
        self.parts
            .into_iter()
            .zip(self.steps)
            .map(move |(part, step)| {
                whole += step;
                let whole_ns = u64::try_from(whole).unwrap_or(0).saturating_mul(width_ns);
                part.saturating_add(whole_ns)
            })
    }
}

/// What calls do, by bucket.
pub(super) struct Sums {
    grid: Grid,
    flows: Vec<Flow>,
    waiting: Cover,
    reading: Cover,
    sending: Cover,
}

impl Sums {
    pub(super) fn new(grid: Grid) -> Self {
        Self {
            grid,
            flows: vec![Flow::default(); grid.count()],
            waiting: Cover::new(grid),
            reading: Cover::new(grid),
            sending: Cover::new(grid),
        }
    }

    pub(super) fn add(&mut self, used: &Use) {
        let Call {
            start_ns, end_ns, ..
        } = used.call;
        match (used.kind, used.read_ns()) {
            (UseKind::Receive, Some(read_ns)) => {
                let arrived_ns = used.arrived_ns();
                if let Some(arrived_ns) = arrived_ns {
                    self.at(arrived_ns, |flow| flow.arrivals += 1);
                    self.waiting.add(arrived_ns, read_ns);
                }
                self.reading.add(read_ns, end_ns);
                self.at(read_ns, |flow| {
                    flow.receives += 1;
                    flow.unknown += u64::from(arrived_ns.is_none());
                    flow.received_bytes = flow.received_bytes.saturating_add(used.bytes());
                });
            }
            (UseKind::Receive, None) => self.at(start_ns, |flow| flow.empty += 1),
            (UseKind::Send, _) => {
                self.sending.add(start_ns, end_ns);
                self.at(start_ns, |flow| {
                    flow.sends += 1;
                    flow.sent_bytes = flow.sent_bytes.saturating_add(used.bytes());
                });
            }
            (UseKind::Other, _) => self.at(start_ns, |flow| flow.others += 1),
        }
    }

    fn at(&mut self, ns: u64, change: impl FnOnce(&mut Flow)) {
        if self.grid.holds(ns)
            && let Some(flow) = self.flows.get_mut(self.grid.bucket(ns))
        {
            change(flow);
        }
    }

    /// The buckets in which there is something.
    pub(super) fn told(self) -> Vec<(u32, Flow)> {
        let times = self.waiting.sums().zip(self.reading.sums());
        let times = times.zip(self.sending.sums());
        let flows = (0..).zip(self.flows).zip(times);
        let flows = flows.map(|((bucket, flow), ((waiting_ns, reading_ns), sending_ns))| {
            let flow = Flow {
                waiting_ns,
                reading_ns,
                sending_ns,
                ..flow
            };
            (bucket, flow)
        });
        flows.filter(|(_, flow)| *flow != Flow::default()).collect()
    }
}

/// Those of one bucket made one.
pub(super) fn merged(mut all: Vec<(u32, Flow)>) -> Vec<(u32, Flow)> {
    all.sort_by_key(|(bucket, _)| *bucket);
    let mut told: Vec<(u32, Flow)> = Vec::new();
    for (bucket, flow) in all {
        match told.last_mut() {
            Some((last, sum)) if *last == bucket => *sum += flow,
            _ => told.push((bucket, flow)),
        }
    }
    told
}
