//! How the page keeps up with a long recording, in a real browser that is driven without pause, beside what is wanted of it.
//!
//! What is measured, and how, is in `web-ui/tests/bench-page.mjs`. It must never print a number that it did not measure just now.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::played::Played;
use crate::node::Node;
use crate::packages::{self, Package};
use crate::{place, run};

/// Beside the page's tests, of which it uses the browser.
const SCRIPT: &str = "bench-page.mjs";

/// What to open.
#[derive(Args)]
pub(super) struct Options {
    /// Millions of calls of the recording, which is made just now.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1000))]
    millions: u64,
    /// A recording that is there, instead: for this, no rights are needed.
    #[arg(long, conflicts_with = "millions")]
    pub(super) file: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Result<()> {
    packages::ensure("measure", &[Package::for_program("chromium", "chromium")])?;
    let node = Node::ensure()?;
    if let Some(file) = &options.file {
        let file = file
            .canonicalize()
            .with_context(|| format!("find {}", file.display()))?;
        return measure(&node, &file);
    }
    let played = Played::prepare()?;
    match played.make(options.millions * 1_000_000)? {
        Some(recording) => measure(&node, &recording),
        None => Ok(()),
    }
}

fn measure(node: &Node, recording: &std::path::Path) -> Result<()> {
    run::run(
        node.node()?
            .arg(SCRIPT)
            .arg(place::product())
            .arg(recording),
    )
}
