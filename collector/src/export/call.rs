//! A call as exports, reports and the page have it; and who ended its wait.
//!
//! A field that is not there is not known.

use std::borrow::Cow;

use serde::Serialize;

use super::why::WhyJson;
use crate::model::{Arch, Call, Copying, Timeout, Trace, Waker, call_name};
use crate::text;

/// A call as exports and the page have it.
pub fn call_json(trace: &Trace, call: &Call) -> serde_json::Value {
    // Made of numbers and text only, which can always be JSON.
    serde_json::to_value(CallJson::new(Arch::from_machine(&trace.arch), call)).unwrap_or_default()
}

/// A call with why its wait ended, as exports and reports have it.
pub(crate) fn explained_json(arch: Option<Arch>, call: &Call, why: WhyJson) -> serde_json::Value {
    let explained = CallJson::explained(arch, call, Some(why));
    serde_json::to_value(explained).unwrap_or_default()
}

/// One of `calls`.
#[derive(Serialize)]
pub(super) struct CallJson {
    pub(super) tid: u32,
    pub(super) pid: u32,
    pub(super) cpu: u16,
    pub(super) call: Cow<'static, str>,
    pub(super) nr: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fd: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) descriptor: Option<u32>,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    pub(super) kernel_ns: u64,
    pub(super) blocked_ns: u64,
    pub(super) runnable_ns: u64,
    pub(super) copying_ns: u64,
    pub(super) copying: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) copy_start_ns: Option<u64>,
    pub(super) sleeps: u32,
    pub(super) preemptions: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_sleep_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_wake_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waker: Option<WakerJson<'static>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ready_delay_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) requested: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ret: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Cow<'static, str>>,
    pub(super) interrupted: bool,
    pub(super) check: bool,
    pub(super) began_before: bool,
    pub(super) killed: bool,
    pub(super) continues: bool,
    pub(super) unseen: bool,
    pub(super) others: u32,
    pub(super) other_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<WhyJson>,
}

impl CallJson {
    /// With why its wait ended, if that is told of it.
    pub(super) fn explained(arch: Option<Arch>, call: &Call, why: Option<WhyJson>) -> Self {
        Self {
            why,
            ..Self::new(arch, call)
        }
    }

    pub(super) fn new(arch: Option<Arch>, call: &Call) -> Self {
        let (timeout_ns, timeout) = timeout_fields(call.timeout);
        Self {
            tid: call.tid,
            pid: call.pid,
            cpu: call.cpu,
            call: name(arch, call.nr),
            nr: call.nr,
            fd: call.fd,
            descriptor: call.descriptor,
            start_ns: call.start_ns,
            end_ns: call.end_ns,
            kernel_ns: call.kernel_ns,
            blocked_ns: call.blocked_ns,
            runnable_ns: call.runnable_ns,
            copying_ns: call.copying_ns,
            copying: match call.copying {
                Copying::None => "none",
                Copying::Seen(_) => "seen",
                Copying::Inferred(_) => "inferred",
            },
            copy_start_ns: call.copying.start_ns(),
            sleeps: call.sleeps,
            preemptions: call.preemptions,
            first_sleep_ns: call.first_sleep_ns,
            last_wake_ns: call.last_wake_ns,
            waker: call.waker.map(|waker| WakerJson::new(waker, None)),
            ready_delay_ns: call.ready_delay_ns,
            requested: call.requested,
            timeout_ns,
            timeout,
            ret: call.ret,
            error: call.ret.and_then(text::error_name),
            interrupted: call.ret.is_some_and(text::restarts),
            check: call.is_check(),
            began_before: call.began_before,
            killed: call.killed,
            continues: call.continues,
            unseen: call.unseen,
            others: call.others,
            other_ns: call.other_ns,
            why: None,
        }
    }
}

/// `timeout_ns` and `timeout` of a call: neither if it has none, or it is not known.
pub(super) fn timeout_fields(timeout: Timeout) -> (Option<u64>, Option<&'static str>) {
    match timeout {
        Timeout::Unknown => (None, None),
        Timeout::Infinite => (None, Some("infinite")),
        Timeout::Zero => (Some(0), None),
        Timeout::Nanos(nanos) => (Some(nanos), None),
    }
}

/// The name of a call; an architecture we have no table for has numbers only.
pub(super) fn name(arch: Option<Arch>, nr: u32) -> Cow<'static, str> {
    arch.map_or_else(
        || format!("syscall_{nr}").into(),
        |arch| call_name(arch, nr),
    )
}

/// The `waker` of a call or of a time off the CPU.
#[derive(Serialize)]
pub(super) struct WakerJson<'a> {
    pub(super) tid: u32,
    pub(super) pid: u32,
    pub(super) context: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Cow<'a, str>>,
}

impl<'a> WakerJson<'a> {
    pub(super) fn new(waker: Waker, name: Option<&'a str>) -> Self {
        Self {
            tid: waker.tid,
            pid: waker.pid,
            context: waker.context.word(),
            name: name.map(Cow::Borrowed),
        }
    }
}
