//! One connection along time, for its lane: what arrived on it, waited, was read and was sent.
//!
//! The answer is bounded, and computed on a thread of its own from what the store had at that moment.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{
    queries::{Answer, elsewhere, json_answer, number},
    shared::Shared,
};
use crate::{
    export::descriptor_json,
    model::{CallKinds, Copying, DescriptorKind, Request, operation_name},
    store::{Asks, CONNECTION_BUCKETS_MAX, Flow, Lane, Unread, Use, UseKind, request_kind},
};

/// `GET /api/connection/ID/FROM/TO/BUCKETS`
pub(super) async fn connection(
    State(shared): State<Arc<Shared>>,
    Path((id, from_ns, to_ns, buckets)): Path<(String, String, String, String)>,
) -> Answer {
    let (id, from_ns, to_ns) = (number(&id)?, number(&from_ns)?, number(&to_ns)?);
    let buckets: u64 = number(&buckets)?;
    if !(1..=CONNECTION_BUCKETS_MAX).contains(&buckets) || to_ns <= from_ns {
        return Err(StatusCode::BAD_REQUEST);
    }
    let kinds = CallKinds::new(shared.about.arch);
    let (calls, requests, watched, kept_ns) = {
        let store = shared.store();
        let is_read = shared.is_read();
        let watched = (is_read && sure(&shared)).then(|| store.watched(id));
        let requests = is_read.then(|| store.requests());
        let kept_ns = store.state().kept_ns;
        (store.calls(), requests, watched.flatten(), kept_ns)
    };
    let now_ns = calls.now_ns();
    let (connection, along, unread) = elsewhere(&shared, move || {
        let connection = calls.connection(&kinds, id, from_ns, to_ns, buckets);
        let along = requests.map(|requests| requests.along(id, from_ns, to_ns, buckets, now_ns));
        let unread = watched.and_then(|watched| calls.unread(&kinds, &watched).ok());
        (connection, along, unread)
    })
    .await?;
    let store = shared.store();
    let known = store.descriptor(id);
    // It is told of sockets alone when data came.
    let may_wait =
        known.is_none_or(|known| known.kind.is_socket() || known.kind == DescriptorKind::Unknown);
    let descriptor = known.map(descriptor_json);
    let is_told = along.as_ref().is_some_and(|along| {
        let told = along.told.as_ref();
        told.is_some_and(|told| !told.is_empty())
    });
    let lanes = if is_told { store.lanes() } else { Vec::new() };
    drop(store);
    let calls = connection.calls.as_ref();
    let calls = calls.map(|calls| calls.iter().map(use_json).collect::<Vec<_>>());
    let buckets = connection.buckets.iter().map(bucket_json);
    let requests = along.map(|along| {
        let told = along.told.as_ref();
        let told = told.map(|told| told.iter().map(|one| request_json(one, &lanes)));
        json!({
            "kept_ns": along.kept_ns,
            "requests": told.map(Iterator::collect::<Vec<_>>),
            "buckets": along.buckets.iter().map(asks_json).collect::<Vec<_>>(),
        })
    });
    json_answer(&json!({
        "id": id,
        "descriptor": descriptor,
        "from_ns": from_ns,
        "to_ns": to_ns,
        "width_ns": connection.width_ns,
        "now_ns": now_ns,
        "kept_ns": kept_ns,
        "waits_cut": connection.is_cut && may_wait,
        "calls": calls,
        "buckets": buckets.collect::<Vec<_>>(),
        "requests": requests,
        "unread_known": unread.is_some(),
        "unread": unread.flatten().as_ref().map(unread_json),
    }))
}

/// Whether nothing happened by now that the store was not told of, and that may have read from a connection.
fn sure(shared: &Shared) -> bool {
    let snapshot = shared.watch().borrow().clone();
    // Of a recording that was cut off it is not known how it went on.
    let told = snapshot.totals.as_ref();
    told.map_or(shared.about.live, |totals| {
        totals.lost <= snapshot.state.lost && totals.untracked == 0 && totals.compat == 0
    })
}

fn unread_json(unread: &Unread) -> Value {
    let Unread {
        lane,
        call,
        closed_ns,
    } = unread;
    json!([lane, call.start_ns, call.end_ns, closed_ns])
}

/// In the order of `docs/wire.md`.
fn request_json(request: &Request, lanes: &[Lane]) -> Value {
    let at_ns = request.submit_ns.or(request.complete_ns).unwrap_or(0);
    let mut lanes = lanes.iter().rev();
    let lane = lanes.find(|lane| lane.was(request.tid, at_ns));
    json!([
        lane.map(|lane| lane.lane),
        operation_name(request.opcode),
        kind_word(request_kind(request.opcode)),
        request.submit_ns,
        request.complete_ns,
        request.shot,
        request.ret
    ])
}

/// Likewise.
fn asks_json((bucket, asks): &(u32, Asks)) -> Value {
    json!([
        bucket,
        asks.complete,
        asks.received_bytes,
        asks.sent_bytes,
        asks.waiting_ns,
        asks.sending_ns
    ])
}

fn kind_word(kind: UseKind) -> &'static str {
    match kind {
        UseKind::Receive => "receive",
        UseKind::Send => "send",
        UseKind::Other => "other",
    }
}

/// In the order of `docs/wire.md`.
fn use_json((lane, used): &(u32, Use)) -> Value {
    let call = &used.call;
    json!([
        lane,
        call.nr,
        kind_word(used.kind),
        call.start_ns,
        call.end_ns,
        used.arrived_ns(),
        used.read_ns(),
        matches!(call.copying, Copying::Inferred(_)),
        call.ret
    ])
}

/// Likewise.
fn bucket_json((bucket, flow): &(u32, Flow)) -> Value {
    json!([
        bucket,
        flow.arrivals,
        flow.receives,
        flow.unknown,
        flow.empty,
        flow.sends,
        flow.others,
        flow.received_bytes,
        flow.sent_bytes,
        flow.waiting_ns,
        flow.reading_ns,
        flow.sending_ns
    ])
}
