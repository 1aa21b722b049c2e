//! A batch to its [`Sketch`]: rows of short calls are looked at in a few columns only, and summed.
//!
//! To make an event of each took four fifths of the time to open a recording. Nothing here may sum what the store would
//! refuse: rows that contradict themselves or the order of time are handed over one by one.

use anyhow::{Context as _, Result};

use super::column::{Column as _, Flag, Text};
use super::row;
use super::schema::{Cells, U32, U64};
use crate::model::{Event, Off, Piece, Ready, Run, SHORT_BITS, Sketch, id_map::IdMap};

/// What the last calls of a thread were.
struct Last {
    /// When its last call ended.
    end_ns: u64,
    /// Where its last run is, if that may go on.
    run: Option<usize>,
}

/// Sketches the rows of a batch.
///
/// # Errors
/// See [`row::events`].
pub(super) fn sketch(cells: &Cells, rows: usize) -> Result<Sketch> {
    let mut pieces = Vec::with_capacity(rows / 4);
    let mut threads: IdMap<u32, Last> = IdMap::default();
    let (mut events, mut waiting): (Vec<Event>, IdMap<u32, Vec<usize>>) = Default::default();
    for at in 0..rows {
        match Text::get(&cells.kind, at) {
            Some("ready") => {
                let tid = U32::get(&cells.tid, at).context("tid is empty")?;
                waiting.entry(tid).or_default().push(at);
                continue;
            }
            Some("call") => {
                let tid = U32::get(&cells.tid, at).context("tid is empty")?;
                if let Some(found) = waiting.get_mut(&tid) {
                    found.clear();
                }
                if let Some(run) = short(cells, at) {
                    add(run, &mut threads, &mut pieces);
                    continue;
                }
            }
            Some("offcpu") => {
                if let Some(off) = off(cells, at) {
                    if !off.in_call {
                        stop(&mut threads, off.tid, off.end_ns);
                    }
                    pieces.push(Piece::Off(off));
                    continue;
                }
            }
            _ => {}
        }
        row::events(cells, at, &mut events)?;
        for event in events.drain(..) {
            match &event {
                Event::Call(call) => stop(&mut threads, call.tid, call.end_ns),
                // Must be in order with the calls.
                Event::OffCpu(span) if !span.in_call => stop(&mut threads, span.tid, span.end_ns),
                // Another thread may have the number from now on.
                Event::Life(life) => stop(&mut threads, life.tid, 0),
                _ => {}
            }
            pieces.push(Piece::Event(event));
        }
    }
    let mut left: Vec<usize> = waiting.into_values().flatten().collect();
    left.sort_unstable();
    for at in left {
        row::events(cells, at, &mut events)?;
    }
    let ready = events.into_iter().filter_map(ready).collect();
    Ok(Sketch { pieces, ready })
}

fn ready(event: Event) -> Option<Ready> {
    match event {
        Event::Ready(ready) => Some(ready),
        _ => None,
    }
}

/// The next call of a thread is no more of the same run, and must begin after this.
fn stop(threads: &mut IdMap<u32, Last>, tid: u32, end_ns: u64) {
    let last = threads.entry(tid).or_insert(Last { end_ns, run: None });
    last.end_ns = last.end_ns.max(end_ns);
    last.run = None;
}

/// A run of one call, if the row is one that only has to be summed.
#[inline(always)]
fn short(cells: &Cells, at: usize) -> Option<Run> {
    let start_ns = U64::get(&cells.start_ns, at)?;
    let kernel_ns = U64::get(&cells.kernel_ns, at)?;
    let blocked_ns = U64::get(&cells.blocked_ns, at)?;
    let runnable_ns = U64::get(&cells.runnable_ns, at)?;
    let copying_ns = U64::get(&cells.copying_ns, at)?;
    let phases = [blocked_ns, runnable_ns, copying_ns];
    let duration_ns = phases.into_iter().try_fold(kernel_ns, u64::checked_add)?;
    let end_ns = start_ns.checked_add(duration_ns)?;
    let told = U64::get(&cells.end_ns, at);
    if duration_ns >> SHORT_BITS != 0 || told.is_some_and(|told| told != end_ns) {
        return None;
    }
    Some(Run {
        pid: U32::get(&cells.pid, at)?,
        tid: U32::get(&cells.tid, at)?,
        start_ns,
        last_start_ns: start_ns,
        end_ns,
        calls: 1,
        kernel_ns,
        blocked_ns,
        runnable_ns,
        copying_ns,
        other_ns: U64::get(&cells.other_ns, at)?,
    })
}

/// A time off the CPU, if it is a short one.
#[inline(always)]
fn off(cells: &Cells, at: usize) -> Option<Off> {
    let start_ns = U64::get(&cells.start_ns, at)?;
    let end_ns = U64::get(&cells.end_ns, at)?;
    let is_short = end_ns.checked_sub(start_ns)? >> SHORT_BITS == 0;
    is_short.then_some(Off {
        pid: U32::get(&cells.pid, at)?,
        tid: U32::get(&cells.tid, at)?,
        start_ns,
        woken_ns: U64::get(&cells.woken_ns, at),
        end_ns,
        in_call: Flag::get(&cells.in_call, at)?,
    })
}

/// Adds a call to its thread's run, or begins another.
///
/// The first call of a thread in a batch, and one out of order, are never added to others: the store may refuse them.
fn add(one: Run, threads: &mut IdMap<u32, Last>, pieces: &mut Vec<Piece>) {
    let bucket = |ns: u64| ns >> SHORT_BITS;
    let Some(last) = threads.get_mut(&one.tid) else {
        let (end_ns, run) = (one.end_ns, None);
        threads.insert(one.tid, Last { end_ns, run });
        pieces.push(Piece::Run(one));
        return;
    };
    let in_order = one.start_ns >= last.end_ns;
    last.end_ns = last.end_ns.max(one.end_ns);
    if !in_order {
        last.run = None;
        pieces.push(Piece::Run(one));
        return;
    }
    if let Some(Piece::Run(run)) = last.run.and_then(|at| pieces.get_mut(at))
        && bucket(run.start_ns) == bucket(one.start_ns)
        && run.pid == one.pid
    {
        run.last_start_ns = one.start_ns;
        run.end_ns = one.end_ns;
        run.calls += 1;
        run.kernel_ns += one.kernel_ns;
        run.blocked_ns += one.blocked_ns;
        run.runnable_ns += one.runnable_ns;
        run.copying_ns += one.copying_ns;
        run.other_ns = run.other_ns.saturating_add(one.other_ns);
        return;
    }
    last.run = Some(pieces.len());
    pieces.push(Piece::Run(one));
}
