//! Findings: what a thread does that costs it time, in words and with the numbers behind them.
//!
//! Few and right beats many. What rests on something not being there (nobody read it) is never told where
//! records were lost. Each rule is a file of its own under `finding/`; here is what they say, and to whom.

mod again;
mod batch;
mod blocking;
mod herd;
mod late;
mod list;
mod polling;
mod thread;
mod unread;
mod watch;
mod words;

pub use watch::Findings;

/// How bad it is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Time is burnt or lost for nothing, and something is likely broken.
    Severe,
    /// Others wait for it, or work is done in vain.
    Notable,
    /// It would take fewer calls.
    Hint,
}

impl Severity {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Severe => "severe",
            Self::Notable => "notable",
            Self::Hint => "hint",
        }
    }
}

/// What was found, with its numbers. The order is that in which findings are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A hang-up or error that nobody asked for, reported each time and never acted on.
    HangUpIgnored(Unacted),
    /// A descriptor kept every readiness call from sleeping, and nobody worked on it.
    Spin(Unacted),
    /// A call other than a readiness call slept inside an event loop.
    BlockingInLoop {
        /// Its name.
        call: String,
        /// How often.
        times: u64,
        /// How long all of them slept.
        blocked_ns: u64,
        /// How long the longest of them slept.
        longest_ns: u64,
    },
    /// A descriptor was ready all along, and nobody read from it.
    NeverRead(Unacted),
    /// Receives from one descriptor that found nothing, in a row without a readiness call.
    AgainStorm {
        /// How many.
        again: u64,
    },
    /// Receives of one thread, most of which found nothing.
    MostlyAgain {
        /// How many found nothing.
        again: u64,
        /// Of how many.
        receives: u64,
    },
    /// Several threads were woken for one thing, of which most got nothing.
    Herd {
        /// How often.
        times: u64,
        /// Wake-ups, all together.
        woken: u64,
        /// Of those, how many got nothing.
        nothing: u64,
    },
    /// A thread did little but look whether something was ready.
    BusyPolling {
        /// How often it looked and found nothing.
        checks: u64,
        /// The time it spent so.
        polling_ns: u64,
    },
    /// A thread in readiness calls waited for a CPU longer than for descriptors.
    RunQueue {
        /// Readiness calls.
        calls: u64,
        /// Waiting for a CPU in them.
        runnable_ns: u64,
        /// Asleep in them.
        blocked_ns: u64,
    },
    /// Data lay in a socket much longer than the work takes.
    LateReading {
        /// Receives of which it is known how long their data had been there.
        reads: u64,
        /// 99 of 100 waited less than about this long.
        p99_ns: u64,
        /// The thread's time awake for each of them.
        work_ns: u64,
    },
    /// Reads that filled a tiny buffer again and again.
    TinyReads {
        /// How many.
        reads: u64,
        /// The largest buffer.
        buffer: u64,
    },
    /// `epoll_wait` asked for few events, got as many, and the next one found more at once.
    SmallBatches {
        /// How often.
        times: u64,
        /// Of how many calls.
        calls: u64,
        /// The most it asked for.
        asked: u64,
    },
}

/// A descriptor that was ready, and on which nobody worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unacted {
    /// How often it was found ready, with nothing done about it up to the thread's next readiness call.
    pub ready: u64,
    /// What it was ready for each time, bits of [`readiness`](super::readiness).
    pub bits: u32,
    /// It is a listening socket.
    pub listens: bool,
    /// In the end somebody worked on it.
    pub then_acted: bool,
    /// Now and then the thread made calls that were not recorded, and may have worked on it: those times do not count.
    pub at_least: bool,
}

/// The descriptor that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct On {
    /// The [`Descriptor`](super::Descriptor) of this id.
    pub id: u32,
    /// Its number in the process, if that is known.
    pub fd: Option<i32>,
    /// What a person would call it. Unescaped.
    pub label: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub what: What,
    /// The process.
    pub pid: u32,
    /// The thread; of a herd, one of them.
    pub tid: u32,
    /// The thread's name, if any was seen. Unescaped.
    pub thread: Option<String>,
    /// The descriptor it is about.
    pub on: Option<On>,
    /// Where it is to be seen: from here,
    pub start_ns: u64,
    /// to here.
    pub end_ns: u64,
    /// How often it was found; the rest is of the worst time.
    pub times: u64,
    /// Something that it rests on is inferred.
    pub inferred: bool,
}

impl What {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self {
            Self::HangUpIgnored(_) | Self::Spin(_) | Self::BlockingInLoop { .. } => {
                Severity::Severe
            }
            Self::NeverRead(_)
            | Self::AgainStorm { .. }
            | Self::MostlyAgain { .. }
            | Self::Herd { .. }
            | Self::BusyPolling { .. }
            | Self::RunQueue { .. }
            | Self::LateReading { .. } => Severity::Notable,
            Self::TinyReads { .. } | Self::SmallBatches { .. } => Severity::Hint,
        }
    }

    /// Whether it rests on what was not seen, and so on nothing being lost.
    pub(crate) fn needs_all_records(&self) -> bool {
        match self {
            Self::HangUpIgnored(_)
            | Self::Spin(_)
            | Self::NeverRead(_)
            | Self::AgainStorm { .. }
            | Self::TinyReads { .. }
            | Self::SmallBatches { .. } => true,
            Self::BlockingInLoop { .. }
            | Self::MostlyAgain { .. }
            | Self::Herd { .. }
            | Self::BusyPolling { .. }
            | Self::RunQueue { .. }
            | Self::LateReading { .. } => false,
        }
    }
}
