//! Requests of `io_uring`s, by operation: how many, and how long from submission to completion.
//!
//! A time that was not seen is in no percentile: of requests that were under way before the trace, and of those that
//! go on after they were complete for the first time.

use std::collections::BTreeMap;

use serde::Serialize;

use super::errors::Errors;
use super::latency::Latency;
use crate::model::{Request, operation_name};

/// Operations that are told apart; there are less than 100.
const OPERATIONS_MAX: usize = 128;

/// All requests of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestReport {
    /// Its name; `others` for those that there was no room to tell apart.
    pub operation: String,
    /// Times that one was complete, for good or not.
    pub complete: u64,
    /// Requests that were not complete when the trace ended.
    pub under_way: u64,
    /// Requests whose submission was seen and that were complete: those the times are of.
    pub timed: u64,
    /// From submission to completion, all together.
    pub total_ns: u64,
    /// Half of them took no longer, to a hundredth.
    pub p50_ns: u64,
    /// 99 of 100 took no longer, to a hundredth.
    pub p99_ns: u64,
    /// None took longer.
    pub max_ns: u64,
    /// How many failed, by the error's name.
    pub errors: BTreeMap<String, u64>,
}

#[derive(Clone, Default)]
struct Sums {
    complete: u64,
    under_way: u64,
    latency: Latency,
    errors: Errors,
}

/// All requests so far.
#[derive(Clone, Default)]
pub(super) struct Requests {
    operations: BTreeMap<u32, Sums>,
    others: Option<Sums>,
}

impl Requests {
    pub(super) fn push(&mut self, request: &Request) {
        let room = self.operations.len() < OPERATIONS_MAX;
        let sums = if room || self.operations.contains_key(&request.opcode) {
            self.operations.entry(request.opcode).or_default()
        } else {
            self.others.get_or_insert_default()
        };
        match request.ret {
            Some(ret) => {
                sums.complete += 1;
                sums.errors.push(ret.into());
            }
            None => sums.under_way += 1,
        }
        if let Some(latency_ns) = request.latency_ns() {
            sums.latency.push(latency_ns);
        }
    }

    /// The operations, the one that took longest in all first.
    pub(super) fn finish(self) -> Vec<RequestReport> {
        let named = self.operations.into_iter();
        let named = named.map(|(opcode, sums)| (operation_name(opcode).into_owned(), sums));
        let others = self.others.map(|sums| ("others".to_owned(), sums));
        let mut all: Vec<RequestReport> = named
            .chain(others)
            .map(|(operation, sums)| RequestReport {
                operation,
                complete: sums.complete,
                under_way: sums.under_way,
                timed: sums.latency.count(),
                total_ns: sums.latency.total_ns(),
                p50_ns: sums.latency.at(0.5),
                p99_ns: sums.latency.at(0.99),
                max_ns: sums.latency.max_ns(),
                errors: sums.errors.finish(),
            })
            .collect();
        all.sort_by_key(|report| std::cmp::Reverse(report.total_ns));
        all
    }
}
