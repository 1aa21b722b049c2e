//! What names, ready sets and ready delays cost over plain phases.
//!
//! Its samples are many and close together, and the lower quartile of each kind counts: another's work on the machine
//! can only ever add to a sample, and adds more than the difference that is looked for.

use anyhow::{Result, ensure};

use super::target::Target;
use super::tracer::Kind;

/// What is compared: in this order, and in the other one every second round, so that what drifts falls on all alike.
const KINDS: [Kind; 3] = [Kind::Nothing, Kind::Phases, Kind::Waitscope];
/// Samples under one start of a tracer.
const SAMPLES: u16 = 3;
/// What tracing adds to a call with all of it may be, as a multiple of what it adds with phases.
const MOST: f64 = 1.2;

/// Takes all samples of one target, and prints what they come to.
pub(super) fn measure(target: &mut Target, rounds: u16) -> Result<()> {
    let mut all: [Vec<f64>; 3] = Default::default();
    for round in 0..rounds {
        for step in 0..KINDS.len() {
            let at = if round % 2 == 0 {
                step
            } else {
                KINDS.len() - 1 - step
            };
            if let (Some(kind), Some(samples)) = (KINDS.get(at), all.get_mut(at)) {
                samples.extend(target.samples(*kind, SAMPLES)?);
            }
        }
    }
    let [bare, phases, details] = all.map(lower_quartile);
    ensure!(
        bare > 0.0 && phases > 0.0 && details > 0.0,
        "compare details with phases: a sample took no time"
    );
    println!(
        "\nwith phases {phases:.0}, with all {details:.0} (lower quartiles of {} samples each; untraced {bare:.0}): \
         {:.2} times as much in all",
        rounds * SAMPLES,
        details / phases
    );
    let (few, many) = (phases - bare, details - bare);
    // What drowned in noise has no share.
    if few > 0.0 && many > 0.0 {
        let ratio = many / few;
        println!(
            "of what tracing adds, {many:.0} over {few:.0}: {ratio:.2}, at most {MOST} wanted: {}",
            if ratio <= MOST { "met" } else { "NOT MET" }
        );
    }
    Ok(())
}

/// A quarter of the samples is at most that.
fn lower_quartile(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    let at = samples.len().saturating_sub(1) / 4;
    samples.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::lower_quartile;

    #[test]
    fn a_quarter_of_the_samples_is_at_most_the_lower_quartile() {
        assert_eq!(lower_quartile(vec![5.0, 1.0, 4.0, 3.0, 2.0]), 2.0);
        assert_eq!(lower_quartile(vec![9.0, 1.0, 2.0]), 1.0);
        assert_eq!(lower_quartile(vec![7.0]), 7.0);
        assert!(lower_quartile(vec![]).is_nan());
    }
}
