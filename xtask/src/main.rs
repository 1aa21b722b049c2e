//! The project's own tasks, run as `cargo xtask TASK`: one file a task.
//!
//! It must never be needed to build or use the product: `cargo build` does that.

mod ebpf;
mod packages;
mod place;
mod run;

use anyhow::Result;
use clap::Parser;

/// waitscope's own tasks.
#[derive(Parser)]
enum Task {
    /// Rebuild the kernel side's object from its sources, and stamp it.
    Ebpf(ebpf::Options),
}

fn main() -> Result<()> {
    match Task::parse() {
        Task::Ebpf(options) => ebpf::run(&options),
    }
}
