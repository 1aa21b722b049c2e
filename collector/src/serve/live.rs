//! The event stream: how far the trace has come, what was lost, what the tool costs.
//!
//! Whole states, at most ten a second, the latest wins: a slow browser gets fewer, and never makes
//! anything wait.

use std::{borrow::Cow, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::header::CACHE_CONTROL,
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use serde_json::{Value, json};
use tokio_stream::{StreamExt as _, wrappers::WatchStream};

use super::{
    captures::Captures,
    shared::{About, Shared, Snapshot},
};
use crate::model::{Gap, OpenThread, call_name};

/// The least time between two states.
const EVERY: Duration = Duration::from_millis(100);
/// How often a stream with nothing to say shows that it is alive, and finds out if the browser is gone.
const COMMENT_EVERY: Duration = Duration::from_secs(5);

/// `GET /api/live`
pub(super) async fn live(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    // The throttle asks the watch only when its time has come, so that it gets the latest.
    let states = WatchStream::new(shared.watch())
        .throttle(EVERY)
        .map(move |snapshot| {
            let state = message(&shared.about, &snapshot).to_string();
            Ok::<_, Infallible>(Event::default().data(state))
        });
    // By itself it says `no-cache`, which lets a browser keep it.
    let caching = [(CACHE_CONTROL, "no-store")];
    (
        caching,
        Sse::new(states).keep_alive(KeepAlive::new().interval(COMMENT_EVERY)),
    )
}

/// What is missing where so many batches of a recording can't be read again.
pub(crate) fn unread_words(batches: u64) -> String {
    format!(
        "{batches} of its batches can't be shown closely: out of order, damaged, or changed since the file was opened"
    )
}

/// A whole state, as in `docs/wire.md`.
fn message(about: &About, snapshot: &Snapshot) -> Value {
    let Snapshot {
        state,
        totals,
        cost,
        recorded_bytes,
        cut,
        captures,
    } = snapshot;
    let totals = totals.as_ref();
    // The programs know of a loss before the record after it tells where it was.
    let lost = state.lost.max(totals.map_or(0, |totals| totals.lost));
    let gaps = state.gaps.iter().map(
        |Gap {
             cpu: _,
             start_ns,
             end_ns,
             lost,
         }| json!([start_ns, end_ns, lost]),
    );
    let open = state
        .open
        .iter()
        .map(|(lane, thread)| open_thread(about, *lane, thread));
    let unread = (state.unread > 0).then(|| unread_words(state.unread));
    json!({
        "now_ns": state.now_ns,
        "sealed_ns": state.sealed_ns,
        "kept_ns": state.kept_ns,
        "held_ns": state.held_ns,
        "ended": state.ended,
        "cut": unread.as_ref().or(cut.as_ref()),
        "calls": state.calls,
        "offcpu": state.offcpu,
        "made": totals.map(|totals| totals.made),
        "lost": lost,
        "untracked": totals.map(|totals| totals.untracked),
        "compat": totals.map(|totals| totals.compat),
        "unseen": totals.map(|totals| totals.unseen),
        "lanes": state.lanes,
        "lanes_version": state.lanes_version,
        "gaps": gaps.collect::<Vec<_>>(),
        "open": open.collect::<Vec<_>>(),
        "captures": captures.as_ref().map(Captures::json),
        "cost": {
            "cpu_fraction": cost.cpu_fraction,
            "rss_bytes": cost.rss_bytes,
            "store_bytes": state.bytes,
            "recorded_bytes": recorded_bytes,
            // Only a benchmark can tell.
            "probe_ns_per_call": null,
        },
    })
}

fn open_thread(about: &About, lane: u32, thread: &OpenThread) -> Value {
    json!({
        "lane": lane,
        "call": thread.nr.flatten().map(|nr| syscall_name(about, nr)),
        "in_call": thread.nr.is_some(),
        "since_ns": thread.since_ns,
        "at_ns": thread.at_ns,
        "began_before": thread.began_before,
        "off_since_ns": thread.off_since_ns,
        "woken_ns": thread.woken_ns,
        "fd": thread.fd,
    })
}

/// The name of a syscall of the trace's machine.
pub(super) fn syscall_name(about: &About, nr: u32) -> Cow<'static, str> {
    match about.arch {
        Some(arch) => call_name(arch, nr),
        None => Cow::Owned(format!("syscall_{nr}")),
    }
}
