//! The JSON export. `docs/export.schema.json` says the same.
//!
//! A field that is not there is not known. Text is what the kernel gave, made JSON and not escaped
//! for any terminal or page.

use std::borrow::Cow;
use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;

use super::call::{CallJson, name};
use super::descriptor::{DescriptorJson, ReadyJson, RequestJson};
use super::explainer::Explainer;
use super::offcpu::OffCpuJson;
use super::overview::{Overview, ThreadJson};
use super::turn::TurnJson;
use super::{FORMAT, FindingJson, Passes, VERSION};
use crate::model::{Arch, CallKinds, Event, Gap, Life, LifeKind, OpenThread, Turns};

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
        Event::Call(call) if first.held.holds(event) => {
            list.put(&CallJson::explained(arch, call, why))
        }
        _ => Ok(()),
    };
    passes.each(|event| explainer.push(event, &mut call))?;
    let findings = explainer.finish(&mut call)?;
    list.end()?;
    let mut list = List::begin(out, "offcpu")?;
    passes.each(|event| match event {
        Event::OffCpu(span) if first.held.holds(event) => list.put(&OffCpuJson::new(span)),
        _ => Ok(()),
    })?;
    list.end()?;
    let mut list = List::begin(out, "ready")?;
    passes.each(|event| match event {
        Event::Ready(ready) if first.held.holds(event) => list.put(&ReadyJson::new(ready)),
        _ => Ok(()),
    })?;
    list.end()?;
    let mut list = List::begin(out, "requests")?;
    passes.each(|event| match event {
        Event::Request(request) if first.held.holds(event) => list.put(&RequestJson::new(request)),
        _ => Ok(()),
    })?;
    list.end()?;
    let mut list = List::begin(out, "lives")?;
    passes.each(|event| match event {
        Event::Life(life) if first.held.holds(event) => list.put(&LifeJson::new(life)),
        _ => Ok(()),
    })?;
    list.end()?;
    let mut list = List::begin(out, "gaps")?;
    passes.each(|event| match event {
        Event::Gap(gap) if first.held.holds(event) => list.put(&GapJson::new(gap)),
        _ => Ok(()),
    })?;
    list.end()?;
    let mut list = List::begin(out, "open")?;
    passes.each(|event| match event {
        Event::Open(open) if first.held.holds(event) => list.put(&OpenJson::new(arch, open)),
        _ => Ok(()),
    })?;
    list.end()?;
    let mut list = List::begin(out, "turns")?;
    let range = first.held.range;
    let (mut turns, mut ended) = (Turns::new(CallKinds::new(arch)), Vec::new());
    passes.each(|event| {
        turns.push(event, &mut ended);
        let mut ended = ended.drain(..).filter(|turn| range.holds_turn(turn));
        ended.try_for_each(|turn| list.put(&TurnJson::new(arch, &turn)))
    })?;
    list.end()?;
    let mut list = List::begin(out, "findings")?;
    for finding in findings.iter().filter(|found| range.holds_finding(found)) {
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
