//! Findings in words, for people and for programs.
//!
//! The words of [`What::word`] and [`What::numbers`] are a promise to programs. Nothing here is escaped.

use std::fmt;

use super::{Finding, Unacted, What};
use crate::model::readiness as bit;
use crate::text::{count, nanos, percent};

impl What {
    /// The word used in reports.
    pub fn word(&self) -> &'static str {
        match self {
            Self::HangUpIgnored(_) => "hang_up_ignored",
            Self::Spin(_) => "spin",
            Self::BlockingInLoop { .. } => "blocking_in_loop",
            Self::NeverRead(_) => "never_read",
            Self::AgainStorm { .. } => "again_storm",
            Self::MostlyAgain { .. } => "mostly_again",
            Self::Herd { .. } => "herd",
            Self::BusyPolling { .. } => "busy_polling",
            Self::RunQueue { .. } => "run_queue",
            Self::LateReading { .. } => "late_reading",
            Self::TinyReads { .. } => "tiny_reads",
            Self::SmallBatches { .. } => "small_batches",
        }
    }

    /// The numbers behind it by their names, the one that says how bad it is first.
    pub fn numbers(&self) -> Vec<(&'static str, u64)> {
        match *self {
            Self::HangUpIgnored(Unacted { ready, bits, .. })
            | Self::Spin(Unacted { ready, bits, .. })
            | Self::NeverRead(Unacted { ready, bits, .. }) => {
                vec![("ready", ready), ("bits", bits.into())]
            }
            Self::BlockingInLoop {
                call: _,
                times,
                blocked_ns,
                longest_ns,
            } => vec![
                ("blocked_ns", blocked_ns),
                ("calls", times),
                ("longest_ns", longest_ns),
            ],
            Self::AgainStorm { again } => vec![("again", again)],
            Self::MostlyAgain { again, receives } => {
                vec![("again", again), ("receives", receives)]
            }
            Self::Herd {
                times,
                woken,
                nothing,
            } => vec![("nothing", nothing), ("woken", woken), ("herds", times)],
            Self::BusyPolling { checks, polling_ns } => {
                vec![("polling_ns", polling_ns), ("checks", checks)]
            }
            Self::RunQueue {
                calls,
                runnable_ns,
                blocked_ns,
            } => vec![
                ("runnable_ns", runnable_ns),
                ("blocked_ns", blocked_ns),
                ("calls", calls),
            ],
            Self::LateReading {
                reads,
                p99_ns,
                work_ns,
            } => vec![("p99_ns", p99_ns), ("work_ns", work_ns), ("reads", reads)],
            Self::TinyReads { reads, buffer } => vec![("reads", reads), ("buffer_bytes", buffer)],
            Self::SmallBatches {
                times,
                calls,
                asked,
            } => vec![("cut", times), ("calls", calls), ("asked", asked)],
        }
    }

    /// What decides between two findings of a kind.
    pub(super) fn weight(&self) -> u64 {
        self.numbers().first().map_or(0, |(_, number)| *number)
    }
}

impl Finding {
    fn length_ns(&self) -> u64 {
        self.end_ns.saturating_sub(self.start_ns)
    }

    fn on(&self) -> &str {
        self.on.as_ref().map_or("a descriptor", |on| &on.label)
    }
}

impl Unacted {
    /// What nobody did, in the word used in reports.
    pub fn act(&self) -> &'static str {
        if self.bits & (bit::IN | bit::PRI) != 0 {
            if self.listens { "accept" } else { "read" }
        } else if self.bits & bit::OUT != 0 {
            "write"
        } else {
            "any"
        }
    }
}

/// `never read`, or what else nobody did.
fn unacted(of: &Unacted) -> String {
    let act = match of.act() {
        "read" => "read",
        "accept" => "accepted",
        "write" => "written to",
        _ => "acted on",
    };
    match (of.then_acted, of.at_least) {
        (_, true) => format!("not {act}"),
        (true, false) => format!("not {act} until then"),
        (false, false) => format!("never {act}"),
    }
}

fn bits(bits: u32) -> &'static str {
    match (bits & bit::ERR != 0, bits & bit::HUP != 0) {
        (true, true) => "an error and a hang-up",
        (true, false) => "an error",
        _ => "a hang-up",
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.thread.as_deref().unwrap_or("?");
        let who = format!("thread {name} {}", self.tid);
        let on = self.on();
        let length = nanos(self.length_ns());
        match &self.what {
            What::HangUpIgnored(of) => write!(
                f,
                "{who} ignored {} of {on}: reported {} times in {length}, not asked for, and {}",
                bits(of.bits),
                times(of),
                unacted(of)
            ),
            What::Spin(of) => write!(
                f,
                "{who} spun on {on}: ready {} times in {length} and {}",
                times(of),
                unacted(of)
            ),
            What::NeverRead(of) => write!(
                f,
                "{who} left {on} alone: ready {} times in {length} and {}",
                times(of),
                unacted(of)
            ),
            What::BlockingInLoop {
                call,
                times,
                blocked_ns,
                longest_ns,
            } => {
                write!(f, "{who} blocked its event loop in {call}")?;
                if let Some(on) = &self.on {
                    write!(f, " on {}", on.label)?;
                }
                match times {
                    1 => write!(f, ": once, for {}", nanos(*longest_ns)),
                    _ => write!(
                        f,
                        ": {} times, for {} in all and up to {}",
                        count(*times),
                        nanos(*blocked_ns),
                        nanos(*longest_ns)
                    ),
                }
            }
            What::AgainStorm { again } => write!(
                f,
                "{who} read from {on} in vain: EAGAIN {} times in {length}, \
                 and nobody asked in between whether it is ready",
                count(*again)
            ),
            What::MostlyAgain { again, receives } => write!(
                f,
                "{who} receives in vain: {} of {} receives found nothing (EAGAIN, {})",
                count(*again),
                count(*receives),
                percent(*again, *receives)
            ),
            What::Herd {
                times,
                woken,
                nothing,
            } => write!(
                f,
                "threads of process {} woke in herds for {on}: {} times in {length}, \
                 and {} of {} wake-ups got nothing",
                self.pid,
                count(*times),
                count(*nothing),
                count(*woken)
            ),
            What::BusyPolling { checks, polling_ns } => write!(
                f,
                "{who} polled without waiting: it looked {} times in {length}, found nothing, \
                 and spent {} of that time so",
                count(*checks),
                percent(*polling_ns, self.length_ns())
            ),
            What::RunQueue {
                calls,
                runnable_ns,
                blocked_ns,
            } => write!(
                f,
                "{who} waited for a CPU rather than for I/O: in {} readiness calls {} for a CPU, \
                 {} for descriptors",
                count(*calls),
                nanos(*runnable_ns),
                nanos(*blocked_ns)
            ),
            What::LateReading {
                reads,
                p99_ns,
                work_ns,
            } => write!(
                f,
                "{who} reads late: of {} receives, 1 in 100 found data that had been there for \
                 {} or more; the thread works {} for each",
                count(*reads),
                nanos(*p99_ns),
                nanos(*work_ns)
            ),
            What::TinyReads { reads, buffer } => write!(
                f,
                "{who} reads {on} in tiny pieces: {} receives filled a buffer of at most {buffer} bytes \
                 and found more",
                count(*reads)
            ),
            What::SmallBatches {
                times,
                calls,
                asked,
            } => write!(
                f,
                "{who} takes at most {asked} of what is ready from {on}: after {} of {} calls the \
                 next one found more at once",
                count(*times),
                count(*calls)
            ),
        }?;
        if self.times > 1 {
            write!(f, " (the worst of {} times)", count(self.times))?;
        }
        if self.inferred {
            f.write_str(" (in part inferred)")?;
        }
        Ok(())
    }
}

fn times(of: &Unacted) -> String {
    let ready = count(of.ready);
    if of.at_least {
        format!("at least {ready}")
    } else {
        ready
    }
}
