//! What each tracer adds to a call: one table, from rounds in which all of them take turns.
//!
//! Turns, because a machine's speed drifts: each sample is compared with the untraced one of its own round.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use super::load::{self, Load};
use super::server::Server;
use super::tracer::{Kind, Tracer};
use super::{cpu, example, programs};
use crate::run;

/// How long to measure.
#[derive(Args)]
pub(super) struct Options {
    /// Rounds; the table has their medians.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
    /// Milliseconds of calls in each sample.
    #[arg(long, default_value_t = 500)]
    millis: u64,
    /// Requests in each sample of redis; a tracer that stops the server at each call gets a tenth.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    requests: u32,
}

/// After the last request, until a tracer has taken in what it was told of it.
const DRAINED: Duration = Duration::from_millis(100);

/// What is traced.
enum Target {
    Load(Load, Duration),
    Redis { server: Server, requests: u32 },
}

/// Of one kind of target under one tracer, a sample a round.
type Samples = Vec<f64>;

pub(super) fn run(options: &Options) -> Result<()> {
    let length = Duration::from_millis(options.millis);
    example::build("floor")?;
    for (name, kind) in [
        ("recvfrom, nothing there", load::Kind::Recv),
        ("epoll_wait, timeout 0", load::Kind::Epoll),
        (
            "ping-pong over a socket pair, one CPU",
            load::Kind::PingPong,
        ),
    ] {
        let mut target = Target::Load(Load::start(kind, None)?, length);
        measure(name, &mut target, options.rounds)?;
        programs::print(target.pid(), || {
            target.sample(None, Kind::Nothing).map(drop)
        })?;
    }
    let mut target = Target::Redis {
        server: Server::redis()?,
        requests: options.requests,
    };
    measure(
        "redis-benchmark GET, 20 clients",
        &mut target,
        options.rounds,
    )?;
    programs::print(target.pid(), || {
        target.sample(None, Kind::Nothing).map(drop)
    })
}

/// Takes all samples of one target, and prints its part of the table.
fn measure(name: &str, target: &mut Target, rounds: u16) -> Result<()> {
    let mut all: Vec<(Kind, Samples)> = Kind::ALL.map(|kind| (kind, Vec::new())).into();
    // Warm caches and clocks; not counted.
    target.sample(None, Kind::Nothing)?;
    for _ in 0..rounds {
        for (kind, samples) in &mut all {
            let tracer = Tracer::start(*kind, target.pid())?;
            let sample = target.sample(tracer.pid(), *kind);
            tracer.stop()?;
            samples.push(sample?);
        }
    }
    let of = |wanted: Kind| -> &[f64] {
        let found = all.iter().find(|(kind, _)| *kind == wanted);
        found.map_or(&[], |(_, samples)| samples)
    };
    let added = |kind| minus(of(kind), of(Kind::Nothing));
    let floor = median(added(Kind::Floor));
    println!("\n{name}: median of {rounds} rounds, {}", target.unit());
    println!(
        "{:<20} {:>9} {:>9} {:>21} {:>9}",
        "", "ns", "added", "least … most added", "of floor"
    );
    for (kind, samples) in &all {
        let ns = median(samples.clone());
        if *kind == Kind::Nothing {
            println!("{:<20} {ns:>9.0}", kind.name());
            continue;
        }
        let added = added(*kind);
        let (least, most) = spread(&added);
        let added = median(added);
        // A floor that drowned in noise is none.
        let ratio = if floor > 0.0 {
            format!("{:.1}", added / floor)
        } else {
            "-".to_owned()
        };
        let spread = format!("{least:.0} … {most:.0}");
        println!(
            "{:<20} {ns:>9.0} {added:>9.0} {spread:>21} {ratio:>9}",
            kind.name()
        );
    }
    let (phases, details) = (added(Kind::Phases), added(Kind::Waitscope));
    // What drowned in noise has no share.
    if phases.iter().all(|&phases| phases > 0.0) {
        let ratios: Samples = details
            .iter()
            .zip(&phases)
            .map(|(all, few)| all / few)
            .collect();
        let (least, most) = spread(&ratios);
        let spread = format!("{least:.2} … {most:.2}");
        let ratio = median(ratios);
        println!(
            "{:<20} {:>9} {ratio:>9.2} {spread:>21}",
            "all over phases", ""
        );
    } else {
        println!("{:<20} {:>9} {:>9}", "all over phases", "", "-");
    }
    Ok(())
}

/// What each sample has beyond the untraced one of its round.
fn minus(samples: &[f64], untraced: &[f64]) -> Samples {
    let pairs = samples.iter().zip(untraced);
    pairs.map(|(traced, bare)| traced - bare).collect()
}

fn spread(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (least, most)
}

fn median(mut values: Samples) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (Some(upper), 0) => values
            .get(middle - 1)
            .map_or(*upper, |lower| (lower + upper) / 2.0),
        (Some(one), _) => *one,
        (None, _) => f64::NAN,
    }
}

impl Target {
    fn pid(&self) -> u32 {
        match self {
            Self::Load(load, _) => load.pid(),
            Self::Redis { server, .. } => server.pid(),
        }
    }

    /// What a sample is.
    fn unit(&self) -> &'static str {
        match self {
            Self::Load(..) => "ns per call",
            Self::Redis { .. } => "ns of CPU time per request, the server's and the tracer's",
        }
    }

    /// Nanoseconds per call; or of CPU time per request, that of the tracer included. With server, client and tracer on
    /// few CPUs, how long a request takes tells more of who had to wait for whom than of what tracing costs.
    fn sample(&mut self, tracer: Option<u32>, kind: Kind) -> Result<f64> {
        match self {
            Self::Load(load, length) => {
                let made = load.go(*length)?;
                Ok(made.ns as f64 / made.calls as f64)
            }
            Self::Redis { server, requests } => {
                let (server, port) = (server.pid(), server.port());
                let requests = *requests / if kind.is_slow() { 10 } else { 1 };
                let cpu = || -> Result<f64> {
                    Ok(cpu::nanos(server)? + tracer.map_or(Ok(0.0), cpu::nanos)?)
                };
                let before = cpu()?;
                let csv = run::output(
                    Command::new("redis-benchmark")
                        .args(["-h", "127.0.0.1", "-t", "get", "-c", "20", "--csv", "-p"])
                        .arg(port.to_string())
                        .arg("-n")
                        .arg(requests.to_string()),
                )?;
                ensure!(csv.contains("GET"), "redis-benchmark did nothing: {csv:?}");
                sleep(DRAINED);
                Ok((cpu()? - before) / f64::from(requests))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middle_ones() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(vec![7.0]), 7.0);
        assert!(median(vec![]).is_nan());
    }
}
