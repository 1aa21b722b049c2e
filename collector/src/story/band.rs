//! The turns of a thread in a stretch of time, as the export has them: what the page draws beside a lane.
//!
//! A stretch in which there is too much to look at has none, and says so. It must never cut a turn by itself, nor tell
//! of some turns of a stretch as if they were all.

use serde_json::{Value, json};

use super::thread::{Walked, cut};
use crate::{
    model::{Arch, Call, CallKinds, Trace, Turn},
    store::Around,
};

/// Calls and times off the CPU that are looked at, batches of the file that are brought for it, and turns in an answer, at
/// most.
const THINGS_MAX: usize = 20_000;
const BATCHES_MAX: usize = 16;
const TURNS_MAX: usize = 2_000;

/// The turns of a lane that overlap a time; `None` if there is no such lane.
pub fn band(trace: &Trace, around: &Around, lane: u32, from_ns: u64, to_ns: u64) -> Option<Value> {
    let kinds = CallKinds::new(Arch::from_machine(&trace.arch));
    let turns = turns(around, &kinds, lane, from_ns, to_ns)?;
    let told = turns
        .as_ref()
        .map(|turns| turns.iter().map(turn_json).collect::<Vec<_>>());
    Some(json!({
        "from_ns": from_ns,
        "to_ns": to_ns,
        "now_ns": around.now_ns(),
        "turns": told,
    }))
}

/// In the order of `docs/wire.md`.
fn turn_json(turn: &Turn) -> Value {
    json!([
        turn.start_ns,
        turn.work_end_ns,
        turn.end_ns,
        turn.lag_ns,
        turn.calls,
        turn.events,
        turn.ended
    ])
}

/// `Some(None)` if that is too much.
fn turns(
    around: &Around,
    kinds: &CallKinds,
    lane: u32,
    from_ns: u64,
    to_ns: u64,
) -> Option<Option<Vec<Turn>>> {
    let (_, near) = around.lane(lane)?;
    if near.is_much(from_ns, to_ns, THINGS_MAX, BATCHES_MAX) {
        return Some(None);
    }
    let first = near.call_at(from_ns).map(|detail| detail.call);
    let first = first.or_else(|| near.after(from_ns).next());
    let Some(first) = first.filter(|first| first.start_ns < to_ns) else {
        return Some(Some(Vec::new()));
    };
    let inside = |call: &Call| call.start_ns < to_ns;
    // No more than was just found not to be too much.
    let last = near.after(first.start_ns).take_while(inside).last();
    let last = last.as_ref().unwrap_or(&first);
    let begin = Walked::new(around, kinds, lane, near, &first);
    let end = Walked::new(around, kinds, lane, near, last);
    let stretch = around.stretch_of(lane, begin.from_ns, end.to_ns)?;
    let mut turns = cut(kinds, &begin, &first, &stretch);
    turns.retain(|turn| turn.end_ns > from_ns && turn.start_ns < to_ns);
    Some(Some(turns).filter(|turns| turns.len() <= TURNS_MAX))
}
