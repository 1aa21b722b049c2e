//! The plot: do what was typed, and end with the right code.

use std::process::ExitCode;

use waitscope::cli;

fn main() -> ExitCode {
    ExitCode::from(cli::run() as u8)
}
