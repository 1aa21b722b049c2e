//! What opening and asking recordings of a million calls and more takes, beside what is wanted of it.
//!
//! It must say so where there is no room for one.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use super::played::Played;
use crate::run;

/// How many calls, and how much memory to open them with.
#[derive(Args)]
pub(super) struct Options {
    /// Millions of calls of each recording.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100], value_parser = clap::value_parser!(u64).range(1..=1000))]
    millions: Vec<u64>,
    /// Memory for what is opened, in MiB.
    #[arg(long, default_value_t = 1024)]
    memory: u64,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let played = Played::prepare()?;
    println!(
        "\nwanted: opened in 2 s at 10 million calls and in 10 s at 100 million; a picture in 5 ms at 99 %, and at 100 \
         million at most 1.5 times as slow as at 1 million; about {} MiB of memory",
        options.memory
    );
    for millions in &options.millions {
        println!("\n{millions} million calls");
        let Some(recording) = played.make(millions * 1_000_000)? else {
            continue;
        };
        run::run(
            Command::new(played.program())
                .arg("measure")
                .arg(&recording)
                .arg(options.memory.to_string()),
        )?;
    }
    Ok(())
}
