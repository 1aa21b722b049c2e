//! Whether two numbers differ by more than they waver: rank tests, which ask nothing of how they are spread.
//!
//! It must never call a difference real that too little was seen of.

/// Values on each side from which on something is said.
const VALUES_MIN: usize = 8;
/// How unlikely a difference must be to be more than noise: many are looked at, and few may be wrong.
pub(super) const P_MAX: f64 = 0.001;

/// How likely it is that two sets of values differ as much as these by chance: the test of Mann and Whitney with its
/// normal approximation, ties accounted for. `None` if there are too few.
pub(super) fn chance(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() < VALUES_MIN || b.len() < VALUES_MIN {
        return None;
    }
    let mut all: Vec<(f64, bool)> = a
        .iter()
        .map(|&value| (value, true))
        .chain(b.iter().map(|&value| (value, false)))
        .collect();
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (n_a, n_b) = (a.len() as f64, b.len() as f64);
    let n = n_a + n_b;
    let (mut ranks_a, mut ties, mut done) = (0.0, 0.0, 0.0);
    for same in all.chunk_by(|one, other| one.0 == other.0) {
        let count = same.len() as f64;
        // All that are the same share the middle of their ranks.
        let rank = done + (count + 1.0) / 2.0;
        ranks_a += rank * same.iter().filter(|(_, is_a)| *is_a).count() as f64;
        ties += count * count * count - count;
        done += count;
    }
    let u = ranks_a - n_a * (n_a + 1.0) / 2.0;
    let variance = n_a * n_b / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)));
    if variance <= 0.0 {
        // All values are the same.
        return Some(1.0);
    }
    let z = ((u - n_a * n_b / 2.0).abs() - 0.5).max(0.0) / variance.sqrt();
    Some(two_sided(z))
}

/// How likely a normal number is at least so far from its mean, in standard deviations: to 1.5e-7, by formula
/// 7.1.26 of the handbook of Abramowitz and Stegun.
fn two_sided(z: f64) -> f64 {
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let sum = series.iter().fold(0.0, |sum, factor| (sum + factor) * t);
    (sum * (-x * x).exp()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_of_mann_and_whitney_gives_the_numbers_of_other_programs() {
        // scipy.stats.mannwhitneyu(a, b, method="asymptotic").pvalue
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let b = [5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0];
        let p = chance(&a, &b).unwrap();
        assert!((p - 0.007_985_117_693_224_414).abs() < 1e-6, "{p}");
        assert_eq!(chance(&a, &a).map(|p| p > 0.99), Some(true));
        assert_eq!(chance(&a[..7], &b), None, "too few");
        assert_eq!(chance(&[1.0; 9], &[1.0; 9]), Some(1.0));
    }

    #[test]
    fn what_comes_from_one_source_is_hardly_ever_told_apart() {
        // A generator of numbers, so that every run sees the same.
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as f64
        };
        let wrong = (0..2_000)
            .filter(|_| {
                let a: Vec<f64> = (0..40).map(|_| next()).collect();
                let b: Vec<f64> = (0..40).map(|_| next()).collect();
                chance(&a, &b).unwrap() < P_MAX
            })
            .count();
        assert!(wrong <= 8, "{wrong} of 2,000, where 2 are expected");
    }
}
