//! Calls, times off the CPU and turns as rows of columns, for engines that ask in SQL.
//!
//! Columns have the names of the JSON export. What is an object there is several columns here, `waker.tid` the column
//! `waker_tid`. A cell that is empty is not known. Nothing here may hold more than a batch of rows.

mod calls;
mod column;
mod csv;
mod offcpu;
mod parquet;
mod partitions;
mod turns;

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use anyhow::Result;

use self::calls::CallRow;
use self::column::Column;
use self::offcpu::OffCpuRow;
use self::partitions::Partitions;
use self::turns::TurnRow;
use super::Passes;
use super::call::CallJson;
use super::explainer::Explainer;
use super::offcpu::OffCpuJson;
use super::overview::Overview;
use super::turn::TurnJson;
use super::why::WhyJson;
use crate::model::{Call, CallKinds, Event, Turns};

/// What rows say beside what the JSON export says of their kind.
struct Origin<'a> {
    first: &'a Overview,
    /// The last name of each thread.
    names: HashMap<(u32, u32), &'a str>,
}

impl<'a> Origin<'a> {
    fn new(first: &'a Overview) -> Self {
        let named = first.threads.all().iter().filter_map(|thread| {
            let name = thread.name.as_deref()?;
            Some(((thread.pid, thread.tid), name))
        });
        Self {
            first,
            names: named.collect(),
        }
    }

    fn thread(&self, pid: u32, tid: u32) -> Option<&'a str> {
        self.names.get(&(pid, tid)).copied()
    }

    /// Nanoseconds since 1970; `None` if that is too far for a timestamp.
    fn wall_ns(&self, at_ns: u64) -> Option<i64> {
        let wall_ns = self.first.trace.start_unix_ns.checked_add(at_ns)?;
        i64::try_from(wall_ns).ok()
    }

    fn call(&self, call: &Call, why: Option<WhyJson>) -> CallRow<'a> {
        let descriptor = call
            .descriptor
            .and_then(|id| self.first.descriptors.get(&id));
        CallRow {
            call: CallJson::explained(self.first.arch, call, why),
            time: self.wall_ns(call.start_ns),
            thread: self.thread(call.pid, call.tid),
            descriptor,
        }
    }
}

/// The columns of the trace itself, the same in each of its rows.
fn of_trace<R>(first: &Overview) -> Vec<Column<R>> {
    vec![
        Column::same("trace_pid", u64::from(first.trace.pid)),
        Column::same("trace_start_unix_ns", first.trace.start_unix_ns),
        Column::same_text("command", &first.trace.command),
    ]
}

/// Those, with the host first: where the path does not say it.
fn of_host<R>(first: &Overview) -> Vec<Column<R>> {
    let mut columns = vec![Column::same_text("host", &first.trace.host)];
    columns.extend(of_trace(first));
    columns
}

/// Hands on each call as a row.
fn each_call<'a>(
    first: &'a Overview,
    passes: &mut Passes<'_>,
    mut take: impl FnMut(CallRow<'a>) -> Result<()>,
) -> Result<()> {
    let origin = Origin::new(first);
    let mut explainer = Explainer::new(first.arch);
    let mut call = |event: &Event, why| match event {
        Event::Call(call) if first.held.holds(event) => take(origin.call(call, why)),
        _ => Ok(()),
    };
    passes.each(|event| explainer.push(event, &mut call))?;
    explainer.finish(&mut call)?;
    Ok(())
}

/// Writes the calls as comma-separated values.
pub(super) fn write_csv(
    first: &Overview,
    passes: &mut Passes<'_>,
    out: &mut impl Write,
) -> Result<()> {
    let columns = [of_host(first), calls::columns()].concat();
    let mut table = csv::Table::begin(columns, out)?;
    each_call(first, passes, |row| table.push(&row))?;
    table.finish()
}

/// Writes the calls as one Parquet file.
pub(super) fn write_parquet(
    first: &Overview,
    passes: &mut Passes<'_>,
    out: &mut (impl Write + Send),
) -> Result<()> {
    let columns = [of_host(first), calls::columns()].concat();
    let mut table = parquet::Table::begin(columns, out, first)?;
    each_call(first, passes, |row| table.push(row))?;
    table.finish()
}

/// Writes calls, times off the CPU and turns as Parquet files under `dir`, by host and hour.
pub(super) fn write_partitions(
    first: &Overview,
    passes: &mut Passes<'_>,
    dir: &Path,
) -> Result<()> {
    let origin = Origin::new(first);
    let (arch, range) = (first.arch, first.held.range);
    let mut calls = Partitions::new(dir, "calls", first, calls::columns);
    let mut spans = Partitions::new(dir, "offcpu", first, offcpu::columns);
    let mut loops = Partitions::new(dir, "turns", first, turns::columns);
    let mut explainer = Explainer::new(arch);
    let (mut turns, mut ended) = (Turns::new(CallKinds::new(arch)), Vec::new());
    let mut rows = |event: &Event, why| {
        match event {
            event if !first.held.holds(event) => {}
            Event::Call(call) => calls.push(call.end_ns, origin.call(call, why))?,
            Event::OffCpu(span) => {
                let row = OffCpuRow {
                    span: OffCpuJson::owned(span),
                    time: origin.wall_ns(span.start_ns),
                    thread: origin.thread(span.pid, span.tid),
                };
                spans.push(span.end_ns, row)?;
            }
            _ => {}
        }
        turns.push(event, &mut ended);
        let mut ended = ended.drain(..).filter(|turn| range.holds_turn(turn));
        ended.try_for_each(|turn| {
            let row = TurnRow {
                turn: TurnJson::new(arch, &turn),
                time: origin.wall_ns(turn.start_ns),
                thread: origin.thread(turn.pid, turn.tid),
            };
            loops.push(turn.end_ns, row)
        })
    };
    passes.each(|event| explainer.push(event, &mut rows))?;
    explainer.finish(&mut rows)?;
    calls.finish()?;
    spans.finish()?;
    loops.finish()
}
