//! The lag of a loop's turns over time, in a bounded number of buckets.
//!
//! A turn is in the bucket in which it began. Buckets are given up only by adding each to its neighbour, so none is forgotten.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Buckets at most. Each takes some 2 kB.
const BUCKETS_MAX: usize = 60;
/// The width they begin with.
const FIRST_NS: u64 = 1_000_000;
/// Percentiles are exact to a tenth.
const DIGITS: u8 = 1;

/// The lag of turns over time. Bucket `n` reaches from `n * bucket_ns` to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LagOverTime {
    /// How wide a bucket is.
    pub bucket_ns: u64,
    /// Turns that began in each, those after the last turn left out.
    pub turns: Vec<u64>,
    /// 99 of 100 of them had no more lag, to a tenth; `None` where there were none.
    pub p99_ns: Vec<Option<u64>>,
    /// None of them had more.
    pub max_ns: Vec<Option<u64>>,
    /// When the one with most began.
    pub max_at_ns: Vec<Option<u64>>,
}

/// Sums up turns, as they come.
#[derive(Clone)]
pub(super) struct Lags {
    bucket_ns: u64,
    buckets: Vec<Bucket>,
}

#[derive(Clone, Default)]
struct Bucket {
    turns: u64,
    max_ns: u64,
    max_at_ns: u64,
    /// `None` while there is nothing in it.
    spread: Option<Histogram<u32>>,
}

impl Default for Lags {
    fn default() -> Self {
        Self {
            bucket_ns: FIRST_NS,
            buckets: Vec::new(),
        }
    }
}

impl Lags {
    /// Adds a turn.
    pub(super) fn add(&mut self, start_ns: u64, lag_ns: u64) {
        while start_ns / self.bucket_ns >= BUCKETS_MAX as u64 {
            self.double();
        }
        let place = usize::try_from(start_ns / self.bucket_ns).unwrap_or(BUCKETS_MAX - 1);
        if self.buckets.len() <= place {
            self.buckets.resize_with(place + 1, Bucket::default);
        }
        if let Some(bucket) = self.buckets.get_mut(place) {
            bucket.add(start_ns, lag_ns);
        }
    }

    fn double(&mut self) {
        self.bucket_ns = self.bucket_ns.saturating_mul(2);
        let mut pairs = Vec::with_capacity(BUCKETS_MAX);
        let mut buckets = std::mem::take(&mut self.buckets).into_iter();
        while let Some(mut bucket) = buckets.next() {
            if let Some(next) = buckets.next() {
                bucket.join(next);
            }
            pairs.push(bucket);
        }
        self.buckets = pairs;
    }

    /// What it comes to.
    pub(super) fn report(&self) -> LagOverTime {
        let of = |tell: fn(&Bucket) -> u64| {
            let buckets = self.buckets.iter();
            buckets
                .map(|bucket| (bucket.turns > 0).then(|| tell(bucket)))
                .collect()
        };
        LagOverTime {
            bucket_ns: self.bucket_ns,
            turns: self.buckets.iter().map(|bucket| bucket.turns).collect(),
            p99_ns: of(Bucket::p99_ns),
            max_ns: of(|bucket| bucket.max_ns),
            max_at_ns: of(|bucket| bucket.max_at_ns),
        }
    }
}

impl Bucket {
    fn add(&mut self, start_ns: u64, lag_ns: u64) {
        if self.turns == 0 || lag_ns > self.max_ns {
            (self.max_ns, self.max_at_ns) = (lag_ns, start_ns);
        }
        self.turns += 1;
        // Fails for senseless precision only.
        let spread = match self.spread.take() {
            Some(spread) => Some(spread),
            None => Histogram::new(DIGITS).ok(),
        };
        self.spread = spread.map(|mut spread| {
            // Grows to hold it, which fails for one that can't.
            let _ = spread.record(lag_ns);
            spread
        });
    }

    /// Takes in the one after it.
    fn join(&mut self, next: Self) {
        if next.turns > 0 && (self.turns == 0 || next.max_ns > self.max_ns) {
            (self.max_ns, self.max_at_ns) = (next.max_ns, next.max_at_ns);
        }
        self.turns += next.turns;
        self.spread = match (self.spread.take(), next.spread) {
            (Some(mut spread), Some(more)) => {
                // Fails for one that can't grow, which these can.
                let _ = spread.add(more);
                Some(spread)
            }
            (spread, more) => spread.or(more),
        };
    }

    fn p99_ns(&self) -> u64 {
        let spread = self.spread.as_ref();
        // A histogram knows a value only by its bucket, whose end may lie beyond the largest.
        spread.map_or(0, |spread| spread.value_at_quantile(0.99).min(self.max_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_turn_is_in_the_bucket_in_which_it_began_and_the_worst_is_found_again() {
        let mut lags = Lags::default();
        lags.add(500_000, 7);
        lags.add(900_000, 3);
        lags.add(2_000_000, 0);
        let report = lags.report();
        assert_eq!((report.bucket_ns, report.turns), (1_000_000, vec![2, 0, 1]));
        assert_eq!(report.max_ns, [Some(7), None, Some(0)]);
        assert_eq!(report.max_at_ns, [Some(500_000), None, Some(2_000_000)]);
        assert_eq!(report.p99_ns, report.max_ns);
        // The 61st bucket makes them all twice as wide.
        lags.add(60_000_000, 100_000_000);
        let report = lags.report();
        assert_eq!((report.bucket_ns, report.turns.len()), (2_000_000, 31));
        assert_eq!(report.turns[..2], [2, 1]);
        assert_eq!(report.max_ns[..2], [Some(7), Some(0)]);
        assert_eq!(report.max_ns[30], Some(100_000_000));
        assert_eq!(report.turns.iter().sum::<u64>(), 4);
    }

    #[test]
    fn any_time_has_a_bucket_and_joined_ones_know_all_their_turns() {
        let mut lags = Lags::default();
        for number in 0..1_000 {
            lags.add(number * 1_000_000, 1_000 + number);
        }
        let report = lags.report();
        let (turns, bucket_ns) = (report.turns[3], report.bucket_ns);
        assert_eq!(turns, bucket_ns / 1_000_000);
        let last = 4 * turns - 1;
        assert_eq!(report.max_ns[3], Some(1_000 + last));
        let p99 = report.p99_ns[3].unwrap();
        assert!(p99.abs_diff(1_000 + last) <= 200, "{p99}");
        lags.add(u64::MAX, u64::MAX);
        assert!((1..=BUCKETS_MAX).contains(&lags.report().turns.len()));
    }
}
