//! `report`: what a recording shows, in words and numbers.

use std::{
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result};

use super::Exit;
use crate::{recording::Reader, report::Summary};

/// `waitscope report`
pub(super) fn report(file: &Path, json: bool) -> Result<Exit> {
    let mut reader = Reader::open(file)?;
    let mut summary = Summary::new(reader.trace());
    while let Some(events) = reader.next_batch()? {
        events.iter().for_each(|event| summary.push(event));
    }
    let cut = reader.cut().map(ToString::to_string);
    let mut report = summary.finish();
    report.cut = cut;
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &report).map_err(io::Error::from).context("write the report")?;
        writeln!(out).context("write the report")?;
    } else {
        write!(out, "{}", report.text()).context("write the report")?;
    }
    Ok(Exit::Done)
}
