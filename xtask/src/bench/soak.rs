//! A steady flood of calls for a minute: what is lost, and what the tracer itself takes.
//!
//! The load counts its own calls: the tracer's word is compared with that, and never taken for it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::load::{Kind, Load};
use super::tracer::interrupt;
use super::{cpu, dir, page};
use crate::{place, run};

/// How hard, and how long.
#[derive(Args)]
pub(super) struct Options {
    /// Calls a second, over all loads.
    #[arg(long, default_value_t = 1_000_000)]
    per_second: u64,
    /// Seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Write a recording too.
    #[arg(long)]
    record: bool,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let length = Duration::from_secs(options.seconds);
    let mut load = Load::start(Kind::Recv, Some(options.per_second))?;
    let mut command = Command::new(place::product());
    command.args(["attach", &load.pid().to_string(), "--listen", "127.0.0.1:0"]);
    if options.record {
        command.arg("--record").arg(dir().join("soak.waitscope"));
    }
    println!("$ {}", run::line(&command));
    // Its own words go aside: the numbers here are what was asked for.
    let log = File::create(dir().join("soak.log")).context("make soak.log")?;
    command.stdout(Stdio::piped()).stderr(log);
    let mut tracer = command.spawn().context("start waitscope")?;
    let measured = measure(&mut load, &mut tracer, length);
    interrupt(&mut tracer).context("stop waitscope")?;
    measured
}

fn measure(load: &mut Load, tracer: &mut std::process::Child, length: Duration) -> Result<()> {
    let mut stdout = BufReader::new(tracer.stdout.take().context("read what waitscope prints")?);
    let address = find_address(&mut stdout)?;
    let cpu_before = cpu::nanos(tracer.id())?;
    load.begin(length)?;
    let made = load.wait()?;
    let cpu = cpu::nanos(tracer.id())? - cpu_before;
    // Until the ring is drained.
    sleep(Duration::from_secs(2));
    let live = page::live(&address)?;
    let number = |name: &str| live.get(name).and_then(serde_json::Value::as_u64);
    let seconds = made.ns as f64 / 1e9;
    println!(
        "the load made      {:>12} calls in {seconds:.1} s: {:.0} a second",
        made.calls,
        made.calls as f64 / seconds
    );
    println!(
        "waitscope has      {:>12} calls",
        number("calls").context("find the calls in /api/live")?
    );
    let lost = number("lost").context("find the loss in /api/live")?;
    println!("lost               {lost:>12} records");
    println!(
        "waitscope's own    {:>11.1}% of a CPU",
        100.0 * cpu / made.ns as f64
    );
    println!("waitscope's peak   {:>12}", peak_memory(tracer.id())?);
    if lost > 0 {
        bail!("{lost} records were lost");
    }
    Ok(())
}

fn find_address(stdout: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    while stdout
        .read_line(&mut line)
        .context("read what waitscope prints")?
        > 0
    {
        if let Some(address) = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
        {
            return Ok(address.to_owned());
        }
        line.clear();
    }
    bail!("find waitscope's address: it ended without one")
}

fn peak_memory(pid: u32) -> Result<String> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(peak
        .with_context(|| format!("find VmHWM in {path}"))?
        .trim()
        .to_owned())
}
