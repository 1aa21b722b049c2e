//! Everyone who gets the events of a trace, on a thread of its own: the page's store, the recording, the flight recorder.
//!
//! ```text
//!   drain ──words: events, ticks, flushes──▶ hands ──▶ recording, flight recorder, store
//!         ◀──────────emptied vectors────────
//! ```
//!
//! To encode a call takes as long as to read it from the ring and to sum it up. Where both are done by one thread, a million
//! calls a second overflow the ring; so the words queue up here, bounded, and whoever drains waits only when they are too many.

use std::mem;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};

use crate::{
    attach::Totals,
    model::{Condition, End, Event, OpenThread},
    recording::{Flight, Flown, Recorder},
    serve::Shared,
};

/// Words that may wait: with as many events as are drained in one go, some 40 MB.
const WAITING_MAX: usize = 8;

/// Who wants the events.
pub struct Takers {
    /// The page's store.
    pub shared: Option<Arc<Shared>>,
    /// The recording.
    pub writer: Option<Recorder>,
    /// The flight recorder.
    pub flight: Option<Flight>,
    /// Told once, if the recording can't be written any more.
    pub tell: fn(&anyhow::Error),
}

/// What is left once all events were handed over.
pub(crate) struct Ended {
    /// Nothing is missing from the recording, if there is one.
    pub(crate) recorded: bool,
    /// The file that was written last.
    pub(crate) file: Option<PathBuf>,
    /// What the flight recorder did, if there was one.
    pub(crate) flown: Option<Flown>,
}

/// How far a trace has come, for the page.
pub(crate) struct Tick {
    pub(crate) now_ns: u64,
    /// Nothing that ended before will come any more.
    pub(crate) sealed_ns: u64,
    pub(crate) open: Vec<OpenThread>,
    pub(crate) totals: Totals,
}

/// What is said to the thread, in this order.
enum Word {
    Events(Vec<Event>),
    Tick(Tick),
    /// Signals came, a bit each, at this time.
    Signals(u8, u64),
    /// The sums so far, once a second.
    Flush(End),
    /// The last events but the very last, which says how the trace ended; and that.
    Finish(Vec<Event>, End),
}

/// The thread, and the way to it.
pub(crate) struct Hands {
    /// Until it is to end.
    words: Option<SyncSender<Word>>,
    emptied: Receiver<Vec<Event>>,
    thread: Option<JoinHandle<Option<Ended>>>,
}

impl Drop for Hands {
    /// What was handed over is taken, whatever became of who drains.
    fn drop(&mut self) {
        self.words = None;
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

impl Hands {
    /// Starts it.
    ///
    /// # Errors
    /// There can be no more threads.
    pub(crate) fn start(takers: Takers) -> Result<Self> {
        let (words, said) = sync_channel(WAITING_MAX);
        let (give_back, emptied) = sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name("waitscope-hands".to_owned())
            .spawn(move || Taking::of(takers).listen(&said, &give_back))
            .context("start a thread to write the recording")?;
        Ok(Self {
            words: Some(words),
            emptied,
            thread: Some(thread),
        })
    }

    /// Hands events over, and empties them. Returns whether anybody still wants them.
    pub(crate) fn over(&self, events: &mut Vec<Event>) -> bool {
        if events.is_empty() {
            return true;
        }
        let empty = self.emptied.try_recv().unwrap_or_default();
        self.say(Word::Events(mem::replace(events, empty)))
    }

    /// Tells the page how far the trace has come. Returns the same.
    pub(crate) fn tick(&self, tick: Tick) -> bool {
        self.say(Word::Tick(tick))
    }

    /// Signals came, a bit each. Returns the same.
    pub(crate) fn signal(&self, bits: u8, at_ns: u64) -> bool {
        bits == 0 || self.say(Word::Signals(bits, at_ns))
    }

    /// Has what was handed over written out. Returns the same.
    pub(crate) fn flush(&self, so_far: End) -> bool {
        self.say(Word::Flush(so_far))
    }

    /// Hands over the last events, and ends the recording with `end`, which is the last of them.
    ///
    /// # Errors
    /// The thread panicked.
    pub(crate) fn finish(mut self, events: Vec<Event>, end: End) -> Result<Ended> {
        // It may have ended already, for want of anybody who takes them.
        let _gone = self.say(Word::Finish(events, end));
        let ended = self.thread.take().and_then(|thread| thread.join().ok());
        ended
            .flatten()
            .ok_or_else(|| anyhow!("hand the events over: the thread that did so is gone"))
    }

    fn say(&self, word: Word) -> bool {
        let words = self.words.as_ref();
        words.is_some_and(|words| words.send(word).is_ok())
    }
}

/// What the thread has.
struct Taking {
    shared: Option<Arc<Shared>>,
    writer: Option<Recorder>,
    flight: Option<Flight>,
    flown: Option<Flown>,
    tell: fn(&anyhow::Error),
    recorded: bool,
    file: Option<PathBuf>,
}

impl Taking {
    fn of(takers: Takers) -> Self {
        let Takers {
            shared,
            writer,
            flight,
            tell,
        } = takers;
        Self {
            flown: flight.as_ref().map(|flight| flight.flown().clone()),
            shared,
            writer,
            flight,
            tell,
            recorded: true,
            file: None,
        }
    }

    /// Does what it is told until it is told to finish, or nobody wants anything any more. `None` if whoever tells is gone
    /// before that.
    fn listen(mut self, said: &Receiver<Word>, emptied: &SyncSender<Vec<Event>>) -> Option<Ended> {
        while !self.is_empty() {
            match said.recv().ok()? {
                Word::Events(mut events) => {
                    self.over(&mut events);
                    // With room for all there can be, one too many is let go.
                    let _full = emptied.try_send(events);
                }
                Word::Tick(tick) => self.tick(tick),
                Word::Signals(bits, at_ns) => self.signals(bits, at_ns),
                Word::Flush(so_far) => {
                    self.write(|writer| writer.flush(so_far));
                    self.fly(|flight| flight.flush(so_far));
                    self.tell_captures();
                }
                Word::Finish(events, end) => return Some(self.finish(events, end)),
            }
        }
        Some(self.ended())
    }

    /// Nobody wants the events.
    fn is_empty(&self) -> bool {
        self.shared.is_none() && self.writer.is_none() && self.flight.is_none()
    }

    fn over(&mut self, events: &mut Vec<Event>) {
        self.write(|writer| writer.append(events));
        self.fly(|flight| flight.append(events));
        match &self.shared {
            Some(shared) => shared.store().extend(events.drain(..)),
            None => events.clear(),
        }
    }

    fn signals(&mut self, bits: u8, at_ns: u64) {
        for number in [1, 2] {
            if bits & number != 0
                && let Some(flight) = &mut self.flight
            {
                flight.asked(&Condition::Signal(number), at_ns);
            }
        }
    }

    fn tick(&mut self, tick: Tick) {
        let Tick {
            now_ns,
            sealed_ns,
            open,
            totals,
        } = tick;
        if let Some(shared) = &self.shared {
            if shared.take_wish()
                && let Some(flight) = &mut self.flight
            {
                flight.asked(&Condition::Page, now_ns);
            }
            let recorded_bytes = self.writer.as_ref().map(Recorder::bytes_written);
            shared.tick(now_ns, sealed_ns, open, &totals, recorded_bytes);
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

    /// Tells the page what the flight recorder has captured, if there is one, or was.
    fn tell_captures(&self) {
        match (&self.shared, &self.flight, &self.flown) {
            (Some(shared), Some(flight), _) => shared.flies(flight),
            (Some(shared), None, Some(flown)) => shared.flew(flown),
            _ => {}
        }
    }

    fn write(&mut self, act: impl FnOnce(&mut Recorder) -> Result<()>) {
        if let Some(writer) = &mut self.writer
            && let Err(error) = act(writer)
        {
            self.leave_writer();
            self.failed(&error);
        }
    }

    fn leave_writer(&mut self) -> Option<Recorder> {
        let writer = self.writer.take()?;
        self.file = Some(writer.file().to_owned());
        Some(writer)
    }

    /// The trace goes on without a recording that can't be written.
    fn failed(&mut self, error: &anyhow::Error) {
        self.recorded = false;
        (self.tell)(error);
    }

    fn finish(mut self, mut events: Vec<Event>, end: End) -> Ended {
        let last = events.pop();
        self.over(&mut events);
        if let Some(writer) = self.leave_writer()
            && let Err(error) = writer.finish(end)
        {
            self.failed(&error);
        }
        self.fly(|flight| flight.finish(end));
        if let Some(flight) = self.flight.take() {
            self.flown = Some(flight.flown().clone());
        }
        self.tell_captures();
        events.extend(last);
        self.over(&mut events);
        if let Some(shared) = &self.shared {
            shared.ended();
        }
        self.ended()
    }

    fn ended(self) -> Ended {
        let Self {
            recorded,
            file,
            flown,
            ..
        } = self;
        Ended {
            recorded,
            file,
            flown,
        }
    }
}
