//! What an export says before its first call: the trace's length, its loss, and its threads.

use std::collections::BTreeMap;

use serde::Serialize;

use super::IoModelJson;
use super::Summary;
use super::range::{Held, Range};
use super::threads::{Thread, Threads};
use crate::model::{Arch, CallKinds, Descriptor, End, Event, IoEvidence, ProcessReadiness, Trace};

/// Threads that are listed, at most; the rest are counted.
const THREADS_MAX: usize = 1 << 18;
/// Descriptors that are listed, likewise.
const DESCRIPTORS_MAX: usize = 1 << 18;

/// The `trace` of a JSON export. A field that is not there is not known.
#[derive(Serialize)]
pub(super) struct TraceJson {
    pid: u32,
    command: String,
    host: String,
    kernel: String,
    arch: String,
    backend: String,
    follow: bool,
    start_boot_ns: u64,
    start_unix_ns: u64,
    /// To the end, or if that is missing to the last thing that is known.
    duration_ns: u64,
    /// Records lost: if the end is missing, at least so many.
    lost: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    untracked: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compat: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unseen: Option<u64>,
    /// Whether the recording has its end.
    ended: bool,
    /// What is missing from the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<String>,
    /// Events of threads that are not listed, for there are too many. 0 up to 262,144 threads.
    events_of_threads_not_listed: u64,
    /// Times that something was learnt of a descriptor that is not listed, likewise.
    descriptors_not_listed: u64,
    /// What was asked for, if not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<RangeJson>,
}

/// The `range` of a `trace`.
#[derive(Serialize)]
struct RangeJson {
    from_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_ns: Option<u64>,
}

/// One of `threads`.
#[derive(Serialize)]
pub(super) struct ThreadJson<'a> {
    tid: u32,
    pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    began_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_ns: Option<u64>,
    calls: u64,
    offcpu: u64,
    io_model: IoModelJson,
}

impl<'a> From<&'a Thread<Counts>> for ThreadJson<'a> {
    fn from(thread: &'a Thread<Counts>) -> Self {
        Self {
            tid: thread.tid,
            pid: thread.pid,
            name: thread.name.as_deref(),
            began_ns: thread.began_ns,
            ended_ns: thread.ended_ns,
            calls: thread.of.calls,
            offcpu: thread.of.offcpu,
            io_model: IoModelJson::new(&thread.of.io),
        }
    }
}

/// What is counted for each thread.
#[derive(Default)]
pub(super) struct Counts {
    calls: u64,
    offcpu: u64,
    io: IoEvidence,
}

/// Made by reading the whole recording once.
pub(super) struct Overview {
    pub(super) trace: Trace,
    pub(super) arch: Option<Arch>,
    kinds: CallKinds,
    readiness: ProcessReadiness,
    pub(super) threads: Threads<Counts>,
    /// The last word on each.
    pub(super) descriptors: BTreeMap<u32, Descriptor>,
    descriptors_more: u64,
    /// What of the trace the export is of.
    pub(super) held: Held,
    /// Nothing is later.
    pub(super) last_ns: u64,
    lost: u64,
    end: Option<End>,
    calls: u64,
    offcpu: u64,
    pub(super) cut: Option<String>,
}

impl Overview {
    pub(super) fn new(trace: &Trace, range: Range) -> Self {
        Self {
            trace: trace.clone(),
            arch: Arch::from_machine(&trace.arch),
            kinds: CallKinds::new(Arch::from_machine(&trace.arch)),
            readiness: ProcessReadiness::default(),
            threads: Threads::new(THREADS_MAX),
            descriptors: BTreeMap::new(),
            descriptors_more: 0,
            held: Held::new(range),
            last_ns: 0,
            lost: 0,
            end: None,
            calls: 0,
            offcpu: 0,
            cut: None,
        }
    }

    pub(super) fn add(&mut self, event: &Event) {
        let is_held = u64::from(self.held.holds(event));
        let at = match event {
            Event::Call(call) => {
                self.calls += is_held;
                self.held.note(call);
                let kind = self.kinds.of(call.nr);
                let readiness = self.readiness.call(call.pid, kind);
                if let Some(thread) = self.threads.at(call.pid, call.tid, call.start_ns) {
                    thread.of.calls += 1;
                    thread.of.io.call(kind, call, readiness);
                }
                call.end_ns
            }
            Event::OffCpu(span) => {
                self.offcpu += is_held;
                if let Some(thread) = self.threads.at(span.pid, span.tid, span.start_ns) {
                    thread.of.offcpu += 1;
                }
                span.end_ns
            }
            Event::Life(life) => {
                self.threads.live(life);
                life.at_ns
            }
            Event::Descriptor(descriptor) => {
                let known = self.descriptors.contains_key(&descriptor.id);
                if known || self.descriptors.len() < DESCRIPTORS_MAX {
                    self.descriptors.insert(descriptor.id, descriptor.clone());
                } else {
                    self.descriptors_more += 1;
                }
                return;
            }
            Event::Ready(ready) => {
                if let Some(thread) = self.threads.at(ready.pid, ready.tid, ready.call_start_ns) {
                    thread.of.io.ready(ready);
                }
                return;
            }
            Event::Request(request) => request.complete_ns.or(request.submit_ns).unwrap_or(0),
            Event::Gap(gap) => {
                self.lost = self.lost.saturating_add(gap.lost);
                gap.end_ns
            }
            Event::Open(open) => {
                self.threads.at(open.pid, open.tid, open.at_ns);
                open.at_ns
            }
            Event::End(end) => {
                self.end = Some(*end);
                end.at_ns
            }
        };
        self.last_ns = self.last_ns.max(at);
    }

    pub(super) fn trace_json(&self) -> TraceJson {
        let Trace {
            pid,
            command,
            host,
            kernel,
            arch,
            start_boot_ns,
            start_unix_ns,
            backend,
            follow,
        } = self.trace.clone();
        let range = self.held.range;
        TraceJson {
            pid,
            command,
            host,
            kernel,
            arch,
            backend,
            follow,
            start_boot_ns,
            start_unix_ns,
            duration_ns: self.end_ns(),
            lost: self.lost(),
            made: self.end.map(|end| end.made),
            untracked: self.end.map(|end| end.untracked),
            compat: self.end.map(|end| end.compat),
            unseen: self.end.map(|end| end.unseen),
            ended: self.ended(),
            cut: self.cut.clone(),
            events_of_threads_not_listed: self.threads.more(),
            descriptors_not_listed: self.descriptors_more,
            range: (!range.is_whole()).then_some(RangeJson {
                from_ns: range.from_ns,
                to_ns: range.to_ns,
            }),
        }
    }

    /// The processes, each with its name if that is known.
    pub(super) fn processes(&self) -> BTreeMap<u32, Option<&str>> {
        let mut processes = BTreeMap::new();
        for thread in self.threads.all() {
            let name = processes.entry(thread.pid).or_default();
            if thread.pid == self.trace.pid {
                *name = Some(self.trace.command.as_str());
            } else if thread.tid == thread.pid && name.is_none() {
                *name = thread.name.as_deref();
            }
        }
        processes
    }

    /// The trace's end, or if that is missing the last thing that is known.
    pub(super) fn end_ns(&self) -> u64 {
        self.end.map_or(self.last_ns, |end| end.at_ns)
    }

    /// Whether the recording has its end.
    pub(super) fn ended(&self) -> bool {
        self.end.is_some()
    }

    /// Records lost: if the end is missing, at least so many.
    pub(super) fn lost(&self) -> u64 {
        self.end.map_or(self.lost, |end| end.lost)
    }

    pub(super) fn summary(&self) -> Summary {
        Summary {
            threads: self.threads.all().len() as u64,
            calls: self.calls,
            offcpu: self.offcpu,
            lost: self.lost(),
            cut: self.cut.clone(),
        }
    }
}
