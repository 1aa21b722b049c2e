//! Recordings as long as wanted that look like real ones, and what it takes to open one and to ask it.
//!
//! What `cargo xtask bench store` runs, each size in a process of its own, so that the memory is that of one. It must
//! never print a number that it did not measure just now.

mod measure;
mod sample;
mod synthetic;

use std::path::Path;

use anyhow::{Context, Result, bail};
use mimalloc::MiMalloc;

/// As the program has it.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["make", recording, calls, ref samples @ ..] => {
            let calls = calls.parse().context("read the number of calls")?;
            synthetic::make(Path::new(recording), calls, samples)
        }
        ["measure", recording, memory_mib] => {
            let memory_mib: u64 = memory_mib.parse().context("read the memory")?;
            measure::measure(Path::new(recording), memory_mib << 20)
        }
        _ => {
            bail!("usage: store make RECORDING CALLS SAMPLE… | store measure RECORDING MEMORY_MIB")
        }
    }
}
