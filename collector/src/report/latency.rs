//! How long things took: sum, largest, and percentiles that are exact to a hundredth.

use hdrhistogram::Histogram;

/// Percentiles are exact to a hundredth.
const DIGITS: u8 = 2;
/// What takes longer counts as this long in percentiles. A day.
const LONGEST_NS: u64 = 86_400_000_000_000;

/// Some 40 kB.
#[derive(Clone)]
pub(crate) struct Latency {
    histogram: Option<Histogram<u64>>,
    count: u64,
    total_ns: u64,
    max_ns: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            // Fails for senseless bounds only.
            histogram: Histogram::new_with_bounds(1, LONGEST_NS, DIGITS).ok(),
            count: 0,
            total_ns: 0,
            max_ns: 0,
        }
    }
}

impl Latency {
    pub(crate) fn push(&mut self, nanos: u64) {
        self.count += 1;
        self.total_ns = self.total_ns.saturating_add(nanos);
        self.max_ns = self.max_ns.max(nanos);
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record(nanos);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn total_ns(&self) -> u64 {
        self.total_ns
    }

    pub(crate) fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// Such a part of all took no longer. A histogram knows a value only by its bucket, whose end may lie beyond
    /// the largest.
    pub(crate) fn at(&self, quantile: f64) -> u64 {
        let value = self
            .histogram
            .as_ref()
            .map_or(0, |histogram| histogram.value_at_quantile(quantile));
        value.min(self.max_ns)
    }
}
