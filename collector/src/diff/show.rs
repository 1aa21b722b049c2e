//! What changed, as text: the largest changes of each kind first, and nothing that may be noise.
//!
//! No text from a recording reaches the terminal unescaped.

use std::fmt::{Display, Formatter, Result};

use super::{Diff, GroupDiff, NumberDiff, SideReport};
use crate::text::{bytes, count, escape, nanos, shorten};

/// Changes of each kind that are shown.
const CHANGES: usize = 8;

impl Display for Diff {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        side("A", &self.a, f)?;
        side("B", &self.b, f)?;
        let mut any = false;
        for (of, title) in [
            ("call", "calls"),
            ("connection", "connections"),
            ("ready_delay", "how long data lay unread"),
            ("turn", "turns of event loops"),
        ] {
            any |= kind(self, of, title, f)?;
        }
        let all = || self.groups.iter().flat_map(|group| &group.numbers);
        let unsure = all().filter(|number| number.changed.is_none()).count();
        if !any {
            writeln!(f, "\nnothing changed by more than it wavers by itself")?;
        }
        if unsure > 0 {
            writeln!(
                f,
                "\nof {} of {} numbers too little was seen to tell a change from noise",
                count(unsure as u64),
                count(all().count() as u64)
            )?;
        }
        Ok(())
    }
}

fn side(word: &str, side: &SideReport, f: &mut Formatter<'_>) -> Result {
    let command = shorten(&side.command, 30);
    writeln!(
        f,
        "{word}  {command} (pid {}) on {}: {}, {} calls",
        side.pid,
        escape(&side.host),
        nanos(side.duration_ns),
        count(side.calls),
    )?;
    if side.lost > 0 {
        let lost = count(side.lost);
        writeln!(
            f,
            "!! {lost} records of {word} were lost: its sums are too small"
        )?;
    }
    if side.not_grouped > 0 {
        let events = count(side.not_grouped);
        writeln!(
            f,
            "!! {events} events of {word} are in no group: there are too many"
        )?;
    }
    if let Some(cut) = &side.cut {
        writeln!(f, "!! {word}: {}", escape(cut))?;
    }
    Ok(())
}

/// The changes of one kind. Says whether there were any.
fn kind(
    diff: &Diff,
    of: &str,
    title: &str,
    f: &mut Formatter<'_>,
) -> std::result::Result<bool, std::fmt::Error> {
    let groups = diff.groups.iter().filter(|group| group.of == of);
    let mut changes: Vec<(&GroupDiff, &NumberDiff)> = groups
        .flat_map(|group| group.numbers.iter().map(move |number| (group, number)))
        .filter(|(_, number)| number.changed == Some(true))
        .collect();
    changes.sort_by(|(_, one), (_, other)| weight(other).total_cmp(&weight(one)));
    if changes.is_empty() {
        return Ok(false);
    }
    writeln!(
        f,
        "\n{title:<24} {:<20} {:>10} {:>10} {:>8}",
        "", "A", "B", "change"
    )?;
    for (group, number) in changes.iter().take(CHANGES) {
        writeln!(
            f,
            "{:<24} {:<20} {:>10} {:>10} {:>8}",
            shorten(&group.name, 24),
            words(&number.name),
            value(&number.name, number.a),
            value(&number.name, number.b),
            change(number),
        )?;
    }
    if let Some(more @ 1..) = changes.len().checked_sub(CHANGES) {
        writeln!(f, "and {more} more (all with --json)")?;
    }
    Ok(true)
}

/// How much it changed, whichever way: twice and half are the same.
fn weight(number: &NumberDiff) -> f64 {
    let (a, b) = (number.a.unwrap_or(0.0), number.b.unwrap_or(0.0));
    (a.max(b) / a.min(b).max(f64::MIN_POSITIVE)).min(f64::MAX)
}

/// What a number is called here.
fn words(name: &str) -> String {
    let (of, word) = match name.split_once('_') {
        Some((of @ ("p50" | "p99"), rest)) => (of, rest),
        _ => ("mean", name),
    };
    match word {
        "per_second" => "a second".to_owned(),
        word => {
            let word = word.trim_end_matches("_ns").replace('_', " ");
            format!("{of} {word}")
        }
    }
}

fn value(name: &str, value: Option<f64>) -> String {
    let Some(value) = value else {
        return "-".to_owned();
    };
    // Rounded, and never below zero.
    let whole = value.round() as u64;
    match name {
        "per_second" => count(whole),
        name if name.ends_with("_bytes") => bytes(whole),
        _ => nanos(whole),
    }
}

fn change(number: &NumberDiff) -> String {
    match (number.a, number.b) {
        (Some(a), Some(b)) if a > 0.0 && b / a < 10.0 => format!("{:+.0} %", (b / a - 1.0) * 100.0),
        (Some(a), Some(b)) if a > 0.0 => format!("{:.0}x", b / a),
        (_, Some(b)) if b > 0.0 => "new".to_owned(),
        _ => "gone".to_owned(),
    }
}
