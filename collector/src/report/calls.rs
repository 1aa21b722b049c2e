//! Where the time went, by name of the call.

use std::collections::BTreeMap;

use serde::Serialize;

use super::errors::Errors;
use super::latency::Latency;
use crate::model::{Arch, Call, Trace, call_name, recent_map::RecentMap};
use crate::text;

/// Kinds of calls that are told apart; a histogram takes some 40 kB. There are less than 500.
const KINDS_MAX: usize = 600;

/// All calls of one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallReport {
    /// Its name; `others` for those that there was no room to tell apart.
    pub call: String,
    /// How many.
    pub count: u64,
    /// Of those, how many were told not to wait, and did not.
    pub checks: u64,
    /// From entry to exit, all together.
    pub total_ns: u64,
    /// On the CPU, not copying.
    pub kernel_ns: u64,
    /// Asleep.
    pub blocked_ns: u64,
    /// Wanting the CPU.
    pub runnable_ns: u64,
    /// On the CPU, copying.
    pub copying_ns: u64,
    /// Half of them took no longer, to a hundredth.
    pub p50_ns: u64,
    /// 99 of 100 took no longer, to a hundredth.
    pub p99_ns: u64,
    /// None took longer.
    pub max_ns: u64,
    /// How many failed, by the error's name; not those that a signal interrupted.
    pub errors: BTreeMap<String, u64>,
    /// How many a signal interrupted, to go on or begin again.
    pub interrupted: u64,
}

#[derive(Clone)]
struct Kind {
    latency: Latency,
    errors: Errors,
    sums: CallReport,
}

/// All calls so far.
#[derive(Clone)]
pub(super) struct Calls {
    arch: Option<Arch>,
    kinds: RecentMap<Kind>,
    others: Option<Kind>,
    count: u64,
}

impl Calls {
    pub(super) fn new(trace: &Trace) -> Self {
        Self {
            arch: Arch::from_machine(&trace.arch),
            kinds: RecentMap::new(KINDS_MAX),
            others: None,
            count: 0,
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn push(&mut self, call: &Call) {
        self.count += 1;
        let arch = self.arch;
        let kind = self.kinds.get_or(call.nr, || {
            Kind::new(arch.map_or_else(
                || format!("syscall_{}", call.nr),
                |arch| call_name(arch, call.nr).into(),
            ))
        });
        let others = &mut self.others;
        kind.unwrap_or_else(|| others.get_or_insert_with(|| Kind::new("others".to_owned())))
            .push(call);
    }

    pub(super) fn finish(self) -> Vec<CallReport> {
        let mut kinds = self.kinds.into_entries();
        kinds.sort_by_key(|(nr, _)| *nr);
        let kinds = kinds.into_iter().map(|(_, kind)| kind).chain(self.others);
        let mut calls: Vec<_> = kinds.map(Kind::finish).collect();
        // Of those that took as long, the lower number comes first.
        calls.sort_by_key(|call| std::cmp::Reverse(call.total_ns));
        calls
    }
}

impl Kind {
    fn new(call: String) -> Self {
        Self {
            latency: Latency::default(),
            errors: Errors::default(),
            sums: CallReport {
                call,
                count: 0,
                checks: 0,
                total_ns: 0,
                kernel_ns: 0,
                blocked_ns: 0,
                runnable_ns: 0,
                copying_ns: 0,
                p50_ns: 0,
                p99_ns: 0,
                max_ns: 0,
                errors: BTreeMap::new(),
                interrupted: 0,
            },
        }
    }

    fn push(&mut self, call: &Call) {
        let sums = &mut self.sums;
        self.latency.push(call.duration_ns());
        sums.count += 1;
        sums.checks += u64::from(call.is_check());
        for (sum, nanos) in [
            (&mut sums.kernel_ns, call.kernel_ns),
            (&mut sums.blocked_ns, call.blocked_ns),
            (&mut sums.runnable_ns, call.runnable_ns),
            (&mut sums.copying_ns, call.copying_ns),
        ] {
            *sum = sum.saturating_add(nanos);
        }
        let Some(ret) = call.ret else { return };
        if text::restarts(ret) {
            sums.interrupted += 1;
        } else {
            self.errors.push(ret);
        }
    }

    fn finish(self) -> CallReport {
        CallReport {
            total_ns: self.latency.total_ns(),
            p50_ns: self.latency.at(0.5),
            p99_ns: self.latency.at(0.99),
            max_ns: self.latency.max_ns(),
            errors: self.errors.finish(),
            ..self.sums
        }
    }
}
