//! The columns of turns.

use super::super::turn::TurnJson;
use super::column::Column;

/// A turn, with when it was and the thread's name.
pub(super) struct TurnRow<'a> {
    pub(super) turn: TurnJson,
    pub(super) time: Option<i64>,
    pub(super) thread: Option<&'a str>,
}

pub(super) fn columns<'a>() -> Vec<Column<TurnRow<'a>>> {
    vec![
        Column::time("time", |row| row.time),
        Column::u32("tid", |row| Some(row.turn.tid)),
        Column::u32("pid", |row| Some(row.turn.pid)),
        Column::text("thread", |row| row.thread),
        Column::u64("start_ns", |row| Some(row.turn.start_ns)),
        Column::u64("work_end_ns", |row| Some(row.turn.work_end_ns)),
        Column::u64("end_ns", |row| Some(row.turn.end_ns)),
        Column::bool("ended", |row| Some(row.turn.ended)),
        Column::u64("work_ns", |row| Some(row.turn.work_ns)),
        Column::u64("wait_ns", |row| Some(row.turn.wait_ns)),
        Column::u64("blocked_ns", |row| Some(row.turn.blocked_ns)),
        Column::u64("runnable_ns", |row| Some(row.turn.runnable_ns)),
        Column::u64("lag_ns", |row| Some(row.turn.lag_ns)),
        Column::u64("events", |row| Some(row.turn.events)),
        Column::u64("calls", |row| Some(row.turn.calls)),
        Column::u64("checks", |row| Some(row.turn.checks)),
        Column::u64("received_bytes", |row| Some(row.turn.received_bytes)),
        Column::u64("sent_bytes", |row| Some(row.turn.sent_bytes)),
        Column::bool("ready_before_asked", |row| {
            Some(row.turn.ready_before_asked)
        }),
        Column::text("call", |row| row.turn.call.as_deref()),
        Column::u32("nr", |row| row.turn.nr),
        Column::i32("fd", |row| row.turn.fd),
        Column::bool("many", |row| Some(row.turn.many)),
        Column::text("stall_call", |row| row.turn.stall.as_ref()?.call.as_deref()),
        Column::i32("stall_fd", |row| row.turn.stall.as_ref()?.fd),
        Column::u32("stall_descriptor", |row| {
            row.turn.stall.as_ref()?.descriptor
        }),
        Column::u64("stall_start_ns", |row| {
            row.turn.stall.as_ref().map(|stall| stall.start_ns)
        }),
        Column::u64("stall_blocked_ns", |row| {
            row.turn.stall.as_ref().map(|stall| stall.blocked_ns)
        }),
        Column::u64("stall_runnable_ns", |row| {
            row.turn.stall.as_ref().map(|stall| stall.runnable_ns)
        }),
        Column::u32("stall_waker_tid", |row| {
            Some(row.turn.stall.as_ref()?.waker.as_ref()?.tid)
        }),
        Column::u32("stall_waker_pid", |row| {
            Some(row.turn.stall.as_ref()?.waker.as_ref()?.pid)
        }),
        Column::text("stall_waker_context", |row| {
            Some(row.turn.stall.as_ref()?.waker.as_ref()?.context)
        }),
        Column::text("stall_waker_name", |row| {
            row.turn.stall.as_ref()?.waker.as_ref()?.name.as_deref()
        }),
    ]
}
