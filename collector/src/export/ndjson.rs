//! The same objects as in the JSON export, one a line, each with its `type`, in the order in which
//! they ended.

use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;

use super::json::{
    CallJson, DescriptorJson, GapJson, LifeJson, OffCpuJson, OpenJson, ReadyJson, RequestJson, put,
};
use super::overview::{Overview, ThreadJson, TraceJson};
use super::{FORMAT, Passes, VERSION};
use crate::model::Event;

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
    let arch = first.arch;
    passes.each(|event| match event {
        Event::Call(call) => line(out, "call", CallJson::new(arch, call)),
        Event::OffCpu(span) => line(out, "offcpu", OffCpuJson::new(span)),
        Event::Life(life) => line(out, "life", LifeJson::new(life)),
        // The last word on each stands above.
        Event::Descriptor(_) => Ok(()),
        Event::Ready(ready) => line(out, "ready", ReadyJson::new(ready)),
        Event::Request(request) => line(out, "request", RequestJson::new(request)),
        Event::Gap(gap) => line(out, "gap", GapJson::new(gap)),
        Event::Open(open) => line(out, "open", OpenJson::new(arch, open)),
        // All it says stands in the first line.
        Event::End(_) => Ok(()),
    })?;
    Ok(())
}

fn line(out: &mut impl Write, r#type: &'static str, item: impl Serialize) -> Result<()> {
    put(out, &Line { r#type, item })?;
    out.write_all(b"\n").context("write export")
}
