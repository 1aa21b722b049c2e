//! The sums of one thread's event loop.
//!
//! Lag must not be told where it isn't known: if several threads wait on one epoll, what one of them is late for
//! another one notices.

use hdrhistogram::Histogram;
use serde::Serialize;

use super::lag_over_time::{LagOverTime, Lags};
use super::over_time::OverTime;
use super::stalls::LongestTurn;
use crate::model::Turn;

/// Percentiles are exact to a hundredth.
const DIGITS: u8 = 2;
/// Longer turns count as this long in percentiles. A day.
const LONGEST_NS: u64 = 86_400_000_000_000;

/// The turns of one thread's event loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoopReport {
    /// The thread.
    pub tid: u32,
    /// The process.
    pub pid: u32,
    /// Its last name, if any was seen.
    pub name: Option<String>,
    /// Other threads wait on the same epoll: lag is not known, for what this one is late for they notice.
    pub shared: bool,
    /// How many turns ended.
    pub turns: u64,
    /// All work.
    pub work_ns: u64,
    /// All waits.
    pub wait_ns: u64,
    /// In the work, asleep.
    pub blocked_ns: u64,
    /// In the work, wanting the CPU.
    pub runnable_ns: u64,
    /// Descriptors found ready.
    pub events: u64,
    /// Turns that ended with events which had been there before the thread asked.
    pub ready_before_asked: u64,
    /// Calls made in the work.
    pub calls: u64,
    /// Of those, checks of the loop.
    pub checks: u64,
    /// Bytes received in the work.
    pub received_bytes: u64,
    /// Bytes sent in the work.
    pub sent_bytes: u64,
    /// Half of the turns had no more work, to a hundredth.
    pub work_p50_ns: u64,
    /// 99 of 100 had no more, to a hundredth.
    pub work_p99_ns: u64,
    /// None had more.
    pub work_max_ns: u64,
    /// The lag of the turns, likewise; `None` if the loop is shared.
    pub lag_p50_ns: Option<u64>,
    /// See `lag_p50_ns`.
    pub lag_p99_ns: Option<u64>,
    /// See `lag_p50_ns`.
    pub lag_max_ns: Option<u64>,
    /// Work and waits over time.
    pub over_time: OverTime,
    /// Lag over time; `None` if the loop is shared.
    pub lag_over_time: Option<LagOverTime>,
    /// The turn that was under way when the trace ended, which is in none of the sums; `None` if that is not known,
    /// or the loop is shared.
    pub under_way: Option<LongestTurn>,
}

/// The sums of one loop.
#[derive(Clone)]
pub(super) struct Sums {
    work: Option<Histogram<u64>>,
    lag: Option<Histogram<u64>>,
    lags: Lags,
    /// The epoll it waited on last.
    pub(super) fd: Option<i32>,
    lag_max_ns: u64,
    sums: LoopReport,
}

impl Default for Sums {
    fn default() -> Self {
        // Fails for senseless bounds only.
        let histogram = || Histogram::new_with_bounds(1, LONGEST_NS, DIGITS).ok();
        Self {
            work: histogram(),
            lag: histogram(),
            lags: Lags::default(),
            fd: None,
            lag_max_ns: 0,
            sums: LoopReport {
                tid: 0,
                pid: 0,
                name: None,
                shared: false,
                turns: 0,
                work_ns: 0,
                wait_ns: 0,
                blocked_ns: 0,
                runnable_ns: 0,
                events: 0,
                ready_before_asked: 0,
                calls: 0,
                checks: 0,
                received_bytes: 0,
                sent_bytes: 0,
                work_p50_ns: 0,
                work_p99_ns: 0,
                work_max_ns: 0,
                lag_p50_ns: None,
                lag_p99_ns: None,
                lag_max_ns: None,
                over_time: OverTime::default(),
                lag_over_time: None,
                under_way: None,
            },
        }
    }
}

impl Sums {
    pub(super) fn push(&mut self, turn: &Turn) {
        let sums = &mut self.sums;
        let work_ns = turn.work_ns();
        for (sum, more) in [
            (&mut sums.turns, 1),
            (&mut sums.work_ns, work_ns),
            (&mut sums.wait_ns, turn.wait_ns()),
            (&mut sums.blocked_ns, turn.blocked_ns),
            (&mut sums.runnable_ns, turn.runnable_ns),
            (&mut sums.events, turn.events),
            (
                &mut sums.ready_before_asked,
                u64::from(turn.ready_before_asked),
            ),
            (&mut sums.calls, turn.calls),
            (&mut sums.checks, turn.checks),
            (&mut sums.received_bytes, turn.received),
            (&mut sums.sent_bytes, turn.sent),
        ] {
            *sum = sum.saturating_add(more);
        }
        sums.work_max_ns = sums.work_max_ns.max(work_ns);
        sums.over_time
            .add(turn.start_ns, turn.work_end_ns, turn.end_ns);
        self.lag_max_ns = self.lag_max_ns.max(turn.lag_ns);
        self.lags.add(turn.start_ns, turn.lag_ns);
        self.fd = turn.fd;
        for (histogram, value) in [(&mut self.work, work_ns), (&mut self.lag, turn.lag_ns)] {
            if let Some(histogram) = histogram {
                histogram.saturating_record(value);
            }
        }
    }

    pub(super) fn report(&self, shared: bool) -> LoopReport {
        // A histogram knows a value only by its bucket, whose end may lie beyond the largest.
        let at = |histogram: &Option<Histogram<u64>>, quantile, max: u64| {
            let histogram = histogram.as_ref();
            histogram.map_or(0, |known| known.value_at_quantile(quantile).min(max))
        };
        let max = self.sums.work_max_ns;
        let lag = |quantile| (!shared).then(|| at(&self.lag, quantile, self.lag_max_ns));
        LoopReport {
            shared,
            work_p50_ns: at(&self.work, 0.5, max),
            work_p99_ns: at(&self.work, 0.99, max),
            lag_p50_ns: lag(0.5),
            lag_p99_ns: lag(0.99),
            lag_max_ns: (!shared).then_some(self.lag_max_ns),
            lag_over_time: (!shared).then(|| self.lags.report()),
            ..self.sums.clone()
        }
    }
}
