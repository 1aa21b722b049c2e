//! The probes against the real kernel, and against observers that are not ours.
//!
//! Needs root. `cargo xtask test` runs it with one thread: the tests put load on the machine's CPUs.
//! Nothing here may depend on how fast the machine is.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod chains;
mod child;
mod clock;
mod counts;
mod descriptors;
mod edges;
mod life;
mod loss;
mod lsof;
mod memory;
mod models;
mod observers;
mod perf_sched;
mod phases;
mod product;
mod readiness;
mod refused;
mod reuse;
mod servers;
mod strace;
mod trace;
mod uring;
