//! A recording of as many calls as wanted: threads of real samples, played again and again by many, at a pace of
//! each one's own.
//!
//! ```text
//!   sample threads   a a a b b      64 threads: a b a b … , the later, the longer the pauses between its calls
//! ```
//!
//! It must give the same recording each time for the same samples.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use waitscope::model::{End, Event, Life, LifeKind};
use waitscope::recording::Writer;

use super::sample::{Sample, moved};

const THREADS: u32 = 64;
const FIRST_TID: u32 = 10_000;
/// Of so many calls, one is followed by a pause.
const PAUSE_ONE_IN: u64 = 8;
/// By so much the pauses of each thread are longer than those of the one before it, on average.
const PAUSE_STEP_NS: u64 = 50_000;
const DESCRIPTORS_PER_THREAD: u32 = 1_000;

/// One thread that plays a sample.
struct Player {
    number: u32,
    /// Which of the sample's threads.
    source: usize,
    at: usize,
    by_ns: u64,
    random: u64,
}

impl Player {
    /// Where its next call or time off the CPU ends; the ready set before it comes with it.
    fn next_end_ns(&self, sample: &Sample) -> u64 {
        let events = sample.threads[self.source].events[self.at..].iter();
        let end_ns = events.filter_map(|event| match event {
            Event::Call(call) => Some(call.end_ns),
            Event::OffCpu(span) => Some(span.end_ns),
            _ => None,
        });
        // A sample's thread ends with a call.
        end_ns.take(1).sum::<u64>() + self.by_ns
    }

    /// Plays up to its next call or time off the CPU. Returns whether that is a call.
    fn play(&mut self, sample: &Sample, into: &mut Vec<Event>) -> bool {
        let thread = &sample.threads[self.source];
        loop {
            let event = moved(thread.events[self.at].clone(), self.by_ns);
            let is_call = matches!(event, Event::Call(_));
            let is_ready = matches!(event, Event::Ready(_));
            into.push(self.name(event, &sample.trace));
            self.at += 1;
            if self.at == thread.events.len() {
                self.at = 0;
                self.by_ns += thread.span_ns + 1_000;
            }
            if is_call && self.below(PAUSE_ONE_IN) == 0 {
                self.by_ns += self.below(2 * PAUSE_STEP_NS * u64::from(self.number) + 1);
            }
            if !is_ready {
                return is_call;
            }
        }
    }

    /// The same, in its own name.
    fn name(&self, mut event: Event, trace: &waitscope::model::Trace) -> Event {
        let own = |id: &mut u32| *id += self.number * DESCRIPTORS_PER_THREAD;
        match &mut event {
            Event::Call(call) => {
                (call.pid, call.tid) = (trace.pid, FIRST_TID + self.number);
                call.descriptor.iter_mut().for_each(own);
            }
            Event::OffCpu(span) => (span.pid, span.tid) = (trace.pid, FIRST_TID + self.number),
            Event::Ready(ready) => {
                (ready.pid, ready.tid) = (trace.pid, FIRST_TID + self.number);
                ready.descriptor.iter_mut().for_each(own);
            }
            _ => {}
        }
        event
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % limit
    }
}

/// Writes a recording of so many calls.
pub(super) fn make(path: &Path, calls: u64, samples: &[&str]) -> Result<()> {
    let sample = Sample::read(samples)?;
    let began = Instant::now();
    let mut writer = Writer::create(path, &sample.trace)?;
    let mut events = first_events(&sample);
    let mut players: Vec<Player> = (0..THREADS)
        .map(|number| Player {
            number,
            source: number as usize % sample.threads.len(),
            at: 0,
            by_ns: u64::from(number) * 1_000,
            random: u64::from(number + 1) * 0x9e37_79b9_7f4a_7c15,
        })
        .collect();
    let mut next: BinaryHeap<_> = (0..)
        .zip(&players)
        .map(|(at, player): (usize, _)| Reverse((player.next_end_ns(&sample), at)))
        .collect();
    let (mut made, mut now_ns, mut records) = (0, 0, 0);
    while made < calls {
        let Reverse((end_ns, at)) = next.pop().context("a thread is missing")?;
        now_ns = end_ns;
        let player = &mut players[at];
        made += u64::from(player.play(&sample, &mut events));
        next.push(Reverse((player.next_end_ns(&sample), at)));
        if events.len() >= 8_192 {
            records += events.len() as u64;
            writer.append(&events)?;
            events.clear();
        }
    }
    records += events.len() as u64;
    writer.append(&events)?;
    writer.finish(End {
        at_ns: now_ns + 1,
        made: records,
        lost: 0,
        untracked: 0,
        compat: 0,
        unseen: 0,
    })?;
    let bytes = std::fs::metadata(path)
        .context("look at the recording")?
        .len();
    println!(
        "made     {calls:>11} calls, {records} rows, {:.1} s long, of {} sampled threads, in {:.1} s",
        now_ns as f64 / 1e9,
        sample.threads.len(),
        began.elapsed().as_secs_f64()
    );
    println!(
        "size     {:>11.1} MB, {:.2} bytes a call",
        bytes as f64 / 1e6,
        bytes as f64 / calls as f64
    );
    Ok(())
}

/// That the threads and what they work on were there.
fn first_events(sample: &Sample) -> Vec<Event> {
    let mut events = Vec::new();
    for number in 0..THREADS {
        events.push(Event::Life(Life {
            pid: sample.trace.pid,
            tid: FIRST_TID + number,
            at_ns: 0,
            kind: LifeKind::Found,
            name: format!("worker {number}"),
        }));
        events.extend(
            sample
                .descriptors
                .iter()
                .take(DESCRIPTORS_PER_THREAD as usize)
                .map(|descriptor| {
                    let mut descriptor = descriptor.clone();
                    descriptor.id += number * DESCRIPTORS_PER_THREAD;
                    Event::Descriptor(descriptor)
                }),
        );
    }
    events
}
