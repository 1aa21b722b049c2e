//! A thread that comes late: it waits for a CPU and not for descriptors, or its data lies in sockets.

use super::What;
use super::thread::Found;
use crate::model::Call;

/// Readiness calls before their sums say something.
const CALLS_MIN: u64 = 100;
/// Time spent waiting for a CPU in them that is worth a word,
const RUNNABLE_MIN_NS: u64 = 10_000_000;
/// and its share of the thread's time, in percent.
const RUNNABLE_PERCENT: u64 = 10;

/// Receives before one in a hundred of them says something.
const READS_MIN: u64 = 1_000;
/// Data that lies for less than this hardly matters to whoever sent it.
const DELAY_MIN_NS: u64 = 5_000_000;
/// How much longer it must lie than the thread works for each receive: a few may come at once.
const DELAY_TO_WORK: u64 = 10;

/// Buckets of a doubling, so that one is an eighth wide.
const STEPS_BITS: u32 = 3;
/// All buckets: 64 doublings.
const BUCKETS: usize = 64 << STEPS_BITS;

/// How late one thread comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Late {
    calls: u64,
    runnable_ns: u64,
    blocked_ns: u64,
    first_ns: u64,
    last_ns: u64,
    delays: Option<Box<[u32; BUCKETS]>>,
    reads: u64,
    /// The longest delay: how long, and when it was over.
    longest: (u64, u64),
    /// Off the CPU in any call.
    off_ns: u64,
}

impl Late {
    /// A readiness call ended.
    pub(super) fn turn(&mut self, call: &Call) {
        if call.is_check() {
            return;
        }
        if self.calls == 0 {
            self.first_ns = call.start_ns;
        }
        self.calls += 1;
        self.runnable_ns = self.runnable_ns.saturating_add(call.runnable_ns);
        self.blocked_ns = self.blocked_ns.saturating_add(call.blocked_ns);
        self.last_ns = call.end_ns;
    }

    /// Any call ended.
    pub(super) fn call(&mut self, call: &Call) {
        let off = call.blocked_ns.saturating_add(call.runnable_ns);
        self.off_ns = self.off_ns.saturating_add(off);
        let Some(delay_ns) = call.ready_delay_ns else {
            return;
        };
        self.reads += 1;
        if delay_ns > self.longest.0 {
            self.longest = (delay_ns, call.end_ns);
        }
        let delays = self.delays.get_or_insert_with(|| Box::new([0; BUCKETS]));
        if let Some(bucket) = delays.get_mut(bucket(delay_ns)) {
            *bucket = bucket.saturating_add(1);
        }
    }

    /// Nothing follows. `observed_ns` is how long the thread was seen.
    pub(super) fn finish(&mut self, observed_ns: u64, found: &mut Vec<Found>) {
        let share = u128::from(self.runnable_ns) * 100
            >= u128::from(observed_ns) * u128::from(RUNNABLE_PERCENT);
        if self.calls >= CALLS_MIN
            && self.runnable_ns > self.blocked_ns
            && self.runnable_ns >= RUNNABLE_MIN_NS
            && share
        {
            found.push(Found {
                what: What::RunQueue {
                    calls: self.calls,
                    runnable_ns: self.runnable_ns,
                    blocked_ns: self.blocked_ns,
                },
                on: None,
                start_ns: self.first_ns,
                end_ns: self.last_ns,
                inferred: false,
            });
        }
        let work_ns = observed_ns.saturating_sub(self.off_ns) / self.reads.max(1);
        let p99_ns = self.p99_ns();
        if self.reads >= READS_MIN
            && p99_ns >= DELAY_MIN_NS
            && p99_ns >= work_ns.saturating_mul(DELAY_TO_WORK)
        {
            let (longest_ns, end_ns) = self.longest;
            found.push(Found {
                what: What::LateReading {
                    reads: self.reads,
                    p99_ns,
                    work_ns,
                },
                on: None,
                start_ns: end_ns.saturating_sub(longest_ns),
                end_ns,
                inferred: false,
            });
        }
    }

    /// What one in a hundred reached, or a little less: the lower end of its bucket.
    fn p99_ns(&self) -> u64 {
        let Some(delays) = &self.delays else { return 0 };
        let mut left = self.reads / 100;
        for (at, count) in delays.iter().enumerate().rev() {
            left = match left.checked_sub(u64::from(*count)) {
                Some(left) if left > 0 || *count == 0 => left,
                _ => return lowest(at),
            };
        }
        0
    }
}

/// The bucket of a number: its highest bit, and the three below it.
fn bucket(nanos: u64) -> usize {
    let highest = nanos.max(1).ilog2();
    let step = match highest.checked_sub(STEPS_BITS) {
        Some(shift) => (nanos >> shift) & ((1 << STEPS_BITS) - 1),
        None => 0,
    };
    (usize::try_from(highest).unwrap_or(0) << STEPS_BITS) | usize::try_from(step).unwrap_or(0)
}

/// The lowest number of a bucket.
fn lowest(bucket: usize) -> u64 {
    let highest = bucket >> STEPS_BITS;
    let step = (bucket & ((1 << STEPS_BITS) - 1)) as u64;
    let base = 1_u64 << highest.min(63);
    base + (base >> STEPS_BITS) * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_in_its_bucket_and_buckets_are_an_eighth_wide() {
        for number in [0, 1, 7, 8, 9, 1_000, 5_000_000, 123_456_789, u64::MAX] {
            let low = lowest(bucket(number));
            assert!(low <= number.max(1), "{number}: {low}");
            assert!(number < 8 || number - low <= number / 8, "{number}: {low}");
        }
    }

    #[test]
    fn one_in_a_hundred_reaches_the_percentile() {
        let mut late = Late {
            reads: 1_000,
            ..Late::default()
        };
        let mut delays = Box::new([0; BUCKETS]);
        delays[bucket(1_000)] = 990;
        delays[bucket(8_000_000)] = 10;
        late.delays = Some(delays);
        assert_eq!(late.p99_ns(), lowest(bucket(8_000_000)));
        let Some(delays) = &mut late.delays else {
            unreachable!()
        };
        delays[bucket(1_000)] = 991;
        delays[bucket(8_000_000)] = 9;
        assert!(late.p99_ns() < 2_000);
    }
}
