//! The same objects as in the JSON export, one a line, each with its `type`, in the order in which
//! they ended.

use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;

use super::json::{CallJson, GapJson, LifeJson, OffCpuJson, OpenJson, put};
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
    let arch = first.arch;
    passes.each(|event| match event {
        Event::Call(call) => line(out, "call", CallJson::new(arch, call)),
        Event::OffCpu(span) => line(out, "offcpu", OffCpuJson::new(span)),
        Event::Life(life) => line(out, "life", LifeJson::new(life)),
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
