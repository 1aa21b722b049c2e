//! What was said of threads and descriptors that are still there: what a recording must say again that begins in the
//! middle of a trace.

use std::collections::BTreeMap;

use super::{Descriptor, Event, Life, LifeKind};

/// Of each, at most so many; of any more nothing is said again.
const KNOWN_MAX: usize = 65_536;

/// What is there.
#[derive(Clone, Debug, Default)]
pub struct Known {
    threads: BTreeMap<u32, Life>,
    descriptors: BTreeMap<u32, Descriptor>,
}

impl Known {
    /// Takes in an event. All but those of threads' lives and of descriptors are passed over.
    pub fn push(&mut self, event: &Event) {
        match event {
            Event::Life(life) if life.kind == LifeKind::Ended => {
                self.threads.remove(&life.tid);
            }
            Event::Life(life) => put(&mut self.threads, life.tid, life),
            Event::Descriptor(closed) if closed.closed_ns.is_some() => {
                self.descriptors.remove(&closed.id);
            }
            Event::Descriptor(descriptor) => put(&mut self.descriptors, descriptor.id, descriptor),
            Event::Call(_)
            | Event::OffCpu(_)
            | Event::Ready(_)
            | Event::Request(_)
            | Event::Gap(_)
            | Event::Open(_)
            | Event::End(_) => {}
        }
    }

    /// All that is known, said again at this time.
    pub fn events(&self, at_ns: u64) -> Vec<Event> {
        let found = |life: &Life| Life {
            at_ns,
            kind: LifeKind::Found,
            ..life.clone()
        };
        let threads = self.threads.values().map(found).map(Event::Life);
        let descriptors = self.descriptors.values().cloned().map(Event::Descriptor);
        threads.chain(descriptors).collect()
    }
}

fn put<T: Clone>(all: &mut BTreeMap<u32, T>, id: u32, one: &T) {
    if all.len() < KNOWN_MAX || all.contains_key(&id) {
        all.insert(id, one.clone());
    }
}
