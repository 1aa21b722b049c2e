//! The server as strangers and as the page meet it, over real connections. Needs no root.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
#[path = "../support/blank.rs"]
mod blank;
mod client;
mod connections;
mod exports;
mod live;
mod site;
mod strangers;

/// One of each route.
const ROUTES: [&str; 20] = [
    "/",
    "/main.js",
    "/api/trace",
    "/api/live",
    "/api/lanes",
    "/api/names",
    "/api/tiles/20/0/0",
    "/api/call/0/100",
    "/api/report",
    "/api/diff",
    "/api/export?format=ndjson&from_ns=0",
    "/api/story/0/100",
    "/api/turns/0/0/1000",
    "/api/connection/3/0/1000/10",
    "/api/totals?from_ns=0&lane=0",
    "/api/latency",
    "/api/heatmap?columns=7",
    "/api/longest?count=3&least_ns=1",
    "/api/next?at_ns=0",
    "/api/previous?at_ns=9000000000",
];
