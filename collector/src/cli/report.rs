//! `report`: what a recording shows, in words and numbers.

use std::{
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result};

use super::{Exit, say::say};
use crate::{attach::drop_all, recording::Reader, report, text};

/// `waitscope report`
pub(super) fn report(file: &Path, json: bool) -> Result<Exit> {
    drop_all()?;
    let reader = Reader::open(file)?;
    if let Some(trigger) = reader.note("trigger") {
        let at_ns = reader.note("trigger_at_ns").and_then(|at| at.parse().ok());
        let at = at_ns.map_or_else(String::new, |at_ns| format!(" at {}", text::nanos(at_ns)));
        say(format_args!(
            "captured by a flight recorder for {}{at}",
            text::escape(trigger)
        ));
    }
    let report = report::report(reader)?;
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &report)
            .map_err(io::Error::from)
            .context("write the report")?;
        writeln!(out).context("write the report")?;
    } else {
        write!(out, "{}", report).context("write the report")?;
    }
    Ok(Exit::Done)
}
