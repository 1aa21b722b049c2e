//! A batch to its [`Table`]: the columns as they are, once all cells that a row of its kind must have were found there.
//!
//! Cells that take words are read as they are for an event. Nothing here may hand over a number that an event would not
//! hold.

use anyhow::{Context as _, Result, ensure};
use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{Array as _, BooleanArray, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};

use super::column::TextCells;
use super::row;
use super::schema::Cells;
use crate::model::{Copying, Event, Marks, Numbers, Ready, RowKind, Table, Texts, Timeout, cell};

/// The table of so many rows.
///
/// # Errors
/// See [`row::events`]; but rows of other kinds are not looked at.
pub(super) fn table(cells: &Cells, rows: usize) -> Result<Table<'_>> {
    let kinds = kinds(cells, rows)?;
    let of = |kind| BooleanBuffer::collect_bool(rows, |row| kinds.get(row) == Some(&kind));
    let (calls, spans) = (of(RowKind::Call), of(RowKind::OffCpu));
    let both = &calls | &spans;
    let mut table = Table {
        ready: found(cells, &kinds)?,
        pid: all(&cells.pid, &both, "pid")?,
        tid: all(&cells.tid, &both, "tid")?,
        cpu: all(&cells.cpu, &both, "cpu")?,
        start_ns: all(&cells.start_ns, &both, "start_ns")?,
        end_ns: vec![0; rows],
        waker: vec![None; rows],
        unseen: set(&cells.unseen),
        nr: all(&cells.nr, &calls, "nr")?,
        kernel_ns: all(&cells.kernel_ns, &calls, "kernel_ns")?,
        blocked_ns: all(&cells.blocked_ns, &calls, "blocked_ns")?,
        runnable_ns: all(&cells.runnable_ns, &calls, "runnable_ns")?,
        copying_ns: all(&cells.copying_ns, &calls, "copying_ns")?,
        copying: vec![Copying::None; rows],
        sleeps: all(&cells.sleeps, &calls, "sleeps")?,
        preemptions: all(&cells.preemptions, &calls, "preemptions")?,
        first_sleep_ns: some(&cells.first_sleep_ns),
        last_wake_ns: some(&cells.last_wake_ns),
        fd: some(&cells.fd),
        descriptor: some(&cells.descriptor),
        ready_delay_ns: some(&cells.ready_delay_ns),
        requested: some(&cells.requested),
        timeout: vec![Timeout::Unknown; rows],
        ret: some(&cells.ret),
        began_before: flags(&cells.began_before, &calls, "began_before")?,
        killed: flags(&cells.killed, &calls, "killed")?,
        continues: flags(&cells.continues, &calls, "continues")?,
        others: all(&cells.others, &calls, "others")?,
        other_ns: all(&cells.other_ns, &calls, "other_ns")?,
        woken_ns: some(&cells.woken_ns),
        times: some(&cells.times),
        in_call: flags(&cells.in_call, &spans, "in_call")?,
        state: all(&cells.state, &spans, "state")?,
        waker_comm: texts(&cells.waker_name),
        kinds,
    };
    fill(&mut table, cells)?;
    Ok(table)
}

fn kinds(cells: &Cells, rows: usize) -> Result<Vec<RowKind>> {
    let kind = |text: &str| match text {
        "call" => RowKind::Call,
        "offcpu" => RowKind::OffCpu,
        "ready" => RowKind::Ready,
        _ => RowKind::Other,
    };
    let texts = texts(&cells.kind);
    let known: Vec<RowKind> = texts.texts.iter().map(|text| kind(text)).collect();
    let of_row = |row| {
        let key = usize::try_from(texts.keys.get(row)?).ok()?;
        known.get(key).copied()
    };
    let kinds: Option<_> = (0..rows).map(of_row).collect();
    kinds.context("the kind is empty")
}

/// Fills in what is not in one column as it is.
fn fill(table: &mut Table<'_>, cells: &Cells) -> Result<()> {
    let (end_ns, copy_start_ns) = (some(&cells.end_ns), some(&cells.copy_start_ns));
    let (copying, timeout) = (texts(&cells.copying), texts(&cells.timeout));
    let timeout_ns = some(&cells.timeout_ns);
    let (waker_tid, waker_pid) = (some(&cells.waker_tid), some(&cells.waker_pid));
    let context = texts(&cells.waker_context);
    let columns = (table.end_ns.iter_mut())
        .zip(&mut table.waker)
        .zip(&mut table.copying)
        .zip(&mut table.timeout);
    for ((at, kind), (((to_end_ns, to_waker), to_copying), to_timeout)) in
        table.kinds.iter().enumerate().zip(columns)
    {
        match kind {
            RowKind::Call => {
                let copying_ns = cell(table.copying_ns, at);
                let phases_ns = [
                    cell(table.kernel_ns, at),
                    cell(table.blocked_ns, at),
                    cell(table.runnable_ns, at),
                    copying_ns,
                ];
                let start_ns = cell(table.start_ns, at);
                *to_end_ns = row::end_of_call(start_ns, phases_ns, end_ns.get(at))?;
                let told_ns = copy_start_ns.get(at);
                *to_copying = row::copying(copying.get(at), copying_ns, *to_end_ns, told_ns)?;
                *to_timeout = row::timeout(timeout.get(at), timeout_ns.get(at))?;
            }
            RowKind::OffCpu => {
                *to_end_ns = end_ns.get(at).context("end_ns is empty")?;
                let name = table.waker_comm.get(at).context("waker_name is empty")?;
                row::short(name)?;
            }
            RowKind::Ready | RowKind::Other => continue,
        }
        *to_waker = row::waker(waker_tid.get(at), waker_pid.get(at), context.get(at))?;
    }
    Ok(())
}

/// What readiness calls found.
fn found(cells: &Cells, kinds: &[RowKind]) -> Result<Vec<(u32, Ready)>> {
    let (mut found, mut events) = (Vec::new(), Vec::new());
    let rows = (0..)
        .zip(kinds)
        .filter(|(_, kind)| **kind == RowKind::Ready);
    for (row, _) in rows {
        row::events(cells, row as usize, &mut events)?;
        found.extend(events.drain(..).filter_map(|event| match event {
            Event::Ready(ready) => Some((row, ready)),
            _ => None,
        }));
    }
    Ok(found)
}

/// The numbers of a column that must have one in each of these rows.
fn all<'a, T: ArrowPrimitiveType>(
    cells: &'a PrimitiveArray<T>,
    rows: &BooleanBuffer,
    name: &str,
) -> Result<&'a [T::Native]> {
    none_missing(cells.len(), cells.nulls(), rows, name)?;
    Ok(cells.values())
}

/// The same of a column of yes and no.
fn flags(cells: &BooleanArray, rows: &BooleanBuffer, name: &str) -> Result<Marks> {
    none_missing(cells.len(), cells.nulls(), rows, name)?;
    Ok(marks(cells.values()))
}

fn none_missing(
    length: usize,
    there: Option<&NullBuffer>,
    rows: &BooleanBuffer,
    name: &str,
) -> Result<()> {
    let missing = match there {
        _ if length < rows.len() => rows.count_set_bits(),
        Some(there) => (rows & &!there.inner()).count_set_bits(),
        None => 0,
    };
    ensure!(missing == 0, "{name} is empty in {missing} rows");
    Ok(())
}

/// A column of which any cell may be empty.
fn some<T: ArrowPrimitiveType>(cells: &PrimitiveArray<T>) -> Numbers<'_, T::Native> {
    Numbers {
        numbers: cells.values(),
        there: cells.nulls().map(|there| marks(there.inner())),
    }
}

/// The rows in which a column of yes and no says yes.
fn set(cells: &BooleanArray) -> Marks {
    match cells.nulls() {
        Some(there) => marks(&(cells.values() & there.inner())),
        None => marks(cells.values()),
    }
}

fn marks(of: &BooleanBuffer) -> Marks {
    Marks(of.sliced().to_vec())
}

fn texts(cells: &TextCells) -> Texts<'_> {
    Texts {
        keys: some(&cells.keys),
        texts: cells.names.iter().map(Option::unwrap_or_default).collect(),
    }
}
