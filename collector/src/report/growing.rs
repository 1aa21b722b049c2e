//! A summary that grows on one thread while others ask for the report so far.
//!
//! Who asks takes a copy: the thread that drains the ring waits for that long, and never for a report.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Report, Summary};
use crate::model::{Event, Trace};

/// A trace summed up while it is made, for several to look at.
#[derive(Clone)]
pub struct Growing(Arc<Mutex<Summary>>);

impl Growing {
    /// Nothing yet of this trace.
    pub fn new(trace: &Trace) -> Self {
        Self(Arc::new(Mutex::new(Summary::new(trace))))
    }

    /// Adds events.
    pub fn push(&self, events: &[Event]) {
        let mut summary = self.lock();
        events.iter().for_each(|event| summary.push(event));
    }

    /// What there is to report so far. The summary goes on as if nobody had asked.
    pub fn report(&self) -> Report {
        let copy = self.lock().clone();
        copy.finish()
    }

    /// A panic elsewhere while it was held is no reason for another one.
    fn lock(&self) -> MutexGuard<'_, Summary> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
