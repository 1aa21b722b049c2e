//! Why one call's wait ended, and what led there: the export's own words, from as much of the trace as that takes.
//!
//! A chain of wake-ups goes back in time over other threads. The stretch is widened until it holds all of it; where
//! that is too much, the chain is told as cut. It must never tell part of one as if it were all.

use super::before::Before;
use crate::{
    export::{Explainer, WhyJson},
    model::{Arch, Call, CallKinds, Event},
    store::{Around, Stretch},
};

/// As many events after the call decide in which call its waker made the wake-up, and some.
const AFTER: usize = 520;
/// How often it is widened: a chain has no more links.
const WIDENED_MAX: usize = 12;

/// Why a call's wait ended.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    /// `None` if nothing is told of it.
    pub(super) why: Option<WhyJson>,
    /// There may be more to the chain than is told.
    pub(super) cut: bool,
    /// It rests on something that may have been seen before.
    pub(super) unsure: bool,
}

impl Wakes {
    /// Of this call; `None` if there is too much around it.
    pub(super) fn new(around: &Around, arch: Option<Arch>, call: &Call) -> Option<Self> {
        let mut from_ns = call.start_ns;
        let to_ns = settled_by(around, call)?;
        let mut told = Self::told(around, arch, call, &around.stretch(from_ns, to_ns)?);
        for _ in 0..WIDENED_MAX {
            match told.1.why.as_ref().and_then(|why| why.end(call)) {
                Some((tid, woken_ns)) => match farther(around, tid, woken_ns, told.0) {
                    Farther::All => return Some(told.1),
                    Farther::Gone => break,
                    Farther::From(ns) => from_ns = ns,
                },
                None => return Some(told.1),
            }
            let Some(stretch) = around.stretch(from_ns, to_ns) else {
                break;
            };
            told = Self::told(around, arch, call, &stretch);
        }
        Some(Self {
            cut: true,
            ..told.1
        })
    }

    /// What a stretch tells, and after when all is in it.
    fn told(around: &Around, arch: Option<Arch>, call: &Call, stretch: &Stretch) -> (u64, Self) {
        let before = Before::new(around, &CallKinds::new(arch), stretch, None);
        let mut explainer = Explainer::new(arch);
        let mut why = None;
        let mut take = |event: &Event, told: Option<WhyJson>| {
            if is(event, call) {
                why = told;
            }
            Ok(())
        };
        // Nothing in it fails.
        for event in before.events.iter().chain(&stretch.events) {
            let _ = explainer.push(event, &mut take);
        }
        let _ = explainer.finish(&mut take);
        let told = Self {
            why,
            cut: false,
            unsure: before.unsure,
        };
        (stretch.from_ns, told)
    }
}

/// By when all has ended that decides.
fn settled_by(around: &Around, call: &Call) -> Option<u64> {
    let mut step_ns: u64 = 1 << 16;
    loop {
        let to_ns = call.end_ns.saturating_add(step_ns);
        let after = around.stretch(call.end_ns.saturating_add(1), to_ns)?;
        let ended = after
            .events
            .iter()
            .filter(|event| ended_after(event, call.end_ns));
        if ended.count() >= AFTER || to_ns >= around.now_ns() {
            return Some(to_ns);
        }
        step_ns = step_ns.saturating_mul(4);
    }
}

fn ended_after(event: &Event, ns: u64) -> bool {
    match event {
        Event::Call(call) => call.end_ns > ns,
        Event::OffCpu(span) => span.end_ns > ns,
        _ => false,
    }
}

/// Whether a chain goes on.
enum Farther {
    /// It is all there.
    All,
    /// It goes on before this.
    From(u64),
    /// It may go on in what is not there any more.
    Gone,
}

fn farther(around: &Around, tid: u32, woken_ns: u64, known_ns: u64) -> Farther {
    let Some((lane, near)) = around.lane_of(tid, woken_ns) else {
        return Farther::All;
    };
    match near.slept(woken_ns).and_then(|span| span.woken_ns) {
        Some(before_ns) if before_ns > known_ns => Farther::All,
        Some(before_ns) => Farther::From(before_ns),
        None if known_ns == 0
            || lane
                .began_ns
                .is_some_and(|began_ns| began_ns > around.kept_ns()) =>
        {
            Farther::All
        }
        None if around.kept_ns() > 0 => Farther::Gone,
        None => Farther::All,
    }
}

/// Whether this is that call.
pub(super) fn is(event: &Event, call: &Call) -> bool {
    let name = |call: &Call| (call.pid, call.tid, call.start_ns, call.end_ns);
    matches!(event, Event::Call(one) if name(one) == name(call))
}
