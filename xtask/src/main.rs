//! The project's own tasks, run as `cargo xtask TASK`: one file a task.
//!
//! It must never be needed to build or use the product: `cargo build` does that.

mod bench;
mod check;
mod demo;
mod ebpf;
mod fuzz;
mod live;
mod node;
mod packages;
mod place;
mod run;
mod screenshots;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// waitscope's own tasks.
#[derive(Parser)]
enum Task {
    /// Build everything and run the demo: a small server under load, traced.
    Demo(demo::Options),
    /// Run every test, installing what is missing for that.
    Test(test::Options),
    /// Check formatting, lints, tidiness, the object's stamp and the page's types.
    Check,
    /// Rebuild the kernel side's object from its sources, and stamp it.
    Ebpf(ebpf::Options),
    /// Run the fuzz targets: bytes that no test thought of, for whatever reads bytes of others.
    Fuzz(fuzz::Options),
    /// Measure what tracing costs.
    Bench(bench::Options),
    /// Take the picture in the README.
    Screenshots,
    /// Make the calls that `bench` measures.
    #[command(hide = true)]
    Load(bench::LoadOptions),
}

fn main() -> ExitCode {
    match perform() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform() -> Result<()> {
    match Task::parse() {
        Task::Demo(options) => demo::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Check => check::run(),
        Task::Ebpf(options) => ebpf::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Screenshots => screenshots::run(),
        Task::Load(options) => bench::run_load(&options),
    }
}
