//! `cargo xtask bench`: what tracing costs, measured side by side in one run.
//!
//! It must never print a number that it did not measure just now.

mod cpu;
mod details;
mod events;
mod example;
mod load;
mod overhead;
mod page;
mod played;
mod programs;
mod server;
mod soak;
mod state;
mod store;
mod target;
mod tracer;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

pub(crate) use load::Options as LoadOptions;
pub(crate) use load::run as run_load;

use crate::packages::{self, Package};
use crate::{demo, ebpf, place};

/// What the measurements compare with.
const PACKAGES: &[Package] = &[
    Package::for_program("redis-server", "redis-server").without_service("redis-server"),
    Package::for_program("redis-tools", "redis-benchmark"),
    Package::for_program("strace", "strace"),
    Package::for_program("linux-perf", "perf"),
    Package::for_program("bpftool", "bpftool"),
];

const NGINX: Package = Package::for_program("nginx-light", "nginx").without_service("nginx");

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Nanoseconds that each tracer adds to a call, beside two empty programs on the same hooks.
    Overhead(overhead::Options),
    /// What the collector takes for a call, stage by stage: with all details and with phases only.
    Events,
    /// A million calls a second for a minute: what is lost, and what the tracer itself takes.
    Soak(soak::Options),
    /// Recordings of up to a hundred million calls: what opening one takes, a picture at any zoom, and an export.
    Store(store::Options),
    /// The page on ten million calls, in a browser that is driven without pause: script, frames, tasks, holes, memory.
    Page(page::Options),
}

/// Builds what is measured, then measures.
pub(crate) fn run(options: &Options) -> Result<()> {
    std::fs::create_dir_all(dir())?;
    match &options.what {
        What::Overhead(options) => {
            prepare()?;
            ebpf::build_floor(&floor_object())?;
            overhead::run(options)
        }
        What::Events => events::run(),
        What::Soak(options) => {
            prepare()?;
            soak::run(options)
        }
        What::Store(options) => {
            prepare()?;
            packages::ensure("measure", &[NGINX])?;
            store::run(options)
        }
        What::Page(options) => {
            match options.file {
                Some(_) => demo::build()?,
                None => {
                    prepare()?;
                    packages::ensure("measure", &[NGINX])?;
                }
            }
            page::run(options)
        }
    }
}

/// What it takes to trace, and something to trace.
fn prepare() -> Result<()> {
    if !packages::is_root() {
        bail!("measure: tracers need root; run `sudo -E env PATH=\"$PATH\" cargo xtask bench …`");
    }
    packages::ensure("measure", PACKAGES)?;
    demo::build()
}

/// Where tracers put what they write.
fn dir() -> std::path::PathBuf {
    place::target().join("bench")
}

fn floor_object() -> std::path::PathBuf {
    dir().join("floor.bpf.o")
}
