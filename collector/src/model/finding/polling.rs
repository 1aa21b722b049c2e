//! Busy polling: a thread that does little but look whether something is ready.
//!
//! Only looks that found nothing count, and what lies between two of them only where it is too short for work.

use super::What;
use super::thread::Found;
use crate::model::{Call, CallKind};

/// Time is looked at in pieces of this length, so that a second of polling is found in an hour of sleep.
const WINDOW_NS: u64 = 1_000_000_000;
/// The last piece may be shorter, but not shorter than this.
const LAST_WINDOW_NS: u64 = 100_000_000;
/// Percent of a piece that was spent so: "most of the time".
const POLLING_PERCENT: u64 = 50;
/// Looks that found nothing in a piece: a game or a simulation looks once a frame.
const CHECKS_MIN: u64 = 1_000;
/// Longest time between two looks that counts: long enough for a turn of an empty loop.
const BETWEEN_MAX_NS: u64 = 10_000;

/// How much one thread looked in vain.
#[derive(Clone, Debug, Default)]
pub(super) struct Polling {
    /// When this piece began: with its first look in vain.
    window_ns: Option<u64>,
    checks: u64,
    polling_ns: u64,
    /// When the call before ended, if that was a look in vain.
    last_end_ns: Option<u64>,
    /// What was found so far: from, to, looks, time.
    all: Option<(u64, u64, u64, u64)>,
}

impl Polling {
    /// A call ended.
    pub(super) fn call(&mut self, kind: CallKind, call: &Call) {
        if let Some(window_ns) = self.window_ns
            && call.end_ns.saturating_sub(window_ns) >= WINDOW_NS
        {
            self.end_window(call.end_ns, WINDOW_NS);
        }
        let before = self.last_end_ns.take();
        if !(kind.is_readiness() && call.is_check() && call.ret == Some(0)) {
            return;
        }
        self.window_ns.get_or_insert(call.start_ns);
        self.checks += 1;
        let between = before
            .filter(|_| call.others == 0)
            .map(|end| call.start_ns.saturating_sub(end))
            .filter(|between| *between <= BETWEEN_MAX_NS);
        let spent = call.kernel_ns.saturating_add(between.unwrap_or(0));
        self.polling_ns = self.polling_ns.saturating_add(spent);
        self.last_end_ns = Some(call.end_ns);
    }

    fn end_window(&mut self, now_ns: u64, at_least_ns: u64) {
        let (checks, polling_ns) = (self.checks, self.polling_ns);
        (self.checks, self.polling_ns) = (0, 0);
        let Some(start_ns) = self.window_ns.take() else {
            return;
        };
        let length = now_ns.saturating_sub(start_ns);
        if length < at_least_ns
            || checks < CHECKS_MIN
            || u128::from(polling_ns) * 100 <= u128::from(length) * u128::from(POLLING_PERCENT)
        {
            return;
        }
        let (start_ns, all_checks, all_ns) = match self.all {
            Some((start, _, checks, nanos)) => (start.min(start_ns), checks, nanos),
            None => (start_ns, 0, 0),
        };
        let nanos = all_ns.saturating_add(polling_ns);
        self.all = Some((start_ns, now_ns, all_checks + checks, nanos));
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, found: &mut Vec<Found>) {
        if let Some(end_ns) = self.last_end_ns {
            self.end_window(end_ns, LAST_WINDOW_NS);
        }
        if let Some((start_ns, end_ns, checks, polling_ns)) = self.all.take() {
            found.push(Found {
                what: What::BusyPolling { checks, polling_ns },
                on: None,
                start_ns,
                end_ns,
                inferred: false,
            });
        }
    }
}
