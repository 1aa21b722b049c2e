//! What a comparison's numbers show, in sentences: beside each claim of the textbooks what was seen.
//!
//! The claims are the only words that do not depend on the numbers.

use std::fmt::{Formatter, Result, Write as _};

use super::table::ratio;
use super::{Comparison, MARGIN_PERCENT, Run};
use crate::text::{bytes, count, nanos, percent, shorten};

/// Where lines end.
const COLUMNS: usize = 79;

pub(super) fn write(comparison: &Comparison, f: &mut Formatter<'_>) -> Result {
    for words in [
        one_call_or_two(comparison),
        who_is_blocked_where(comparison),
        what_pays(comparison),
        under_what(comparison),
    ] {
        writeln!(f)?;
        fill(&words, f)?;
    }
    Ok(())
}

/// Calls to receive a request.
fn one_call_or_two(comparison: &Comparison) -> String {
    let mut words = String::from(
        "One call or two? The textbooks say: a blocking server receives a request with one call, \
         a multiplexing one with two, to wait and to receive.",
    );
    for (blocking, multiplexing) in comparison.pairs() {
        // Writing to a string can't fail, here and below.
        let _ = write!(
            words,
            " With {} blocking made {} and multiplexing {}",
            connections(blocking),
            ratio(blocking.calls_to_receive()),
            ratio(multiplexing.calls_to_receive()),
        );
        if let Some(ready) = multiplexing.ready_per_wait() {
            let _ = write!(words, " (each wait found {} ready)", ratio(ready));
        }
        words.push('.');
    }
    if let (Some((_, fewest)), Some((_, most))) =
        (comparison.pairs().next(), comparison.pairs().next_back())
        && fewest.connections < most.connections
    {
        let (first, last) = (
            fewest.per_request(fewest.readiness_calls),
            most.per_request(most.readiness_calls),
        );
        words.push_str(if super::exceeds(first, last) {
            " The call to wait is shared by all that it finds ready: of it"
        } else {
            " The call to wait was not shared by more with more connections: of it"
        });
        let _ = write!(
            words,
            " {} a request with {} became {} with {}.",
            ratio(first),
            count(fewest.connections),
            ratio(last),
            count(most.connections)
        );
    }
    words
}

/// The call and the share of the time in which threads slept, and what else kept them.
fn who_is_blocked_where(comparison: &Comparison) -> String {
    let mut words = String::from(
        "Who is blocked where? The textbooks say: a blocking server sleeps in each receive, a \
         multiplexing one in its one wait.",
    );
    // Those in between lie in between, and are in the table.
    let (fewest, most) = (comparison.pairs().next(), comparison.pairs().next_back());
    let most = most.filter(|most| fewest != Some(*most));
    for (blocking, multiplexing) in fewest.into_iter().chain(most) {
        let _ = write!(
            words,
            " With {}, {} of blocking {}, and multiplexing {}.",
            connections(blocking),
            threads(blocking),
            slept(blocking),
            slept(multiplexing),
        );
    }
    words
}

fn slept(run: &Run) -> String {
    let place = run.blocked_in.as_deref().map_or_else(
        || "nowhere".to_owned(),
        |call| format!("mostly in {}", shorten(call, 16)),
    );
    format!(
        "slept {} of the time, {place}, and wanted a CPU {}",
        percent(run.blocked_ns, run.lifetime_ns),
        percent(run.runnable_ns, run.lifetime_ns)
    )
}

/// From how many connections on multiplexing is better, by each measure.
fn what_pays(comparison: &Comparison) -> String {
    let pays = &comparison.pays;
    let mut words =
        String::from("When does multiplexing pay? The textbooks say: with many connections.");
    let rate = |run: &Run| Some(count(run.requests_per_second() as u64));
    let cpu = |run: &Run| Some(nanos(run.cpu_ns()? as u64));
    let memory = |run: &Run| Some(bytes(run.memory()? as u64));
    measure(
        &mut words,
        comparison,
        "requests a second",
        pays.requests_from,
        rate,
    );
    measure(
        &mut words,
        comparison,
        "CPU time a request",
        pays.cpu_from,
        cpu,
    );
    measure(
        &mut words,
        comparison,
        "memory a connection",
        pays.memory_from,
        memory,
    );
    words
}

fn measure(
    words: &mut String,
    comparison: &Comparison,
    by: &str,
    pays_from: Option<u64>,
    of: impl Fn(&Run) -> Option<String>,
) {
    let Some((_, most)) = comparison.pairs().next_back() else {
        return;
    };
    let fewest = comparison.runs.first().map(|run| run.connections);
    let verdict = match pays_from {
        None => format!("it did not pay up to {}", connections(most)),
        Some(from) if Some(from) == fewest => {
            format!("it paid from the least that was tried on, {}", count(from))
        }
        Some(from) => {
            let below = comparison.runs.iter().map(|run| run.connections);
            let below = below.filter(|&below| below < from).max().unwrap_or(0);
            format!(
                "it paid from {} connections on, and not yet with {}",
                count(from),
                count(below)
            )
        }
    };
    let numbers = comparison.pairs().map(|(blocking, multiplexing)| {
        let of = |run| of(run).unwrap_or_else(|| "?".to_owned());
        format!("{} against {}", of(multiplexing), of(blocking))
    });
    let numbers: Vec<String> = numbers.collect();
    let _ = write!(words, " By {by}, {verdict} ({}).", numbers.join("; "));
}

/// What the numbers hold for.
fn under_what(comparison: &Comparison) -> String {
    format!(
        "These numbers are of requests of {} B that cost next to nothing but their calls, one at a time on \
         each connection, while the load and the tracer ran on the same {} CPUs; tracing makes each call \
         dearer, which falls on whoever makes more of them. A difference of {MARGIN_PERCENT} % or less is taken \
         for none.",
        comparison.request_bytes, comparison.cpus
    )
}

fn connections(run: &Run) -> String {
    match run.connections {
        1 => "1 connection".to_owned(),
        many => format!("{} connections", count(many)),
    }
}

fn threads(run: &Run) -> String {
    match run.threads {
        1 => "the one thread".to_owned(),
        many => format!("the {} threads", count(many)),
    }
}

/// Writes words in lines.
fn fill(words: &str, f: &mut Formatter<'_>) -> Result {
    let mut column = 0;
    for word in words.split_whitespace() {
        let letters = word.chars().count();
        if column > 0 && column + 1 + letters > COLUMNS {
            writeln!(f)?;
            column = 0;
        }
        if column > 0 {
            f.write_char(' ')?;
            column += 1;
        }
        f.write_str(word)?;
        column += letters;
    }
    writeln!(f)
}
