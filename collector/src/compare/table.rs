//! The numbers of a comparison as one table, within 80 columns.

use std::fmt::{Formatter, Result};

use super::{Comparison, Run};
use crate::text::{bytes, count, nanos, percent, shorten};

/// A row: what it says, and what of each run.
type Row = (&'static str, fn(&Run) -> String);

const ROWS: &[Row] = &[
    ("requests a second", |run| {
        count(run.requests_per_second() as u64)
    }),
    ("CPU time a request", |run| {
        run.cpu_ns()
            .map_or_else(unknown, |cpu_ns| nanos(cpu_ns as u64))
    }),
    ("calls a request", |run| ratio(run.per_request(run.calls))),
    ("  to wait until ready", |run| {
        ratio(run.per_request(run.readiness_calls))
    }),
    ("  to receive", |run| {
        ratio(run.per_request(run.receive_calls))
    }),
    ("  to send", |run| ratio(run.per_request(run.send_calls))),
    ("ready at each wait", |run| {
        run.ready_per_wait().map_or_else(none, ratio)
    }),
    ("times off CPU a request", |run| {
        ratio(run.per_request(run.offcpu))
    }),
    ("threads that served", |run| count(run.threads)),
    ("memory a connection", |run| {
        run.memory()
            .map_or_else(unknown, |memory| bytes(memory as u64))
    }),
    ("of their time: blocked", |run| {
        percent(run.blocked_ns, run.lifetime_ns)
    }),
    ("  runnable", |run| {
        percent(run.runnable_ns, run.lifetime_ns)
    }),
    ("  kernel", |run| percent(run.kernel_ns, run.lifetime_ns)),
    ("  copying", |run| percent(run.copying_ns, run.lifetime_ns)),
    ("  user", |run| {
        run.user_ns
            .map_or_else(unknown, |user_ns| percent(user_ns, run.lifetime_ns))
    }),
];

/// Of a run's column.
const WIDTH: usize = 9;
/// Of what a row says.
const LABEL: usize = 24;

pub(super) fn write(comparison: &Comparison, f: &mut Formatter<'_>) -> Result {
    let kernel = shorten(&comparison.kernel, 20);
    writeln!(
        f,
        "The same load on two servers, {} each; Linux {kernel}, {} CPUs",
        nanos(comparison.for_ns),
        comparison.cpus
    )?;
    let runs: Vec<&Run> = comparison.runs.iter().collect();
    write!(f, "\n{:<LABEL$}", "connections")?;
    for (blocking, _) in comparison.pairs() {
        let connections = count(blocking.connections);
        write!(f, "{connections:>width$}", width = 2 * WIDTH)?;
    }
    write!(f, "\n{:<LABEL$}", "")?;
    for run in &runs {
        write!(f, "{:>width$}", run.model, width = WIDTH)?;
    }
    writeln!(f)?;
    for (label, of) in ROWS {
        write!(f, "{label:<LABEL$}")?;
        for run in &runs {
            write!(f, "{:>width$}", of(run), width = WIDTH)?;
        }
        writeln!(f)?;
    }
    for run in runs.iter().filter(|run| run.lost > 0) {
        writeln!(
            f,
            "!! {} with {}: {} records lost, so its numbers are too small",
            run.model,
            count(run.connections),
            count(run.lost)
        )?;
    }
    for connections in &comparison.left_out {
        writeln!(
            f,
            "!! {} connections were left out: too few descriptors here (ulimit -Hn)",
            count(*connections)
        )?;
    }
    Ok(())
}

/// So many a request: two digits behind the point, or as many as tell it from none.
pub(super) fn ratio(number: f64) -> String {
    if number == 0.0 {
        "0".to_owned()
    } else if number < 0.1 {
        format!("{number:.4}")
    } else if number < 100.0 {
        format!("{number:.2}")
    } else {
        count(number as u64)
    }
}

fn unknown() -> String {
    "?".to_owned()
}

fn none() -> String {
    "-".to_owned()
}
