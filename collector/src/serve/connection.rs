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
    queries::{Answer, json_answer, number},
    questions::ask,
    shared::Shared,
};
use crate::{
    export::descriptor_json,
    model::{CallKinds, Copying, DescriptorKind},
    store::{CONNECTION_BUCKETS_MAX, Flow, Use, UseKind},
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
    let (answer, kept_ns) = ask(&shared, move |calls| {
        let connection = calls.connection(&kinds, id, from_ns, to_ns, buckets);
        (connection, calls.now_ns())
    })
    .await?;
    let (connection, now_ns) = answer;
    let store = shared.store();
    let known = store.descriptor(id);
    // It is told of sockets alone when data came.
    let may_wait =
        known.is_none_or(|known| known.kind.is_socket() || known.kind == DescriptorKind::Unknown);
    let descriptor = known.map(descriptor_json);
    drop(store);
    let calls = connection.calls.as_ref();
    let calls = calls.map(|calls| calls.iter().map(use_json).collect::<Vec<_>>());
    let buckets = connection.buckets.iter().map(bucket_json);
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
    }))
}

/// In the order of `docs/wire.md`.
fn use_json((lane, used): &(u32, Use)) -> Value {
    let call = &used.call;
    let kind = match used.kind {
        UseKind::Receive => "receive",
        UseKind::Send => "send",
        UseKind::Other => "other",
    };
    json!([
        lane,
        call.nr,
        kind,
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
