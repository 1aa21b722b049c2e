//! Requests of `io_uring`s as text. Names come from a list of ours, and are escaped by nobody.

use std::fmt::{Formatter, Result};

use super::{Report, RequestReport};
use crate::text::{count, nanos};

/// Operations that are shown.
const ROWS: usize = 4;

pub(super) fn requests(report: &Report, f: &mut Formatter<'_>) -> Result {
    if report.requests.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "\n{:<16} {:>9} {:>9} {:>7} {:>7} {:>7}",
        "io_uring", "complete", "under way", "p50", "p99", "max"
    )?;
    for request in report.requests.iter().take(ROWS) {
        let time = |time_ns| match request.timed {
            0 => "?".to_owned(),
            _ => nanos(time_ns),
        };
        writeln!(
            f,
            "{:<16} {:>9} {:>9} {:>7} {:>7} {:>7}{}",
            request.operation,
            count(request.complete),
            count(request.under_way),
            time(request.p50_ns),
            time(request.p99_ns),
            time(request.max_ns),
            notes(request),
        )?;
    }
    match report.requests.len().checked_sub(ROWS) {
        Some(more @ 1..) => writeln!(f, "and {more} more operations"),
        _ => Ok(()),
    }
}

/// The most frequent error; nothing if there was none.
fn notes(request: &RequestReport) -> String {
    let most = request.errors.iter().max_by_key(|(_, times)| **times);
    most.map_or_else(String::new, |(name, times)| {
        format!("  {} {name}", count(*times))
    })
}
