//! What goes wrong, on the product as it is run: each fault gets one clear line and the right exit code,
//! and what was recorded until then is kept.
//!
//! Needs root, and fails aloud without. Nothing here may depend on how fast the machine is: what is waited
//! for is a word, an end or a state, never a time.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod begin;
mod ends;
mod flight;
mod killed;
mod page;
mod product;
mod program;
mod recording;
mod rights;
mod script;
mod target;
