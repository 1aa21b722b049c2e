//! What a call does to a thread's waiting, told from its number once and looked up from then on.
//!
//! It must never guess: on an architecture that is not known, every call is [`CallKind::Unknown`].

use super::{Arch, CallClass, call_class, call_name};

/// Numbers that are looked up; there are less than 500.
const NUMBERS: u32 = 1_024;

/// What a call does, as far as waiting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// `select pselect6`
    Select,
    /// `poll ppoll`
    Poll,
    /// `epoll_wait epoll_pwait epoll_pwait2`
    Epoll,
    /// Moves bytes to the user: `read recvfrom pread64` and their kin.
    Receive,
    /// The same, many messages at once, and returns how many: `recvmmsg`.
    ReceiveMany,
    /// Moves bytes from the user, or within the kernel: `write sendto sendfile splice` and their kin.
    Send,
    /// The same, many messages at once, and returns how many: `sendmmsg`.
    SendMany,
    /// `accept accept4`
    Accept,
    /// `connect`
    Connect,
    /// `io_uring_enter`
    Uring,
    /// Waits for a signal: `pause rt_sigsuspend rt_sigtimedwait`.
    SignalWait,
    /// `nanosleep clock_nanosleep`
    Sleep,
    /// `futex` and its kin.
    Futex,
    /// Waits for a child: `wait4 waitid`.
    Child,
    /// Any other.
    Other,
    /// Not known.
    Unknown,
}

impl CallKind {
    /// Waits until some descriptor is ready.
    pub fn is_readiness(self) -> bool {
        matches!(self, Self::Select | Self::Poll | Self::Epoll)
    }

    /// Takes what a descriptor is ready for.
    pub fn takes(self) -> bool {
        matches!(self, Self::Receive | Self::ReceiveMany | Self::Accept)
    }

    fn new(arch: Arch, nr: u32) -> Self {
        match call_name(arch, nr).as_ref() {
            "select" | "pselect6" => Self::Select,
            "poll" | "ppoll" => Self::Poll,
            "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => Self::Epoll,
            "accept" | "accept4" => Self::Accept,
            "recvmmsg" => Self::ReceiveMany,
            "sendmmsg" => Self::SendMany,
            "pread64" | "preadv" | "preadv2" => Self::Receive,
            "pwrite64" | "pwritev" | "pwritev2" | "sendfile" | "splice" => Self::Send,
            "pause" | "rt_sigsuspend" | "rt_sigtimedwait" => Self::SignalWait,
            "nanosleep" | "clock_nanosleep" => Self::Sleep,
            "futex" | "futex_wait" | "futex_waitv" => Self::Futex,
            "wait4" | "waitid" => Self::Child,
            _ => match call_class(arch, nr) {
                CallClass::Receive => Self::Receive,
                CallClass::Send => Self::Send,
                CallClass::Connect => Self::Connect,
                CallClass::Uring => Self::Uring,
                CallClass::Readiness
                | CallClass::NoReturn
                | CallClass::Restart
                | CallClass::Other => Self::Other,
            },
        }
    }
}

/// The kinds of all calls of an architecture.
#[derive(Clone, Debug)]
pub struct CallKinds {
    arch: Option<Arch>,
    kinds: Vec<CallKind>,
}

impl CallKinds {
    /// For this architecture, if it is a known one.
    pub fn new(arch: Option<Arch>) -> Self {
        let kinds = arch.map(|arch| (0..NUMBERS).map(|nr| CallKind::new(arch, nr)).collect());
        Self {
            arch,
            kinds: kinds.unwrap_or_default(),
        }
    }

    /// The kind of the call of this number.
    pub fn of(&self, nr: u32) -> CallKind {
        let kind = usize::try_from(nr).ok().and_then(|nr| self.kinds.get(nr));
        kind.copied().unwrap_or(CallKind::Unknown)
    }

    /// The name of the call of this number.
    pub fn name(&self, nr: u32) -> String {
        match self.arch {
            Some(arch) => call_name(arch, nr).into_owned(),
            None => format!("syscall_{nr}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_what_they_wait_for() {
        let x86 = CallKinds::new(Some(Arch::X86_64));
        let arm = CallKinds::new(Some(Arch::Aarch64));
        for (kinds, nr, kind) in [
            (&x86, 0, CallKind::Receive),
            (&x86, 1, CallKind::Send),
            (&x86, 7, CallKind::Poll),
            (&x86, 34, CallKind::SignalWait),
            (&x86, 43, CallKind::Accept),
            (&x86, 74, CallKind::Other),
            (&x86, 202, CallKind::Futex),
            (&x86, 232, CallKind::Epoll),
            (&x86, 270, CallKind::Select),
            (&x86, 299, CallKind::ReceiveMany),
            (&x86, 307, CallKind::SendMany),
            (&x86, 426, CallKind::Uring),
            (&arm, 22, CallKind::Epoll),
            (&arm, 63, CallKind::Receive),
            (&arm, 72, CallKind::Select),
            (&x86, u32::MAX, CallKind::Unknown),
        ] {
            assert_eq!(kinds.of(nr), kind, "{}", kinds.name(nr));
        }
        assert_eq!(CallKinds::new(None).of(0), CallKind::Unknown);
    }
}
