//! The columns of times off the CPU.

use super::super::offcpu::OffCpuJson;
use super::column::Column;

/// A time off the CPU, with when it was and the thread's name.
pub(super) struct OffCpuRow<'a> {
    pub(super) span: OffCpuJson<'static>,
    pub(super) time: Option<i64>,
    pub(super) thread: Option<&'a str>,
}

pub(super) fn columns<'a>() -> Vec<Column<OffCpuRow<'a>>> {
    vec![
        Column::time("time", |row| row.time),
        Column::u32("tid", |row| Some(row.span.tid)),
        Column::u32("pid", |row| Some(row.span.pid)),
        Column::text("thread", |row| row.thread),
        Column::u32("cpu", |row| Some(row.span.cpu.into())),
        Column::u64("start_ns", |row| Some(row.span.start_ns)),
        Column::u64("woken_ns", |row| row.span.woken_ns),
        Column::u64("end_ns", |row| Some(row.span.end_ns)),
        Column::u64("blocked_ns", |row| Some(row.span.blocked_ns)),
        Column::u64("runnable_ns", |row| Some(row.span.runnable_ns)),
        Column::u32("times", |row| Some(row.span.times)),
        Column::bool("unseen", |row| Some(row.span.unseen)),
        Column::bool("in_call", |row| Some(row.span.in_call)),
        Column::bool("preempted", |row| Some(row.span.preempted)),
        Column::u32("state", |row| Some(row.span.state)),
        Column::u32("waker_tid", |row| {
            row.span.waker.as_ref().map(|waker| waker.tid)
        }),
        Column::u32("waker_pid", |row| {
            row.span.waker.as_ref().map(|waker| waker.pid)
        }),
        Column::text("waker_context", |row| {
            row.span.waker.as_ref().map(|waker| waker.context)
        }),
        Column::text("waker_name", |row| row.span.waker.as_ref()?.name.as_deref()),
    ]
}
