//! The event loops of a report as text, and their longest turns.
//!
//! Nothing of it is shown if there are no loops, and no text in it reaches the terminal unescaped.

use std::fmt::{Formatter, Result};

use super::{LongestTurn, LoopReport, Report};
use crate::export::StallJson;
use crate::text::{count, escape, nanos, percent, shorten};

/// Loops shown.
const LOOPS: usize = 4;
/// Longest turns shown.
const TURNS: usize = 2;
/// No line is longer.
const COLUMNS: usize = 80;

pub(super) fn turns(report: &Report, f: &mut Formatter<'_>) -> Result {
    if report.loops.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "\n{:<22} {:>9} {:>6} {:>6} {:>6} {:>7} {:>7} {:>7}",
        "event loop", "turns", "busy", "events", "ready", "lag p50", "p99", "max"
    )?;
    for of in report.loops.iter().take(LOOPS) {
        row(of, f)?;
    }
    if let Some(more @ 1..) = report.loops.len().checked_sub(LOOPS) {
        writeln!(f, "and {more} more event loops")?;
    }
    if report.turns_broken > 0 {
        let broken = count(report.turns_broken);
        writeln!(
            f,
            "!! {broken} turns with lost records are not in these sums"
        )?;
    }
    if report.turns_not_listed > 0 {
        let more = count(report.turns_not_listed);
        writeln!(
            f,
            "!! {more} turns of yet more threads are not in these sums"
        )?;
    }
    let several = report.loops.len() > 1;
    for turn in report.longest_turns.iter().take(TURNS) {
        writeln!(f, "  {}", shorten(&told(turn, several), COLUMNS - 2))?;
    }
    Ok(())
}

fn row(of: &LoopReport, f: &mut Formatter<'_>) -> Result {
    let LoopReport {
        tid, turns, events, ..
    } = *of;
    let name = shorten(of.name.as_deref().unwrap_or("?"), 16);
    let lag = |lag: Option<u64>| lag.map_or_else(|| "-".to_owned(), nanos);
    writeln!(
        f,
        "{:<22} {:>9} {:>6} {:>6} {:>6} {:>7} {:>7} {:>7}",
        format!("{name} {tid}"),
        count(turns),
        percent(of.work_ns, of.work_ns.saturating_add(of.wait_ns)),
        format!("{:.1}", events as f64 / turns.max(1) as f64),
        percent(of.ready_before_asked, turns),
        lag(of.lag_p50_ns),
        lag(of.lag_p99_ns),
        lag(of.lag_max_ns),
    )
}

/// `turn of 96.1 ms at 12.3 s: futex blocked 95.0 ms, woken by demo-worker`
fn told(turn: &LongestTurn, several: bool) -> String {
    let mut text = format!("turn of {}", nanos(turn.work_ns));
    if turn.lag_ns < turn.work_ns {
        text += &format!(", {} without a check,", nanos(turn.lag_ns));
    }
    text += &format!(" at {}", nanos(turn.start_ns));
    if !turn.ended {
        text += ", under way";
    }
    if several {
        text += &format!(" of {}", turn.tid);
    }
    text += ": ";
    let off = turn.blocked_ns.saturating_add(turn.runnable_ns);
    let on = turn.work_ns.saturating_sub(off);
    match &turn.stall {
        Some(stall) if stall.blocked_ns.saturating_add(stall.runnable_ns) > on => {
            text += &stalled(stall);
        }
        _ => text += &format!("{} on the CPU", nanos(on)),
    }
    if turn.loss {
        text += ", records lost";
    }
    text
}

fn stalled(stall: &StallJson) -> String {
    let mut text = match &stall.call {
        Some(call) => escape(call).into_owned(),
        None => "outside calls".to_owned(),
    };
    if let Some(fd) = stall.fd {
        text += &format!(" fd {fd}");
    }
    if stall.runnable_ns > stall.blocked_ns {
        return text + &format!(" wanted the CPU {}", nanos(stall.runnable_ns));
    }
    text += &format!(" blocked {}", nanos(stall.blocked_ns));
    match &stall.waker {
        Some(waker) if waker.context == "task" => {
            let name = waker.name.as_deref().map(|name| shorten(name, 16));
            text + &format!(
                ", woken by {}",
                name.unwrap_or_else(|| format!("thread {}", waker.tid))
            )
        }
        Some(waker) if waker.context != "unknown" => text + ", woken by " + waker.context,
        _ => text,
    }
}
