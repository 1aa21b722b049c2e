//! Why waits end, how threads do their I/O, and what is found of them, on threads made for it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod causes;
mod io_models;
mod others;
mod report;
mod story;
mod unacted;
