//! A report as text for one screen.
//!
//! Every text in it may have come from the kernel, and none reaches the terminal unescaped.

use std::fmt::{Display, Formatter, Result};

use serde_json::Value;

use super::show_chain::chain;
use super::show_requests::requests;
use super::show_turns::turns;
use super::{CallReport, Report, ThreadReport, TraceReport};
use crate::export::FindingJson;
use crate::text::{count, escape, nanos, percent, shorten};

/// Rows of each table. With those below, the report of the demo, which has three threads and one loop, takes 32
/// lines of 80 columns.
const ROWS: usize = 8;
/// Wakers shown.
const WAKERS: usize = 2;
/// Findings shown; of a thread and kind, only the worst.
const FINDINGS: usize = 5;
/// Columns of a terminal.
const COLUMNS: usize = 80;
/// Longest waits shown; or one, if a chain of wake-ups ended it, and that in so many lines at most.
const WAITS: usize = 2;
/// See [`WAITS`].
const CHAIN_LINES: usize = 3;

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        header(self, f)?;
        findings(self, f)?;
        threads(self, f)?;
        calls(self, f)?;
        turns(self, f)?;
        ready_delay(self, f)?;
        requests(self, f)?;
        waits(self, f)?;
        wakers(self, f)?;
        gaps(self, f)
    }
}

fn header(report: &Report, f: &mut Formatter<'_>) -> Result {
    let TraceReport {
        pid,
        command,
        host,
        kernel,
        arch,
        ..
    } = &report.trace;
    let trace = &report.trace;
    let (host, kernel, arch) = (escape(host), escape(kernel), escape(arch));
    writeln!(
        f,
        "{} (pid {pid}) on {host}, Linux {kernel} {arch}",
        shorten(command, 60)
    )?;
    write!(
        f,
        "{}: {} calls, {} times off the CPU, ",
        nanos(trace.duration_ns),
        count(report.calls),
        count(report.offcpu)
    )?;
    match (trace.lost, trace.ended) {
        (0, true) => writeln!(f, "no record lost")?,
        (0, false) => writeln!(f, "no loss known")?,
        _ => writeln!(f, "{} RECORDS LOST", count(trace.lost))?,
    }
    if trace.lost > 0 {
        let of = trace
            .made
            .map(|made| format!(", {} of all", percent(trace.lost, made)))
            .unwrap_or_default();
        writeln!(
            f,
            "!! {} records were lost{of}: sums are too small, and user time is not known",
            count(trace.lost)
        )?;
    }
    if let Some(untracked) = trace.untracked.filter(|&untracked| untracked > 0) {
        writeln!(
            f,
            "!! {} times a thread could not be tracked for want of room",
            count(untracked)
        )?;
    }
    if let Some(compat) = trace.compat.filter(|&compat| compat > 0) {
        writeln!(f, "!! {} 32-bit calls are not recorded", count(compat))?;
    }
    if let Some(unseen) = trace.unseen.filter(|&unseen| unseen > 0) {
        writeln!(
            f,
            "times off the CPU inferred: {} (the kernel told nobody of the switch)",
            count(unseen)
        )?;
    }
    if let Some(cut) = &trace.cut {
        writeln!(f, "!! {}", escape(cut))?;
    }
    Ok(())
}

fn findings(report: &Report, f: &mut Formatter<'_>) -> Result {
    let mut shown: Vec<&FindingJson> = Vec::new();
    for finding in &report.findings {
        let same = |known: &&FindingJson| {
            (known.kind, known.pid, known.tid) == (finding.kind, finding.pid, finding.tid)
        };
        if shown.len() < FINDINGS && !shown.iter().any(same) {
            shown.push(finding);
        }
    }
    if shown.is_empty() {
        return Ok(());
    }
    writeln!(f, "\nfindings")?;
    for finding in &shown {
        let text = format!("- {}: {}", finding.severity, escape(&finding.text));
        wrapped(f, &text, "  ")?;
    }
    match report.findings.len() - shown.len() {
        0 => Ok(()),
        more => writeln!(f, "and {} more (all with --json)", count(more as u64)),
    }
}

/// In lines that fit a terminal, those after the first set in.
fn wrap(text: &str, set_in: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        // A path may be longer than any line.
        let word = shorten(word, COLUMNS - set_in.len());
        let letters = line.chars().count() + word.chars().count();
        if !line.trim_start().is_empty() && letters >= COLUMNS {
            lines.push(std::mem::replace(&mut line, set_in.to_owned()));
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines
}

fn wrapped(f: &mut Formatter<'_>, text: &str, set_in: &str) -> Result {
    let mut lines = wrap(text, set_in).into_iter();
    lines.try_for_each(|line| writeln!(f, "{line}"))
}

/// The I/O models of the threads shown, as far as they are known.
fn io_models(report: &Report, f: &mut Formatter<'_>) -> Result {
    let mut models: Vec<(&str, Vec<u32>)> = Vec::new();
    for thread in report.threads.iter().take(ROWS) {
        let text = thread.io_model.text.as_str();
        match models.iter_mut().find(|(known, _)| *known == text) {
            _ if thread.io_model.model == "unknown" => {}
            Some((_, tids)) => tids.push(thread.tid),
            None => models.push((text, vec![thread.tid])),
        }
    }
    if models.is_empty() {
        return Ok(());
    }
    let parts: Vec<String> = models
        .into_iter()
        .map(|(text, tids)| {
            let tids: Vec<String> = tids.iter().map(ToString::to_string).collect();
            format!("{} {text}", tids.join(" "))
        })
        .collect();
    wrapped(f, &format!("I/O model: {}", parts.join("; ")), "  ")
}

fn threads(report: &Report, f: &mut Formatter<'_>) -> Result {
    // These two are nearly always nothing: columns that nobody needs.
    let other = report.threads.iter().any(|thread| thread.other_ns > 0);
    let unknown = report.threads.iter().any(|thread| thread.unknown_ns > 0);
    let also = |is: bool, text: &str| {
        if is {
            format!(" {text:>7}")
        } else {
            String::new()
        }
    };
    writeln!(
        f,
        "\n{:<22} {:>9} {:>6} {:>6} {:>7} {:>8} {:>7}{}{}",
        "thread",
        "calls",
        "user",
        "kernel",
        "blocked",
        "runnable",
        "copying",
        also(other, "other"),
        also(unknown, "unknown"),
    )?;
    for thread in report.threads.iter().take(ROWS) {
        let ThreadReport { lifetime_ns, .. } = *thread;
        let share = |nanos| percent(nanos, lifetime_ns);
        let name = shorten(thread.name.as_deref().unwrap_or("?"), 16);
        writeln!(
            f,
            "{:<22} {:>9} {:>6} {:>6} {:>7} {:>8} {:>7}{}{}",
            format!("{name} {}", thread.tid),
            count(thread.calls),
            thread.user_ns.map_or_else(|| "?".to_owned(), share),
            share(thread.kernel_ns),
            share(thread.blocked_ns),
            share(thread.runnable_ns),
            share(thread.copying_ns),
            also(other, &share(thread.other_ns)),
            also(unknown, &share(thread.unknown_ns)),
        )?;
    }
    more(f, report.threads.len(), "threads")?;
    io_models(report, f)?;
    if report.events_of_threads_not_listed > 0 {
        let events = count(report.events_of_threads_not_listed);
        writeln!(
            f,
            "!! {events} events of yet more threads are not in these sums"
        )?;
    }
    Ok(())
}

fn calls(report: &Report, f: &mut Formatter<'_>) -> Result {
    if report.by_call.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "\n{:<16} {:>9} {:>7} {:>7} {:>8} {:>7} {:>7} {:>7}",
        "call", "count", "kernel", "blocked", "runnable", "copying", "p99", "max"
    )?;
    for call in report.by_call.iter().take(ROWS) {
        writeln!(
            f,
            "{:<16} {:>9} {:>7} {:>7} {:>8} {:>7} {:>7} {:>7}{}",
            shorten(&call.call, 16),
            count(call.count),
            nanos(call.kernel_ns),
            nanos(call.blocked_ns),
            nanos(call.runnable_ns),
            nanos(call.copying_ns),
            nanos(call.p99_ns),
            nanos(call.max_ns),
            notes(call),
        )?;
    }
    more(f, report.by_call.len(), "calls")
}

/// The two most frequent errors, how many were interrupted, and how many only checked; nothing if there
/// were none.
fn notes(call: &CallReport) -> String {
    let mut errors: Vec<_> = call.errors.iter().collect();
    errors.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
    let rest: u64 = errors.iter().skip(2).map(|(_, times)| **times).sum();
    let mut parts: Vec<String> = errors
        .into_iter()
        .take(2)
        .map(|(name, times)| format!("{} {}", count(*times), escape(name)))
        .collect();
    if rest > 0 {
        parts.push(format!("{} others", count(rest)));
    }
    if call.interrupted > 0 {
        parts.push(format!("{} interrupted", count(call.interrupted)));
    }
    if call.checks > 0 {
        parts.push(format!("{} checks", count(call.checks)));
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!("  {}", parts.join(", "))
    }
}

/// How long data lay unread, in a line.
fn ready_delay(report: &Report, f: &mut Formatter<'_>) -> Result {
    let Some(delay) = &report.ready_delay else {
        return Ok(());
    };
    let mut latest = report.descriptors.iter();
    let on = latest
        .find(|known| Some(known.id) == delay.max_on && !known.name.is_empty())
        .map(|known| format!(" on {} {}", known.kind, escape(&known.name)))
        .unwrap_or_default();
    let line = format!(
        "ready delay: p50 {}, p99 {}, max {}{on}",
        nanos(delay.p50_ns),
        nanos(delay.p99_ns),
        nanos(delay.max_ns)
    );
    writeln!(f, "{}", shorten(&line, COLUMNS))
}

fn waits(report: &Report, f: &mut Formatter<'_>) -> Result {
    if report.longest_waits.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "\n{:<24} {:>11} {:>7} {:>7} {:>8}  ended by",
        "longest waits", "thread", "at", "blocked", "runnable"
    )?;
    for call in report.longest_waits.iter().take(WAITS) {
        let number = |name: &str| call.get(name).and_then(Value::as_u64).unwrap_or(0);
        let name = call.get("call").and_then(Value::as_str).unwrap_or("?");
        let fd = call
            .get("fd")
            .and_then(Value::as_i64)
            .map(|fd| format!(" fd {fd}"))
            .unwrap_or_default();
        let why = call
            .get("why")
            .and_then(|why| why.get("short"))
            .and_then(Value::as_str);
        writeln!(
            f,
            "{:<24} {:>11} {:>7} {:>7} {:>8}  {}",
            format!("{}{fd}", escape(name)),
            number("tid"),
            nanos(number("start_ns")),
            nanos(number("blocked_ns")),
            nanos(number("runnable_ns")),
            escape(why.unwrap_or("-")),
        )?;
        if let Some(text) = chain(report, call) {
            let mut lines = wrap(&escape(&text), "  ");
            if lines.len() > CHAIN_LINES {
                lines.truncate(CHAIN_LINES);
                lines
                    .iter_mut()
                    .last()
                    .into_iter()
                    .for_each(|last| last.push('…'));
            }
            return lines.iter().try_for_each(|line| writeln!(f, "{line}"));
        }
    }
    Ok(())
}

fn wakers(report: &Report, f: &mut Formatter<'_>) -> Result {
    if report.wakers.is_empty() {
        return Ok(());
    }
    let all: u64 = report.wakers.iter().map(|waker| waker.wakeups).sum();
    writeln!(
        f,
        "\n{:<24} {:>11} {:>7} {:>7} {:>8}",
        "woken by", "times", "share", "blocked", "runnable"
    )?;
    for waker in report.wakers.iter().take(WAKERS) {
        let who = match &waker.name {
            Some(name) => shorten(name, 16),
            None => waker.context.to_owned(),
        };
        writeln!(
            f,
            "{who:<24} {:>11} {:>7} {:>7} {:>8}",
            count(waker.wakeups),
            percent(waker.wakeups, all),
            nanos(waker.blocked_ns),
            nanos(waker.runnable_ns),
        )?;
    }
    Ok(())
}

fn gaps(report: &Report, f: &mut Formatter<'_>) -> Result {
    if report.gaps == 0 {
        return Ok(());
    }
    writeln!(f, "\nlost: {} times, the longest", count(report.gaps))?;
    for gap in &report.longest_gaps {
        writeln!(
            f,
            "  CPU {:<4} from {:>8} for {:>8}: {} records",
            gap.cpu,
            nanos(gap.start_ns),
            nanos(gap.end_ns.saturating_sub(gap.start_ns)),
            count(gap.lost)
        )?;
    }
    Ok(())
}

fn more(f: &mut Formatter<'_>, all: usize, what: &str) -> Result {
    match all.checked_sub(ROWS) {
        Some(1..) => writeln!(f, "and {} more {what}", all - ROWS),
        _ => Ok(()),
    }
}
