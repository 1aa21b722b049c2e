//! The server as strangers and as the page meet it, over real connections. Needs no root.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
#[path = "../support/blank.rs"]
mod blank;
mod client;
mod connections;
mod live;
mod site;
mod strangers;

/// One of each route.
const ROUTES: [&str; 8] = [
    "/",
    "/main.js",
    "/api/trace",
    "/api/live",
    "/api/lanes",
    "/api/names",
    "/api/tile/0/20/0",
    "/api/call/0/100",
];
