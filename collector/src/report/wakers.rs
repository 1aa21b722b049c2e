//! Who ended waits.
//!
//! An interrupt is not the doing of the thread it happened to interrupt, so only a thread that made
//! the wake-up itself is named.

use std::collections::HashMap;

use serde::Serialize;

use crate::model::{Context, OffCpu};

/// Wakers that are told apart.
const WAKERS_MAX: usize = 4_096;

/// All wake-ups by one waker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WakerReport {
    /// `task`, `softirq`, `hardirq`, `nmi` or `unknown`; `unseen` if the wake-up was not seen.
    pub context: &'static str,
    /// The thread's name, if it made the wake-up itself.
    pub name: Option<String>,
    /// How many.
    pub wakeups: u64,
    /// How long those waited for had slept.
    pub blocked_ns: u64,
    /// How long they then waited for a CPU.
    pub runnable_ns: u64,
}

/// All wake-ups so far.
#[derive(Clone, Default)]
pub(super) struct Wakers(HashMap<(&'static str, Option<String>), WakerReport>);

impl Wakers {
    pub(super) fn push(&mut self, span: &OffCpu) {
        // A preempted thread was not woken.
        if span.woken_ns.is_none() {
            return;
        }
        let context = span.waker.map_or("unseen", |waker| waker.context.word());
        let named = span
            .waker
            .is_some_and(|waker| waker.context == Context::Task);
        let mut key = (context, named.then(|| span.waker_comm.clone()));
        if self.0.len() >= WAKERS_MAX && !self.0.contains_key(&key) {
            key.1 = None;
        }
        let sums = self
            .0
            .entry(key)
            .or_insert_with_key(|(context, name)| WakerReport {
                context,
                name: name.clone(),
                wakeups: 0,
                blocked_ns: 0,
                runnable_ns: 0,
            });
        sums.wakeups += 1;
        sums.blocked_ns = sums.blocked_ns.saturating_add(span.blocked_ns());
        sums.runnable_ns = sums.runnable_ns.saturating_add(span.runnable_ns());
    }

    pub(super) fn finish(self) -> Vec<WakerReport> {
        let mut wakers: Vec<_> = self.0.into_values().collect();
        wakers.sort_by(|a, b| {
            b.wakeups
                .cmp(&a.wakeups)
                .then_with(|| (a.context, &a.name).cmp(&(b.context, &b.name)))
        });
        wakers
    }
}
