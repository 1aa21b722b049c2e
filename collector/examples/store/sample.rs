//! What the threads of a real recording did, to be played again.
//!
//! It must never change what a thread did: only when, and in whose name.

use anyhow::{Result, ensure};
use waitscope::model::{Call, Copying, Descriptor, Event, Trace};
use waitscope::recording::Reader;

/// A thread with fewer calls says little about how one works.
const CALLS_MIN: usize = 1_000;

/// One thread's calls, times off the CPU and ready sets, as they were recorded.
pub(super) struct Thread {
    pub(super) events: Vec<Event>,
    /// From its first call to its last.
    pub(super) span_ns: u64,
}

/// All that is worth playing again of some recordings.
pub(super) struct Sample {
    pub(super) trace: Trace,
    pub(super) threads: Vec<Thread>,
    pub(super) descriptors: Vec<Descriptor>,
}

impl Sample {
    pub(super) fn read(paths: &[&str]) -> Result<Self> {
        let (mut trace, mut threads, mut descriptors) = (None, Vec::new(), Vec::new());
        for path in paths {
            let mut reader = Reader::open(path)?;
            let mut by_tid: Vec<(u32, Vec<Event>)> = Vec::new();
            // Numbers of descriptors count from one in each recording.
            let first = descriptors.len() as u32;
            while let Some(events) = reader.next_batch()? {
                for event in events {
                    let (tid, event) = match event {
                        Event::Call(call) => (call.tid, Event::Call(own(call, first))),
                        Event::OffCpu(span) => (span.tid, Event::OffCpu(span)),
                        Event::Ready(mut ready) => {
                            ready.descriptor = ready.descriptor.map(|id| id + first);
                            (ready.tid, Event::Ready(ready))
                        }
                        Event::Descriptor(mut descriptor) => {
                            descriptor.id += first;
                            descriptors.push(descriptor);
                            continue;
                        }
                        _ => continue,
                    };
                    match by_tid.iter_mut().find(|(known, _)| *known == tid) {
                        Some((_, events)) => events.push(event),
                        None => by_tid.push((tid, vec![event])),
                    }
                }
            }
            threads.extend(by_tid.into_iter().filter_map(|(_, events)| thread(events)));
            trace.get_or_insert_with(|| reader.trace().clone());
        }
        ensure!(
            !threads.is_empty(),
            "the samples have no thread of {CALLS_MIN} calls"
        );
        let trace = trace.ok_or_else(|| anyhow::anyhow!("there is no sample"))?;
        Ok(Self {
            trace,
            threads,
            descriptors,
        })
    }
}

/// Some calls are dropped by none: one that began before the trace would begin before its thread.
fn own(mut call: Call, first: u32) -> Call {
    call.descriptor = call.descriptor.map(|id| id + first);
    call.began_before = false;
    call
}

fn thread(events: Vec<Event>) -> Option<Thread> {
    let calls = || {
        events.iter().filter_map(|event| match event {
            Event::Call(call) => Some(call),
            _ => None,
        })
    };
    if calls().count() < CALLS_MIN {
        return None;
    }
    let (first, last) = (
        events.iter().find_map(start_ns)?,
        calls().next_back()?.end_ns,
    );
    let first = first.min(calls().next()?.start_ns);
    // What comes after the last call belongs to one that was not recorded to its end.
    let end = events
        .iter()
        .rposition(|event| matches!(event, Event::Call(_)))?;
    let events = events
        .into_iter()
        .take(end + 1)
        .map(|event| moved(event, 0_u64.wrapping_sub(first)));
    Some(Thread {
        events: events.collect(),
        span_ns: last - first,
    })
}

fn start_ns(event: &Event) -> Option<u64> {
    match event {
        Event::Call(call) => Some(call.start_ns),
        Event::OffCpu(span) => Some(span.start_ns),
        _ => None,
    }
}

/// The same, so much later; wraps around, so that it can be earlier as well.
pub(super) fn moved(mut event: Event, by: u64) -> Event {
    let later = |ns: &mut u64| *ns = ns.wrapping_add(by);
    match &mut event {
        Event::Call(call) => {
            later(&mut call.start_ns);
            later(&mut call.end_ns);
            call.first_sleep_ns.iter_mut().for_each(later);
            call.last_wake_ns.iter_mut().for_each(later);
            match &mut call.copying {
                Copying::Seen(at) | Copying::Inferred(at) => later(at),
                Copying::None => {}
            }
        }
        Event::OffCpu(span) => {
            later(&mut span.start_ns);
            later(&mut span.end_ns);
            span.woken_ns.iter_mut().for_each(later);
        }
        Event::Ready(ready) => later(&mut ready.call_start_ns),
        _ => {}
    }
    event
}
