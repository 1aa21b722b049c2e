//! Questions about calls, filtered by what stands in the address: totals, durations, the longest, the next.
//!
//! As in `queries`, an answer is computed under the store's lock and put into words outside it, and is bounded.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    queries::{Answer, json_answer},
    shared::Shared,
};
use crate::{
    export::{call_json, descriptor_json},
    model::Call,
    store::{Filter, HEATMAP_COLUMNS_MAX, LONGEST_MAX, Latency, Row, Store, Sum},
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

/// `GET /api/totals`
pub(super) async fn totals(State(shared): State<Arc<Shared>>, asked: Query<Asked>) -> Answer {
    let store = shared.store();
    let totals = store.totals(&asked.filter());
    let descriptors: Vec<Value> = (totals.descriptors.iter())
        .map(|(id, sum)| {
            let descriptor = id.and_then(|id| store.descriptor(id)).map(descriptor_json);
            json!({ "id": id, "descriptor": descriptor, "sum": sum_json(sum) })
        })
        .collect();
    let kept_ns = store.state().kept_ns;
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
    let (latency, kept_ns) = {
        let store = shared.store();
        (store.latency(&asked.filter()), store.state().kept_ns)
    };
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
    let ((width_ns, cells), kept_ns) = {
        let store = shared.store();
        (store.heatmap(&filter, columns), store.state().kept_ns)
    };
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
    let (calls, kept_ns) = {
        let store = shared.store();
        (store.longest(&asked.filter(), count), store.state().kept_ns)
    };
    let calls = calls
        .iter()
        .map(|(lane, call)| found_json(&shared, *lane, call));
    json_answer(&json!({ "calls": calls.collect::<Vec<_>>(), "kept_ns": kept_ns }))
}

/// `GET /api/next`
pub(super) async fn next(State(shared): State<Arc<Shared>>, asked: Query<Asked>) -> Answer {
    found(&shared, &asked, Store::next_call)
}

/// `GET /api/previous`
pub(super) async fn previous(State(shared): State<Arc<Shared>>, asked: Query<Asked>) -> Answer {
    found(&shared, &asked, Store::previous_call)
}

fn found(
    shared: &Shared,
    asked: &Asked,
    find: impl Fn(&Store, &Filter, u64) -> Option<(u32, Call)>,
) -> Answer {
    let at_ns = asked.at_ns.ok_or(StatusCode::BAD_REQUEST)?;
    let found = find(&shared.store(), &asked.filter(), at_ns);
    let (lane, call) = found.ok_or(StatusCode::NOT_FOUND)?;
    json_answer(&found_json(shared, lane, &call))
}

fn found_json(shared: &Shared, lane: u32, call: &Call) -> Value {
    json!({ "lane": lane, "call": call_json(&shared.about.trace, call) })
}
