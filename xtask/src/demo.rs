//! `cargo xtask demo`: builds everything and becomes `waitscope demo`.
//!
//! It must never do anything for the demo that the product does not do by itself.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::{packages, place, run};

/// What is handed on.
#[derive(Args)]
pub(crate) struct Options {
    /// Arguments for `waitscope demo`, such as `--listen 127.0.0.1:8080`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Builds, then turns this process into the demo: Ctrl-C reaches nobody else.
pub(crate) fn run(options: &Options) -> Result<()> {
    build()?;
    let product = place::product();
    let mut demo = if packages::is_root() {
        Command::new(&product)
    } else {
        println!("Tracing needs rights that you don't have: running it through sudo.");
        println!("It attaches, and then gives them up before it opens a file or a port.");
        let mut sudo = Command::new("sudo");
        sudo.arg("--").arg(&product);
        sudo
    };
    demo.arg("demo").args(&options.args);
    // Returns only if it failed.
    let error = demo.exec();
    Err(error).with_context(|| format!("run {}", run::line(&demo)))
}

/// Builds the product as it is meant to be used.
pub(crate) fn build() -> Result<()> {
    run::run(
        Command::new(place::cargo())
            .current_dir(place::workspace())
            .args(["build", "--locked", "--release", "--package", "waitscope"]),
    )
}
