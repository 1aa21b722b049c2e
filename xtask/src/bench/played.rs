//! Recordings of as many calls as wanted, of 64 threads: played again and again from short ones of redis and nginx,
//! which are made just now.
//!
//! It must leave nothing behind, and must say so where there is no room for one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::statvfs::statvfs;

use super::server::Server;
use super::{dir, example};
use crate::{place, run};

/// Seconds of each server that are played again and again.
const SAMPLE_SECONDS: u64 = 2;
const CLIENTS: u32 = 20;
/// On disk, for each call: twice what it takes.
pub(super) const BYTES_A_CALL: u64 = 48;

/// What recordings are played from, and the program that does it. All of it is removed in the end.
pub(super) struct Played {
    place: Place,
    program: PathBuf,
    samples: [PathBuf; 2],
}

impl Played {
    pub(super) fn prepare() -> Result<Self> {
        let place = Place::new(dir().join("store"))?;
        let program = example::build("store")?;
        let samples = [sample_redis(&place.0)?, sample_nginx(&place.0)?];
        Ok(Self {
            place,
            program,
            samples,
        })
    }

    /// The example program that makes them, and measures what opening one takes.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Makes one in the place of the one before; `None` if there is no room for it, which it says.
    pub(super) fn make(&self, calls: u64) -> Result<Option<PathBuf>> {
        let free = free_bytes(&self.place.0)?;
        if free < calls * BYTES_A_CALL {
            println!(
                "left out: {} MB of disk are free, and it may take {}",
                free >> 20,
                (calls * BYTES_A_CALL) >> 20
            );
            return Ok(None);
        }
        let recording = self.place.0.join("large.waitscope");
        run::run(
            Command::new(&self.program)
                .arg("make")
                .arg(&recording)
                .arg(calls.to_string())
                .args(&self.samples),
        )?;
        Ok(Some(recording))
    }
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

pub(super) fn free_bytes(path: &Path) -> Result<u64> {
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
