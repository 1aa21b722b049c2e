//! What is known as a stretch of time begins, so that models that begin there know what they would have learned before.
//!
//! It must never guess: what was not found out makes the story unsure.

use std::borrow::Cow;

use crate::{
    model::{
        Call, CallKind, CallKinds, Descriptor, DescriptorKind, Event, Life, LifeKind,
        id_map::IdSet, readiness,
    },
    store::{Around, Searched, Stretch},
};

/// Descriptors of which it is looked up whether a connection was accepted from them.
const ACCEPTING_MAX: usize = 16;

/// What comes before a stretch.
#[derive(Debug, Default)]
pub(super) struct Before {
    pub(super) events: Vec<Event>,
    /// The first calls that accept from a descriptor, of other threads than the one that a stretch is of.
    during: Vec<Call>,
    /// Of some descriptor it was not found out whether a connection was accepted from it.
    pub(super) unsure: bool,
}

impl Before {
    /// Of all threads, and of the descriptors that the stretch tells of. It may be a stretch of one thread.
    pub(super) fn new(
        around: &Around,
        kinds: &CallKinds,
        stretch: &Stretch,
        thread: Option<u32>,
    ) -> Self {
        let found = around.lanes_at(stretch.from_ns).map(|lane| {
            Event::Life(Life {
                pid: lane.pid,
                tid: lane.tid,
                at_ns: stretch.from_ns,
                kind: LifeKind::Found,
                name: lane.name.clone(),
            })
        });
        let mut before = Self {
            events: found.collect(),
            during: Vec::new(),
            unsure: false,
        };
        let words = around.words(&named(&stretch.events), stretch);
        before.accepting(around, kinds, stretch, &words, thread);
        // What was accepted from must be known first.
        before.during.sort_by_key(|call| call.end_ns);
        let words = words.into_iter().map(Event::Descriptor);
        before.events.splice(0..0, words);
        before
    }

    /// With the events of a stretch that is of one thread, what its models have to know.
    pub(super) fn with<'a>(&'a self, stretch: &'a Stretch) -> impl Iterator<Item = Cow<'a, Event>> {
        let mut during = self.during.iter().peekable();
        let events = stretch.events.iter().flat_map(move |event| {
            let now_ns = ended_ns(event).unwrap_or(0);
            let mut all = Vec::new();
            while let Some(call) = during.next_if(|call| call.end_ns < now_ns) {
                all.push(Cow::Owned(Event::Call(call.clone())));
            }
            all.push(Cow::Borrowed(event));
            all
        });
        self.events.iter().map(Cow::Borrowed).chain(events)
    }

    /// Adds a call that accepted from each that was found ready and that may listen.
    fn accepting(
        &mut self,
        around: &Around,
        kinds: &CallKinds,
        stretch: &Stretch,
        words: &[Descriptor],
        thread: Option<u32>,
    ) {
        let readable = stretch.events.iter().filter_map(|event| match event {
            Event::Ready(ready) if ready.ready & readiness::IN != 0 => ready.descriptor,
            _ => None,
        });
        let readable: IdSet<u32> = readable.collect();
        let later = stretch.events.iter().filter_map(|event| match event {
            Event::Descriptor(word) => Some(word),
            _ => None,
        });
        let mut told = IdSet::default();
        let listening = words.iter().chain(later);
        let listening = listening.filter(|word| readable.contains(&word.id) && may_listen(word));
        let listening: Vec<&Descriptor> = listening.filter(|word| told.insert(word.id)).collect();
        for (count, word) in listening.into_iter().enumerate() {
            if count >= ACCEPTING_MAX {
                self.unsure = true;
                break;
            }
            let accepts = |call: &Call| kinds.of(call.nr) == CallKind::Accept;
            match around.last(stretch.from_ns, None, Some(word.id), accepts) {
                Searched::Found(call) => {
                    self.events.push(Event::Call(*call));
                    continue;
                }
                Searched::Nothing => {}
                Searched::GaveUp => self.unsure = true,
            }
            let Some(thread) = thread else { continue };
            let last = stretch.events.iter().rev().find_map(ended_ns);
            match around.first(stretch.from_ns, last.unwrap_or(0), word.id, accepts) {
                Searched::Found(call) if call.tid != thread => self.during.push(*call),
                Searched::Found(_) | Searched::Nothing => {}
                Searched::GaveUp => self.unsure = true,
            }
        }
    }
}

fn ended_ns(event: &Event) -> Option<u64> {
    match event {
        Event::Call(call) => Some(call.end_ns),
        Event::OffCpu(span) => Some(span.end_ns),
        _ => None,
    }
}

fn may_listen(word: &Descriptor) -> bool {
    match word.kind {
        DescriptorKind::Tcp => word.peer.is_none(),
        DescriptorKind::Unix => word.peer.is_none() && word.peer_pid.is_none(),
        kind => kind.is_socket() || kind == DescriptorKind::Unknown,
    }
}

/// The descriptors that events tell of.
pub(super) fn named<'a>(events: impl IntoIterator<Item = &'a Event>) -> IdSet<u32> {
    let named = events.into_iter().filter_map(|event| match event {
        Event::Call(call) => call.descriptor,
        Event::Ready(ready) => ready.descriptor,
        Event::Request(request) => request.descriptor,
        _ => None,
    });
    named.collect()
}
