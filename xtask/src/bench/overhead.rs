//! What each tracer adds to a call: one table, from rounds in which all of them take turns.
//!
//! Turns, because a machine's speed drifts: each sample is compared with the untraced one of its own round.

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::load::{self, Load};
use super::server::Server;
use super::target::Target;
use super::tracer::Kind;
use super::{details, example};

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
    /// Only what details cost over phases, without the other tracers.
    #[arg(long)]
    details: bool,
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
        measure(name, &mut target, options)?;
    }
    let mut target = Target::Redis {
        server: Server::redis()?,
        requests: options.requests,
    };
    measure("redis-benchmark GET, 20 clients", &mut target, options)
}

/// Measures one target, and prints what comes of it.
fn measure(name: &str, target: &mut Target, options: &Options) -> Result<()> {
    // Warm caches and clocks; not counted.
    target.samples(Kind::Nothing, 1)?;
    if options.details {
        println!("\n{name}: {}", target.unit());
        return details::measure(target, options.rounds);
    }
    compare(name, target, options.rounds)?;
    details::measure(target, options.rounds)?;
    target.print_programs()
}

/// Takes samples under all tracers, and prints their table.
fn compare(name: &str, target: &mut Target, rounds: u16) -> Result<()> {
    let mut all: Vec<(Kind, Samples)> = Kind::ALL.map(|kind| (kind, Vec::new())).into();
    for _ in 0..rounds {
        for (kind, samples) in &mut all {
            samples.extend(target.samples(*kind, 1)?);
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
