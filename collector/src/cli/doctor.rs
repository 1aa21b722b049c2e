//! `doctor`: what this kernel and user allow, what is missing, and how to get it.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::Exit;
use crate::{
    attach::{State, examine},
    text::escape,
};

/// `waitscope doctor`
pub(super) fn doctor(as_json: bool) -> Result<Exit> {
    let findings = examine();
    let works = findings
        .iter()
        .all(|finding| finding.state != State::Missing);
    let mut out = io::stdout().lock();
    let written = if as_json {
        let document = json!({ "format": "waitscope-doctor", "version": 1, "works": works, "findings": findings });
        writeln!(out, "{document:#}")
    } else {
        findings
            .iter()
            .try_for_each(|finding| {
                let mark = match finding.state {
                    State::Good => "ok     ",
                    State::Reduced => "reduced",
                    State::Missing => "MISSING",
                };
                writeln!(out, "{mark}  {}: {}", finding.what, escape(&finding.seen))?;
                finding
                    .way_out
                    .iter()
                    .try_for_each(|way| writeln!(out, "         → {way}"))
            })
            .and_then(|()| {
                let verdict = if works {
                    "waitscope can trace here"
                } else {
                    "waitscope can't trace here"
                };
                writeln!(out, "\n{verdict}")
            })
    };
    written.context("write what was found")?;
    Ok(if works { Exit::Done } else { Exit::Unsupported })
}
