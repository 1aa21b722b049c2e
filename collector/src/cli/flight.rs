//! A flight recorder, as it was typed. It must never act on it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::quantity::{duration, size};
use crate::model::{Condition, Rule};
use crate::recording::FlightPlan;

/// Where captures go if no file was named.
const PATH: &str = "flight.waitscope";

/// What a flight recorder keeps, and when it writes it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Flight recorder")]
pub(crate) struct Flying {
    /// Keep the last 30s, say, in memory only, and write them when a --trigger fires
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "trigger")]
    pub(crate) flight: Option<Duration>,
    /// When to write: 'turn > 50ms' (work of an event loop), 'call > 100ms' (but readiness calls), 'epoll_wait > 1s'
    /// (by name), 'ready_delay > 5ms', 'again > 1000/s' (EAGAIN), 'signal USR1' (to waitscope), 'page' (the button of the page)
    #[arg(long, value_name = "WHEN", value_parser = rule, requires = "flight")]
    pub(crate) trigger: Vec<Rule>,
    /// Go on for this time after it [default: half of --flight]
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "flight")]
    pub(crate) after: Option<Duration>,
    /// Memory for what is kept; the oldest is let go beyond it
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "256MiB")]
    pub(crate) flight_memory: u64,
    /// Time between two captures
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub(crate) cool_down: Duration,
    /// Disk space for all captures of this run; the oldest are removed beyond it
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "1GiB")]
    pub(crate) flight_disk: u64,
}

impl Flying {
    /// Whether somebody on the page may ask for a capture.
    pub(crate) fn heeds_page(&self) -> bool {
        let mut rules = self.trigger.iter();
        rules.any(|rule| rule.condition == Condition::Page)
    }

    /// What it means, if it was asked for. Captures are called like the recording that they stand in for.
    pub(crate) fn plan(&self, record: Option<&Path>) -> Option<FlightPlan> {
        let window = self.flight?;
        Some(FlightPlan {
            path: record.map_or_else(|| PathBuf::from(PATH), Path::to_owned),
            window,
            after: self.after.unwrap_or(window / 2),
            memory_bytes: self.flight_memory,
            cool_down: self.cool_down,
            disk_bytes: self.flight_disk,
            rules: self.trigger.clone(),
        })
    }
}

fn rule(text: &str) -> Result<Rule, String> {
    Rule::parse(text, |time| {
        u64::try_from(duration(time).ok()?.as_nanos()).ok()
    })
}
