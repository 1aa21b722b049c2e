//! A bound on memory. What asks for more gets none, which ends the run, as a panic does.
//!
//! It must never be left to libFuzzer: without a sanitizer that sees only what was written to, and only once a second.

use std::alloc::System;

use cap::Cap;

/// Three batches decoded at a time, each 64 MiB at most before it is unpacked and little more after it.
const BYTES_MAX: usize = 512 << 20;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, BYTES_MAX);
