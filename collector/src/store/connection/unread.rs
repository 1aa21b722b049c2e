//! What was found ready to be read on a connection, and that nobody read any more: up to the descriptor's close, or so far.
//!
//! When data came is only told with the call that reads it. Of what nobody read, what a readiness call said is all that is known:
//! it was there by then. Must never say so where a call, a request or a loss may have been in between.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::super::{
    Calls, DESCRIPTORS_MAX, Filter, Store,
    items::Items,
    query::LaneCalls,
    track::{At, Chunk as _},
};
use super::{AHEAD_BATCHES_MAX, AHEAD_CHUNKS_MAX, Requests};
use crate::model::{
    Call, CallKind, CallKinds, Descriptor, DescriptorKind, Gap, id_map::IdSet, readiness,
};

/// A descriptor to be searched for what nobody read.
#[derive(Clone, Debug)]
pub struct Watched {
    id: u32,
    /// With all its copies in traced processes: what is read from one is read from all.
    copies: IdSet<u32>,
    /// When the last of them was closed, if all are.
    over_ns: u64,
    closed_ns: Option<u64>,
    gaps: Vec<Gap>,
    /// Before this, calls were let go: of one lane sooner than of another.
    kept_ns: u64,
    /// The processes that have it, and the requests that theirs may be among.
    pids: IdSet<u32>,
    requests: Requests,
}

/// What was found ready on a descriptor and not read any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The lane of the thread whose call found it first, after the last call on the descriptor.
    pub lane: u32,
    /// The readiness call: by its end it was there.
    pub call: Call,
    /// The descriptor's close; `None` if it is open, as far as is known.
    pub closed_ns: Option<u64>,
}

impl Store {
    /// What to search for, if it can be told of this descriptor whether somebody read from it at all: not if it may be emptied
    /// through memory, or was not known to be a socket or a pipe.
    pub fn watched(&self, id: u32) -> Option<Watched> {
        let all = || self.descriptors.values();
        let own = self.descriptors.get(&id)?;
        // Calls that found no lane or came out of order, copies that are not kept, threads that were not tracked and 32-bit
        // calls may have read it.
        if !own.kind.is_shared_by_copies()
            || self.lanes_more > 0
            || self.disordered > 0
            || self.descriptors.len() >= DESCRIPTORS_MAX
            || self
                .end
                .is_some_and(|end| end.untracked > 0 || end.compat > 0)
        {
            return None;
        }
        let same = |other: &Descriptor| {
            let is_copy = own.object != 0 && other.object == own.object;
            other.id == id || is_copy && other.kind.is_shared_by_copies()
        };
        let copies: Vec<&Descriptor> = all()
            .map(AsRef::as_ref)
            .filter(|other| same(other))
            .collect();
        let in_ring = |one: &Descriptor| {
            one.kind == DescriptorKind::Uring && copies.iter().any(|copy| copy.pid == one.pid)
        };
        let reading = |copy: &&Descriptor| {
            let open = self.lanes.iter().filter_map(|lane| lane.open);
            open.filter(|open| open.nr.is_some())
                .any(|open| (open.pid, open.fd) == (copy.pid, Some(copy.fd)))
        };
        if all().any(|one| in_ring(one)) || copies.iter().any(reading) {
            return None;
        }
        let over_ns = copies.iter().map(|copy| copy.closed_ns.unwrap_or(u64::MAX));
        Some(Watched {
            id,
            over_ns: over_ns.max().unwrap_or(u64::MAX),
            closed_ns: own.closed_ns,
            copies: copies.iter().map(|copy| copy.id).collect(),
            gaps: self.gaps.all().to_vec(),
            kept_ns: self.kept_ns,
            pids: copies.iter().map(|copy| copy.pid).collect(),
            requests: self.requests(),
        })
    }
}

/// Whether a call on a descriptor may have taken what it was ready for.
fn may_take(kinds: &CallKinds, nr: u32) -> bool {
    match kinds.of(nr) {
        CallKind::Send | CallKind::SendMany => kinds.name(nr) == "splice",
        CallKind::Select | CallKind::Poll | CallKind::Epoll | CallKind::Connect => false,
        _ => !matches!(kinds.name(nr).as_str(), "close" | "shutdown"),
    }
}

/// A chunk of calls, and when the last of them ends.
type Place<'a> = (u64, u64, &'a LaneCalls, usize);

impl Calls {
    /// What was found ready on a descriptor after the last call that may have read from it; `Err` if that is not found out: it is
    /// too far away, or records were lost since.
    ///
    /// # Errors
    /// It is not known.
    pub fn unread(&self, kinds: &CallKinds, watched: &Watched) -> Result<Option<Unread>, Unsure> {
        // Of a ring that was there before the trace no descriptor may be known.
        if watched.requests.any_of(&watched.pids) {
            return Err(Unsure);
        }
        let until = Filter {
            to_ns: watched.over_ns.saturating_add(1),
            ..Filter::default()
        };
        let places = self.chunks(&until).into_iter();
        let mut places: Vec<Place<'_>> = places
            .map(|((first_ns, _, chunk), lane)| {
                (lane.items.chunk_end_ns(chunk), first_ns, lane, chunk)
            })
            .collect();
        places.sort_by_key(|(end_ns, first_ns, lane, _)| (Reverse(*end_ns), *first_ns, lane.lane));
        let mut batches = BTreeSet::new();
        let mut taken_ns = watched.kept_ns;
        let mut looked = 0;
        for (end_ns, _, lane, chunk) in &places {
            if *end_ns < taken_ns {
                break;
            }
            looked += 1;
            batches.extend(lane.items.batch(*chunk));
            if looked > AHEAD_CHUNKS_MAX || batches.len() > AHEAD_BATCHES_MAX {
                return Err(Unsure);
            }
            let Some(items) = lane.items.chunk(At {
                chunk: *chunk,
                index: 0,
            }) else {
                return Err(Unsure);
            };
            taken_ns = taken_ns.max(last_taken_ns(kinds, watched, &items, lane));
        }
        places.truncate(looked);
        places.sort_by_key(|(_, first_ns, lane, _)| (*first_ns, lane.lane));
        let mut found: Option<Unread> = None;
        for (_, first_ns, lane, chunk) in places {
            if found
                .as_ref()
                .is_some_and(|found| found.call.end_ns < first_ns)
            {
                break;
            }
            let Some(items) = lane.items.chunk(At { chunk, index: 0 }) else {
                return Err(Unsure);
            };
            let Some(call) = first_found(kinds, watched, &items, lane, taken_ns) else {
                continue;
            };
            if found
                .as_ref()
                .is_none_or(|found| call.end_ns < found.call.end_ns)
            {
                found = Some(Unread {
                    lane: lane.lane,
                    call,
                    closed_ns: watched.closed_ns,
                });
            }
        }
        let Some(found) = found else {
            let is_known = watched.kept_ns == 0 || taken_ns > watched.kept_ns;
            return if is_known { Ok(None) } else { Err(Unsure) };
        };
        let lost = watched
            .gaps
            .iter()
            .any(|gap| gap.end_ns > found.call.start_ns);
        if lost { Err(Unsure) } else { Ok(Some(found)) }
    }
}

/// It is not known whether something was left unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsure;

/// When the last call of a chunk ended that may have read from it; 0 if there is none.
fn last_taken_ns(kinds: &CallKinds, watched: &Watched, items: &Items, lane: &LaneCalls) -> u64 {
    let on = |index: &usize| {
        let id = items.descriptor(*index);
        id.is_some_and(|id| watched.copies.contains(&id))
    };
    let calls = (0..items.len()).rev().filter(on);
    let mut calls = calls.filter_map(|index| items.call(index, lane.pid, lane.tid));
    calls
        .find(|call| may_take(kinds, call.nr))
        .map_or(0, |call| call.end_ns)
}

/// The first readiness call of a chunk that began after that and found it ready.
fn first_found(
    kinds: &CallKinds,
    watched: &Watched,
    items: &Items,
    lane: &LaneCalls,
    taken_ns: u64,
) -> Option<Call> {
    let finds = |(call, index): &(Call, usize)| {
        kinds.of(call.nr).is_readiness()
            && items.ready(call, *index).iter().any(|entry| {
                entry.descriptor == Some(watched.id) && entry.ready & readiness::IN != 0
            })
    };
    let calls = items.between(taken_ns, u64::MAX);
    let mut calls = calls.filter_map(|index| Some((items.call(index, lane.pid, lane.tid)?, index)));
    calls.find(finds).map(|(call, _)| call)
}
