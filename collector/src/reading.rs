//! Something that is made of whole recordings, on one thread, while others ask how far it is.
//!
//! It must never make them wait.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use anyhow::Result;

/// How far the reading has come, and what it comes to.
pub struct Reading<T> {
    read: AtomicU64,
    all: AtomicU64,
    done: OnceLock<Result<Arc<T>, String>>,
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self {
            read: AtomicU64::new(0),
            all: AtomicU64::new(0),
            done: OnceLock::new(),
        }
    }
}

impl<T> Reading<T> {
    /// Reads all that is to be read. `make` tells of bytes: read so far, and of all.
    pub fn run(&self, make: impl FnOnce(&mut dyn FnMut(u64, u64)) -> Result<T>) {
        let made = make(&mut |read, all| {
            self.all.store(all, Ordering::Relaxed);
            self.read.store(read, Ordering::Relaxed);
        });
        let done = made.map(Arc::new).map_err(|error| format!("{error:#}"));
        // It is read once.
        let _first = self.done.set(done);
    }

    /// What it came to, or `None` while it is being read.
    pub fn done(&self) -> Option<&Result<Arc<T>, String>> {
        self.done.get()
    }

    /// Bytes read, and of how many.
    pub fn progress(&self) -> (u64, u64) {
        let all = self.all.load(Ordering::Relaxed);
        (self.read.load(Ordering::Relaxed).min(all), all)
    }
}
