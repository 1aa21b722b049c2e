//! `cargo xtask check`: what can be said without running anything.
//!
//! It must never change a file.

mod pitfalls;
mod tidy;

use std::process::Command;

use anyhow::{Context, Result};

use crate::{ebpf, node, place, run};

/// Formatting, lints, tidiness, the object's stamp, the page's types.
pub(crate) fn run() -> Result<()> {
    rust()?;
    tidy::run()?;
    ebpf::check_stamp()?;
    types(&node::Node::ensure()?)
}

/// `cargo fmt` and `cargo clippy`, without a warning.
pub(crate) fn rust() -> Result<()> {
    // Names only: `cargo fmt` shows the rest by doing it.
    run::run(cargo("fmt").args(["--all", "--check", "--", "-l"]))
        .context("these files are not formatted; run `cargo fmt`")?;
    // A workspace of its own. Its lints are left to who builds it: it takes minutes, and another build of everything.
    let fuzz = ["--manifest-path", "collector/fuzz/Cargo.toml"];
    run::run(cargo("fmt").args(fuzz).args(["--check", "--", "-l"]))
        .context("these files are not formatted; run `cargo fmt` in collector/fuzz")?;
    let lints = ["--all-features", "--", "-D", "warnings"];
    run::run(
        cargo("clippy")
            .args(["--release", "--workspace", "--all-targets"])
            .args(lints),
    )?;
    // Not among all targets, because `cargo test` leaves it out.
    run::run(
        cargo("clippy")
            .args([
                "--release",
                "-p",
                "waitscope",
                "--test",
                "kernel",
                "--test",
                "faults",
            ])
            .args(lints),
    )
}

/// The page's types, by TypeScript's compiler.
pub(crate) fn types(node: &node::Node) -> Result<()> {
    run::run(node.npm()?.args(["run", "--silent", "check"]))
}

/// Every file's form; see [`tidy`].
pub(crate) fn tidy() -> Result<()> {
    tidy::run()
}

fn cargo(task: &str) -> Command {
    let mut cargo = Command::new(place::cargo());
    cargo.current_dir(place::workspace()).arg(task);
    cargo
}
