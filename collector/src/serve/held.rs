//! What the store of a live trace still holds, written as a recording in memory when an export is asked for: so all exports have
//! one way to be read.
//!
//! It must never be made before somebody asks, nor hold the store meanwhile, nor hand out as whole what is not: what was let go is
//! not in it, and it begins where all is there.

use std::fs::File;
use std::os::fd::AsRawFd as _;

use anyhow::{Context as _, Result};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::{
    export::{Source, Written},
    model::{End, Event, Trace},
    recording::Writer,
    store::Around,
};

/// What an export calls it.
const NAME: &str = "trace";

/// A live trace, as it was at one moment.
pub(super) struct Held {
    trace: Trace,
    around: Around,
    end: Option<End>,
}

impl Held {
    /// It shares the store's memory.
    pub(super) fn new(trace: &Trace, around: Around, end: Option<End>) -> Self {
        Self {
            trace: trace.clone(),
            around,
            end,
        }
    }

    /// Since when all is there.
    pub(super) fn since_ns(&self) -> u64 {
        self.around.held_ns()
    }

    /// A recording of it. An error from `goes_on` ends it.
    ///
    /// # Errors
    /// There is no memory for it, or `goes_on` says so.
    pub(super) fn written(self, goes_on: impl Fn() -> Result<()>) -> Result<Written> {
        let act = || "write what is in memory as a recording";
        let file = memfd_create("waitscope-export", MemfdFlags::CLOEXEC).with_context(act)?;
        let file = File::from(file);
        // It has no other name.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let mut writer = Writer::create(path, &self.trace)?;
        self.around.each(|events| {
            goes_on()?;
            // What threads are doing is told with the trace's end.
            let told = |event: &Event| self.end.is_some() || !matches!(event, Event::Open(_));
            let told: Vec<Event> = events.into_iter().filter(told).collect();
            writer.append(&told)
        })?;
        match self.end {
            Some(end) => writer.finish(end)?,
            None => writer.flush()?,
        }
        Source::of(file, NAME).written()
    }
}
