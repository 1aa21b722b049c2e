//! What ran, how it went, and how long it took: the table at the end of `cargo xtask test`.
//!
//! It must never lose a step, nor count one that did not run as good.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::tally::Tally;

/// All steps so far.
#[derive(Default)]
pub(super) struct Ledger {
    steps: Vec<Step>,
}

struct Step {
    name: &'static str,
    outcome: Outcome,
    tally: Tally,
    took: Duration,
}

enum Outcome {
    Good,
    Failed,
    LeftOut(&'static str),
}

impl Ledger {
    /// Runs a step; its failure is printed and noted, and the next step runs all the same.
    pub(super) fn step(&mut self, name: &'static str, work: impl FnOnce(&mut Tally) -> Result<()>) {
        println!("\n== {name}");
        let began = Instant::now();
        let mut tally = Tally::default();
        let mut outcome = Outcome::Good;
        if let Err(error) = work(&mut tally) {
            println!("FAILED: {name}: {error:#}");
            outcome = Outcome::Failed;
            // A step that failed without a failing test is a failure of its own.
            tally.failed = tally.failed.max(1);
        } else if tally.failed > 0 {
            outcome = Outcome::Failed;
        } else if tally.passed == 0 {
            // A step without a runner's tests, such as the lints, counts as one.
            tally.passed = 1;
        }
        self.steps.push(Step {
            name,
            outcome,
            tally,
            took: began.elapsed(),
        });
    }

    /// Notes a step that failed before it could run.
    pub(super) fn failed(&mut self, name: &'static str, why: &'static str) {
        self.step(name, |_| bail!(why));
    }

    /// Notes a step that was not wanted.
    pub(super) fn left_out(&mut self, name: &'static str, why: &'static str) {
        let outcome = Outcome::LeftOut(why);
        self.steps.push(Step {
            name,
            outcome,
            tally: Tally::default(),
            took: Duration::ZERO,
        });
    }

    /// Prints the table and the closing line.
    ///
    /// # Errors
    /// If a step failed.
    pub(super) fn close(&self) -> Result<()> {
        println!(
            "\n{:<30} {:>7} {:>7} {:>8} {:>7}",
            "step", "passed", "failed", "skipped", "seconds"
        );
        let mut sum = Tally::default();
        for Step {
            name,
            outcome,
            tally,
            took,
        } in &self.steps
        {
            let seconds = took.as_secs_f64();
            let Tally {
                passed,
                failed,
                skipped,
            } = *tally;
            let note = match outcome {
                Outcome::Good => String::new(),
                Outcome::Failed => "  FAILED".to_owned(),
                Outcome::LeftOut(why) => format!("  LEFT OUT: {why}"),
            };
            println!("{name:<30} {passed:>7} {failed:>7} {skipped:>8} {seconds:>7.0}{note}");
            sum.passed += passed;
            sum.failed += failed;
            sum.skipped += skipped;
        }
        let seconds: f64 = self.steps.iter().map(|step| step.took.as_secs_f64()).sum();
        println!(
            "{:<30} {:>7} {:>7} {:>8} {seconds:>7.0}",
            "all", sum.passed, sum.failed, sum.skipped
        );
        println!("{} passed, {} failed", sum.passed, sum.failed);
        if sum.failed > 0 {
            bail!("{} failed", sum.failed);
        }
        Ok(())
    }
}
