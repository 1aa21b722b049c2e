//! Why a call's wait ended.
//!
//! Told from the call, what came of the descriptors it waited for, and what is known of those. A thread is
//! named only if it made the wake-up itself, never because an interrupt stopped it; the network is named only
//! where a socket was ready. What is inferred says so, and what can't be told is [`Cause::Unknown`].

mod words;

use super::{
    Call, CallKind, Context, DescriptorKind, Descriptors, OffCpu, Ready, Timeout, Waker,
    readiness as bit,
};

const EINTR: i64 = -4;
const EAGAIN: i64 = -11;
const ETIMEDOUT: i64 = -110;
const HANG_UP: u32 = bit::HUP | bit::RDHUP | bit::ERR;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There was no wait: what was wanted was there already, or the call was told not to wait.
    NeverSlept,
    /// There was something to read.
    Data,
    /// There was a connection to accept.
    Accept,
    /// There was room to write.
    Room,
    /// A connection was made, or refused.
    Connected,
    /// An eventfd was written.
    Eventfd,
    /// A timerfd expired, or a sleep was over.
    Timer,
    /// The longest time that the call may wait was over.
    Timeout,
    /// A signal.
    Signal,
    /// The other end hung up, or there was an error.
    HangUp,
    /// An operation of an `io_uring` was finished.
    Completion,
    /// A child ended or changed.
    Child,
    /// Another thread woke it.
    Thread,
    /// An interrupt did, nobody knows on whose behalf.
    Interrupt,
    /// The thread died.
    Killed,
    /// It can't be told.
    Unknown,
}

impl Cause {
    /// All of them, with the words used in reports.
    pub const ALL: [(Self, &'static str); 16] = [
        (Self::NeverSlept, "never_slept"),
        (Self::Data, "data"),
        (Self::Accept, "accept"),
        (Self::Room, "room"),
        (Self::Connected, "connected"),
        (Self::Eventfd, "eventfd"),
        (Self::Timer, "timer"),
        (Self::Timeout, "timeout"),
        (Self::Signal, "signal"),
        (Self::HangUp, "hang_up"),
        (Self::Completion, "completion"),
        (Self::Child, "child"),
        (Self::Thread, "thread"),
        (Self::Interrupt, "interrupt"),
        (Self::Killed, "killed"),
        (Self::Unknown, "unknown"),
    ];

    /// The word used in reports.
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(cause, _)| *cause == self);
        found.map_or("unknown", |(_, word)| word)
    }
}

/// Why a wait ended, and what had to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Why {
    /// Why.
    pub cause: Cause,
    /// The descriptor, as a [`Descriptor`](super::Descriptor)'s id.
    pub descriptor: Option<u32>,
    /// Its number in the process.
    pub fd: Option<i32>,
    /// So many more were ready.
    pub more: u32,
    /// The thread that made the wake-up itself.
    pub by: Option<u32>,
    /// A socket was ready, and the wake-up came from an interrupt.
    pub network: bool,
    /// It follows from what else was seen, and was not seen itself.
    pub inferred: bool,
}

impl Why {
    /// Why the wait of this call ended, `ready` being the entries that belong to it.
    pub fn of(kind: CallKind, call: &Call, ready: &[Ready], known: &Descriptors) -> Self {
        let why = Self::woken(call.waker);
        let by = why.by;
        let Some(ret) = call.ret.filter(|_| !call.killed) else {
            return why.because(Cause::Killed, !call.killed);
        };
        if ret == EINTR || crate::text::restarts(ret) {
            return why.because(Cause::Signal, false);
        }
        if call.sleeps == 0 {
            // What it did before the trace is not known.
            let cause = if call.began_before {
                Cause::Unknown
            } else {
                Cause::NeverSlept
            };
            return why.of_ready(ready, known).because(cause, false);
        }
        if kind.is_readiness() {
            return why.after_readiness(call, ret, ready, known);
        }
        let on = known.of_call(call);
        let why = Self {
            descriptor: on,
            fd: call.fd,
            ..why
        };
        let behind = on.map_or(DescriptorKind::Unknown, |id| known.kind(id));
        match kind {
            CallKind::Receive | CallKind::ReceiveMany => why.after_receive(call, ret, behind),
            CallKind::Send | CallKind::SendMany if ret == EAGAIN => {
                why.because(Cause::Timeout, true)
            }
            CallKind::Send | CallKind::SendMany if ret >= 0 && waits_for_room(behind) => {
                why.because(Cause::Room, true)
            }
            CallKind::Accept if ret >= 0 => why.because(Cause::Accept, false).network(call, behind),
            CallKind::Accept if ret == EAGAIN => why.because(Cause::Timeout, true),
            CallKind::Connect => why.because(Cause::Connected, true).network(call, behind),
            CallKind::Sleep if ret == 0 => why.because(Cause::Timer, false),
            CallKind::SignalWait if ret > 0 => why.because(Cause::Signal, false),
            CallKind::SignalWait if ret == EAGAIN => why.because(Cause::Timeout, false),
            CallKind::Child if ret >= 0 && by.is_some() => why.because(Cause::Child, true),
            CallKind::Uring if ret >= 0 => why.because(Cause::Completion, true),
            _ if ret == ETIMEDOUT => why.because(Cause::Timeout, false),
            _ => why.by_waker(call),
        }
    }

    /// Why this sleep ended, as far as it alone tells.
    pub(super) fn of_span(span: &OffCpu) -> Self {
        let why = Self::woken(span.waker).by_context(span.waker);
        Self {
            inferred: span.unseen,
            ..why
        }
    }

    /// Of a wake-up that this one made, and nothing else known.
    fn woken(waker: Option<Waker>) -> Self {
        let task = waker.filter(|waker| waker.context == Context::Task);
        Self {
            cause: Cause::Unknown,
            descriptor: None,
            fd: None,
            more: 0,
            by: task.map(|waker| waker.tid),
            network: false,
            inferred: false,
        }
    }

    fn because(self, cause: Cause, inferred: bool) -> Self {
        Self {
            cause,
            inferred,
            ..self
        }
    }

    /// Only a socket's wake-up from an interrupt is the network's.
    fn network(self, call: &Call, behind: DescriptorKind) -> Self {
        let interrupted = call
            .waker
            .is_some_and(|waker| matches!(waker.context, Context::SoftIrq | Context::HardIrq));
        Self {
            network: interrupted && matches!(behind, DescriptorKind::Tcp | DescriptorKind::Udp),
            ..self
        }
    }

    fn by_waker(self, call: &Call) -> Self {
        self.by_context(call.waker)
    }

    fn by_context(self, waker: Option<Waker>) -> Self {
        match waker.map(|waker| waker.context) {
            Some(Context::Task) => self.because(Cause::Thread, false),
            Some(Context::SoftIrq | Context::HardIrq | Context::Nmi) => {
                self.because(Cause::Interrupt, false)
            }
            Some(Context::Unknown) | None => self.because(Cause::Unknown, false),
        }
    }

    fn after_receive(self, call: &Call, ret: i64, behind: DescriptorKind) -> Self {
        let stream = matches!(
            behind,
            DescriptorKind::Tcp | DescriptorKind::Unix | DescriptorKind::Pipe
        );
        match (ret, behind) {
            // The longest time that a socket's reader may wait is an option of the socket.
            (EAGAIN, _) => self.because(Cause::Timeout, true),
            (..0, _) if stream => self.because(Cause::HangUp, true),
            (..0, _) => self.by_waker(call),
            (0, _) if stream => self.because(Cause::HangUp, true),
            (_, DescriptorKind::Eventfd) => self.because(Cause::Eventfd, false),
            (_, DescriptorKind::Timerfd) => self.because(Cause::Timer, false),
            (_, DescriptorKind::Signalfd) => self.because(Cause::Signal, false),
            // What a file's reader slept for may have been a lock, too.
            (_, DescriptorKind::Unknown | DescriptorKind::File | DescriptorKind::Device) => {
                self.because(Cause::Data, true)
            }
            (0, _) => self.by_waker(call),
            _ => self.because(Cause::Data, false).network(call, behind),
        }
    }

    fn after_readiness(self, call: &Call, ret: i64, ready: &[Ready], known: &Descriptors) -> Self {
        if ret == 0 {
            // The kernel looks at the clock, and so may we.
            return match call.timeout {
                Timeout::Nanos(limit) if call.duration_ns() >= limit => {
                    self.because(Cause::Timeout, false)
                }
                Timeout::Nanos(_) | Timeout::Unknown => self.because(Cause::Timeout, true),
                Timeout::Zero | Timeout::Infinite => self.by_waker(call),
            };
        }
        if ret < 0 {
            return self.by_waker(call);
        }
        let of = ready
            .iter()
            .filter(|entry| entry.ready != 0)
            .map(|entry| (rank(call, entry, known), entry))
            .min_by_key(|(rank, _)| *rank);
        let Some((_, entry)) = of else {
            let why = self.by_waker(call);
            return Self {
                inferred: why.cause != Cause::Unknown,
                ..why
            };
        };
        let why = self.of_ready(ready, known);
        let behind = kind_of(entry, known);
        let why = Self {
            descriptor: entry.descriptor,
            fd: entry.fd.or_else(|| known.fd(entry.descriptor?)),
            ..why
        };
        // Which of several woke it is a guess.
        let one_of_many = why.more > 0 || ret > 1;
        let listens = entry.descriptor.and_then(|id| known.listens(id));
        let readable = entry.ready & (bit::IN | bit::PRI) != 0;
        match behind {
            DescriptorKind::Eventfd if readable => why.because(Cause::Eventfd, one_of_many),
            DescriptorKind::Timerfd if readable => why.because(Cause::Timer, one_of_many),
            DescriptorKind::Signalfd if readable => why.because(Cause::Signal, one_of_many),
            _ if entry.ready & HANG_UP != 0 => why
                .because(Cause::HangUp, one_of_many)
                .network(call, behind),
            _ if readable => match listens {
                Some(inferred) => why.because(Cause::Accept, inferred || one_of_many),
                None => why.because(Cause::Data, one_of_many),
            }
            .network(call, behind),
            _ if entry.ready & bit::OUT != 0 => {
                why.because(Cause::Room, one_of_many).network(call, behind)
            }
            _ => why.by_waker(call),
        }
    }

    /// The first that is ready, and how many more are.
    fn of_ready(self, ready: &[Ready], known: &Descriptors) -> Self {
        let mut all = ready.iter().filter(|entry| entry.ready != 0);
        let first = all.next();
        let descriptor = first.and_then(|entry| entry.descriptor);
        Self {
            descriptor,
            fd: first
                .and_then(|entry| entry.fd)
                .or_else(|| known.fd(descriptor?)),
            more: u32::try_from(all.count()).unwrap_or(u32::MAX),
            ..self
        }
    }
}

fn kind_of(entry: &Ready, known: &Descriptors) -> DescriptorKind {
    let id = entry.descriptor;
    id.map_or(DescriptorKind::Unknown, |id| known.kind(id))
}

/// Which of those that are ready is likeliest to be what woke it: a thread writes eventfds and pipes, an
/// interrupt serves the network and timers.
fn rank(call: &Call, entry: &Ready, known: &Descriptors) -> u8 {
    let by_thread = matches!(
        kind_of(entry, known),
        DescriptorKind::Eventfd | DescriptorKind::Pipe | DescriptorKind::Unix
    );
    match call.waker.map(|waker| waker.context) {
        Some(Context::Task) => u8::from(!by_thread),
        Some(Context::SoftIrq | Context::HardIrq) => u8::from(by_thread),
        _ => 0,
    }
}

/// Whether a writer waits for nothing but room, as far as can be told.
fn waits_for_room(behind: DescriptorKind) -> bool {
    behind.is_socket() || behind == DescriptorKind::Pipe
}
