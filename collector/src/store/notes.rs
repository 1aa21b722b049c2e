//! What happened beside calls and times off the CPU, in the order in which it came: what is told of descriptors and
//! threads, requests, losses.
//!
//! The last of it only, in bounded memory; of a trace that is in a file only what is needed to begin in its middle, and requests. It must never
//! hold calls or times off the CPU: lanes do.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::connection::Requests;
use crate::model::{Descriptor, Event, LifeKind, id_map::IdSet};

/// Notes in a chunk, and chunks that are kept.
const CHUNK: usize = 256;
const CHUNKS_MAX: usize = 128;

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Note {
    /// How many batches came before its own, if there are batches.
    pub(super) batch: u32,
    /// How far the trace had come.
    pub(super) at_ns: u64,
    pub(super) event: Event,
}

/// All of them. A copy shares them.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    chunks: VecDeque<Arc<Vec<Note>>>,
    /// How far the trace had come with the last of those that were let go.
    gone_ns: u64,
    /// Those on descriptors, of which more are kept, and in files too.
    pub(super) requests: Requests,
}

impl Notes {
    /// Keeps an event, if it is one to be kept.
    pub(super) fn push(&mut self, batch: Option<u32>, at_ns: u64, event: &Event) {
        if let Event::Request(request) = event {
            self.requests.push(request);
        }
        let wanted = match event {
            Event::Descriptor(_) => true,
            // The rest of a batch is read again with it.
            Event::Life(life) => batch.is_none() || life.kind == LifeKind::Exec,
            Event::Request(_) | Event::Gap(_) => batch.is_none(),
            Event::Call(_)
            | Event::OffCpu(_)
            | Event::Ready(_)
            | Event::Open(_)
            | Event::End(_) => false,
        };
        if !wanted {
            return;
        }
        if self.chunks.back().is_none_or(|chunk| chunk.len() >= CHUNK) {
            self.chunks.push_back(Arc::default());
        }
        if self.chunks.len() > CHUNKS_MAX
            && let Some(gone) = self.chunks.pop_front()
        {
            let last_ns = gone.last().map_or(0, |note| note.at_ns);
            self.gone_ns = self.gone_ns.max(last_ns);
        }
        if let Some(chunk) = self.chunks.back_mut() {
            Arc::make_mut(chunk).push(Note {
                batch: batch.unwrap_or(0),
                at_ns,
                event: event.clone(),
            });
        }
    }

    /// After this all notes are there, and all calls of a trace that kept those after `kept_ns`.
    pub(super) fn held_ns(&self, kept_ns: u64) -> u64 {
        self.gone_ns.max(kept_ns)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Note> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// What was known of these descriptors from notes that are `early`; of one whose early notes are gone, the first
    /// that is left.
    pub(super) fn words(
        &self,
        of: &IdSet<u32>,
        last: &HashMap<u32, Arc<Descriptor>>,
        early: impl Fn(&Note) -> bool,
    ) -> Vec<Descriptor> {
        let mut words: HashMap<u32, &Descriptor> = HashMap::new();
        let mut late: IdSet<u32> = IdSet::default();
        for note in self.all() {
            let Event::Descriptor(descriptor) = &note.event else {
                continue;
            };
            if !of.contains(&descriptor.id) {
                continue;
            }
            if early(note) {
                words.insert(descriptor.id, descriptor);
            } else {
                late.insert(descriptor.id);
            }
        }
        let gone = of
            .iter()
            .filter(|&id| !words.contains_key(id) && !late.contains(id));
        let gone: Vec<&Descriptor> = gone.filter_map(|id| Some(last.get(id)?.as_ref())).collect();
        let mut words: Vec<Descriptor> = words.into_values().chain(gone).cloned().collect();
        words.sort_by_key(|descriptor| descriptor.id);
        words
    }
}
