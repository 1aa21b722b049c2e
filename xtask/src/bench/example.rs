//! The collector's example programs, which are built only to be measured.
//!
//! It must never run one: what it prints belongs to who measures.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{place, run};

/// Builds one, and says where it is.
pub(super) fn build(name: &str) -> Result<PathBuf> {
    run::run(
        Command::new(place::cargo())
            .current_dir(place::workspace())
            .args(["build", "--locked", "--release", "--package", "waitscope"])
            .args(["--example", name]),
    )?;
    Ok(place::target().join("release/examples").join(name))
}
