//! A time off the CPU as exports and the page have it.
//!
//! A field that is not there is not known. Names are what the kernel gave, unescaped.

use std::borrow::Cow;

use serde::Serialize;

use super::call::WakerJson;
use crate::model::OffCpu;

/// A time off the CPU as exports and the page have it.
pub fn offcpu_json(span: &OffCpu) -> serde_json::Value {
    serde_json::to_value(OffCpuJson::new(span)).unwrap_or_default()
}

/// One of `offcpu`.
#[derive(Serialize)]
pub(super) struct OffCpuJson<'a> {
    pub(super) tid: u32,
    pub(super) pid: u32,
    pub(super) cpu: u16,
    pub(super) start_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) woken_ns: Option<u64>,
    pub(super) end_ns: u64,
    pub(super) blocked_ns: u64,
    pub(super) runnable_ns: u64,
    pub(super) times: u32,
    pub(super) unseen: bool,
    pub(super) in_call: bool,
    pub(super) preempted: bool,
    pub(super) state: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waker: Option<WakerJson<'a>>,
}

impl<'a> OffCpuJson<'a> {
    pub(super) fn new(span: &'a OffCpu) -> Self {
        let named = |waker| WakerJson::new(waker, Some(&span.waker_comm));
        Self {
            waker: span.waker.map(named),
            ..Self::facts(span)
        }
    }

    /// Without who ended it.
    fn facts(span: &OffCpu) -> Self {
        Self {
            tid: span.tid,
            pid: span.pid,
            cpu: span.cpu,
            start_ns: span.start_ns,
            woken_ns: span.woken_ns,
            end_ns: span.end_ns,
            blocked_ns: span.blocked_ns(),
            runnable_ns: span.runnable_ns(),
            times: span.times,
            unseen: span.unseen,
            in_call: span.in_call,
            preempted: span.woken_ns.is_none(),
            state: span.state,
            waker: None,
        }
    }
}

impl OffCpuJson<'static> {
    /// One that outlives the event.
    pub(super) fn owned(span: &OffCpu) -> Self {
        let name = || Some(Cow::Owned(span.waker_comm.clone()));
        let owned = |waker| WakerJson {
            name: name(),
            ..WakerJson::new(waker, None)
        };
        Self {
            waker: span.waker.map(owned),
            ..OffCpuJson::facts(span)
        }
    }
}
