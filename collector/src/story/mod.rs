//! The story of a call: what the export says of it, of what led to it, and of the turn it belongs to.
//!
//! The models of the export run over a stretch of the trace around the call, so that nothing here says other things
//! than an export does. It must never leave out that it leaves something out.

mod band;
mod before;
mod sums;
mod thread;
mod wakes;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    export::{
        WhyJson, call_json, descriptor_json, explained_json, offcpu_json, ready_json, request_json,
        turn_json,
    },
    model::{Arch, Call, Event, Ready, Trace, Turn},
    store::{Around, Detail, Lane},
};
pub use band::band;
use before::named;
use sums::Sums;
use thread::{Thread, Told};
use wakes::Wakes;

/// Calls of a turn in an answer, at most: of the others there are sums.
const CALLS_MAX: usize = 120;
/// Times off the CPU outside calls, and requests, likewise.
const OUTSIDE_MAX: usize = 200;
const REQUESTS_MAX: usize = 100;

/// The story of the call of a lane at this time, or else the last one begun before it; `None` if there is none.
pub fn story(trace: &Trace, around: &Around, lane: u32, at_ns: u64) -> Option<Value> {
    let (info, near) = around.lane(lane)?;
    let detail = near.call_at(at_ns)?;
    let arch = Arch::from_machine(&trace.arch);
    let thread = Thread::new(around, arch, lane, near, &detail.call)?;
    let wakes = Wakes::new(around, arch, &detail.call);
    let teller = Teller {
        trace,
        around,
        arch,
        info,
    };
    Some(teller.tell(&detail, &thread, wakes))
}

struct Teller<'a> {
    trace: &'a Trace,
    around: &'a Around,
    arch: Option<Arch>,
    info: &'a Lane,
}

impl Teller<'_> {
    fn tell(&self, detail: &Detail, thread: &Thread, wakes: Option<Wakes>) -> Value {
        let call = &detail.call;
        let own = thread
            .calls
            .iter()
            .find(|told| told.call.start_ns == call.start_ns);
        let alone = own.and_then(|own| own.why.clone());
        // With too much around it, what its own thread tells.
        let unseen = || Wakes {
            cut: alone.as_ref().is_some_and(|why| why.end(call).is_some()),
            why: alone.clone(),
            unsure: thread.unsure,
        };
        let wakes = wakes
            .filter(|wakes| wakes.why.is_some())
            .unwrap_or_else(unseen);
        let spans = detail.spans.iter().map(offcpu_json);
        let listed = Listed::new(thread);
        let ready = own.map_or(&detail.ready, |own| &own.ready);
        let mut answer = json!({
            "lane": self.info.lane,
            "call": self.call(call, wakes.why.clone()),
            "ready": self.ready(ready, call, &thread.calls),
            "descriptor": call.descriptor.and_then(|id| self.around.descriptor(id)).map(descriptor_json),
            "offcpu": spans.collect::<Vec<_>>(),
            "offcpu_more": detail.more,
            "chain_cut": wakes.cut,
            "unsure": wakes.unsure || thread.unsure,
            "threads": self.threads(call, wakes.why.as_ref()),
            "turn": thread.turn.as_ref().ok().map(|turn| turn_json(self.arch, turn)),
            "no_turn": thread.turn.as_ref().err().map(|reason| reason.word()),
            "before": self.turn(thread.before.as_ref()),
            "after": self.turn(thread.after.as_ref()),
        });
        let calls = listed.calls.iter().map(|told| {
            let mut call = self.call(&told.call, told.why.clone());
            call["ready"] = self.ready(&told.ready, &told.call, &thread.calls);
            call
        });
        answer["calls"] = calls.collect();
        answer["rest"] =
            json!({ "calls": listed.rest.calls, "at": listed.rest_at, "sum": listed.rest });
        answer["sum"] = json!(Sums::whole(thread));
        let outside = thread.outside.iter().take(OUTSIDE_MAX).map(offcpu_json);
        answer["outside"] = outside.collect();
        answer["outside_more"] = thread.outside.len().saturating_sub(OUTSIDE_MAX).into();
        let requests = thread.requests.iter().take(REQUESTS_MAX).map(request_json);
        answer["requests"] = requests.collect();
        answer["requests_more"] = thread.requests.len().saturating_sub(REQUESTS_MAX).into();
        answer["descriptors"] = self.descriptors(&listed, thread, call);
        answer
    }

    fn call(&self, call: &Call, why: Option<WhyJson>) -> Value {
        match why {
            Some(why) => explained_json(self.arch, call, why),
            None => call_json(self.trace, call),
        }
    }

    fn turn(&self, turn: Option<&Turn>) -> Value {
        turn.map_or(Value::Null, |turn| turn_json(self.arch, turn))
    }

    /// What a call found, each with its name and the call that served it: the first after it that works on the same.
    fn ready(&self, ready: &[Ready], of: &Call, calls: &[Told]) -> Value {
        let all = ready.iter().map(|ready| {
            let descriptor = ready.descriptor.and_then(|id| self.around.descriptor(id));
            let mut found = ready_json(ready);
            found["name"] = descriptor.map_or(Value::Null, |known| json!(known.name));
            found["led_to"] = json!(led_to(ready, of, calls).filter(|_| ready.ready != 0));
            found
        });
        all.collect()
    }

    /// The lanes of the threads that a chain tells of.
    fn threads(&self, call: &Call, why: Option<&WhyJson>) -> Value {
        let mut lanes: BTreeMap<u32, Value> = BTreeMap::new();
        let waiters = why.into_iter().flat_map(WhyJson::waiters);
        let first = why.and_then(|why| why.end(call));
        let waker = call
            .waker
            .map(|waker| (waker.tid, call.last_wake_ns.unwrap_or(call.end_ns)));
        for (tid, at_ns) in waiters.chain(first).chain(waker) {
            if let Some((lane, _)) = self.around.lane_of(tid, at_ns) {
                let Lane {
                    lane, pid, name, ..
                } = lane;
                let known = json!({ "tid": tid, "pid": pid, "lane": lane, "name": name });
                lanes.insert(tid, known);
            }
        }
        lanes.into_values().collect()
    }

    fn descriptors(&self, listed: &Listed<'_>, thread: &Thread, call: &Call) -> Value {
        let calls = listed.calls.iter().flat_map(|told| {
            let ready = told.ready.iter().copied().map(Event::Ready);
            ready.chain([Event::Call(told.call.clone())])
        });
        let requests = thread
            .requests
            .iter()
            .take(REQUESTS_MAX)
            .copied()
            .map(Event::Request);
        let events: Vec<Event> = calls
            .chain(requests)
            .chain([Event::Call(call.clone())])
            .collect();
        let known = named(&events).into_iter().filter_map(|id| {
            let descriptor = self.around.descriptor(id)?;
            Some((id.to_string(), descriptor_json(descriptor)))
        });
        Value::Object(known.collect::<Map<_, _>>())
    }
}

/// The first call after a readiness call that works on what that found.
fn led_to(ready: &Ready, of: &Call, calls: &[Told]) -> Option<u64> {
    let after = calls
        .iter()
        .map(|told| &told.call)
        .filter(|call| call.start_ns >= of.end_ns);
    let same = |call: &&Call| match ready.descriptor {
        Some(id) => call.descriptor == Some(id),
        None => ready.fd.is_some() && call.fd == ready.fd,
    };
    after.clone().find(same).map(|call| call.start_ns)
}

/// The calls that are told one by one, and the sum of those between that are not.
struct Listed<'a> {
    calls: Vec<&'a Told>,
    rest: Sums,
    /// Behind how many of them the rest belongs.
    rest_at: usize,
}

impl<'a> Listed<'a> {
    fn new(thread: &'a Thread) -> Self {
        let calls = &thread.calls;
        // The last is the one that ended the turn, or the call's neighbour.
        let end = match calls.len() > CALLS_MAX {
            true => calls.len() - 1,
            false => calls.len(),
        };
        let first = calls.get(..end.min(CALLS_MAX)).unwrap_or_default();
        let rest = calls.get(first.len()..end).unwrap_or_default();
        let last = calls.get(end..).unwrap_or_default();
        Self {
            calls: first.iter().chain(last).collect(),
            rest: Sums::of(rest.iter().map(|told| &told.call)),
            rest_at: first.len(),
        }
    }
}
