//! Where in a call each of its phases was: the numbers of a call say how long, the times off the
//! CPU say when.
//!
//! ```text
//!   call   |-----------------------------------------|
//!   spans        |blocked|runnable|     |runnable|
//!   copying from                     ^
//!          |kernel                |  |co|        |copying|
//! ```
//!
//! Nothing here may show a phase where it is not known to have been.

use crate::model::{Call, OffCpu, OpenThread};

/// What a thread does in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Kernel,
    Blocked,
    Runnable,
    Copying,
}

impl Phase {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Blocked => "blocked",
            Self::Runnable => "runnable",
            Self::Copying => "copying",
        }
    }
}

/// A phase from here to there; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) phase: Phase,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    /// Which time off the CPU it belongs to.
    pub(super) span: Option<usize>,
}

/// The extent of a call, and the sums it must come to.
#[derive(Clone, Debug)]
pub(super) struct Extent {
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    copy_start_ns: Option<u64>,
    kernel_ns: u64,
    blocked_ns: u64,
    runnable_ns: u64,
    copying_ns: u64,
    /// The only sleep, if there was one and no preemption: from when to its wake-up.
    only_sleep: Option<(u64, u64)>,
}

impl From<&Call> for Extent {
    fn from(call: &Call) -> Self {
        Self {
            start_ns: call.start_ns,
            end_ns: call.end_ns,
            copy_start_ns: call.copying.start_ns(),
            kernel_ns: call.kernel_ns,
            blocked_ns: call.blocked_ns,
            runnable_ns: call.runnable_ns,
            copying_ns: call.copying_ns,
            only_sleep: call
                .first_sleep_ns
                .zip(call.last_wake_ns)
                .filter(|_| call.sleeps == 1 && call.preemptions == 0),
        }
    }
}

impl From<&OpenThread> for Extent {
    fn from(open: &OpenThread) -> Self {
        Self {
            start_ns: open.since_ns,
            end_ns: open.at_ns,
            copy_start_ns: None,
            kernel_ns: open.kernel_ns,
            blocked_ns: open.blocked_ns,
            runnable_ns: open.runnable_ns,
            copying_ns: open.copying_ns,
            only_sleep: None,
        }
    }
}

/// A time off the CPU, as far as it matters here.
#[derive(Clone, Copy, Debug)]
struct Off {
    start_ns: u64,
    woken_ns: u64,
    end_ns: u64,
    span: Option<usize>,
}

/// The phases of a call in their order, and whether they are all of it. If not, times off the CPU
/// are missing, and only those that are known are here.
pub(super) fn pieces(call: &Extent, spans: &[OffCpu]) -> (Vec<Piece>, bool) {
    let known = spans.iter().enumerate().map(|(at, span)| Off {
        start_ns: span.start_ns,
        woken_ns: span.woken_ns.unwrap_or(span.start_ns),
        end_ns: span.end_ns,
        span: Some(at),
    });
    let pieces = cut(call, known);
    if adds_up(call, &pieces) {
        return (pieces, true);
    }
    if let (Some((start_ns, woken_ns)), true) = (call.only_sleep, spans.is_empty()) {
        let end_ns = woken_ns.saturating_add(call.runnable_ns);
        let pieces = cut(
            call,
            [Off {
                start_ns,
                woken_ns,
                end_ns,
                span: None,
            }]
            .into_iter(),
        );
        if adds_up(call, &pieces) {
            return (pieces, true);
        }
    }
    let off = pieces
        .into_iter()
        .filter(|piece| piece.span.is_some())
        .collect();
    (off, false)
}

fn cut(call: &Extent, spans: impl Iterator<Item = Off>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = call.start_ns;
    let mut put = |phase, from: u64, to: u64, span| {
        if from < to {
            pieces.push(Piece {
                phase,
                start_ns: from,
                end_ns: to,
                span,
            });
        }
    };
    let on_cpu = |put: &mut dyn FnMut(Phase, u64, u64, Option<usize>), from: u64, to: u64| {
        let copy = call
            .copy_start_ns
            .unwrap_or(u64::MAX)
            .clamp(from, to.max(from));
        put(Phase::Kernel, from, copy, None);
        put(Phase::Copying, copy, to, None);
    };
    for Off {
        start_ns,
        woken_ns,
        end_ns,
        span,
    } in spans
    {
        // Whatever the numbers are, the pieces follow each other within the call.
        let start = start_ns.clamp(at, call.end_ns.max(at));
        let woken = woken_ns.clamp(start, call.end_ns.max(start));
        let end = end_ns.clamp(woken, call.end_ns.max(woken));
        on_cpu(&mut put, at, start);
        put(Phase::Blocked, start, woken, span);
        put(Phase::Runnable, woken, end, span);
        at = end;
    }
    on_cpu(&mut put, at, call.end_ns);
    pieces
}

fn adds_up(call: &Extent, pieces: &[Piece]) -> bool {
    let sum = |phase| {
        let of_phase = pieces.iter().filter(|piece| piece.phase == phase);
        of_phase
            .map(|piece| piece.end_ns - piece.start_ns)
            .sum::<u64>()
    };
    sum(Phase::Kernel) == call.kernel_ns
        && sum(Phase::Blocked) == call.blocked_ns
        && sum(Phase::Runnable) == call.runnable_ns
        && sum(Phase::Copying) == call.copying_ns
}
