//! Where the time of a comparison's threads went, drawn: one bar a run, its parts in whole letters.

use std::fmt::{Formatter, Result};

use super::{Comparison, Run};
use crate::text::count;

/// Letters of a bar.
const WIDTH: usize = 54;
/// Of what a bar is of.
const LABEL: usize = 18;
/// The letter of each phase, in the order in which they are drawn.
const LETTERS: [(char, &str); 5] = [
    ('█', "user"),
    ('▓', "kernel"),
    ('▒', "copying"),
    ('/', "runnable"),
    ('·', "blocked"),
];

pub(super) fn write(comparison: &Comparison, f: &mut Formatter<'_>) -> Result {
    let letters = LETTERS.map(|(letter, phase)| format!("{letter} {phase}"));
    writeln!(
        f,
        "\nWhere the time of the threads that served went:\n{:<LABEL$}{}",
        "",
        letters.join("  ")
    )?;
    for run in &comparison.runs {
        let label = format!("{:<9}{:>7}", run.model, count(run.connections));
        writeln!(f, "{label:<LABEL$}{}", bar(run))?;
    }
    Ok(())
}

/// All of the time is all of the bar; what is not known is left blank at its end.
fn bar(run: &Run) -> String {
    let phases = [
        run.user_ns.unwrap_or(0),
        run.kernel_ns,
        run.copying_ns,
        run.runnable_ns,
        run.blocked_ns,
    ];
    let whole = u128::from(run.lifetime_ns.max(1));
    let (mut bar, mut sum, mut drawn) = (String::new(), 0_u128, 0);
    for (nanos, (letter, _)) in phases.into_iter().zip(LETTERS) {
        sum += u128::from(nanos);
        // Rounded at its end, not in its length: so the lengths add up.
        let end = (sum * WIDTH as u128 + whole / 2) / whole;
        let end = usize::try_from(end).unwrap_or(WIDTH).min(WIDTH);
        bar.extend(std::iter::repeat_n(letter, end.saturating_sub(drawn)));
        drawn = end.max(drawn);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::*;

    #[test]
    fn a_bar_is_full_if_all_of_the_time_is_known_and_each_part_is_as_long_as_its_share() {
        let mut run = run("epoll", 1);
        run.lifetime_ns = 108;
        run.user_ns = Some(8);
        (run.kernel_ns, run.copying_ns) = (20, 6);
        (run.runnable_ns, run.blocked_ns) = (24, 50);
        let bar = bar(&run);
        let letters = |letter| bar.chars().filter(|&drawn| drawn == letter).count();
        assert_eq!(bar.chars().count(), WIDTH);
        assert_eq!(
            LETTERS.map(|(letter, _)| letters(letter)),
            [4, 10, 3, 12, 25],
            "{bar}"
        );
    }

    #[test]
    fn time_that_is_not_known_is_not_drawn() {
        let mut run = run("epoll", 1);
        (run.user_ns, run.lifetime_ns) = (None, 100);
        (run.kernel_ns, run.copying_ns) = (50, 0);
        (run.runnable_ns, run.blocked_ns) = (0, 0);
        assert_eq!(bar(&run).chars().count(), WIDTH / 2);
    }
}
