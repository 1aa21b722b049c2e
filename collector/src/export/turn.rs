//! Turns of event loops as the export has them, and what stalled them as reports have it, too.
//!
//! Where turns begin and end is decided in the model alone.

use std::borrow::Cow;

use serde::Serialize;

use super::call::name;
use crate::model::{Arch, Stall, Turn, Waker};

/// A turn as exports and the page have it.
pub(crate) fn turn_json(arch: Option<Arch>, turn: &Turn) -> serde_json::Value {
    // Made of numbers and text only, which can always be JSON.
    serde_json::to_value(TurnJson::new(arch, turn)).unwrap_or_default()
}

/// One of `turns`.
#[derive(Serialize)]
pub(super) struct TurnJson {
    pub(super) tid: u32,
    pub(super) pid: u32,
    pub(super) start_ns: u64,
    pub(super) work_end_ns: u64,
    pub(super) end_ns: u64,
    pub(super) ended: bool,
    pub(super) work_ns: u64,
    pub(super) wait_ns: u64,
    pub(super) blocked_ns: u64,
    pub(super) runnable_ns: u64,
    pub(super) lag_ns: u64,
    pub(super) events: u64,
    pub(super) calls: u64,
    pub(super) checks: u64,
    pub(super) received_bytes: u64,
    pub(super) sent_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stall: Option<StallJson>,
    pub(super) ready_before_asked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) call: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nr: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fd: Option<i32>,
    pub(super) many: bool,
}

impl TurnJson {
    pub(super) fn new(arch: Option<Arch>, turn: &Turn) -> Self {
        let Turn {
            pid,
            tid,
            start_ns,
            work_end_ns,
            end_ns,
            ended,
            events,
            calls,
            checks,
            received,
            sent,
            blocked_ns,
            runnable_ns,
            lag_ns,
            ref stall,
            ready_before_asked,
            nr,
            fd,
            many,
        } = *turn;
        Self {
            tid,
            pid,
            start_ns,
            work_end_ns,
            end_ns,
            ended,
            work_ns: turn.work_ns(),
            wait_ns: turn.wait_ns(),
            blocked_ns,
            runnable_ns,
            lag_ns,
            events,
            calls,
            checks,
            received_bytes: received,
            sent_bytes: sent,
            stall: stall.as_ref().map(|stall| StallJson::new(arch, stall)),
            ready_before_asked,
            call: nr.map(|nr| name(arch, nr)),
            nr,
            fd,
            many,
        }
    }
}

/// What stalled a turn. A field that is not there is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StallJson {
    /// The call; `None` outside calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The descriptor it works on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fd: Option<i32>,
    /// What stood behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descriptor: Option<u32>,
    /// Entry of the call, or when the thread left the CPU.
    pub start_ns: u64,
    /// Asleep.
    pub blocked_ns: u64,
    /// Wanting the CPU.
    pub runnable_ns: u64,
    /// Who woke it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waker: Option<StallWaker>,
}

/// Who ended a stall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StallWaker {
    /// The thread that ran on the waking CPU.
    pub tid: u32,
    /// Its process.
    pub pid: u32,
    /// `task`, `softirq`, `hardirq`, `nmi` or `unknown`.
    pub context: &'static str,
    /// The thread's name, if it is known. Only with `task` did it make the wake-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl StallJson {
    pub(crate) fn new(arch: Option<Arch>, stall: &Stall) -> Self {
        let comm = Some(&stall.waker_comm).filter(|comm| !comm.is_empty());
        Self {
            call: stall.nr.map(|nr| name(arch, nr).into_owned()),
            fd: stall.fd,
            descriptor: stall.descriptor,
            start_ns: stall.start_ns,
            blocked_ns: stall.blocked_ns,
            runnable_ns: stall.runnable_ns,
            waker: stall.waker.map(|Waker { tid, pid, context }| StallWaker {
                tid,
                pid,
                context: context.word(),
                name: comm.cloned(),
            }),
        }
    }
}
