//! A batch of a recording as far as the pictures of the whole need it: short calls that follow one another as one sum,
//! everything longer as it is.
//!
//! What it leaves out is read again from the file when it is looked at closely. It must say of each call in which
//! stretch of time it is, and that one was there.

use super::{Event, OffCpu, Ready};

/// Calls shorter than two to this in nanoseconds (66 µs) are only summed. It is the width of a bucket of the finest
/// picture that is kept of a whole trace.
pub const SHORT_BITS: u8 = 16;

/// What a batch is sketched with, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Short calls.
    Run(Run),
    /// A short time off the CPU.
    Off(Off),
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

/// A short time off the CPU, but for what woke it. What each means is said at [`OffCpu`](super::OffCpu).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of a whole one")]
pub struct Off {
    pub pid: u32,
    pub tid: u32,
    pub start_ns: u64,
    pub woken_ns: Option<u64>,
    pub end_ns: u64,
    pub in_call: bool,
}

impl From<&OffCpu> for Off {
    fn from(span: &OffCpu) -> Self {
        Self {
            pid: span.pid,
            tid: span.tid,
            start_ns: span.start_ns,
            woken_ns: span.woken_ns,
            end_ns: span.end_ns,
            in_call: span.in_call,
        }
    }
}

impl Off {
    /// Asleep.
    pub fn blocked_ns(&self) -> u64 {
        self.woken_ns
            .map_or(0, |woken| woken.saturating_sub(self.start_ns))
    }

    /// Wanting the CPU.
    pub fn runnable_ns(&self) -> u64 {
        self.end_ns
            .saturating_sub(self.woken_ns.unwrap_or(self.start_ns))
    }
}

/// A batch of a recording, in short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// What is in it.
    pub pieces: Vec<Piece>,
    /// What readiness calls found that are in the next batch.
    pub ready: Vec<Ready>,
}
