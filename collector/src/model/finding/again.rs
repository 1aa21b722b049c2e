//! Receives that find nothing: in a row on one descriptor without anybody asking whether it is ready, or most of
//! those of a thread.

use super::What;
use super::thread::Found;
use crate::model::{Call, CallKind};

/// Receives from one descriptor that found nothing, in a row with no readiness call: far more than a try to see
/// whether the bytes are there already.
const STORM_MIN: u64 = 100;
/// Receives of a thread before their share that found nothing says something.
const RECEIVES_MIN: u64 = 1_000;
/// The share, in percent. Half is what it costs to read to the end at each wake-up, as edge-triggered loops must.
const MOSTLY_PERCENT: u64 = 67;
/// Descriptors watched at one time in one thread.
const WATCHED_MAX: usize = 32;

const EAGAIN: i64 = -11;

#[derive(Clone, Debug)]
struct Row {
    fd: i32,
    id: Option<u32>,
    again: u64,
    since_ns: u64,
    last_ns: u64,
}

/// What one thread received in vain.
#[derive(Clone, Debug, Default)]
pub(super) struct Again {
    rows: Vec<Row>,
    /// Readiness calls of the process when the rows began.
    readiness: u64,
    receives: u64,
    again: u64,
    first_ns: u64,
    last_ns: u64,
}

/// Whether a receive or accept found nothing, and did not wait for it either.
pub(super) fn found_nothing(kind: CallKind, call: &Call) -> bool {
    kind.takes() && call.sleeps == 0 && call.ret == Some(EAGAIN)
}

impl Again {
    /// A receive or accept ended. `readiness` is how many readiness calls all threads of the process have made,
    /// if that is known.
    pub(super) fn receive(
        &mut self,
        kind: CallKind,
        call: &Call,
        on: Option<u32>,
        readiness: Option<u64>,
        found: &mut Vec<Found>,
    ) {
        if self.receives == 0 {
            self.first_ns = call.start_ns;
        }
        self.receives += 1;
        self.last_ns = call.end_ns;
        if !found_nothing(kind, call) {
            return;
        }
        self.again += 1;
        let (Some(fd), Some(readiness)) = (call.fd, readiness) else {
            return;
        };
        if self.readiness != readiness {
            self.readiness = readiness;
            self.end_rows(found);
        }
        let room = self.rows.len() < WATCHED_MAX;
        match self.rows.iter_mut().find(|row| row.fd == fd) {
            Some(row) if row.id == on => {
                row.again += 1;
                row.last_ns = call.end_ns;
            }
            Some(row) => {
                row.end(found);
                *row = Row::new(fd, on, call);
            }
            None if room => self.rows.push(Row::new(fd, on, call)),
            None => {}
        }
    }

    fn end_rows(&mut self, found: &mut Vec<Found>) {
        self.rows.drain(..).for_each(|row| row.end(found));
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, found: &mut Vec<Found>) {
        self.end_rows(found);
        let mostly =
            u128::from(self.again) * 100 > u128::from(self.receives) * u128::from(MOSTLY_PERCENT);
        if self.receives >= RECEIVES_MIN && mostly {
            found.push(Found {
                what: What::MostlyAgain {
                    again: self.again,
                    receives: self.receives,
                },
                on: None,
                start_ns: self.first_ns,
                end_ns: self.last_ns,
                inferred: false,
            });
        }
    }
}

impl Row {
    fn new(fd: i32, id: Option<u32>, call: &Call) -> Self {
        Self {
            fd,
            id,
            again: 1,
            since_ns: call.start_ns,
            last_ns: call.end_ns,
        }
    }

    fn end(&self, found: &mut Vec<Found>) {
        if self.again >= STORM_MIN {
            found.push(Found {
                what: What::AgainStorm { again: self.again },
                on: self.id,
                start_ns: self.since_ns,
                end_ns: self.last_ns,
                inferred: false,
            });
        }
    }
}
