//! The same small server once for each model of I/O: one file a model, and nothing in it but the model.
//!
//! ```text
//!                waits for a client in          is told by                    then receives
//!  blocking      recvfrom, a thread each        the bytes themselves          –
//!  polling       nothing: it asks and sleeps    –                             without waiting
//!  select …      one call for all clients       that call's answer            without waiting
//!  signal        rt_sigtimedwait                a signal for each arrival     without waiting
//!  uring         io_uring_enter                 bytes that were received for it
//! ```
//!
//! All speak the protocol of [`frame`](super::frame) and work in place. None may keep more for a client
//! than one request, nor do anything for its speed that would hide what the model is.

mod blocking;
mod client;
mod epoll;
mod epoll_edge;
mod poll;
mod polling;
mod raw;
mod select;
mod signal;
mod uring;

use std::ffi::CStr;
use std::net::TcpListener;
use std::os::fd::AsFd;

use anyhow::{Context, Result};
use clap::ValueEnum;

use super::door::Door;

/// Clients at one time; more are hung up on.
const CLIENTS_MAX: usize = 2_048;

/// A model of I/O.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Model {
    /// A thread for each connection, asleep in recv until bytes come
    Blocking,
    /// One thread that asks every connection, again and again
    Polling,
    /// One thread, asleep in select
    Select,
    /// One thread, asleep in poll
    Poll,
    /// One thread, asleep in epoll_wait: told as long as something is there
    Epoll,
    /// The same, told only when something comes
    EpollEdge,
    /// One thread, asleep until a signal says which connection has something
    Signal,
    /// One thread that asks io_uring to receive, and is told when that is done
    Uring,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Blocking,
        Self::Polling,
        Self::Select,
        Self::Poll,
        Self::Epoll,
        Self::EpollEdge,
        Self::Signal,
        Self::Uring,
    ];

    /// How it is written on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Polling => "polling",
            Self::Select => "select",
            Self::Poll => "poll",
            Self::Epoll => "epoll",
            Self::EpollEdge => "epoll-edge",
            Self::Signal => "signal",
            Self::Uring => "uring",
        }
    }

    /// The name of its main thread; the kernel keeps 15 bytes of it.
    pub(super) fn thread(self) -> &'static CStr {
        match self {
            Self::Blocking => c"demo-blocking",
            Self::Polling => c"demo-polling",
            Self::Select => c"demo-select",
            Self::Poll => c"demo-poll",
            Self::Epoll => c"demo-epoll",
            Self::EpollEdge => c"demo-epoll-edge",
            Self::Signal => c"demo-signal",
            Self::Uring => c"demo-uring",
        }
    }

    /// Serves until the door is shut.
    pub(super) fn serve(self, door: &Door) -> Result<()> {
        match self {
            Self::Blocking => blocking::serve(door),
            Self::Polling => polling::serve(door),
            Self::Select => select::serve(door),
            Self::Poll => poll::serve(door),
            Self::Epoll => epoll::serve(door),
            Self::EpollEdge => epoll_edge::serve(door),
            Self::Signal => signal::serve(door),
            Self::Uring => uring::serve(door),
        }
    }
}

fn accept_without_waiting(listener: &TcpListener) -> Result<()> {
    listener
        .set_nonblocking(true)
        .context("make the demo's listener non-blocking")
}

/// Makes asking whether it is time to end no wait, see [`is_over`].
fn ask_without_waiting(stop: impl AsFd) -> Result<()> {
    rustix::io::ioctl_fionbio(stop, true).context("make the demo's standard input non-blocking")
}

/// Whether whoever started the server wants it to end. It must not wait, see [`ask_without_waiting`].
fn is_over(stop: impl AsFd) -> bool {
    use rustix::io::Errno;
    let asked = rustix::io::read(stop, &mut [0; 1]);
    !matches!(asked, Err(Errno::AGAIN | Errno::INTR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_word_is_what_the_command_line_takes_and_its_threads_name_says_it() {
        for model in Model::ALL {
            assert_eq!(Model::from_str(model.word(), false), Ok(model));
            let name = model.thread().to_str().unwrap();
            assert!(name.len() <= 15, "{name} is cut by the kernel");
            assert_eq!(name.strip_prefix("demo-"), Some(model.word()));
        }
        assert_eq!(Model::value_variants(), Model::ALL);
    }
}
