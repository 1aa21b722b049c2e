//! The one loop that reads the ring, and hands what it says to whoever wants it: the page's store, the
//! recording, the summary.
//!
//! It runs on a thread of its own, so that a slow browser never makes the ring overflow. It must never
//! wait for anything but the ring.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{
    attach::{Finished, Session, Totals},
    model::{End, Event},
    recording::{Flight, Flown, Recorder},
    report::{Growing, Report},
    serve::Shared,
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
    /// The summary.
    pub summary: Growing,
    /// The page's store.
    pub shared: Option<Arc<Shared>>,
    /// The recording.
    pub writer: Option<Recorder>,
    /// The flight recorder.
    pub flight: Option<Flight>,
    /// Bits of the signals that its triggers wait for, set as they come.
    pub signals: Arc<AtomicU8>,
    /// Pass on what the kernel side logs.
    pub verbose: bool,
    /// Told once, if the recording can't be written any more.
    pub tell: fn(&anyhow::Error),
}

/// How a trace went.
pub struct Outcome {
    /// What it showed.
    pub report: Report,
    /// The sums at its end.
    pub end: End,
    /// Records that contradicted themselves and were left out; there should be none.
    pub unsound: u64,
    /// The recording, if one was wanted, holds all of it.
    pub recorded: bool,
    /// The file that was written last.
    pub file: Option<PathBuf>,
    /// What the flight recorder did, if there was one.
    pub flown: Option<Flown>,
    /// The target ended by itself.
    pub target_ended: bool,
}

/// Drains until told to stop, until the target ends (and, where they are followed, its children), until
/// the time is over, or until nobody wants the events any more.
pub fn drain(
    mut session: Session,
    sinks: Sinks,
    duration: Option<Duration>,
    stop: &AtomicBool,
) -> Result<Outcome> {
    let Sinks {
        summary,
        shared,
        writer,
        flight,
        signals,
        verbose,
        tell,
    } = sinks;
    let mut logger = verbose.then(|| session.logger()).transpose()?;
    let mut hands = Hands {
        summary,
        shared,
        writer,
        flown: flight.as_ref().map(|flight| flight.flown().clone()),
        flight,
        tell,
        recorded: true,
    };
    let mut events = Vec::with_capacity(BATCH_RECORDS);
    let began = Instant::now();
    let (mut ticked, mut flushed) = (began, began);
    let mut target_ended = false;

    while !target_ended && !stop.load(Ordering::Relaxed) && !hands.are_empty() {
        let left = duration.map_or(DRAIN_EVERY, |all| all.saturating_sub(began.elapsed()));
        if left.is_zero() {
            break;
        }
        session.wait(left.min(DRAIN_EVERY))?;
        // Asked before the ring is emptied: whatever the target did before its end is in there, the
        // beginning of every child too.
        let ended = session.has_ended();
        let now_ns = session.now_ns()?;
        while !session.drain(&mut events, BATCH_RECORDS) && !stop.load(Ordering::Relaxed) {
            hands.over(&mut events);
        }
        hands.over(&mut events);
        target_ended = ended && session.live_threads() == 0;
        if let Some(logger) = &mut logger {
            logger.flush();
        }
        if ticked.elapsed() >= TICK_EVERY {
            ticked = Instant::now();
            hands.tick(&mut session, now_ns)?;
        }
        if flushed.elapsed() >= FLUSH_EVERY {
            flushed = Instant::now();
            session.rename(&mut events)?;
            hands.over(&mut events);
            hands.signal(signals.swap(0, Ordering::Relaxed), now_ns);
            hands.flush(so_far(&session, now_ns)?);
        }
    }
    let Finished {
        end,
        delivered: _,
        unsound,
    } = session.finish(&mut events)?;
    let file = hands.writer.as_ref().map(|writer| writer.file().to_owned());
    let Ended {
        report,
        recorded,
        flown,
    } = hands.finish(events, end);
    Ok(Outcome {
        report,
        end,
        unsound,
        recorded,
        file,
        flown,
        target_ended,
    })
}

/// The sums of the trace up to now.
fn so_far(session: &Session, at_ns: u64) -> Result<End> {
    let Totals {
        made,
        lost,
        untracked,
        compat,
        unseen,
    } = session.totals()?;
    Ok(End {
        at_ns,
        made,
        lost,
        untracked,
        compat,
        unseen,
    })
}

/// Everyone who gets the events.
struct Hands {
    summary: Growing,
    shared: Option<Arc<Shared>>,
    writer: Option<Recorder>,
    flight: Option<Flight>,
    flown: Option<Flown>,
    tell: fn(&anyhow::Error),
    /// Nothing is missing from the recording, if there is one.
    recorded: bool,
}

impl Hands {
    /// Nobody wants the events.
    fn are_empty(&self) -> bool {
        self.shared.is_none() && self.writer.is_none() && self.flight.is_none()
    }

    /// Hands events over, and empties them.
    fn over(&mut self, events: &mut Vec<Event>) {
        self.summary.push(events);
        self.write(|writer| writer.append(events));
        self.fly(|flight| flight.append(events));
        match &self.shared {
            Some(shared) => shared.store().extend(events.drain(..)),
            None => events.clear(),
        }
    }

    fn flush(&mut self, so_far: End) {
        self.write(|writer| writer.flush(so_far));
        self.fly(|flight| flight.flush(so_far));
    }

    /// Signals came, a bit each.
    fn signal(&mut self, bits: u8, at_ns: u64) {
        for number in [1, 2] {
            if bits & number != 0
                && let Some(flight) = &mut self.flight
            {
                flight.signal(number, at_ns);
            }
        }
    }

    fn fly(&mut self, act: impl FnOnce(&mut Flight) -> Result<()>) {
        let Some(flight) = &mut self.flight else {
            return;
        };
        let done = act(flight);
        if let Err(error) = done {
            self.flown = Some(flight.flown().clone());
            self.flight = None;
            self.failed(&error);
        }
    }

    fn write(&mut self, act: impl FnOnce(&mut Recorder) -> Result<()>) {
        if let Some(writer) = &mut self.writer
            && let Err(error) = act(writer)
        {
            self.writer = None;
            self.failed(&error);
        }
    }

    /// The trace goes on without a recording that can't be written.
    fn failed(&mut self, error: &anyhow::Error) {
        self.recorded = false;
        (self.tell)(error);
    }

    fn tick(&self, session: &mut Session, now_ns: u64) -> Result<()> {
        let Some(shared) = &self.shared else {
            return Ok(());
        };
        let sealed_ns = now_ns.saturating_sub(SETTLED_AFTER_NS);
        let recorded_bytes = self.writer.as_ref().map(Recorder::bytes_written);
        shared.tick(
            now_ns,
            sealed_ns,
            session.open()?,
            &session.totals()?,
            recorded_bytes,
        );
        Ok(())
    }

    /// Hands over the last events, and ends the recording with `end`, which is the last of them.
    fn finish(mut self, mut events: Vec<Event>, end: End) -> Ended {
        let last = events.pop();
        self.over(&mut events);
        if let Some(writer) = self.writer.take()
            && let Err(error) = writer.finish(end)
        {
            self.failed(&error);
        }
        self.fly(|flight| flight.finish(end));
        if let Some(flight) = self.flight.take() {
            self.flown = Some(flight.flown().clone());
        }
        events.extend(last);
        self.over(&mut events);
        if let Some(shared) = &self.shared {
            shared.ended();
        }
        Ended {
            report: self.summary.report(),
            recorded: self.recorded,
            flown: self.flown,
        }
    }
}

/// What is left once all events were handed over.
struct Ended {
    report: Report,
    recorded: bool,
    flown: Option<Flown>,
}
