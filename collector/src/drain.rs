//! The one loop that reads the ring, and hands what it says to whoever wants it: the page's store, the
//! recording, the summary.
//!
//! It runs on a thread of its own, so that a slow browser never makes the ring overflow. It must never
//! wait for anything but the ring.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use crate::{
    attach::Session,
    model::{End, Event},
    recording::Writer,
    report::{Report, Summary},
    serve::Shared,
    text::escape,
};

/// How long records may stay in the ring: short enough for a live page, long enough to cost nothing.
const DRAIN_EVERY: Duration = Duration::from_millis(10);
/// How often the page is told how far the trace has come.
const TICK_EVERY: Duration = Duration::from_millis(100);
/// How often a recording is written out, and threads' names are looked at.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// Records taken in one go, so that the page never waits long for the store.
const BATCH_RECORDS: usize = 16_384;
/// A record may be made this much before it is in the ring, if its CPU is taken away in between.
const SETTLED_AFTER_NS: u64 = 200_000_000;

/// Who wants the events.
pub struct Sinks {
    /// The page's store.
    pub shared: Option<Arc<Shared>>,
    /// The recording.
    pub writer: Option<Writer>,
}

/// How a trace went.
pub struct Outcome {
    /// What it showed.
    pub report: Report,
    /// The sums at its end.
    pub end: End,
    /// Records that contradicted themselves and were left out; there should be none.
    pub unsound: u64,
    /// Why the recording ends before the trace did, if it does.
    pub recording: Result<()>,
    /// The target ended by itself.
    pub target_ended: bool,
}

/// Drains until told to stop, until the target ends, or until the time is over.
pub fn drain(
    mut session: Session,
    sinks: Sinks,
    duration: Option<Duration>,
    stop: &AtomicBool,
) -> Result<Outcome> {
    let Sinks { shared, mut writer } = sinks;
    let mut summary = Summary::new(session.trace());
    let mut recording = Ok(());
    let mut events = Vec::with_capacity(BATCH_RECORDS);
    let began = Instant::now();
    let (mut ticked, mut flushed) = (began, began);
    let mut target_ended = false;

    let mut hand_over = |events: &mut Vec<Event>, writer: &mut Option<Writer>| {
        events.iter().for_each(|event| summary.push(event));
        if let Some(open) = writer
            && let Err(error) = open.append(events)
        {
            recording = Err(error);
            *writer = None;
        }
        if let Some(shared) = &shared {
            shared.store().extend(events.drain(..));
        }
        events.clear();
    };

    while !stop.load(Ordering::Relaxed) {
        let left = duration.map(|duration| duration.saturating_sub(began.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            break;
        }
        session.wait(left.unwrap_or(DRAIN_EVERY).min(DRAIN_EVERY))?;
        // Asked before the ring is emptied: whatever the target did before its end is in there.
        target_ended = session.has_ended();
        let now_ns = session.now_ns()?;
        loop {
            let all = session.drain(&mut events, BATCH_RECORDS);
            hand_over(&mut events, &mut writer);
            if all || stop.load(Ordering::Relaxed) {
                break;
            }
        }
        if target_ended {
            break;
        }
        if ticked.elapsed() >= TICK_EVERY {
            ticked = Instant::now();
            if let Some(shared) = &shared {
                let open = session.open()?;
                let totals = session.totals()?;
                let recorded_bytes = writer.as_ref().map(Writer::bytes_written);
                shared.tick(now_ns, now_ns.saturating_sub(SETTLED_AFTER_NS), open, &totals, recorded_bytes);
            }
        }
        if flushed.elapsed() >= FLUSH_EVERY {
            flushed = Instant::now();
            session.rename(&mut events)?;
            hand_over(&mut events, &mut writer);
            if let Some(open) = &mut writer
                && let Err(error) = open.flush()
            {
                recording = Err(error);
                writer = None;
            }
        }
    }
    let finished = session.finish(&mut events)?;
    // The recording's own end is written by `finish` below.
    let end_event = events.pop();
    hand_over(&mut events, &mut writer);
    events.extend(end_event);
    let mut no_writer = None;
    hand_over(&mut events, &mut no_writer);
    if let Some(writer) = writer {
        recording = writer.finish(finished.end);
    }
    if let Some(shared) = &shared {
        shared.ended();
    }
    Ok(Outcome {
        report: summary.finish(),
        end: finished.end,
        unsound: finished.unsound,
        recording,
        target_ended,
    })
}
