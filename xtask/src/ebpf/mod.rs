//! `cargo xtask ebpf`: the kernel side's object, rebuilt from its sources.
//!
//! The object is committed, so that everyone else needs nothing but stable Rust. The build must
//! never depend on where the checkout stands: two of them give the same bytes.

mod stamp;
mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::{place, run};

pub(crate) use stamp::{Stamp, check_stamp};
use toolchain::Toolchain;

const TARGET: &str = "bpfel-unknown-none";
/// The committed object.
pub(crate) const OBJECT: &str = "probe-ebpf/object/waitscope-probe.bpf.o";

/// What the compiler is told, beside the paths. Part of the stamp.
const RUSTFLAGS: &[&str] = &[
    "-Clinker=bpf-linker",
    // aya-ebpf wants one; no program of ours uses what depends on it (argument registers come from
    // user space), so one object serves every architecture.
    "--cfg=bpf_target_arch=\"x86_64\"",
    // BTF is made from debug information.
    "-Cdebuginfo=2",
    "-Clink-arg=--btf",
];

/// The release profile for this target: the workspace's own is meant for the host. Part of the stamp.
const PROFILE: &[(&str, &str)] = &[
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "2"),
    ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "false"),
    ("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "false"),
];

/// What to rebuild, and where to put it.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave the committed object alone and write the new one here.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Rebuilds the object and its stamp.
pub(crate) fn run(options: &Options) -> Result<()> {
    let committed = place::in_workspace(OBJECT);
    let out = options.out.as_deref().unwrap_or(&committed);
    let stamp = build(out)?;
    if options.out.is_none() {
        stamp.write()?;
    }
    println!(
        "{stamp}wrote {} ({} bytes)",
        out.display(),
        fs::metadata(out)?.len()
    );
    Ok(())
}

/// Builds the object from source into `out`.
pub(crate) fn build(out: &Path) -> Result<Stamp> {
    let toolchain = Toolchain::ensure()?;
    let built = compile(&toolchain, &["--bin", "waitscope-probe"])?.join("waitscope-probe");
    finish(&toolchain, &built, out)?;
    Stamp::of(out, toolchain.versions()?)
}

/// Builds the two empty programs that `bench` measures against into `out`.
pub(crate) fn build_floor(out: &Path) -> Result<()> {
    let toolchain = Toolchain::ensure()?;
    let built = compile(&toolchain, &["--example", "floor"])?
        .join("examples")
        .join("floor");
    finish(&toolchain, &built, out)
}

/// Compiles one binary or example of the probe; returns the directory of the release build.
fn compile(toolchain: &Toolchain, what: &[&str]) -> Result<PathBuf> {
    let target_dir = place::target().join("ebpf");
    let mut cargo = Command::new(place::cargo());
    cargo
        .current_dir(place::workspace())
        .args([
            "build",
            "--locked",
            "--release",
            "--package",
            "probe-ebpf",
            "--target",
            TARGET,
        ])
        .args(what)
        .arg("--target-dir")
        .arg(&target_dir)
        .env("RUSTC", toolchain.rustc())
        // The targets of eBPF are tier 3: their `core` is there, but needs unstable switches.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("PATH", toolchain.path()?)
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            rustflags(toolchain)?.join("\x1f"),
        )
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .envs(PROFILE.iter().copied());
    run::run(&mut cargo)?;
    Ok(target_dir.join(TARGET).join("release"))
}

/// Drops the debug sections but BTF, which the kernel's verifier reads.
fn finish(toolchain: &Toolchain, built: &Path, out: &Path) -> Result<()> {
    if let Some(dir) = out.parent() {
        fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    }
    run::run(
        Command::new(toolchain.strip())
            .arg("--strip-debug")
            .arg("-o")
            .arg(out)
            .arg(built),
    )
}

/// The compiler's flags, with every path that could tell this machine from another replaced.
fn rustflags(toolchain: &Toolchain) -> Result<Vec<String>> {
    let mut flags: Vec<String> = RUSTFLAGS.iter().map(|&flag| flag.to_owned()).collect();
    let mut remap = |from: &Path, to: &str| {
        flags.push(format!("--remap-path-prefix={}={to}", from.display()));
    };
    remap(&toolchain.sysroot()?, "/sysroot");
    let registry = place::cargo_home()?.join("registry").join("src");
    // One directory a registry, named after its address: only there once something was downloaded.
    for entry in fs::read_dir(&registry).into_iter().flatten() {
        remap(
            &entry
                .with_context(|| format!("list {}", registry.display()))?
                .path(),
            "/registry",
        );
    }
    remap(&place::workspace(), "/waitscope");
    Ok(flags)
}
