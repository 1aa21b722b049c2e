//! Questions about calls, filtered by what stands in the address: totals, durations, the longest, the next.
//!
//! An answer may take longer than the drain can wait for the store: it is computed on a thread of its own, from what the
//! store had at that moment. It is bounded.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    queries::{Answer, elsewhere, json_answer},
    shared::Shared,
};
use crate::{
    export::{call_json, descriptor_json},
    model::{Call, Sum},
    store::{Calls, Filter, HEATMAP_COLUMNS_MAX, LONGEST_MAX, Latency, Row},
};

/// What an address may ask. Anything else in it is a mistake, which must not look like an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    from_ns: Option<u64>,
    to_ns: Option<u64>,
    least_ns: Option<u64>,
    most_ns: Option<u64>,
    lane: Option<u32>,
    nr: Option<u32>,
    descriptor: Option<u32>,
    failed: Option<bool>,
    /// Of a heatmap.
    columns: Option<u64>,
    /// Of the longest calls.
    count: Option<usize>,
    /// Of the next and the previous call.
    at_ns: Option<u64>,
}

impl Asked {
    fn filter(&self) -> Filter {
        let all = Filter::default();
        Filter {
            from_ns: self.from_ns.unwrap_or(all.from_ns),
            to_ns: self.to_ns.unwrap_or(all.to_ns),
            least_ns: self.least_ns.unwrap_or(all.least_ns),
            most_ns: self.most_ns.unwrap_or(all.most_ns),
            lane: self.lane,
            nr: self.nr,
            descriptor: self.descriptor,
            failed: self.failed,
        }
    }
}

/// Puts a question to the calls as they are now. With the answer comes since when all calls are in it.
pub(super) async fn ask<A: Send + 'static>(
    shared: &Shared,
    question: impl FnOnce(&Calls) -> A + Send + 'static,
) -> Result<(A, u64), StatusCode> {
    let (calls, kept_ns) = {
        let store = shared.store();
        (store.calls(), store.state().kept_ns)
    };
    Ok((elsewhere(shared, move || question(&calls)).await?, kept_ns))
}

/// `GET /api/totals`
pub(super) async fn totals(State(shared): State<Arc<Shared>>, asked: Query<Asked>) -> Answer {
    let filter = asked.filter();
    let (totals, kept_ns) = ask(&shared, move |calls| calls.totals(&filter)).await?;
    let store = shared.store();
    let descriptors: Vec<Value> = (totals.descriptors.iter())
        .map(|(id, sum)| {
            let descriptor = id.and_then(|id| store.descriptor(id)).map(descriptor_json);
            json!({ "id": id, "descriptor": descriptor, "sum": sum_json(sum) })
        })
        .collect();
    drop(store);
    let lanes = totals.lanes.iter();
    let lanes = lanes.map(|(lane, sum)| json!({ "lane": lane, "sum": sum_json(sum) }));
    json_answer(&json!({
        "all": sum_json(&totals.all),
        "lanes": lanes.collect::<Vec<_>>(),
        "descriptors": descriptors,
        "other_descriptors": sum_json(&totals.other_descriptors),
        "kept_ns": kept_ns,
    }))
}

fn sum_json(sum: &Sum) -> Value {
    // Of calls: what there is of times outside them is in no such sum.
    let Sum {
        calls,
        kernel_ns,
        blocked_ns,
        runnable_ns,
        copying_ns,
        outside_blocked_ns: _,
        outside_runnable_ns: _,
        other_ns,
    } = sum;
    json!({
        "calls": calls,
        "kernel_ns": kernel_ns,
        "blocked_ns": blocked_ns,
        "runnable_ns": runnable_ns,
        "copying_ns": copying_ns,
        "other_ns": other_ns,
    })
}

/// `GET /api/latency`
pub(super) async fn latency(State(shared): State<Arc<Shared>>, asked: Query<Asked>) -> Answer {
    let filter = asked.filter();
    let (latency, kept_ns) = ask(&shared, move |calls| calls.latency(&filter)).await?;
    let slots = latency.slots().map(|(slot, count)| {
        let (first_ns, last_ns) = Latency::bounds_ns(slot);
        json!([first_ns, last_ns, count])
    });
    json_answer(&json!({ "slots": slots.collect::<Vec<_>>(), "kept_ns": kept_ns }))
}

/// `GET /api/heatmap`
pub(super) async fn heatmap(State(shared): State<Arc<Shared>>, asked: Query<Asked>) -> Answer {
    let filter = asked.filter();
    let columns = asked.columns.unwrap_or(HEATMAP_COLUMNS_MAX);
    if !(1..=HEATMAP_COLUMNS_MAX).contains(&columns) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let answer = ask(&shared, move |calls| calls.heatmap(&filter, columns)).await?;
    let ((width_ns, cells), kept_ns) = answer;
    let cells = cells.into_iter().map(|(column, row, count)| {
        let (first_ns, last_ns) = Row::bounds_ns(row);
        json!([column, first_ns, last_ns, count])
    });
    json_answer(&json!({
        "from_ns": filter.from_ns,
        "width_ns": width_ns,
        "cells": cells.collect::<Vec<_>>(),
        "kept_ns": kept_ns,
    }))
}

/// `GET /api/longest`
pub(super) async fn longest(State(shared): State<Arc<Shared>>, asked: Query<Asked>) -> Answer {
    let count = asked.count.unwrap_or(100);
    if !(1..=LONGEST_MAX).contains(&count) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let filter = asked.filter();
    let (calls, kept_ns) = ask(&shared, move |calls| calls.longest(&filter, count)).await?;
    let calls = calls
        .iter()
        .map(|(lane, call)| found_json(&shared, *lane, call));
    json_answer(&json!({ "calls": calls.collect::<Vec<_>>(), "kept_ns": kept_ns }))
}

/// `GET /api/next`
pub(super) async fn next(State(shared): State<Arc<Shared>>, asked: Query<Asked>) -> Answer {
    found(&shared, &asked, Calls::next_call).await
}

/// `GET /api/previous`
pub(super) async fn previous(State(shared): State<Arc<Shared>>, asked: Query<Asked>) -> Answer {
    found(&shared, &asked, Calls::previous_call).await
}

async fn found(
    shared: &Shared,
    asked: &Asked,
    find: impl Fn(&Calls, &Filter, u64) -> Option<(u32, Call)> + Send + 'static,
) -> Answer {
    let at_ns = asked.at_ns.ok_or(StatusCode::BAD_REQUEST)?;
    let filter = asked.filter();
    let (found, _) = ask(shared, move |calls| find(calls, &filter, at_ns)).await?;
    let (lane, call) = found.ok_or(StatusCode::NOT_FOUND)?;
    json_answer(&found_json(shared, lane, &call))
}

fn found_json(shared: &Shared, lane: u32, call: &Call) -> Value {
    json!({ "lane": lane, "call": call_json(&shared.about.trace, call) })
}
