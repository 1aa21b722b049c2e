//! How threads do their I/O, on threads made for it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod io_models;
mod story;
