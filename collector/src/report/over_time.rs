//! Work and waits over time, in a bounded number of buckets.
//!
//! Their sums are those of the turns, to the nanosecond: a time that lies in several buckets is shared out.

use serde::Serialize;

/// Buckets at most.
const BUCKETS_MAX: usize = 60;
/// The width they begin with.
const FIRST_NS: u64 = 1_000_000;

/// Work and waits over time. Bucket `n` reaches from `n * bucket_ns` to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OverTime {
    /// How wide a bucket is.
    pub bucket_ns: u64,
    /// Work in each bucket, those after the last turn left out.
    pub work_ns: Vec<u64>,
    /// Waits in each.
    pub wait_ns: Vec<u64>,
}

impl Default for OverTime {
    fn default() -> Self {
        Self {
            bucket_ns: FIRST_NS,
            work_ns: Vec::new(),
            wait_ns: Vec::new(),
        }
    }
}

impl OverTime {
    /// Adds a turn.
    pub(super) fn add(&mut self, start_ns: u64, work_end_ns: u64, end_ns: u64) {
        // The last instant that must have a bucket.
        let last_ns = end_ns.max(start_ns.saturating_add(1)) - 1;
        while last_ns / self.bucket_ns >= BUCKETS_MAX as u64 {
            self.double();
        }
        let count = usize::try_from(last_ns / self.bucket_ns).map_or(BUCKETS_MAX, |last| last + 1);
        if self.work_ns.len() < count {
            self.work_ns.resize(count, 0);
            self.wait_ns.resize(count, 0);
        }
        share(&mut self.work_ns, self.bucket_ns, start_ns, work_end_ns);
        share(&mut self.wait_ns, self.bucket_ns, work_end_ns, end_ns);
    }

    fn double(&mut self) {
        self.bucket_ns = self.bucket_ns.saturating_mul(2);
        for sums in [&mut self.work_ns, &mut self.wait_ns] {
            let pairs = sums.chunks(2);
            *sums = pairs
                .map(|pair| pair.iter().copied().fold(0, u64::saturating_add))
                .collect();
        }
    }
}

fn share(sums: &mut [u64], bucket_ns: u64, from_ns: u64, to_ns: u64) {
    let first = usize::try_from(from_ns / bucket_ns).unwrap_or(usize::MAX);
    let mut at_ns = from_ns;
    for (bucket, sum) in sums.iter_mut().enumerate().skip(first) {
        if at_ns >= to_ns {
            break;
        }
        let bucket_end = (bucket as u64 + 1).saturating_mul(bucket_ns);
        let until_ns = to_ns.min(bucket_end);
        *sum = sum.saturating_add(until_ns.saturating_sub(at_ns));
        at_ns = until_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shared_out_to_the_buckets_it_lies_in() {
        let mut over_time = OverTime::default();
        over_time.add(500_000, 2_250_000, 3_000_000);
        assert_eq!(over_time.work_ns, [500_000, 1_000_000, 250_000]);
        assert_eq!(over_time.wait_ns, [0, 0, 750_000]);
        // The 61st bucket makes them all twice as wide.
        over_time.add(3_000_000, 3_000_000, 60_000_001);
        assert_eq!(
            (over_time.bucket_ns, over_time.work_ns.len()),
            (2_000_000, 31)
        );
        assert_eq!(over_time.work_ns[..3], [1_500_000, 250_000, 0]);
        assert_eq!(over_time.wait_ns[..3], [0, 1_750_000, 2_000_000]);
        assert_eq!(over_time.wait_ns[30], 1);
    }

    #[test]
    fn any_time_has_a_bucket() {
        for (from, to) in [(0, 0), (u64::MAX, u64::MAX), (0, u64::MAX)] {
            let mut over_time = OverTime::default();
            over_time.add(from, to, to);
            assert!((1..=BUCKETS_MAX).contains(&over_time.work_ns.len()));
            assert_eq!(over_time.work_ns.iter().sum::<u64>(), to - from);
        }
    }
}
