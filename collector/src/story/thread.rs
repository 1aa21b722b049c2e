//! What a thread did around one of its calls: the turn that the call belongs to, or else its neighbours.
//!
//! Turns are cut by the model, as for exports. Which turn it is can't be told if it begins too far away: then it is not
//! told, and why not. It must never cut one by itself.

use super::before::Before;
use crate::{
    export::WhyJson,
    model::{Arch, Call, CallKind, CallKinds, Event, OffCpu, Ready, Request, Turn, Turns, Whys},
    store::{Around, Near, Searched, Stretch},
};

/// Calls that are looked at on each side for where a turn begins and ends.
const WALK: usize = 1_000;
/// Waits of the loop that are wanted on each side: with them, the first turns of a stretch are cut as in the whole trace.
const WAITS: usize = 3;
/// Neighbours of a call in no turn.
const BEFORE: usize = 40;
const AFTER: usize = 60;

/// A call with what the export says of it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) call: Call,
    /// Without the chain, for which other threads must be looked at; in the words of the moment in which it ended.
    pub(super) why: Option<WhyJson>,
    pub(super) ready: Vec<Ready>,
}

/// Why there is no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTurn {
    /// The thread made no readiness call that could have begun one.
    NoLoop,
    /// It begins farther away than was looked.
    TooFar,
    /// Records were lost in it.
    Lost,
    /// It has not ended, or the model cut none there.
    NotCut,
}

impl NoTurn {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::NoLoop => "no_loop",
            Self::TooFar => "too_far",
            Self::Lost => "lost",
            Self::NotCut => "not_cut",
        }
    }
}

/// What the thread did.
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) turn: Result<Turn, NoTurn>,
    /// The call that began the turn, its work, and the call that ended it, if it has ended; or the neighbours.
    pub(super) calls: Vec<Told>,
    /// Times off the CPU outside calls, between the first and the last of them.
    pub(super) outside: Vec<OffCpu>,
    /// Requests that were under way meanwhile.
    pub(super) requests: Vec<Request>,
    /// The turn that the call that began this one ended, and the one after it.
    pub(super) before: Option<Turn>,
    pub(super) after: Option<Turn>,
    /// It rests on something that may have been seen before.
    pub(super) unsure: bool,
}

/// The calls around one.
pub(super) struct Walked {
    /// There are readiness calls among them.
    looks: bool,
    /// When the first of them ended, and the last.
    pub(super) from_ns: u64,
    pub(super) to_ns: u64,
    /// There are more.
    more: bool,
    /// A call that makes the loop one of `epoll`, from before.
    epoll: Option<Call>,
}

impl Thread {
    /// Around this call of this lane.
    pub(super) fn new(
        around: &Around,
        arch: Option<Arch>,
        lane: u32,
        near: &Near,
        call: &Call,
    ) -> Option<Self> {
        let kinds = CallKinds::new(arch);
        let walked = Walked::new(around, &kinds, lane, near, call);
        let stretch = around.stretch_of(lane, walked.from_ns, walked.to_ns)?;
        let mut turns = cut(&kinds, &walked, call, &stretch);
        let found = turns.iter().position(|turn| turn.start_ns == call.end_ns);
        let found = found.or_else(|| turns.iter().position(|turn| holds(turn, call)));
        let (turn, before, after) = match found {
            Some(at) => {
                let after = (at + 1 < turns.len()).then(|| turns.remove(at + 1));
                let turn = turns.remove(at);
                let before = at.checked_sub(1).map(|before| turns.remove(before));
                let before = before.filter(|before| before.end_ns == turn.start_ns);
                let after = after.filter(|after| after.start_ns == turn.end_ns);
                (Ok(turn), before, after)
            }
            None => (Err(walked.no_turn(&stretch)), None, None),
        };
        let mut thread = Self {
            turn,
            calls: Vec::new(),
            outside: Vec::new(),
            requests: Vec::new(),
            before,
            after,
            unsure: false,
        };
        thread.tell(around, &kinds, &stretch, call);
        Some(thread)
    }

    /// Fills in what there is to tell.
    fn tell(&mut self, around: &Around, kinds: &CallKinds, stretch: &Stretch, call: &Call) {
        let before = Before::new(around, kinds, stretch, Some(call.tid));
        self.unsure = before.unsure;
        let mut whys = Whys::new(kinds.clone());
        let mut calls: Vec<Told> = Vec::new();
        for event in before.with(stretch) {
            whys.push(&event);
            if let Event::Call(one) = event.as_ref()
                && (one.pid, one.tid) == (call.pid, call.tid)
            {
                calls.push(Told {
                    call: one.clone(),
                    why: WhyJson::alone(one, &whys),
                    ready: whys.ready().to_vec(),
                });
            }
        }
        // A call that accepted, from before the stretch, is none of them.
        calls.retain(|told| told.call.end_ns > stretch.from_ns || stretch.from_ns == 0);
        self.calls = self.chosen(calls, call);
        let (Some(first), Some(last)) = (self.calls.first(), self.calls.last()) else {
            return;
        };
        let (from_ns, to_ns) = (first.call.start_ns, last.call.end_ns);
        let to_ns = self
            .turn
            .as_ref()
            .map_or(to_ns, |turn| to_ns.max(turn.end_ns));
        // Of neighbours, only what goes on up to the call after this one is told of requests.
        let next = self
            .calls
            .iter()
            .find(|told| told.call.start_ns >= call.end_ns);
        let next_ns = next.map_or(call.end_ns, |next| next.call.start_ns);
        let asked = match &self.turn {
            Ok(_) => from_ns..=to_ns,
            Err(_) => call.start_ns..=next_ns,
        };
        for event in &stretch.events {
            match event {
                Event::OffCpu(span) => {
                    let inside = span.start_ns >= from_ns && span.end_ns <= to_ns;
                    let own = (span.pid, span.tid) == (call.pid, call.tid);
                    if own && inside && !span.in_call {
                        self.outside.push(span.clone());
                    }
                }
                Event::Request(request) => {
                    let begun = request.submit_ns.is_none_or(|ns| ns <= *asked.end());
                    let over = request.complete_ns.is_some_and(|ns| ns < *asked.start());
                    if request.pid == call.pid && begun && !over {
                        self.requests.push(*request);
                    }
                }
                _ => {}
            }
        }
    }

    /// Those of the turn, or the neighbours.
    fn chosen(&self, mut calls: Vec<Told>, call: &Call) -> Vec<Told> {
        match &self.turn {
            Ok(turn) => {
                calls.retain(|told| {
                    let (start_ns, end_ns) = (told.call.start_ns, told.call.end_ns);
                    let begins = end_ns == turn.start_ns;
                    begins || start_ns >= turn.start_ns && end_ns <= turn.end_ns
                });
                calls
            }
            Err(_) => {
                let at = calls
                    .iter()
                    .position(|told| told.call.start_ns == call.start_ns);
                let at = at.unwrap_or(0);
                calls.truncate(at + 1 + AFTER);
                calls.drain(..at.saturating_sub(BEFORE));
                calls
            }
        }
    }
}

/// Whether a call is of the work of a turn, or ended it.
fn holds(turn: &Turn, call: &Call) -> bool {
    turn.start_ns <= call.start_ns && call.end_ns <= turn.end_ns
}

/// The turns of the call's thread that a stretch tells rightly.
pub(super) fn cut(kinds: &CallKinds, walked: &Walked, call: &Call, stretch: &Stretch) -> Vec<Turn> {
    let mut turns = Turns::new(kinds.clone());
    let mut ended = Vec::new();
    let epoll = walked
        .epoll
        .clone()
        .filter(|epoll| epoll.end_ns <= stretch.from_ns);
    let epoll = epoll.map(Event::Call);
    for event in epoll.iter().chain(&stretch.events) {
        turns.push(event, &mut ended);
    }
    // Whether the first look of a stretch began a turn depends on the one before it.
    let first = stretch.events.iter().find_map(|event| match event {
        Event::Call(one) if one.tid == call.tid && kinds.of(one.nr).is_readiness() => Some(one),
        _ => None,
    });
    let doubtful = first.filter(|first| first.is_check() && stretch.from_ns > 0);
    ended.retain(|turn| {
        let own = (turn.pid, turn.tid) == (call.pid, call.tid);
        let within = stretch.from_ns == 0 || turn.start_ns > stretch.from_ns;
        own && within && doubtful.is_none_or(|first| first.end_ns != turn.start_ns)
    });
    ended
}

impl Walked {
    pub(super) fn new(
        around: &Around,
        kinds: &CallKinds,
        lane: u32,
        near: &Near,
        call: &Call,
    ) -> Self {
        let before: Vec<Call> = near.before(call.start_ns).take(WALK).collect();
        let after: Vec<Call> = near.after(call.start_ns).take(WALK).collect();
        let is_epoll = |call: &Call| kinds.of(call.nr) == CallKind::Epoll;
        let is_look = |call: &Call| kinds.of(call.nr).is_readiness();
        let all = || before.iter().chain([call]).chain(&after);
        let mut epoll = before
            .iter()
            .chain([call])
            .find(|call| is_epoll(call))
            .cloned();
        let looks = all().any(is_look);
        if looks && epoll.is_none() {
            let found = around.last(call.start_ns, Some(lane), None, is_epoll);
            if let Searched::Found(found) = found {
                epoll = Some(*found);
            }
        }
        let waits = |call: &Call| {
            let of_loop = if epoll.is_some() {
                is_epoll(call)
            } else {
                is_look(call)
            };
            of_loop && !call.is_check()
        };
        let reach = |calls: &[Call], neighbours: usize| {
            let mut left = WAITS;
            let enough = |call: &Call| {
                left -= usize::from(waits(call));
                left == 0
            };
            match calls.iter().position(enough) {
                Some(at) => at + 1,
                None if looks => WALK,
                None => neighbours,
            }
        };
        // With fewer, they go back to the beginning.
        let first = before.get(reach(&before, BEFORE) - 1);
        // The one after an interrupted wait says whether that goes on.
        let count = reach(&after, AFTER) + 1;
        let last = after.get(count - 1);
        Self {
            looks,
            from_ns: first.map_or(0, |first| first.end_ns),
            to_ns: last.map_or(u64::MAX, |last| last.end_ns),
            more: before.len() >= WALK || after.len() >= WALK,
            epoll,
        }
    }

    fn no_turn(&self, stretch: &Stretch) -> NoTurn {
        let lost = |event: &Event| matches!(event, Event::Gap(_));
        if !self.looks {
            NoTurn::NoLoop
        } else if stretch.events.iter().any(lost) {
            NoTurn::Lost
        } else if self.more {
            NoTurn::TooFar
        } else {
            NoTurn::NotCut
        }
    }
}
