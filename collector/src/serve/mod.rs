//! HTTP over the store: the page, its queries, and one event stream.
//!
//! Nothing that a browser can say starts, stops or changes tracing: all is `GET`, but for the wish for a capture of what is
//! traced anyway, which must have been allowed as the trace began. Everything goes through `guard` before anything here
//! looks at it. The protocol is in `docs/wire.md`.

mod assets;
mod captures;
mod comparison;
mod connection;
mod cost;
mod exports;
mod guard;
mod held;
mod live;
mod queries;
mod questions;
mod reports;
mod secret;
mod server;
mod shared;

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{get, post},
};

pub use comparison::Comparison;
pub use exports::Exports;
#[cfg(test)]
pub(crate) use live::unread_words;
pub use reports::Reports;
pub use server::{Bound, Server};
#[cfg(test)]
pub(crate) use shared::NOTES_DIFFER;
pub use shared::Shared;

use guard::Guard;

/// All that is served, behind the guard.
fn router(shared: Arc<Shared>, guard: Arc<Guard>) -> Router {
    let inside = Router::new()
        .route("/api/trace", get(queries::trace))
        .route("/api/live", get(live::live))
        .route("/api/lanes", get(queries::lanes))
        .route("/api/names", get(queries::names))
        .route("/api/tiles/{level}/{index}/{lanes}", get(queries::tiles))
        .route("/api/call/{lane}/{at}", get(queries::call))
        .route("/api/report", get(reports::report))
        .route(guard::CAPTURE, post(captures::capture_now))
        .route("/api/diff", get(comparison::diff))
        .route("/api/export", get(exports::export))
        .route("/api/story/{lane}/{at}", get(queries::story))
        .route("/api/turns/{lane}/{from}/{to}", get(queries::turns))
        .route(
            "/api/connection/{id}/{from}/{to}/{buckets}",
            get(connection::connection),
        )
        .route("/api/totals", get(questions::totals))
        .route("/api/latency", get(questions::latency))
        .route("/api/heatmap", get(questions::heatmap))
        .route("/api/longest", get(questions::longest))
        .route("/api/next", get(questions::next))
        .route("/api/previous", get(questions::previous))
        .fallback(get(assets::asset))
        .with_state(shared);
    // The outer router has no route: the guard comes before any look at the path.
    Router::new()
        .fallback_service(inside)
        .layer(middleware::from_fn_with_state(guard, guard::keep))
}
