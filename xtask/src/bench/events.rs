//! What the collector takes for a call, with nothing else under way: it needs no root and no kernel, and gives nearly the
//! same numbers each time.

use std::process::Command;

use anyhow::Result;

use super::{dir, example};
use crate::run;

pub(super) fn run() -> Result<()> {
    let program = example::build("events")?;
    run::run(Command::new(program).arg(dir().join("events.waitscope")))
}
