//! A batch of a recording as far as the pictures of the whole need it: short calls that follow one another as one sum,
//! everything longer as it is.
//!
//! What it leaves out is read again from the file when it is looked at closely. It must say of each call in which
//! stretch of time it is, and that one was there.

use super::{Event, Ready};

/// Calls shorter than two to this in nanoseconds (66 µs) are only summed. It is the width of a bucket of the finest
/// picture that is kept of a whole trace.
pub const SHORT_BITS: u8 = 16;

/// What a batch is sketched with, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Short calls.
    Run(Run),
    /// Anything else.
    Event(Event),
}

/// Short calls of one thread that follow one another, and all begin in the same 66 µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// When the first began.
    pub start_ns: u64,
    /// When the last began.
    pub last_start_ns: u64,
    /// When the last ended.
    pub end_ns: u64,
    /// How many there are.
    pub calls: u32,
    /// What their phases add up to.
    pub kernel_ns: u64,
    /// See `kernel_ns`.
    pub blocked_ns: u64,
    /// See `kernel_ns`.
    pub runnable_ns: u64,
    /// See `kernel_ns`.
    pub copying_ns: u64,
    /// In calls not recorded, before these.
    pub other_ns: u64,
}

/// A batch of a recording, in short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// What is in it.
    pub pieces: Vec<Piece>,
    /// What readiness calls found that are in the next batch.
    pub ready: Vec<Ready>,
}
