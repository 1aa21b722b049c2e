//! What the fuzz targets have in common: the inputs to begin with, what becomes of events, a bound on memory.
//!
//! It must never hold a fact about the product that the product does not say itself.

mod memory;
mod seeds;
mod sinks;

pub use seeds::{notes, recordings, seed};
pub use sinks::{STORE_BYTES, Sinks, show, trace};
