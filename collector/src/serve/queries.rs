//! The queries: what the trace is, its lanes, their tiles, a call.
//!
//! An answer is computed under the store's lock and put into words outside it. It never exceeds a fixed
//! size, whatever the trace.

use std::{str::FromStr, sync::Arc};

use axum::{
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::{live::syscall_name, shared::Shared};
use crate::{
    export::{call_json, descriptor_json, offcpu_json, ready_json},
    store::{Draft, LEVEL_MAX, Lane, TILE_BUCKETS},
    story,
};

/// An answer of 4096 lanes takes a tenth of it. Only a forged recording, with names that no kernel has,
/// makes more.
const JSON_MAX_BYTES: usize = 8 << 20;
/// Tiles in an answer, each of which has at most 135 KB.
const LANES_MAX: usize = 16;
/// Syscall numbers with names are below that, on any architecture.
const NAMES: u32 = 1024;

/// An answer, or why there is none.
pub(super) type Answer = Result<Response, StatusCode>;

/// `GET /api/trace`
pub(super) async fn trace(State(shared): State<Arc<Shared>>) -> Answer {
    let about = &shared.about;
    let trace = &about.trace;
    json_answer(&json!({
        "trace": {
            "pid": trace.pid,
            "command": trace.command,
            "host": trace.host,
            "kernel": trace.kernel,
            "arch": trace.arch,
            "start_unix_ns": trace.start_unix_ns,
            "backend": trace.backend,
            "follow": trace.follow,
        },
        "live": about.live,
        "source": about.source,
        "tile_buckets": TILE_BUCKETS,
        "export": shared.exports.told(),
    }))
}

/// `GET /api/lanes`
pub(super) async fn lanes(State(shared): State<Arc<Shared>>) -> Answer {
    let (version, lanes, more) = {
        let store = shared.store();
        (
            store.state().lanes_version,
            store.lanes(),
            store.lanes_more(),
        )
    };
    let lanes = lanes.iter().map(
        |Lane {
             lane,
             pid,
             tid,
             name,
             began_ns,
             ended_ns,
             last_ns,
             calls,
         }| {
            json!({
                "lane": lane,
                "pid": pid,
                "tid": tid,
                "name": name,
                "began_ns": began_ns,
                "ended_ns": ended_ns,
                "last_ns": last_ns,
                "calls": calls,
            })
        },
    );
    json_answer(&json!({ "version": version, "lanes": lanes.collect::<Vec<_>>(), "more": more }))
}

/// `GET /api/names`
pub(super) async fn names(State(shared): State<Arc<Shared>>) -> Answer {
    let names = (0..NAMES).map(|nr| syscall_name(&shared.about, nr));
    json_answer(&names.collect())
}

/// An answer that may have to be read from a file first, found on a thread of its own.
pub(super) async fn elsewhere<A: Send + 'static>(
    shared: &Shared,
    answer: impl FnOnce() -> A + Send + 'static,
) -> Result<A, StatusCode> {
    // It fails by a panic only, which is reported where it is.
    let answer = spawn_blocking(answer).await;
    shared.tell_unread();
    answer.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// `GET /api/tiles/LEVEL/INDEX/LANES`
pub(super) async fn tiles(
    State(shared): State<Arc<Shared>>,
    Path((level, index, lanes)): Path<(String, String, String)>,
) -> Answer {
    let (level, index): (u8, u64) = (number(&level)?, number(&index)?);
    // Its end must be a time.
    let end_ns = (u128::from(index) + 1) * (u128::from(TILE_BUCKETS) << level.min(LEVEL_MAX));
    if level > LEVEL_MAX || u64::try_from(end_ns).is_err() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let lanes: Vec<u32> = lanes.split(',').map(number).collect::<Result<_, _>>()?;
    if lanes.len() > LANES_MAX {
        return Err(StatusCode::BAD_REQUEST);
    }
    shared.ask();
    let drafts: Option<Vec<Draft>> = {
        let store = shared.store();
        let draft = |&lane| store.draft(lane, level, index);
        lanes.iter().map(draft).collect()
    };
    let drafts = drafts.ok_or(StatusCode::NOT_FOUND)?;
    let encode = move || {
        let mut bytes = Vec::new();
        for (lane, tile) in lanes.iter().zip(Draft::tiles(drafts)) {
            let tile = tile.encode();
            bytes.extend(lane.to_le_bytes());
            bytes.extend((tile.len() as u32).to_le_bytes());
            bytes.extend(tile);
        }
        bytes
    };
    let tiles = elsewhere(&shared, encode).await?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], tiles).into_response())
}

/// `GET /api/call/LANE/AT`
pub(super) async fn call(
    State(shared): State<Arc<Shared>>,
    Path((lane, at_ns)): Path<(String, String)>,
) -> Answer {
    let (lane, at_ns) = (number(&lane)?, number(&at_ns)?);
    let near = shared.store().near(lane).ok_or(StatusCode::NOT_FOUND)?;
    let detail = elsewhere(&shared, move || near.call_at(at_ns)).await?;
    let detail = detail.ok_or(StatusCode::NOT_FOUND)?;
    let store = shared.store();
    let descriptor = detail.call.descriptor.and_then(|id| store.descriptor(id));
    let descriptor = descriptor.map(descriptor_json);
    let found = detail.ready.iter().map(|ready| {
        let descriptor = ready.descriptor.and_then(|id| store.descriptor(id));
        let mut found = ready_json(ready);
        found["name"] = descriptor.map_or(Value::Null, |descriptor| json!(descriptor.name));
        found
    });
    let ready: Vec<Value> = found.collect();
    drop(store);
    let trace = &shared.about.trace;
    let spans = detail.spans.iter().map(offcpu_json);
    json_answer(&json!({
        "call": call_json(trace, &detail.call),
        "offcpu": spans.collect::<Vec<_>>(),
        "offcpu_more": detail.more,
        "descriptor": descriptor,
        "ready": ready,
    }))
}

/// `GET /api/story/LANE/AT`
pub(super) async fn story(
    State(shared): State<Arc<Shared>>,
    Path((lane, at_ns)): Path<(String, String)>,
) -> Answer {
    let (lane, at_ns) = (number(&lane)?, number(&at_ns)?);
    let known = shared.clone();
    let look = move || {
        let around = known.store().around();
        story::story(&known.about.trace, &around, lane, at_ns)
    };
    let story = elsewhere(&shared, look).await?;
    json_answer(&story.ok_or(StatusCode::NOT_FOUND)?)
}

/// `GET /api/turns/LANE/FROM/TO`
pub(super) async fn turns(
    State(shared): State<Arc<Shared>>,
    Path((lane, from_ns, to_ns)): Path<(String, String, String)>,
) -> Answer {
    let (lane, from_ns, to_ns) = (number(&lane)?, number(&from_ns)?, number(&to_ns)?);
    let known = shared.clone();
    let look = move || {
        let around = known.store().around();
        story::band(&known.about.trace, &around, lane, from_ns, to_ns)
    };
    let band = elsewhere(&shared, look).await?;
    json_answer(&band.ok_or(StatusCode::NOT_FOUND)?)
}

/// Digits only: no sign, no space.
pub(super) fn number<N: FromStr>(text: &str) -> Result<N, StatusCode> {
    Some(text)
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or(StatusCode::BAD_REQUEST)
}

/// An answer as JSON, unless it is larger than any should be.
pub(super) fn json_answer(value: &Value) -> Answer {
    let text = value.to_string();
    if text.len() > JSON_MAX_BYTES {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}
