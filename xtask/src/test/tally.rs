//! Counts from what test runners print: cargo's and Node's.
//!
//! It must never guess: a line that is not a runner's own sum counts nothing.

/// Tests of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    /// Not run, by the runner's own word.
    pub(super) skipped: u64,
}

impl Tally {
    /// A line of `cargo test`: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(super) fn cargo(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
        for count in counts.split("; ") {
            let Some((number, what)) = count.split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }

    /// A line of `node --test` with the TAP reporter: `# pass 3`.
    pub(super) fn node(&mut self, line: &str) {
        let Some((what, number)) = line
            .strip_prefix("# ")
            .and_then(|rest| rest.split_once(' '))
        else {
            return;
        };
        let Ok(number) = number.parse::<u64>() else {
            return;
        };
        match what {
            "pass" => self.passed += number,
            "fail" | "cancelled" => self.failed += number,
            "skipped" | "todo" => self.skipped += number,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn results_of_several_test_programs_are_summed() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test a ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s",
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
            "the test result: ok. 9 passed; 9 failed",
        ] {
            tally.cargo(line);
        }
        assert_eq!(
            tally,
            Tally {
                passed: 7,
                failed: 2,
                skipped: 1
            }
        );
    }

    #[test]
    fn the_sums_of_node_are_read_and_its_diagnostics_are_not() {
        let mut tally = Tally::default();
        for line in [
            "# Subtest: pass 9",
            "ok 1 - pass 9",
            "# tests 12",
            "# suites 0",
            "# pass 8",
            "# fail 1",
            "# cancelled 1",
            "# skipped 2",
            "# todo 0",
            "# duration_ms 55.1",
        ] {
            tally.node(line);
        }
        assert_eq!(
            tally,
            Tally {
                passed: 8,
                failed: 2,
                skipped: 2
            }
        );
    }
}
