//! The plot: do what was typed, and end with the right code.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use waitscope::cli;

#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(cli::run() as u8)
}
