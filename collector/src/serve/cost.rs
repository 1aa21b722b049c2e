//! What the tool itself costs: CPU time and memory.
//!
//! What can't be measured is `None`, never 0.

use std::time::{Duration, Instant};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};

/// What the tool itself costs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// CPU time of all threads over the time that passed: 1 is one CPU, all the time.
    pub(super) cpu_fraction: Option<f64>,
    /// Memory in use.
    pub(super) rss_bytes: Option<u64>,
}

/// Measures from one look to the next.
#[derive(Debug)]
pub(super) struct Meter {
    looked: Instant,
    cpu: Option<Duration>,
}

impl Meter {
    /// Starts now.
    pub(super) fn new() -> Self {
        Self {
            looked: Instant::now(),
            cpu: cpu_time(),
        }
    }

    /// The cost since the last look.
    pub(super) fn look(&mut self) -> Cost {
        let (now, cpu) = (Instant::now(), cpu_time());
        let passed = now.duration_since(self.looked).as_secs_f64();
        let cpu_fraction = cpu
            .zip(self.cpu)
            .filter(|_| passed > 0.0)
            .map(|(cpu, before)| cpu.saturating_sub(before).as_secs_f64() / passed);
        (self.looked, self.cpu) = (now, cpu);
        Cost {
            cpu_fraction,
            rss_bytes: rss_bytes(),
        }
    }
}

/// Of all threads of this process, user and kernel, since it began.
fn cpu_time() -> Option<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let micros = (usage.user_time() + usage.system_time()).num_microseconds();
    u64::try_from(micros).ok().map(Duration::from_micros)
}

/// Pages of this process in memory.
pub(super) fn rss_bytes() -> Option<u64> {
    let statm = procfs::process::Process::myself()
        .and_then(|process| process.statm())
        .ok()?;
    statm.resident.checked_mul(procfs::page_size())
}

#[cfg(test)]
mod tests {
    use super::{Meter, cpu_time};

    #[test]
    fn a_busy_loop_costs_cpu_time_and_the_process_has_memory() {
        let mut meter = Meter::new();
        let before = cpu_time().unwrap();
        while cpu_time().unwrap() - before < std::time::Duration::from_millis(20) {}
        let cost = meter.look();
        assert!(
            cost.cpu_fraction.is_some_and(|fraction| fraction > 0.0),
            "{cost:?}"
        );
        assert!(cost.rss_bytes.is_some_and(|bytes| bytes > 4096), "{cost:?}");
    }
}
