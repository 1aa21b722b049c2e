//! A flight recorder: keeps the last of a trace in bounded memory, and writes it to a file when something happens,
//! with what comes after.
//!
//! ```text
//!   events ──▶ segment being filled ──once a second──▶ window: segments, each a recording in memory
//!                                                          │ a condition held
//!                                                          ▼
//!                                    a thread of its own writes the window, and each segment that follows
//! ```
//!
//! Whoever appends must never wait for the disk.

use std::collections::VecDeque;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::encode::Encoder;
use super::rotate::{name_at, since};
use super::{Reader, Writer};
use crate::model::{Arch, CallKinds, Condition, End, Event, Fired, Known, Rule, Trace, Triggers};

/// Segments that may wait for a slow disk: as many seconds.
const WAITING_MAX: usize = 64;

/// What to keep, and when to write it.
#[derive(Clone, Debug)]
pub struct FlightPlan {
    /// Captures are called like this file, with the time.
    pub path: PathBuf,
    /// How much of the past is kept.
    pub window: Duration,
    /// How long a capture goes on after what caused it.
    pub after: Duration,
    /// Memory for the window; the oldest goes beyond it.
    pub memory_bytes: u64,
    /// After a capture, until the next.
    pub cool_down: Duration,
    /// Bytes of all captures; the oldest are removed beyond it.
    pub disk_bytes: u64,
    /// When to write.
    pub rules: Vec<Rule>,
}

/// A capture that is whole.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub fired: Fired,
    /// Its size.
    pub bytes: u64,
    /// The time it holds.
    pub holds: (u64, u64),
    /// It was removed, for later ones needed the room.
    pub removed: bool,
}

/// What a flight recorder did.
#[derive(Clone, Debug, Default)]
pub struct Flown {
    /// All captures, in order.
    pub captures: Vec<Capture>,
    /// How often a condition held while a capture was under way or had just been made.
    pub passed_over: u64,
    /// The window was shorter than wanted, for want of memory: so long it was at least.
    pub shortest: Option<Duration>,
}

/// A part of the trace, encoded.
struct Segment {
    bytes: Vec<u8>,
    /// Its events of lives and descriptors.
    facts: Vec<Event>,
    began: End,
    ended: End,
}

/// The bytes of a segment, to be read while others hold it.
struct Shared(Arc<Segment>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

/// A capture under way.
struct Running {
    fired: Fired,
    path: PathBuf,
    until_ns: u64,
    /// `None` once it has all it needs.
    more: Option<SyncSender<Arc<Segment>>>,
    thread: JoinHandle<Result<(u64, (u64, u64))>>,
}

/// A flight recorder.
pub struct Flight {
    plan: FlightPlan,
    trace: Trace,
    triggers: Triggers,
    fired: Option<Fired>,
    /// What was known as the window begins.
    known: Known,
    window: VecDeque<Arc<Segment>>,
    window_bytes: u64,
    filling: Encoder,
    facts: Vec<Event>,
    /// The sums as the segment began that is being filled.
    began: End,
    running: Option<Running>,
    not_before_ns: u64,
    flown: Flown,
}

impl Flight {
    /// Begins.
    ///
    /// # Errors
    /// None to speak of: nothing is opened yet.
    pub fn new(plan: FlightPlan, trace: &Trace) -> Result<Self> {
        let kinds = CallKinds::new(Arch::from_machine(&trace.arch));
        Ok(Self {
            triggers: Triggers::new(plan.rules.clone(), kinds),
            plan,
            trace: trace.clone(),
            fired: None,
            known: Known::default(),
            window: VecDeque::new(),
            window_bytes: 0,
            filling: Encoder::new(trace, &[])?,
            facts: Vec::new(),
            began: End::default(),
            running: None,
            not_before_ns: 0,
            flown: Flown::default(),
        })
    }

    /// Takes in events, in the order in which they ended.
    ///
    /// # Errors
    /// An event has a name that is too long.
    pub fn append(&mut self, events: &[Event]) -> Result<()> {
        for event in events {
            if let Some(fired) = self.triggers.push(event) {
                self.fire(fired);
            }
            if matches!(event, Event::Life(_) | Event::Descriptor(_)) {
                self.facts.push(event.clone());
            }
        }
        self.filling.append(events)
    }

    /// Somebody asks from outside of the trace, in this way.
    pub fn asked(&mut self, by: &Condition, at_ns: u64) {
        if let Some(fired) = self.triggers.asked(by, at_ns) {
            self.fire(fired);
        }
    }

    /// Whether it heeds who asks in this way.
    pub fn heeds(&self, by: &Condition) -> bool {
        self.triggers.rule(by).is_some()
    }

    fn fire(&mut self, fired: Fired) {
        if self.fired.is_some() || self.running.is_some() || fired.at_ns < self.not_before_ns {
            self.flown.passed_over += 1;
        } else {
            self.fired = Some(fired);
        }
    }

    /// Once a second: what came since the last time is one segment more. The sums are those of the trace so far.
    ///
    /// # Errors
    /// A capture could not be written.
    pub fn flush(&mut self, so_far: End) -> Result<()> {
        self.seal(so_far)?;
        self.let_go(so_far.at_ns);
        if let Some(fired) = self.fired.take() {
            self.begin(fired)?;
        }
        self.end_if_over(so_far.at_ns)
    }

    fn seal(&mut self, so_far: End) -> Result<()> {
        self.filling.finish(since(so_far, self.began))?;
        let next = Encoder::new(&self.trace, &[])?;
        let mut sealed = std::mem::replace(&mut self.filling, next);
        let segment = Arc::new(Segment {
            bytes: sealed.take_bytes(),
            facts: std::mem::take(&mut self.facts),
            began: std::mem::replace(&mut self.began, so_far),
            ended: so_far,
        });
        self.window_bytes += segment.bytes.len() as u64;
        if let Some(running) = &mut self.running
            && let Some(more) = &running.more
            && more.try_send(Arc::clone(&segment)).is_err()
        {
            // It can't keep up, or has failed: that it says itself.
            running.more = None;
        }
        self.window.push_back(segment);
        Ok(())
    }

    /// Lets the oldest segments go that the window does not reach, or for which there is no room.
    fn let_go(&mut self, now_ns: u64) {
        let window_ns = nanos(self.plan.window);
        while let Some(oldest) = self.window.front() {
            let age_ns = now_ns.saturating_sub(oldest.ended.at_ns);
            let too_old = age_ns > window_ns;
            if !too_old && self.window_bytes <= self.plan.memory_bytes {
                break;
            }
            if !too_old {
                let age = Duration::from_nanos(age_ns);
                let shortest = self.flown.shortest.map_or(age, |before| before.min(age));
                self.flown.shortest = Some(shortest);
            }
            self.window_bytes = self.window_bytes.saturating_sub(oldest.bytes.len() as u64);
            oldest.facts.iter().for_each(|fact| self.known.push(fact));
            self.window.pop_front();
        }
    }

    fn begin(&mut self, fired: Fired) -> Result<()> {
        let path = name_at(&self.plan.path, &self.trace, fired.at_ns);
        let (more, rest) = sync_channel(WAITING_MAX);
        let job = Job {
            path: path.clone(),
            trace: self.trace.clone(),
            known: self.known.clone(),
            fired: fired.clone(),
            window: self.window.iter().cloned().collect(),
            bytes_max: self.plan.disk_bytes,
        };
        let thread = std::thread::Builder::new()
            .name("waitscope-capture".to_owned())
            .spawn(move || job.write(&rest))
            .context("start the thread that writes a capture")?;
        self.running = Some(Running {
            until_ns: fired.at_ns.saturating_add(nanos(self.plan.after)),
            fired,
            path,
            more: Some(more),
            thread,
        });
        Ok(())
    }

    fn end_if_over(&mut self, now_ns: u64) -> Result<()> {
        let Some(running) = &mut self.running else {
            return Ok(());
        };
        if now_ns >= running.until_ns {
            running.more = None;
        }
        if running.thread.is_finished() {
            self.not_before_ns = now_ns.saturating_add(nanos(self.plan.cool_down));
            self.end_capture()?;
        }
        Ok(())
    }

    fn end_capture(&mut self) -> Result<()> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        running.more = None;
        let written = running.thread.join();
        let written = written.map_err(|_| anyhow!("the thread that writes a capture panicked"))?;
        let (bytes, holds) = written?;
        self.flown.captures.push(Capture {
            path: running.path,
            fired: running.fired,
            bytes,
            holds,
            removed: false,
        });
        self.make_room()
    }

    /// Removes the oldest captures beyond what they may take together; the newest stays.
    fn make_room(&mut self) -> Result<()> {
        let mut left = self.plan.disk_bytes;
        for (newer, capture) in self.flown.captures.iter_mut().rev().enumerate() {
            if capture.removed {
                continue;
            }
            match left.checked_sub(capture.bytes) {
                Some(rest) => left = rest,
                None if newer == 0 => left = 0,
                None => {
                    left = 0;
                    std::fs::remove_file(&capture.path).with_context(|| {
                        format!("remove old capture {}", capture.path.display())
                    })?;
                    capture.removed = true;
                }
            }
        }
        Ok(())
    }

    /// What was done so far.
    pub fn flown(&self) -> &Flown {
        &self.flown
    }

    /// Why a capture is being made, if one is or is about to be.
    pub fn under_way(&self) -> Option<&Fired> {
        let running = self.running.as_ref().map(|running| &running.fired);
        running.or(self.fired.as_ref())
    }

    /// The trace has ended: ends the capture that is under way, or makes one of what happened in the last second.
    ///
    /// # Errors
    /// It could not be written.
    pub fn finish(&mut self, end: End) -> Result<()> {
        self.flush(end)?;
        self.end_capture()
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// What the thread needs that writes a capture.
struct Job {
    path: PathBuf,
    trace: Trace,
    known: Known,
    fired: Fired,
    window: Vec<Arc<Segment>>,
    bytes_max: u64,
}

impl Job {
    /// Writes the window, and what follows until no more is handed over, or it is too much for the disk.
    fn write(self, rest: &Receiver<Arc<Segment>>) -> Result<(u64, (u64, u64))> {
        let mut writer = Writer::create_with(&self.path, &self.trace, &notes(&self.fired))?;
        let mut from: Option<End> = None;
        let mut to = End::default();
        for segment in self.window.into_iter().chain(rest.iter()) {
            if from.is_none() {
                writer.append(&self.known.events(segment.began.at_ns))?;
            }
            from.get_or_insert(segment.began);
            to = segment.ended;
            copy(segment, &mut writer)?;
            if writer.bytes_written() >= self.bytes_max {
                break;
            }
        }
        let from = from.unwrap_or_default();
        writer.flush()?;
        writer.finish(since(to, from))?;
        let bytes = std::fs::metadata(&self.path)?.len();
        Ok((bytes, (from.at_ns, to.at_ns)))
    }
}

/// Writes the events of a segment, but for its end.
fn copy(segment: Arc<Segment>, writer: &mut Writer) -> Result<()> {
    let length = segment.bytes.len() as u64;
    let mut reader = Reader::new(Cursor::new(Shared(segment)), length)?;
    while let Some(mut events) = reader.next_batch()? {
        if matches!(events.last(), Some(Event::End(_))) {
            events.pop();
        }
        writer.append(&events)?;
    }
    reader.cut().map_or(Ok(()), |cut| Err(anyhow!("{cut}")))
}

/// Why there is a capture, for its header.
fn notes(fired: &Fired) -> Vec<(&'static str, String)> {
    let Fired {
        rule,
        at_ns,
        tid,
        number,
    } = fired;
    let mut notes = vec![
        ("trigger", rule.clone()),
        ("trigger_at_ns", at_ns.to_string()),
    ];
    notes.extend(tid.map(|tid| ("trigger_tid", tid.to_string())));
    notes.extend(number.map(|number| ("trigger_number", number.to_string())));
    notes
}
