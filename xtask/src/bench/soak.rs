//! A steady flood of calls for a minute: what is lost, and what the tracer itself takes.
//!
//! The load counts its own calls: the tracer's word is compared with that, and never taken for it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::load::{Kind, Load};
use super::tracer::interrupt;
use super::{cpu, dir, state};
use crate::{place, run};

/// For a recording to begin.
const BEGINS: Duration = Duration::from_secs(20);

/// How hard, and how long.
#[derive(Args)]
pub(super) struct Options {
    /// Calls a second, over all loads.
    #[arg(long, default_value_t = 1_000_000)]
    per_second: u64,
    /// Seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Write a recording, in place of showing a page.
    #[arg(long)]
    record: bool,
}

/// What the tracer says of it.
struct Told {
    calls: u64,
    lost: u64,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let length = Duration::from_secs(options.seconds);
    let mut load = Load::start(Kind::Recv, Some(options.per_second))?;
    let recording = dir().join("soak.waitscope");
    let mut command = Command::new(place::product());
    let pid = load.pid().to_string();
    if options.record {
        // So that it is seen to begin.
        let _none = fs::remove_file(&recording);
        command.args(["record", &pid, "-o"]).arg(&recording);
    } else {
        command.args(["attach", &pid, "--listen", "127.0.0.1:0"]);
    }
    println!("$ {}", run::line(&command));
    // Its own words go aside: the numbers here are what was asked for.
    let log = File::create(dir().join("soak.log")).context("make soak.log")?;
    command.stdout(Stdio::piped()).stderr(log);
    let mut tracer = command.spawn().context("start waitscope")?;
    let stdout = tracer.stdout.take();
    let told = if options.record {
        // Nobody reads what it prints at its end: it must find room for that.
        let aside = stdout.context("read what waitscope prints")?;
        let aside = std::thread::spawn(move || std::io::read_to_string(aside));
        let measured = wait_for(&recording).and_then(|()| measure(&mut load, &tracer, length));
        interrupt(&mut tracer).context("stop waitscope")?;
        let _said = aside.join();
        measured.and_then(|()| of_recording(&recording))
    } else {
        let mut stdout = BufReader::new(stdout.context("read what waitscope prints")?);
        let told = find_address(&mut stdout).and_then(|address| {
            measure(&mut load, &tracer, length)?;
            of_page(&address)
        });
        interrupt(&mut tracer).context("stop waitscope")?;
        told
    };
    let Told { calls, lost } = told?;
    println!("waitscope has      {calls:>12} calls");
    println!("lost               {lost:>12} records");
    if lost > 0 {
        bail!("{lost} records were lost");
    }
    Ok(())
}

fn wait_for(recording: &Path) -> Result<()> {
    let deadline = Instant::now() + BEGINS;
    while !recording.exists() {
        ensure!(Instant::now() < deadline, "waitscope made no recording");
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Lets the load make its calls, and the tracer take them in.
fn measure(load: &mut Load, tracer: &Child, length: Duration) -> Result<()> {
    let cpu_before = cpu::nanos(tracer.id())?;
    load.begin(length)?;
    let made = load.wait()?;
    let cpu = cpu::nanos(tracer.id())? - cpu_before;
    // Until the ring is drained.
    sleep(Duration::from_secs(2));
    let seconds = made.ns as f64 / 1e9;
    println!(
        "the load made      {:>12} calls in {seconds:.1} s: {:.0} a second",
        made.calls,
        made.calls as f64 / seconds
    );
    println!(
        "waitscope's own    {:>11.1}% of a CPU",
        100.0 * cpu / made.ns as f64
    );
    println!("waitscope's peak   {:>12}", peak_memory(tracer.id())?);
    Ok(())
}

fn of_page(address: &str) -> Result<Told> {
    let live = state::live(address)?;
    let number = |name: &str| live.get(name).and_then(serde_json::Value::as_u64);
    Ok(Told {
        calls: number("calls").context("find the calls in /api/live")?,
        lost: number("lost").context("find the loss in /api/live")?,
    })
}

fn of_recording(recording: &Path) -> Result<Told> {
    let size = fs::metadata(recording)
        .context("look at the recording")?
        .len();
    let mut report = Command::new(place::product());
    let report = run::output(report.args(["report", "--json"]).arg(recording))?;
    let report: serde_json::Value = serde_json::from_str(&report).context("read the report")?;
    let number = |place: &str| report.pointer(place).and_then(serde_json::Value::as_u64);
    let calls = number("/calls").context("find the calls in the report")?;
    println!(
        "the recording has  {size:>12} bytes: {:.1} a call",
        size as f64 / calls as f64
    );
    Ok(Told {
        calls,
        lost: number("/trace/lost").context("find the loss in the report")?,
    })
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
