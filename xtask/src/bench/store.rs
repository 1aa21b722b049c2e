//! What opening, asking and exporting recordings of a million calls and more takes, beside what is wanted of it.
//!
//! It must say so where there is no room for one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::played::{BYTES_A_CALL, Played, free_bytes};
use crate::{place, run};

/// The formats of `waitscope export`, and how much more room than the recording itself each may take. Two of them are
/// wanted in 30 seconds for ten million calls.
const FORMATS: [(&str, u64); 6] = [
    ("perfetto", 8),
    ("parquet", 2),
    ("csv", 16),
    ("ndjson", 32),
    ("chrome", 32),
    ("json", 32),
];

/// How many calls, and how much memory to open them with.
#[derive(Args)]
pub(super) struct Options {
    /// Millions of calls of each recording.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100], value_parser = clap::value_parser!(u64).range(1..=1000))]
    millions: Vec<u64>,
    /// Memory for what is opened, in MiB.
    #[arg(long, default_value_t = 1024)]
    memory: u64,
    /// Export recordings of up to so many millions of calls, in each format.
    #[arg(long, default_value_t = 10)]
    export_millions: u64,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let played = Played::prepare()?;
    println!(
        "\nwanted: opened in 2 s at 10 million calls and in 10 s at 100 million; a picture in 5 ms at 99 %, and at 100 \
         million at most 1.5 times as slow as at 1 million; about {} MiB of memory; ten million calls exported to perfetto \
         or parquet in 30 s",
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
        if *millions <= options.export_millions {
            export(&recording, millions * 1_000_000)?;
        }
    }
    Ok(())
}

/// Exports a recording to each format, and prints how long that takes.
fn export(recording: &Path, calls: u64) -> Result<()> {
    for (format, room) in FORMATS {
        let out = recording.with_extension(format);
        let free = free_bytes(recording.parent().unwrap_or(recording))?;
        if free < calls * BYTES_A_CALL * room {
            println!(
                "export   {format:>11} left out: {} MB of disk are free, and it may take more",
                free >> 20
            );
            continue;
        }
        let began = Instant::now();
        let status = Command::new(place::product())
            .arg("export")
            .arg(recording)
            .args(["--format", format, "-o"])
            .arg(&out)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .context("start waitscope")?;
        let took = began.elapsed();
        ensure!(status.success(), "export {}: {status}", recording.display());
        let bytes = fs::metadata(&out)
            .with_context(|| format!("look at {}", out.display()))?
            .len();
        fs::remove_file(&out).with_context(|| format!("remove {}", out.display()))?;
        println!(
            "export   {format:>11} {:.2} s, {:.0} ns and {:.0} bytes a call",
            took.as_secs_f64(),
            took.as_nanos() as f64 / calls as f64,
            bytes as f64 / calls as f64
        );
    }
    Ok(())
}
