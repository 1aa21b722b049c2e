//! `diff`: what changed between two recordings.

use std::{
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result};

use super::{Exit, export::progress};
use crate::{attach::drop_all, diff, recording::Reader};

/// `waitscope diff`
pub(super) fn diff(a: &Path, b: &Path, json: bool) -> Result<Exit> {
    drop_all()?;
    let (a, b) = (Reader::open(a)?, Reader::open(b)?);
    let bar = progress(0, "comparing");
    let diff = diff::diff(a, b, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &diff)
            .map_err(io::Error::from)
            .context("write the comparison")?;
        writeln!(out).context("write the comparison")?;
    } else {
        write!(out, "{diff}").context("write the comparison")?;
    }
    Ok(Exit::Done)
}
