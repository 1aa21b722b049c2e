//! The same objects as in the JSON export, one a line, each with its `type`, in the order in which
//! they ended; each turn comes after the event that ended it.

use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;

use super::call::CallJson;
use super::descriptor::{DescriptorJson, ReadyJson, RequestJson};
use super::explainer::Explainer;
use super::json::{GapJson, LifeJson, OpenJson, put};
use super::offcpu::OffCpuJson;
use super::overview::{Overview, ThreadJson, TraceJson};
use super::turn::TurnJson;
use super::{FORMAT, FindingJson, Passes, VERSION};
use crate::model::{CallKinds, Event, Turns};

#[derive(Serialize)]
struct Line<T> {
    r#type: &'static str,
    #[serde(flatten)]
    item: T,
}

#[derive(Serialize)]
struct First {
    format: &'static str,
    version: u32,
    #[serde(flatten)]
    trace: TraceJson,
}

/// Writes the whole export.
pub(super) fn write(first: &Overview, passes: &mut Passes<'_>, out: &mut impl Write) -> Result<()> {
    line(
        out,
        "trace",
        First {
            format: FORMAT,
            version: VERSION,
            trace: first.trace_json(),
        },
    )?;
    for thread in first.threads.all() {
        line(out, "thread", ThreadJson::from(thread))?;
    }
    for descriptor in first.descriptors.values() {
        line(out, "descriptor", DescriptorJson::new(descriptor))?;
    }
    let (arch, range) = (first.arch, first.held.range);
    let mut explainer = Explainer::new(arch);
    let (mut turns, mut ended) = (Turns::new(CallKinds::new(arch)), Vec::new());
    let mut lines = |event: &Event, why| {
        match event {
            event if !first.held.holds(event) => {}
            Event::Call(call) => line(out, "call", CallJson::explained(arch, call, why))?,
            Event::OffCpu(span) => line(out, "offcpu", OffCpuJson::new(span))?,
            Event::Life(life) => line(out, "life", LifeJson::new(life))?,
            Event::Ready(ready) => line(out, "ready", ReadyJson::new(ready))?,
            Event::Request(request) => line(out, "request", RequestJson::new(request))?,
            Event::Gap(gap) => line(out, "gap", GapJson::new(gap))?,
            Event::Open(open) => line(out, "open", OpenJson::new(arch, open))?,
            // The last word on each descriptor stands above, and all that the end says in the first line.
            Event::Descriptor(_) | Event::End(_) => {}
        }
        turns.push(event, &mut ended);
        let mut ended = ended.drain(..).filter(|turn| range.holds_turn(turn));
        ended.try_for_each(|turn| line(out, "turn", TurnJson::new(arch, &turn)))
    };
    passes.each(|event| explainer.push(event, &mut lines))?;
    let findings = explainer.finish(&mut lines)?;
    for finding in findings.iter().filter(|found| range.holds_finding(found)) {
        line(out, "finding", FindingJson::new(finding))?;
    }
    Ok(())
}

fn line(out: &mut impl Write, r#type: &'static str, item: impl Serialize) -> Result<()> {
    put(out, &Line { r#type, item })?;
    out.write_all(b"\n").context("write export")
}
