//! The one loop that reads the ring, sums up what it says, and hands it to whoever wants it.
//!
//! It runs on a thread of its own, so that a slow browser never makes the ring overflow. It must never
//! wait for anything but the ring, and for [`hands`](crate::hands) that are full.

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
    hands::{Ended, Hands, Takers, Tick},
    model::{End, Event},
    recording::Flown,
    report::{Growing, Report},
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
    /// All others.
    pub takers: Takers,
    /// Bits of the signals that the flight recorder's triggers wait for, set as they come.
    pub signals: Arc<AtomicU8>,
    /// Pass on what the kernel side logs.
    pub verbose: bool,
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
        takers,
        signals,
        verbose,
    } = sinks;
    let mut logger = verbose.then(|| session.logger()).transpose()?;
    let has_page = takers.shared.is_some();
    let hands = Hands::start(takers)?;
    let hand_over = |events: &mut Vec<Event>| {
        summary.push(events);
        hands.over(events)
    };
    let mut events = Vec::with_capacity(BATCH_RECORDS);
    let began = Instant::now();
    let (mut ticked, mut flushed) = (began, began);
    let (mut target_ended, mut wanted, mut emptied) = (false, true, true);
    // All that ended before was in the ring when that was emptied last.
    let mut sealed_ns = 0;

    while !target_ended && !stop.load(Ordering::Relaxed) && wanted {
        let left = duration.map_or(DRAIN_EVERY, |all| all.saturating_sub(began.elapsed()));
        if left.is_zero() {
            break;
        }
        if emptied {
            session.wait(left.min(DRAIN_EVERY))?;
        }
        // Asked before the ring is emptied: whatever the target did before its end is in there, the
        // beginning of every child too.
        let ended = session.has_ended();
        let now_ns = session.now_ns()?;
        let draining = Instant::now();
        emptied = session.drain(&mut events, BATCH_RECORDS);
        // A ring that fills as fast as it is emptied must not keep us from all else.
        while !emptied && !stop.load(Ordering::Relaxed) && draining.elapsed() < TICK_EVERY {
            wanted &= hand_over(&mut events);
            emptied = session.drain(&mut events, BATCH_RECORDS);
        }
        wanted &= hand_over(&mut events);
        if emptied {
            sealed_ns = now_ns.saturating_sub(SETTLED_AFTER_NS);
        }
        target_ended = emptied && ended && session.live_threads() == 0;
        if let Some(logger) = &mut logger {
            logger.flush();
        }
        if has_page && ticked.elapsed() >= TICK_EVERY {
            ticked = Instant::now();
            wanted &= hands.tick(Tick {
                now_ns,
                sealed_ns,
                open: session.open()?,
                totals: session.totals()?,
            });
        }
        if flushed.elapsed() >= FLUSH_EVERY {
            flushed = Instant::now();
            session.rename(&mut events)?;
            wanted &= hand_over(&mut events);
            wanted &= hands.signal(signals.swap(0, Ordering::Relaxed), now_ns);
            wanted &= hands.flush(so_far(&session, now_ns)?);
        }
    }
    let Finished {
        end,
        delivered: _,
        unsound,
    } = session.finish(&mut events)?;
    summary.push(&events);
    let Ended {
        recorded,
        file,
        flown,
    } = hands.finish(events, end)?;
    Ok(Outcome {
        report: summary.report(),
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
