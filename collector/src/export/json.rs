//! The JSON export, and the objects it is made of. `docs/export.schema.json` says the same.
//!
//! A field that is not there is not known. Text is what the kernel gave, made JSON and not escaped
//! for any terminal or page.

use std::borrow::Cow;
use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;

use super::explainer::Explainer;
use super::overview::{Overview, ThreadJson};
use super::turn::TurnJson;
use super::why::WhyJson;
use super::{FORMAT, FindingJson, Passes, VERSION};
use crate::model::{
    Arch, Call, CallKinds, Copying, Descriptor, Event, Gap, Life, LifeKind, OffCpu, OpenThread,
    Ready, Request, Timeout, Trace, Turns, Waker, call_name, operation_name,
};
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

/// A time off the CPU as exports and the page have it.
pub fn offcpu_json(_trace: &Trace, span: &OffCpu) -> serde_json::Value {
    serde_json::to_value(OffCpuJson::new(span)).unwrap_or_default()
}

/// A descriptor as exports and the page have it.
pub fn descriptor_json(descriptor: &Descriptor) -> serde_json::Value {
    serde_json::to_value(DescriptorJson::new(descriptor)).unwrap_or_default()
}

/// What came of one descriptor of a readiness call, as exports and the page have it.
pub fn ready_json(ready: &Ready) -> serde_json::Value {
    serde_json::to_value(ReadyJson::new(ready)).unwrap_or_default()
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

/// One of `lives`.
#[derive(Serialize)]
pub(super) struct LifeJson<'a> {
    tid: u32,
    pid: u32,
    at_ns: u64,
    life: &'static str,
    name: &'a str,
}

impl<'a> LifeJson<'a> {
    pub(super) fn new(life: &'a Life) -> Self {
        let word = match life.kind {
            LifeKind::Found => "found",
            LifeKind::Began => "began",
            LifeKind::Exec => "exec",
            LifeKind::Renamed => "renamed",
            LifeKind::Ended => "ended",
        };
        Self {
            tid: life.tid,
            pid: life.pid,
            at_ns: life.at_ns,
            life: word,
            name: &life.name,
        }
    }
}

/// One of `descriptors`.
#[derive(Serialize)]
pub(super) struct DescriptorJson<'a> {
    id: u32,
    pid: u32,
    fd: i32,
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_ns: Option<u64>,
}

impl<'a> DescriptorJson<'a> {
    pub(super) fn new(descriptor: &'a Descriptor) -> Self {
        Self {
            id: descriptor.id,
            pid: descriptor.pid,
            fd: descriptor.fd,
            kind: descriptor.kind.word(),
            name: &descriptor.name,
            local: descriptor.local.as_deref(),
            peer: descriptor.peer.as_deref(),
            peer_pid: descriptor.peer_pid,
            object: Some(descriptor.object).filter(|&object| object != 0),
            opened_ns: descriptor.opened_ns,
            closed_ns: descriptor.closed_ns,
        }
    }
}

/// One of `ready`.
#[derive(Serialize)]
pub(super) struct ReadyJson {
    tid: u32,
    pid: u32,
    call_start_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fd: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptor: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<u32>,
    ready: u32,
}

impl ReadyJson {
    pub(super) fn new(ready: &Ready) -> Self {
        let Ready {
            pid,
            tid,
            call_start_ns,
            fd,
            descriptor,
            asked,
            ready,
        } = *ready;
        Self {
            tid,
            pid,
            call_start_ns,
            fd,
            descriptor,
            asked,
            ready,
        }
    }
}

/// One of `requests`.
#[derive(Serialize)]
pub(super) struct RequestJson {
    tid: u32,
    pid: u32,
    operation: Cow<'static, str>,
    opcode: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ring: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fd: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptor: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    submit_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_ns: Option<u64>,
    user_data: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ret: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cow<'static, str>>,
    shot: u32,
    more: bool,
}

impl RequestJson {
    pub(super) fn new(request: &Request) -> Self {
        let Request {
            pid,
            tid,
            ring,
            opcode,
            fd,
            descriptor,
            submit_ns,
            complete_ns,
            user_data,
            ret,
            shot,
            more,
        } = *request;
        Self {
            tid,
            pid,
            operation: operation_name(opcode),
            opcode,
            ring,
            fd,
            descriptor,
            submit_ns,
            complete_ns,
            user_data,
            ret,
            error: ret.and_then(|ret| text::error_name(ret.into())),
            shot,
            more,
        }
    }
}

/// One of `gaps`.
#[derive(Serialize)]
pub(super) struct GapJson {
    cpu: u16,
    start_ns: u64,
    end_ns: u64,
    lost: u64,
}

impl GapJson {
    pub(super) fn new(gap: &Gap) -> Self {
        let Gap {
            cpu,
            start_ns,
            end_ns,
            lost,
        } = *gap;
        Self {
            cpu,
            start_ns,
            end_ns,
            lost,
        }
    }
}

/// One of `open`.
#[derive(Serialize)]
pub(super) struct OpenJson {
    tid: u32,
    pid: u32,
    at_ns: u64,
    in_call: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nr: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fd: Option<i32>,
    since_ns: u64,
    began_before: bool,
    kernel_ns: u64,
    blocked_ns: u64,
    runnable_ns: u64,
    copying_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    off_since_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    woken_ns: Option<u64>,
}

impl OpenJson {
    pub(super) fn new(arch: Option<Arch>, open: &OpenThread) -> Self {
        Self {
            tid: open.tid,
            pid: open.pid,
            at_ns: open.at_ns,
            in_call: open.nr.is_some(),
            call: open.nr.flatten().map(|nr| name(arch, nr)),
            nr: open.nr.flatten(),
            fd: open.fd,
            since_ns: open.since_ns,
            began_before: open.began_before,
            kernel_ns: open.kernel_ns,
            blocked_ns: open.blocked_ns,
            runnable_ns: open.runnable_ns,
            copying_ns: open.copying_ns,
            off_since_ns: open.off_since_ns,
            woken_ns: open.woken_ns,
        }
    }
}

/// Readings that [`write`] takes: one for each list of events, and one for the turns.
pub(super) const READINGS: u64 = 8;

/// Writes the whole export.
pub(super) fn write(first: &Overview, passes: &mut Passes<'_>, out: &mut impl Write) -> Result<()> {
    write!(
        out,
        "{{\"format\":\"{FORMAT}\",\"version\":{VERSION},\n\"trace\":"
    )
    .context("write export")?;
    put(out, &first.trace_json())?;
    let mut list = List::begin(out, "threads")?;
    for thread in first.threads.all() {
        list.put(&ThreadJson::from(thread))?;
    }
    list.end()?;

    let mut list = List::begin(out, "descriptors")?;
    for descriptor in first.descriptors.values() {
        list.put(&DescriptorJson::new(descriptor))?;
    }
    list.end()?;

    let arch = first.arch;
    let mut list = List::begin(out, "calls")?;
    let mut explainer = Explainer::new(arch);
    let mut call = |event: &Event, why| match event {
        Event::Call(call) => list.put(&CallJson::explained(arch, call, why)),
        _ => Ok(()),
    };
    passes.each(|event| explainer.push(event, &mut call))?;
    let findings = explainer.finish(&mut call)?;
    list.end()?;
    let mut list = List::begin(out, "offcpu")?;
    passes.each(|event| match event {
        Event::OffCpu(span) => list.put(&OffCpuJson::new(span)),
        _ => Ok(()),
    })?;
    list.end()?;
    let mut list = List::begin(out, "ready")?;
    passes.each(|event| match event {
        Event::Ready(ready) => list.put(&ReadyJson::new(ready)),
        _ => Ok(()),
    })?;
    list.end()?;
    let mut list = List::begin(out, "requests")?;
    passes.each(|event| match event {
        Event::Request(request) => list.put(&RequestJson::new(request)),
        _ => Ok(()),
    })?;
    list.end()?;
    let mut list = List::begin(out, "lives")?;
    passes.each(|event| match event {
        Event::Life(life) => list.put(&LifeJson::new(life)),
        _ => Ok(()),
    })?;
    list.end()?;
    let mut list = List::begin(out, "gaps")?;
    passes.each(|event| match event {
        Event::Gap(gap) => list.put(&GapJson::new(gap)),
        _ => Ok(()),
    })?;
    list.end()?;
    let mut list = List::begin(out, "open")?;
    passes.each(|event| match event {
        Event::Open(open) => list.put(&OpenJson::new(arch, open)),
        _ => Ok(()),
    })?;
    list.end()?;
    let mut list = List::begin(out, "turns")?;
    let (mut turns, mut ended) = (Turns::new(CallKinds::new(arch)), Vec::new());
    passes.each(|event| {
        turns.push(event, &mut ended);
        let mut ended = ended.drain(..);
        ended.try_for_each(|turn| list.put(&TurnJson::new(arch, &turn)))
    })?;
    list.end()?;
    let mut list = List::begin(out, "findings")?;
    for finding in &findings {
        list.put(&FindingJson::new(finding))?;
    }
    list.end()?;
    writeln!(out, "}}").context("write export")
}

/// A list in an object, one item a line.
struct List<'a, W> {
    out: &'a mut W,
    empty: bool,
}

impl<'a, W: Write> List<'a, W> {
    fn begin(out: &'a mut W, name: &str) -> Result<Self> {
        write!(out, ",\n\"{name}\":[").context("write export")?;
        Ok(Self { out, empty: true })
    }

    fn put(&mut self, item: &impl Serialize) -> Result<()> {
        let between: &[u8] = if self.empty { b"\n" } else { b",\n" };
        self.out.write_all(between).context("write export")?;
        self.empty = false;
        put(self.out, item)
    }

    fn end(self) -> Result<()> {
        self.out.write_all(b"]").context("write export")
    }
}

/// Writes one object.
pub(super) fn put(out: &mut impl Write, item: &impl Serialize) -> Result<()> {
    // Back to the error of the writer, so that a broken pipe is known as one.
    serde_json::to_writer(out, item)
        .map_err(std::io::Error::from)
        .context("write export")
}
