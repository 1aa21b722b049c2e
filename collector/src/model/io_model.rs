//! The I/O model of a thread, told from what it does: how it comes to know that it can go on.
//!
//! It must never be guessed from little: unknown beats wrong, and the counts behind the answer are in [`IoEvidence`].

use std::fmt;

use super::{Call, CallKind, Ready, readiness};

/// Acts that tell a model, before one is told: less may be how a thread begins or ends.
const ACTS_MIN: u64 = 8;
/// Percent of the acts that must be of one model. What is left are exceptions, such as the one write
/// that had to wait.
const ACTS_PERCENT: u64 = 80;
/// Descriptors of which it is remembered that they had nothing. A round of a loop may read more to the end;
/// the rest is not counted, so that no loop is taken for polling.
const EMPTY_MAX: usize = 32;

const EAGAIN: i64 = -11;

/// How a thread comes to know that it can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoModel {
    /// It sleeps in the call that moves the bytes.
    Blocking,
    /// It asks again and again, and gets nothing.
    Polling,
    /// It sleeps in a readiness call.
    Multiplexing {
        /// In which one, if mostly in one.
        with: Option<Multiplexer>,
        /// Of `epoll`: when it is told again, if that is known.
        trigger: Option<Trigger>,
    },
    /// It waits for signals, and then reads.
    SignalDriven,
    /// It hands operations over, and waits for them to be finished.
    Asynchronous,
    /// More than one of these.
    Mixed,
    /// It can't be told.
    Unknown,
}

/// The family of a readiness call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplexer {
    /// `select pselect6`
    Select,
    /// `poll ppoll`
    Poll,
    /// `epoll_wait` and its kin.
    Epoll,
}

/// When `epoll` tells again of a descriptor that stays ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Each time.
    Level,
    /// When something is new.
    Edge,
    /// Of some descriptors each time, of others when something is new.
    Both,
}

impl IoModel {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Polling => "polling",
            Self::Multiplexing { .. } => "multiplexing",
            Self::SignalDriven => "signal_driven",
            Self::Asynchronous => "asynchronous",
            Self::Mixed => "mixed",
            Self::Unknown => "unknown",
        }
    }
}

impl Multiplexer {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Poll => "poll",
            Self::Epoll => "epoll",
        }
    }
}

impl Trigger {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Level => "level",
            Self::Edge => "edge",
            Self::Both => "both",
        }
    }
}

impl fmt::Display for IoModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Blocking => "blocking",
            Self::Polling => "non-blocking polling",
            Self::Multiplexing { with: None, .. } => "multiplexing",
            Self::Multiplexing {
                with: Some(with),
                trigger,
            } => {
                let trigger = match trigger {
                    Some(Trigger::Level) => ", level-triggered",
                    Some(Trigger::Edge) => ", edge-triggered",
                    Some(Trigger::Both) => ", level- and edge-triggered",
                    None => "",
                };
                return write!(f, "{}{trigger}", with.word());
            }
            Self::SignalDriven => "signal-driven",
            Self::Asynchronous => "io_uring",
            Self::Mixed => "mixed",
            Self::Unknown => "unknown",
        };
        f.write_str(text)
    }
}

/// What a thread did that tells its model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IoEvidence {
    /// `select` and its kin.
    pub selects: u64,
    /// `poll` and its kin.
    pub polls: u64,
    /// `epoll_wait` and its kin.
    pub epolls: u64,
    /// Of these three, how many were told not to wait, and did not.
    pub checks: u64,
    /// Transfer calls, and calls that accept or make a connection.
    pub transfers: u64,
    /// Of those, how many slept.
    pub blocked: u64,
    /// Of those, how many found nothing on a descriptor that had nothing before, though no thread of the process
    /// had made a readiness call in between.
    pub empty_again: u64,
    /// `io_uring_enter`.
    pub uring: u64,
    /// Waits for a signal.
    pub signal_waits: u64,
    /// Of those, how many were followed by a receive.
    pub signal_receives: u64,
    /// Descriptors that `epoll` found ready and that are level-triggered.
    pub level: u64,
    /// The same, edge-triggered.
    pub edge: u64,
    /// Of a readiness call that has not ended yet: level, edge.
    pending: (u64, u64),
    after_signal: bool,
    empty: Vec<i32>,
    /// How many readiness calls the process had made when `empty` began.
    empty_since: u64,
}

impl IoEvidence {
    /// Takes in what came of a descriptor that a readiness call of the thread waited for.
    pub fn ready(&mut self, ready: &Ready) {
        match ready.asked {
            Some(asked) if asked & readiness::ET != 0 => self.pending.1 += 1,
            Some(_) => self.pending.0 += 1,
            None => {}
        }
    }

    /// Takes in a call of the thread. `process_readiness` is how many readiness calls all threads of its
    /// process have made, if that is known: where one waits for all, those that read on its word are not polling.
    pub fn call(&mut self, kind: CallKind, call: &Call, process_readiness: Option<u64>) {
        let (level, edge) = std::mem::take(&mut self.pending);
        match kind {
            CallKind::Select => self.selects += 1,
            CallKind::Poll => self.polls += 1,
            CallKind::Epoll => {
                self.epolls += 1;
                self.level += level;
                self.edge += edge;
            }
            CallKind::Receive
            | CallKind::ReceiveMany
            | CallKind::Send
            | CallKind::SendMany
            | CallKind::Accept
            | CallKind::Connect => {
                self.transfer(kind, call, process_readiness);
            }
            CallKind::Uring => self.uring += 1,
            CallKind::SignalWait if call.sleeps > 0 => {
                self.signal_waits += 1;
                self.after_signal = true;
            }
            CallKind::SignalWait
            | CallKind::Sleep
            | CallKind::Futex
            | CallKind::Child
            | CallKind::Other
            | CallKind::Unknown => {}
        }
        if kind.is_readiness() {
            self.checks += u64::from(call.is_check());
        }
    }

    fn transfer(&mut self, kind: CallKind, call: &Call, process_readiness: Option<u64>) {
        self.transfers += 1;
        self.blocked += u64::from(call.sleeps > 0);
        if kind.takes() && std::mem::take(&mut self.after_signal) {
            self.signal_receives += 1;
        }
        let Some(process_readiness) = process_readiness else {
            return;
        };
        let Some(fd) = call
            .fd
            .filter(|_| kind.takes() && call.sleeps == 0 && call.ret == Some(EAGAIN))
        else {
            return;
        };
        if self.empty_since != process_readiness {
            self.empty_since = process_readiness;
            self.empty.clear();
        }
        if self.empty.contains(&fd) {
            self.empty_again += 1;
        } else if self.empty.len() < EMPTY_MAX {
            self.empty.push(fd);
        }
    }

    /// The model that all this tells.
    pub fn model(&self) -> IoModel {
        let readiness = self.selects + self.polls + self.epolls;
        let acts = [
            readiness,
            self.blocked,
            self.empty_again,
            self.uring,
            self.signal_waits,
        ];
        let all: u64 = acts.iter().sum();
        let mostly =
            |part: u64| u128::from(part) * 100 >= u128::from(all) * u128::from(ACTS_PERCENT);
        if all < ACTS_MIN {
            return IoModel::Unknown;
        }
        let [readiness, blocked, empty_again, uring, signal_waits] = acts.map(mostly);
        if readiness {
            self.multiplexing()
        } else if blocked {
            IoModel::Blocking
        } else if empty_again {
            IoModel::Polling
        } else if uring {
            IoModel::Asynchronous
        } else if signal_waits {
            // A thread that only takes signals does no I/O by them.
            if self.signal_receives * 2 >= self.signal_waits {
                IoModel::SignalDriven
            } else {
                IoModel::Unknown
            }
        } else {
            IoModel::Mixed
        }
    }

    fn multiplexing(&self) -> IoModel {
        let all = self.selects + self.polls + self.epolls;
        let kinds = [
            (Multiplexer::Select, self.selects),
            (Multiplexer::Poll, self.polls),
            (Multiplexer::Epoll, self.epolls),
        ];
        let with = kinds
            .into_iter()
            .find(|(_, calls)| {
                u128::from(*calls) * 100 >= u128::from(all) * u128::from(ACTS_PERCENT)
            })
            .map(|(with, _)| with);
        let trigger = match (self.level, self.edge) {
            _ if with != Some(Multiplexer::Epoll) => None,
            (0, 0) => None,
            (_, 0) => Some(Trigger::Level),
            (0, _) => Some(Trigger::Edge),
            _ => Some(Trigger::Both),
        };
        // All of it checks: it never waits for what it asks about.
        if self.checks == all {
            return IoModel::Polling;
        }
        IoModel::Multiplexing { with, trigger }
    }
}
