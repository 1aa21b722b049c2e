//! What slices of calls and of times off the CPU say beside their extent, with the names of the JSON export.

use std::borrow::Cow;

use serde::Serialize;

use super::call::{WakerJson, timeout_fields};
use crate::model::{Call, Copying, OffCpu, OpenThread};
use crate::text;

/// What a call's slice says beside its extent, with the names of the JSON export. To keep a file
/// that Perfetto loads, what is zero or false is left out.
#[derive(Default, Serialize)]
pub(super) struct CallArgs {
    #[serde(skip_serializing_if = "is_default")]
    pub(super) open: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fd: Option<i32>,
    /// The name of what stood behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) descriptor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ready_delay_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) requested: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ret: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout: Option<&'static str>,
    pub(super) kernel_ns: u64,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) blocked_ns: u64,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) runnable_ns: u64,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) copying_ns: u64,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) copying_inferred: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) sleeps: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) preemptions: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) interrupted: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) check: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) began_before: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) killed: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) continues: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) unseen: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) others: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) other_ns: u64,
    /// Not all of the times off the CPU in this call are known: its phases are not all drawn.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) phases_incomplete: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl From<&Call> for CallArgs {
    fn from(call: &Call) -> Self {
        let (timeout_ns, timeout) = timeout_fields(call.timeout);
        Self {
            open: false,
            fd: call.fd,
            descriptor: None,
            ready_delay_ns: call.ready_delay_ns,
            requested: call.requested,
            ret: call.ret,
            error: call.ret.and_then(text::error_name),
            timeout_ns,
            timeout,
            kernel_ns: call.kernel_ns,
            blocked_ns: call.blocked_ns,
            runnable_ns: call.runnable_ns,
            copying_ns: call.copying_ns,
            copying_inferred: matches!(call.copying, Copying::Inferred(_)),
            sleeps: call.sleeps,
            preemptions: call.preemptions,
            interrupted: call.ret.is_some_and(text::restarts),
            check: call.is_check(),
            began_before: call.began_before,
            killed: call.killed,
            continues: call.continues,
            unseen: call.unseen,
            others: call.others,
            other_ns: call.other_ns,
            phases_incomplete: false,
        }
    }
}

impl From<&OpenThread> for CallArgs {
    fn from(open: &OpenThread) -> Self {
        Self {
            open: true,
            fd: open.fd,
            kernel_ns: open.kernel_ns,
            blocked_ns: open.blocked_ns,
            runnable_ns: open.runnable_ns,
            copying_ns: open.copying_ns,
            began_before: open.began_before,
            ..Self::default()
        }
    }
}

#[derive(Serialize)]
pub(super) struct OffArgs<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waker: Option<WakerJson<'a>>,
    pub(super) state: u32,
}

impl<'a> OffArgs<'a> {
    pub(super) fn new(span: &'a OffCpu) -> Self {
        let waker = span
            .waker
            .map(|waker| WakerJson::new(waker, Some(&span.waker_comm)));
        Self {
            waker,
            state: span.state,
        }
    }
}
