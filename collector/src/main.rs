//! The plot: do what was typed, say what went wrong, end with the right code.

use std::process::ExitCode;

use waitscope::cli;

fn main() -> ExitCode {
    let exit = cli::run().unwrap_or_else(|error| {
        if !cli::is_broken_pipe(&error) {
            eprintln!("waitscope: {error:#}");
        }
        cli::exit_of(&error)
    });
    ExitCode::from(exit as u8)
}
