//! Findings and I/O models as exports and reports have them. A field that is not there does not apply, or is not known.
//!
//! Their fields and words are a promise to programs; what is found is decided in the model alone.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Finding, IoEvidence, IoModel, Unacted, What};

/// Something that costs the target time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingJson {
    /// What kind: `spin`, `never_read` and so on.
    pub kind: &'static str,
    /// `severe`, `notable` or `hint`.
    pub severity: &'static str,
    /// In words; what the kernel gave in it is unescaped.
    pub text: String,
    /// The process.
    pub pid: u32,
    /// The thread; of a herd, one of them.
    pub tid: u32,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// The descriptor's id in exports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descriptor: Option<u32>,
    /// The descriptor's number in the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fd: Option<i32>,
    /// What a person would call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The call it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Of a descriptor that was ready, what nobody did: `read`, `accept`, `write` or `any`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<&'static str>,
    /// Of such a one: in the end somebody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then_acted: Option<bool>,
    /// Of such a one: it was ready at least as often as the numbers say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<bool>,
    /// Where it is to be seen: from here,
    pub start_ns: u64,
    /// to here.
    pub end_ns: u64,
    /// How often it was found; the rest is of the worst time.
    pub times: u64,
    /// Something that it rests on is inferred.
    pub inferred: bool,
    /// The numbers behind it.
    pub numbers: BTreeMap<&'static str, u64>,
}

impl FindingJson {
    pub(crate) fn new(finding: &Finding) -> Self {
        let on = finding.on.as_ref();
        let unacted = match &finding.what {
            What::HangUpIgnored(of) | What::Spin(of) | What::NeverRead(of) => Some(of),
            _ => None,
        };
        Self {
            kind: finding.what.word(),
            severity: finding.what.severity().word(),
            text: finding.to_string(),
            pid: finding.pid,
            tid: finding.tid,
            thread: finding.thread.clone(),
            descriptor: on.map(|on| on.id),
            fd: on.and_then(|on| on.fd),
            name: on.map(|on| on.label.clone()),
            call: match &finding.what {
                What::BlockingInLoop { call, .. } => Some(call.clone()),
                _ => None,
            },
            act: unacted.map(Unacted::act),
            then_acted: unacted.map(|of| of.then_acted),
            at_least: unacted.map(|of| of.at_least),
            start_ns: finding.start_ns,
            end_ns: finding.end_ns,
            times: finding.times,
            inferred: finding.inferred,
            numbers: finding.what.numbers().into_iter().collect(),
        }
    }
}

/// The I/O model of a thread, and the counts it is told from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IoModelJson {
    /// `blocking`, `polling`, `multiplexing`, `signal_driven`, `asynchronous`, `mixed` or `unknown`.
    pub model: &'static str,
    /// Of `multiplexing`: `select`, `poll` or `epoll`, if mostly one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<&'static str>,
    /// Of `epoll`: `level`, `edge` or `both`, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<&'static str>,
    /// `select` and its kin.
    pub selects: u64,
    /// `poll` and its kin.
    pub polls: u64,
    /// `epoll_wait` and its kin.
    pub epolls: u64,
    /// Of these three, how many were told not to wait, and did not.
    pub checks: u64,
    /// Transfer calls, and calls that accept or make a connection.
    pub transfers: u64,
    /// Of those, how many slept.
    pub blocked: u64,
    /// Of those, how many found nothing again though nobody had asked in between.
    pub empty_again: u64,
    /// `io_uring_enter`.
    pub uring: u64,
    /// Waits for a signal.
    pub signal_waits: u64,
    /// In words.
    #[serde(skip)]
    pub text: String,
}

impl IoModelJson {
    pub(crate) fn new(evidence: &IoEvidence) -> Self {
        let model = evidence.model();
        let (with, trigger) = match model {
            IoModel::Multiplexing { with, trigger } => (with, trigger),
            _ => (None, None),
        };
        Self {
            model: model.word(),
            with: with.map(|with| with.word()),
            trigger: trigger.map(|trigger| trigger.word()),
            selects: evidence.selects,
            polls: evidence.polls,
            epolls: evidence.epolls,
            checks: evidence.checks,
            transfers: evidence.transfers,
            blocked: evidence.blocked,
            empty_again: evidence.empty_again,
            uring: evidence.uring,
            signal_waits: evidence.signal_waits,
            text: model.to_string(),
        }
    }
}
