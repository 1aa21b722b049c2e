//! A batch to its [`Sketch`]: rows of short calls are looked at in a few columns only, and summed.
//!
//! To make an event of each took four fifths of the time to open a recording. Nothing here may sum what the store would
//! refuse: rows that contradict themselves or the order of time are handed over one by one.

use anyhow::{Context as _, Result};

use super::column::{Column as _, Flag, Text};
use super::row;
use super::schema::{Cells, U32, U64};
use crate::model::{Event, Off, Ready, Run, Series, Sketch, Sketcher, Sum, id_map::IdMap};

/// Sketches the rows of a batch.
///
/// # Errors
/// See [`row::events`].
pub(super) fn sketch(cells: &Cells, rows: usize, bits: u8) -> Result<Sketch> {
    let mut sketcher = Sketcher::new(bits);
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
                if let Some(run) = short(cells, at, bits) {
                    sketcher.run(run);
                    continue;
                }
            }
            Some("offcpu") => {
                if let Some(off) = off(cells, at, bits) {
                    sketcher.off(off);
                    continue;
                }
            }
            _ => {}
        }
        row::events(cells, at, &mut events)?;
        events.drain(..).for_each(|event| sketcher.event(event));
    }
    let mut left: Vec<usize> = waiting.into_values().flatten().collect();
    left.sort_unstable();
    for at in left {
        row::events(cells, at, &mut events)?;
    }
    Ok(Sketch {
        bits,
        pieces: sketcher.take(),
        ready: events.into_iter().filter_map(ready).collect(),
    })
}

fn ready(event: Event) -> Option<Ready> {
    match event {
        Event::Ready(ready) => Some(ready),
        _ => None,
    }
}

/// A run of one call, if the row is one that only has to be summed.
#[inline(always)]
fn short(cells: &Cells, at: usize, bits: u8) -> Option<Run> {
    let start_ns = U64::get(&cells.start_ns, at)?;
    let kernel_ns = U64::get(&cells.kernel_ns, at)?;
    let blocked_ns = U64::get(&cells.blocked_ns, at)?;
    let runnable_ns = U64::get(&cells.runnable_ns, at)?;
    let copying_ns = U64::get(&cells.copying_ns, at)?;
    let phases = [blocked_ns, runnable_ns, copying_ns];
    let duration_ns = phases.into_iter().try_fold(kernel_ns, u64::checked_add)?;
    let end_ns = start_ns.checked_add(duration_ns)?;
    let told = U64::get(&cells.end_ns, at);
    if duration_ns >> bits != 0 || told.is_some_and(|told| told != end_ns) {
        return None;
    }
    Some(Run {
        series: Series::one(
            U32::get(&cells.pid, at)?,
            U32::get(&cells.tid, at)?,
            start_ns,
            end_ns,
        ),
        sum: Sum {
            calls: 1,
            kernel_ns,
            blocked_ns,
            runnable_ns,
            copying_ns,
            other_ns: U64::get(&cells.other_ns, at)?,
            ..Sum::default()
        },
    })
}

/// A time off the CPU, if it is a short one.
#[inline(always)]
fn off(cells: &Cells, at: usize, bits: u8) -> Option<Off> {
    let start_ns = U64::get(&cells.start_ns, at)?;
    let end_ns = U64::get(&cells.end_ns, at)?;
    let is_short = end_ns.checked_sub(start_ns)? >> bits == 0;
    is_short.then_some(Off {
        pid: U32::get(&cells.pid, at)?,
        tid: U32::get(&cells.tid, at)?,
        start_ns,
        woken_ns: U64::get(&cells.woken_ns, at),
        end_ns,
        in_call: Flag::get(&cells.in_call, at)?,
    })
}
