//! Sums over slices of time, in a bounded number of them: what tells how much a number wavers by itself.
//!
//! A slice is given up only by adding it to its neighbour, so the sums over all slices never change.

/// Slices at most; from half as many on they say something.
const SLICES_MAX: usize = 64;
/// The width they begin with.
const FIRST_NS: u64 = 1_000_000;

/// What is summed: no group has more.
pub(super) const SUMS_MAX: usize = 6;

/// Steps of a [`Slice::spread`]: four for each power of two.
const STEPS: usize = 192;

/// In which step a number lies.
fn step(value: u64) -> usize {
    let Some(power) = value.checked_ilog2() else {
        return 0;
    };
    let quarter = (value << (63 - power) >> 61) & 3;
    (power as usize * 4 + quarter as usize).min(STEPS - 1)
}

/// One slice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Slice {
    /// How many.
    pub(super) count: u64,
    /// What they sum to.
    pub(super) sums: [u64; SUMS_MAX],
    /// How many lie in each step; empty if there are none.
    spread: Vec<u32>,
}

impl Slice {
    /// Which part of them lies in a higher step than this number.
    pub(super) fn share_above(&self, value: u64) -> Option<f64> {
        let above = self.spread.iter().skip(step(value) + 1);
        let above: u64 = above.copied().map(u64::from).sum();
        (self.count > 0).then(|| above as f64 / self.count as f64)
    }

    fn add(&mut self, other: &Self) {
        if self.spread.len() < other.spread.len() {
            self.spread.resize(other.spread.len(), 0);
        }
        for (count, more) in self.spread.iter_mut().zip(&other.spread) {
            *count = count.saturating_add(*more);
        }
        self.count = self.count.saturating_add(other.count);
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum = sum.saturating_add(*more);
        }
    }
}

/// Slice `n` reaches from `n * width_ns` to the next.
#[derive(Clone, Debug)]
pub(super) struct Slices {
    width_ns: u64,
    slices: Vec<Slice>,
}

impl Default for Slices {
    fn default() -> Self {
        Self {
            width_ns: FIRST_NS,
            slices: Vec::new(),
        }
    }
}

impl Slices {
    /// Adds one that ended then. `value` is the number whose spread is asked for.
    pub(super) fn push(&mut self, at_ns: u64, sums: [u64; SUMS_MAX], value: u64) {
        while at_ns / self.width_ns >= SLICES_MAX as u64 {
            self.double();
        }
        let place = usize::try_from(at_ns / self.width_ns).unwrap_or(SLICES_MAX - 1);
        if self.slices.len() <= place {
            self.slices.resize(place + 1, Slice::default());
        }
        if let Some(slice) = self.slices.get_mut(place) {
            slice.count = slice.count.saturating_add(1);
            for (sum, more) in slice.sums.iter_mut().zip(sums) {
                *sum = sum.saturating_add(more);
            }
            slice.spread.resize(STEPS, 0);
            if let Some(count) = slice.spread.get_mut(step(value)) {
                *count = count.saturating_add(1);
            }
        }
    }

    fn double(&mut self) {
        self.width_ns = self.width_ns.saturating_mul(2);
        let pairs = self.slices.chunks(2).map(|pair| {
            let mut both = Slice::default();
            pair.iter().for_each(|slice| both.add(slice));
            both
        });
        self.slices = pairs.collect();
    }

    /// All of it.
    pub(super) fn total(&self) -> Slice {
        let mut total = Slice::default();
        self.slices.iter().for_each(|slice| total.add(slice));
        total
    }

    /// The slices of a trace of this length, each with its width. What is left at the end is too short to say
    /// anything, and left out.
    pub(super) fn of(&self, duration_ns: u64) -> Vec<(u64, Slice)> {
        let mut width_ns = self.width_ns;
        let mut all = self.clone();
        // A group of which there was something in the beginning only has narrow slices yet.
        while duration_ns / width_ns >= SLICES_MAX as u64 {
            all.double();
            width_ns = all.width_ns;
        }
        let whole = usize::try_from(duration_ns / width_ns).unwrap_or(SLICES_MAX);
        let mut slices = all.slices;
        slices.resize(whole, Slice::default());
        slices.into_iter().map(|slice| (width_ns, slice)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_sum_to_all_that_was_pushed_however_long_the_trace() {
        let mut slices = Slices::default();
        let times = [0, 5, 999_999, 1_000_000, 70_000_000, 3_600_000_000_000];
        for (index, at_ns) in times.into_iter().enumerate() {
            slices.push(at_ns, [index as u64, 1, 0, 0, 0, 0], 1 << index);
            assert!(slices.slices.len() <= SLICES_MAX);
        }
        let total = slices.total();
        assert_eq!((total.count, total.sums[0], total.sums[1]), (6, 15, 6));
        assert_eq!(total.share_above(1), Some(5.0 / 6.0));
        assert_eq!(total.share_above(8), Some(2.0 / 6.0));
        let of = slices.of(3_600_000_000_001);
        assert!((SLICES_MAX / 2..=SLICES_MAX).contains(&of.len()), "{of:?}");
        assert_eq!(of[0].1.count, 5);
    }

    #[test]
    fn steps_go_up_with_numbers_four_to_a_power_of_two() {
        let mut last = 0;
        for value in (0..100_000).chain([u64::MAX / 2, u64::MAX]) {
            let now = step(value);
            assert!(now >= last && now < STEPS, "{value}");
            last = now;
        }
        assert_eq!(
            [step(1_024), step(1_280), step(2_047), step(2_048)],
            [40, 41, 43, 44]
        );
    }

    #[test]
    fn a_group_that_was_seen_in_the_beginning_only_has_empty_slices_for_the_rest() {
        let mut slices = Slices::default();
        slices.push(10, [1; SUMS_MAX], 7);
        let of = slices.of(10_000_000_000);
        assert!(of.len() >= SLICES_MAX / 2);
        assert_eq!(of[0].1.count, 1);
        assert!(of[1..].iter().all(|(_, slice)| slice.count == 0));
        assert_eq!(slices.of(0).len(), 0);
    }
}
