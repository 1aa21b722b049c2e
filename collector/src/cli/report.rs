//! `report`: what a recording shows, in words and numbers.

use std::{
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result};

use super::Exit;
use crate::{attach::drop_all, recording::Reader, report};

/// `waitscope report`
pub(super) fn report(file: &Path, json: bool) -> Result<Exit> {
    drop_all()?;
    let report = report::report(Reader::open(file)?)?;
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
