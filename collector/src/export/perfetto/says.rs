//! What the slices of a trace for Perfetto say beside their extent, with the names of the JSON export.
//!
//! What is zero or false is left out, as it is where slices say the same: a call's phases stand in it.

use super::super::overview::Overview;
use super::super::slice_args::CallArgs;
use super::packets::Value;
use crate::model::{Descriptor, OffCpu, Request};

type Said<'a> = (&'static str, Value<'a>);

/// Of the whole trace.
pub(super) fn of_trace(first: &Overview) -> impl Iterator<Item = Said<'_>> {
    let trace = &first.trace;
    let told = [
        ("pid", Value::Uint(trace.pid.into())),
        ("command", Value::Text(&trace.command)),
        ("host", Value::Text(&trace.host)),
        ("kernel", Value::Text(&trace.kernel)),
        ("arch", Value::Text(&trace.arch)),
        ("backend", Value::Text(&trace.backend)),
        ("duration_ns", Value::Uint(first.end_ns())),
        ("lost", Value::Uint(first.lost())),
        ("ended", Value::Bool(first.ended())),
    ];
    let cut = first.cut.as_deref().map(|cut| ("cut", Value::Text(cut)));
    told.into_iter().chain(cut)
}

/// Of a call.
pub(super) fn of_call(args: &CallArgs) -> impl Iterator<Item = Said<'_>> {
    let CallArgs {
        open,
        fd,
        descriptor,
        ready_delay_ns,
        requested,
        ret,
        error,
        timeout_ns,
        timeout,
        kernel_ns,
        blocked_ns,
        runnable_ns,
        copying_ns,
        copying_inferred,
        sleeps,
        preemptions,
        interrupted,
        check,
        began_before,
        killed,
        continues,
        unseen,
        others,
        other_ns,
        phases_incomplete,
    } = args;
    // The slices of an incomplete call don't say how long its phases were.
    let undrawn = |nanos: u64| if *phases_incomplete { nanos } else { 0 };
    let told = [
        flag("open", *open),
        fd.map(|fd| ("fd", Value::Int(fd.into()))),
        descriptor
            .as_deref()
            .map(|name| ("descriptor", Value::Text(name))),
        ready_delay_ns.map(|nanos| ("ready_delay_ns", Value::Uint(nanos))),
        requested.map(|asked| ("requested", Value::Uint(asked))),
        ret.map(|ret| ("ret", Value::Int(ret))),
        error.as_deref().map(|name| ("error", Value::Text(name))),
        timeout_ns.map(|nanos| ("timeout_ns", Value::Uint(nanos))),
        timeout.map(|word| ("timeout", Value::Text(word))),
        count("kernel_ns", undrawn(*kernel_ns)),
        count("blocked_ns", undrawn(*blocked_ns)),
        count("runnable_ns", undrawn(*runnable_ns)),
        count("copying_ns", undrawn(*copying_ns)),
        flag("copying_inferred", *copying_inferred),
        count("sleeps", (*sleeps).into()),
        count("preemptions", (*preemptions).into()),
        flag("interrupted", *interrupted),
        flag("check", *check),
        flag("began_before", *began_before),
        flag("killed", *killed),
        flag("continues", *continues),
        flag("unseen", *unseen),
        count("others", (*others).into()),
        count("other_ns", *other_ns),
        flag("phases_incomplete", *phases_incomplete),
    ];
    told.into_iter().flatten()
}

/// Of a time off the CPU.
pub(super) fn of_span(span: &OffCpu) -> impl Iterator<Item = Said<'_>> {
    let waker = span.waker.map(|waker| {
        [
            ("waker_tid", Value::Uint(waker.tid.into())),
            ("waker_pid", Value::Uint(waker.pid.into())),
            ("waker_context", Value::Text(waker.context.word())),
            ("waker_name", Value::Text(&span.waker_comm)),
        ]
    });
    let state = ("state", Value::Uint(span.state.into()));
    let unseen = flag("unseen", span.unseen);
    waker.into_iter().flatten().chain([state]).chain(unseen)
}

/// Of a request that is drawn from `start_ns`.
pub(super) fn of_request<'a>(
    request: &Request,
    start_ns: u64,
    descriptor: Option<&'a Descriptor>,
) -> impl Iterator<Item = Said<'a>> {
    let Request {
        pid: _,
        tid,
        ring,
        opcode: _,
        fd,
        descriptor: _,
        submit_ns,
        complete_ns,
        user_data,
        ret,
        shot,
        more,
    } = *request;
    let name = descriptor
        .map(|descriptor| descriptor.name.as_str())
        .filter(|name| !name.is_empty());
    let moved = submit_ns.filter(|&submit_ns| submit_ns != start_ns);
    let told = [
        Some(("tid", Value::Uint(tid.into()))),
        flag("open", complete_ns.is_none()),
        flag("began_before", submit_ns.is_none()),
        moved.map(|nanos| ("submit_ns", Value::Uint(nanos))),
        ring.map(|fd| ("ring", Value::Int(fd.into()))),
        fd.map(|fd| ("fd", Value::Int(fd.into()))),
        name.map(|name| ("descriptor", Value::Text(name))),
        Some(("user_data", Value::Uint(user_data))),
        ret.map(|ret| ("ret", Value::Int(ret.into()))),
        count("shot", shot.into()),
        flag("more", more),
    ];
    told.into_iter().flatten()
}

fn flag(name: &'static str, value: bool) -> Option<Said<'static>> {
    value.then_some((name, Value::Bool(true)))
}

fn count(name: &'static str, value: u64) -> Option<Said<'static>> {
    (value != 0).then_some((name, Value::Uint(value)))
}
