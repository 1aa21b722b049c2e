//! `cargo xtask fuzz`: bytes that no test thought of, for a while, against whatever reads bytes of others.
//!
//! A target that is found to fail must never pass for one that ran: each runs for its whole time or fails the task.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use clap::{Args, builder::PossibleValuesParser};

use crate::packages::{self, Package};
use crate::{place, run};

/// libFuzzer is C++.
const PACKAGES: &[Package] = &[Package::for_program("g++", "c++")];
const CARGO_FUZZ_VERSION: &str = "0.13.2";
/// A workspace of its own, below the root.
const DIR: &str = "collector/fuzz";
const TARGETS: [&str; 4] = ["recording", "note", "record", "trigger"];
/// For how long each runs, unless one says otherwise.
pub(crate) const SECONDS: u32 = 60;
/// More than any input needs. It counts what C allocates, too; the targets have a bound of their own on what Rust does.
const MEMORY_MAX_MB: u32 = 512;
/// An input takes milliseconds: one that takes this long never ends.
const INPUT_MAX_S: u32 = 20;

/// What to fuzz.
#[derive(Args)]
pub(crate) struct Options {
    /// For how many seconds to run each target.
    #[arg(long, default_value_t = SECONDS, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// The targets; all of them if none is named.
    #[arg(value_parser = PossibleValuesParser::new(TARGETS))]
    targets: Vec<String>,
    /// Run only this input, once: to see again what was found.
    #[arg(long, value_name = "FILE", requires = "targets")]
    input: Option<PathBuf>,
}

/// Runs the targets that were asked for.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Options {
        seconds,
        targets,
        input,
    } = options;
    if targets.is_empty() {
        return all(*seconds);
    }
    let fuzzer = Fuzzer::ensure()?;
    // Targets run from the workspace's root.
    let input = input.as_deref().map(std::path::absolute).transpose()?;
    let mut targets = targets.iter();
    targets.try_for_each(|target| fuzzer.run(target, *seconds, input.as_deref()))
}

/// Runs every target for so many seconds.
///
/// # Errors
/// One failed; those after it are not run.
pub(crate) fn all(seconds: u32) -> Result<()> {
    let fuzzer = Fuzzer::ensure()?;
    TARGETS
        .iter()
        .try_for_each(|target| fuzzer.run(target, seconds, None))
}

/// What builds the targets and runs them.
struct Fuzzer {
    cargo_fuzz: PathBuf,
}

impl Fuzzer {
    /// Finds what it takes, and installs what is missing.
    fn ensure() -> Result<Self> {
        packages::ensure("fuzz", PACKAGES)?;
        let tools = place::target().join("tools");
        let cargo_fuzz = tools.join("bin").join("cargo-fuzz");
        if version(&cargo_fuzz).as_deref() != Some(CARGO_FUZZ_VERSION) {
            let wanted = ["cargo-fuzz", "--version", CARGO_FUZZ_VERSION];
            run::run(
                Command::new(place::cargo())
                    .arg("install")
                    .args(wanted)
                    .args(["--locked", "--force", "--root"])
                    .arg(&tools)
                    // Not into the workspace's own build directory: its lock is held while we run.
                    .arg("--target-dir")
                    .arg(tools.join("build")),
            )?;
        }
        // cargo-fuzz can't be told to: it would bring the lock up to date in silence.
        let locked = ["fetch", "--locked", "--manifest-path"];
        let manifest = format!("{DIR}/Cargo.toml");
        run::run(
            Command::new(place::cargo())
                .current_dir(place::workspace())
                .args(locked)
                .arg(&manifest),
        )
        .with_context(|| {
            format!("get what {DIR}/Cargo.lock names. If it is out of date, run `cargo fetch --manifest-path {manifest}`")
        })?;
        Ok(Self { cargo_fuzz })
    }

    /// Builds a target and runs it for its time, or on one input.
    ///
    /// # Errors
    /// It does not build, or an input made it fail. That input is named.
    fn run(&self, target: &str, seconds: u32, input: Option<&Path>) -> Result<()> {
        let began = SystemTime::now();
        let ran = run::run(
            Command::new(&self.cargo_fuzz)
                .current_dir(place::workspace())
                // Sanitizers need another compiler than ours. Panics and allocations need none.
                .args(["fuzz", "run", "--fuzz-dir", DIR, "--sanitizer", "none"])
                .arg("--target-dir")
                .arg(place::target().join("fuzz"))
                .arg(target)
                .args(input)
                .arg("--")
                .arg(format!("-max_total_time={seconds}"))
                .arg(format!("-rss_limit_mb={MEMORY_MAX_MB}"))
                .arg(format!("-timeout={INPUT_MAX_S}"))
                // Not a line for each input kept, of which there are thousands.
                .args(["-verbosity=0", "-print_final_stats=1"]),
        );
        let Err(error) = ran else {
            return Ok(());
        };
        let found = artifacts(target, began)?;
        let Some(input) = found.first() else {
            return Err(error);
        };
        bail!(
            "fuzz target {target}: the input {input} makes the product panic, hang or take too much memory, as shown above. \
             `cargo xtask fuzz {target} --input {input}` does it again"
        );
    }
}

/// The inputs that made a target fail since then.
fn artifacts(target: &str, since: SystemTime) -> Result<Vec<String>> {
    let name = format!("{DIR}/artifacts/{target}");
    let mut found = Vec::new();
    // None before the first run.
    for entry in fs::read_dir(place::in_workspace(&name))
        .into_iter()
        .flatten()
    {
        let entry = entry.with_context(|| format!("list {name}"))?;
        if entry.metadata()?.modified()? >= since {
            found.push(format!("{name}/{}", entry.file_name().to_string_lossy()));
        }
    }
    Ok(found)
}

fn version(cargo_fuzz: &PathBuf) -> Option<String> {
    let output = Command::new(cargo_fuzz).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().strip_prefix("cargo-fuzz ")?.to_owned())
}
