//! A Python of our own with the packages that tests check our files against.
//!
//! It must never touch the system's Python.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::packages::{self, Package};
use crate::{place, run};

/// What is in it, with versions; the tests own the list.
const REQUIREMENTS: &str = "collector/tests/requirements.txt";

/// Makes it, or brings it up to date.
pub(super) fn ensure() -> Result<()> {
    packages::ensure("test", &[Package::for_program("python3", "python3")])?;
    if !run::succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"])) {
        packages::ensure("test", &[Package::exactly("python3-venv")])?;
    }
    if !run::succeeds(Command::new(program()).args(["-m", "pip", "--version"])) {
        run::run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(dir()),
        )?;
    }
    run::run(
        Command::new(program())
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(place::in_workspace(REQUIREMENTS)),
    )
}

/// The interpreter.
pub(super) fn program() -> PathBuf {
    dir().join("bin").join("python")
}

fn dir() -> PathBuf {
    place::target().join("test-tools")
}
