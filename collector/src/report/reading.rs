//! A recording that is summed up while others ask how far it is.
//!
//! It must never make them wait.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use anyhow::Result;

use super::{Report, Summary};
use crate::recording::Reader;

/// How far the reading of a recording has come, and what it comes to.
#[derive(Default)]
pub struct Reading {
    read: AtomicU64,
    all: AtomicU64,
    done: OnceLock<Result<Arc<Report>, String>>,
}

impl Reading {
    /// Reads all of it. One that is cut is summed up as far as it goes, and says so.
    pub fn run(&self, reader: Reader) {
        let summed = sum_up(reader, |read, all| {
            self.all.store(all, Ordering::Relaxed);
            self.read.store(read, Ordering::Relaxed);
        });
        let done = summed.map(Arc::new).map_err(|error| format!("{error:#}"));
        // It is read once.
        let _first = self.done.set(done);
    }

    /// What it came to, or `None` while it is being read.
    pub fn done(&self) -> Option<&Result<Arc<Report>, String>> {
        self.done.get()
    }

    /// Bytes read, and of how many.
    pub fn progress(&self) -> (u64, u64) {
        let all = self.all.load(Ordering::Relaxed);
        (self.read.load(Ordering::Relaxed).min(all), all)
    }
}

/// Sums a recording up, and tells of bytes: read so far, and of all.
pub(super) fn sum_up(mut reader: Reader, mut progress: impl FnMut(u64, u64)) -> Result<Report> {
    let mut summary = Summary::new(reader.trace());
    while let Some(events) = reader.next_batch()? {
        for event in &events {
            summary.push(event);
        }
        progress(reader.bytes_read(), reader.bytes_total());
    }
    let mut report = summary.finish();
    report.trace.cut = reader.cut().map(ToString::to_string);
    Ok(report)
}
