//! The columns of calls.

use super::super::call::CallJson;
use super::column::Column;
use crate::model::Descriptor;

/// A call, with what other lists of the JSON export say of it.
pub(super) struct CallRow<'a> {
    pub(super) call: CallJson,
    /// When it began, nanoseconds since 1970.
    pub(super) time: Option<i64>,
    /// The thread's last name.
    pub(super) thread: Option<&'a str>,
    pub(super) descriptor: Option<&'a Descriptor>,
}

pub(super) fn columns<'a>() -> Vec<Column<CallRow<'a>>> {
    vec![
        Column::time("time", |row| row.time),
        Column::u32("tid", |row| Some(row.call.tid)),
        Column::u32("pid", |row| Some(row.call.pid)),
        Column::text("thread", |row| row.thread),
        Column::u32("cpu", |row| Some(row.call.cpu.into())),
        Column::text("call", |row| Some(&row.call.call)),
        Column::u32("nr", |row| Some(row.call.nr)),
        Column::i32("fd", |row| row.call.fd),
        Column::u32("descriptor", |row| row.call.descriptor),
        Column::text("descriptor_kind", |row| {
            row.descriptor.map(|descriptor| descriptor.kind.word())
        }),
        Column::text("descriptor_name", |row| {
            let name = row.descriptor.map(|descriptor| descriptor.name.as_str());
            name.filter(|name| !name.is_empty())
        }),
        Column::u64("start_ns", |row| Some(row.call.start_ns)),
        Column::u64("end_ns", |row| Some(row.call.end_ns)),
        Column::u64("kernel_ns", |row| Some(row.call.kernel_ns)),
        Column::u64("blocked_ns", |row| Some(row.call.blocked_ns)),
        Column::u64("runnable_ns", |row| Some(row.call.runnable_ns)),
        Column::u64("copying_ns", |row| Some(row.call.copying_ns)),
        Column::text("copying", |row| Some(row.call.copying)),
        Column::u64("copy_start_ns", |row| row.call.copy_start_ns),
        Column::u32("sleeps", |row| Some(row.call.sleeps)),
        Column::u32("preemptions", |row| Some(row.call.preemptions)),
        Column::u64("first_sleep_ns", |row| row.call.first_sleep_ns),
        Column::u64("last_wake_ns", |row| row.call.last_wake_ns),
        Column::u32("waker_tid", |row| {
            row.call.waker.as_ref().map(|waker| waker.tid)
        }),
        Column::u32("waker_pid", |row| {
            row.call.waker.as_ref().map(|waker| waker.pid)
        }),
        Column::text("waker_context", |row| {
            row.call.waker.as_ref().map(|waker| waker.context)
        }),
        Column::u64("ready_delay_ns", |row| row.call.ready_delay_ns),
        Column::u64("requested", |row| row.call.requested),
        Column::u64("timeout_ns", |row| row.call.timeout_ns),
        Column::text("timeout", |row| row.call.timeout),
        Column::i64("ret", |row| row.call.ret),
        Column::text("error", |row| row.call.error.as_deref()),
        Column::bool("interrupted", |row| Some(row.call.interrupted)),
        Column::bool("check", |row| Some(row.call.check)),
        Column::bool("began_before", |row| Some(row.call.began_before)),
        Column::bool("killed", |row| Some(row.call.killed)),
        Column::bool("continues", |row| Some(row.call.continues)),
        Column::bool("unseen", |row| Some(row.call.unseen)),
        Column::u32("others", |row| Some(row.call.others)),
        Column::u64("other_ns", |row| Some(row.call.other_ns)),
        Column::text("why_cause", |row| {
            row.call.why.as_ref().map(|why| why.reason.cause)
        }),
        Column::text("why_text", |row| {
            row.call.why.as_ref().map(|why| why.reason.text.as_str())
        }),
        Column::text("why_short", |row| {
            row.call.why.as_ref().map(|why| why.reason.short.as_str())
        }),
        Column::u32("why_descriptor", |row| {
            row.call.why.as_ref()?.reason.descriptor
        }),
        Column::i32("why_fd", |row| row.call.why.as_ref()?.reason.fd),
        Column::u32("why_by", |row| row.call.why.as_ref()?.reason.by),
        Column::bool("why_network", |row| {
            row.call.why.as_ref().map(|why| why.reason.network)
        }),
        Column::bool("why_inferred", |row| {
            row.call.why.as_ref().map(|why| why.reason.inferred)
        }),
        Column::text("why_name", |row| {
            row.call.why.as_ref()?.reason.name.as_deref()
        }),
        Column::u32("why_more", |row| {
            let more = row.call.why.as_ref()?.reason.more;
            (more > 0).then_some(more)
        }),
    ]
}
