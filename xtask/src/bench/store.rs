//! What opening and asking recordings of a million calls and more takes, beside what is wanted of it.
//!
//! They are played from recordings of redis and nginx that are made just now, and removed afterwards. It must say so
//! where there is no room for one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use nix::sys::statvfs::statvfs;

use super::server::Server;
use super::{dir, example};
use crate::{place, run};

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

/// Seconds of each server that are played again and again.
const SAMPLE_SECONDS: u64 = 2;
const CLIENTS: u32 = 20;
/// On disk, for each call: twice what it takes.
const BYTES_A_CALL: u64 = 48;

pub(super) fn run(options: &Options) -> Result<()> {
    let place = Place::new(dir().join("store"))?;
    let program = example::build("store")?;
    let samples = [sample_redis(&place.0)?, sample_nginx(&place.0)?];
    println!(
        "\nwanted: opened in 2 s at 10 million calls and in 10 s at 100 million; a picture in 5 ms at 99 %, and at 100 \
         million at most 1.5 times as slow as at 1 million; about {} MiB of memory",
        options.memory
    );
    for millions in &options.millions {
        println!("\n{millions} million calls");
        let calls = millions * 1_000_000;
        let free = free_bytes(&place.0)?;
        if free < calls * BYTES_A_CALL {
            println!(
                "left out: {} MB of disk are free, and it may take {}",
                free >> 20,
                (calls * BYTES_A_CALL) >> 20
            );
            continue;
        }
        let recording = place.0.join("large.waitscope");
        run::run(
            Command::new(&program)
                .arg("make")
                .arg(&recording)
                .arg(calls.to_string())
                .args(&samples),
        )?;
        run::run(
            Command::new(&program)
                .arg("measure")
                .arg(&recording)
                .arg(options.memory.to_string()),
        )?;
    }
    Ok(())
}

/// A directory that is removed with all that is in it.
struct Place(PathBuf);

impl Place {
    fn new(path: PathBuf) -> Result<Self> {
        // What an interrupted run left.
        let _nothing = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).with_context(|| format!("make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            println!("remove {}: {error}", self.0.display());
        }
    }
}

fn free_bytes(path: &Path) -> Result<u64> {
    let room = statvfs(path).with_context(|| format!("look for room in {}", path.display()))?;
    Ok(room.blocks_available() * room.fragment_size())
}

fn sample_redis(place: &Path) -> Result<PathBuf> {
    let server = Server::redis()?;
    let mut load = Command::new("redis-benchmark")
        .args([
            "-h",
            "127.0.0.1",
            "-t",
            "set,get",
            "-l",
            "-q",
            "-c",
            &CLIENTS.to_string(),
        ])
        .args(["-p", &server.port().to_string()])
        .stdout(std::process::Stdio::null())
        .spawn()
        .context("start redis-benchmark")?;
    let sampled = sample(place, "redis", server.pid());
    super::tracer::interrupt(&mut load)?;
    sampled
}

fn sample_nginx(place: &Path) -> Result<PathBuf> {
    let server = Server::nginx()?;
    let clients = server.ask(CLIENTS, Duration::from_secs(SAMPLE_SECONDS + 1));
    let sampled = sample(place, "nginx", server.pid());
    let mut answered = 0;
    for client in clients {
        answered += client
            .join()
            .map_err(|_| anyhow::anyhow!("a client panicked"))??;
    }
    ensure!(answered > 0, "nginx answered nothing");
    sampled
}

fn sample(place: &Path, name: &str, pid: u32) -> Result<PathBuf> {
    let path = place.join(name).with_extension("waitscope");
    let mut command = Command::new(place::product());
    command.args([
        "record",
        &pid.to_string(),
        "--for",
        &format!("{SAMPLE_SECONDS}s"),
        "-o",
    ]);
    println!("$ {}", run::line(&command));
    let output = command.arg(&path).output().context("start waitscope")?;
    if !output.status.success() {
        bail!("record {name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(path)
}
