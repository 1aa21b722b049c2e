//! A connection of a model's server: what of its next request has come, and how it is answered.
//!
//! It must never wait where its socket does not, and never know which model asks.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use crate::demo::frame::{HEADER, PAYLOAD_MAX, Parsed, digest, parse};

/// Room for what one receive brings.
pub(super) fn buffer() -> Vec<u8> {
    vec![0; HEADER + PAYLOAD_MAX]
}

/// A connection.
pub(super) struct Client {
    stream: TcpStream,
    requests: Requests,
}

/// What became of a client's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Something had come, and all that was whole is answered.
    Served,
    /// Nothing had come.
    Nothing,
    /// It has hung up, or is to be hung up on.
    Gone,
}

impl Client {
    /// The next client who has come; `None` if there is none, or the system has no room for one.
    pub(super) fn accept(listener: &TcpListener) -> Option<Self> {
        let (stream, _peer) = listener.accept().ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self {
            stream,
            requests: Requests::default(),
        })
    }

    /// The same, whose turns never wait.
    pub(super) fn accept_without_waiting(listener: &TcpListener) -> Option<Self> {
        let client = Self::accept(listener)?;
        client.stream.set_nonblocking(true).ok()?;
        Some(client)
    }

    pub(super) fn fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    /// One receive, and the answers to all requests that are whole now.
    pub(super) fn turn(&mut self, buffer: &mut [u8]) -> Turn {
        let length = match self.stream.read(buffer) {
            Ok(0) => return Turn::Gone,
            Ok(length) => length,
            Err(error) => {
                return match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::Interrupted => Turn::Nothing,
                    _ => Turn::Gone,
                };
            }
        };
        let Some(answers) = self.requests.take(buffer.get(..length).unwrap_or_default()) else {
            return Turn::Gone;
        };
        // A client whose socket has no room for an answer does not read: it goes.
        if answers.is_empty() || self.stream.write_all(&answers).is_ok() {
            Turn::Served
        } else {
            Turn::Gone
        }
    }

    /// Turns until nothing is left, for models that are told of what comes but not of what is there.
    pub(super) fn turn_until_nothing(&mut self, buffer: &mut [u8]) -> Turn {
        loop {
            match self.turn(buffer) {
                Turn::Served => {}
                end => return end,
            }
        }
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// What has come of a client's next request.
#[derive(Default)]
pub(super) struct Requests(Vec<u8>);

impl Requests {
    /// Adds what has come, and gives the answers to all requests that are whole now. `None` if one is none
    /// of ours.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.0.extend_from_slice(bytes);
        let mut answers = Vec::new();
        loop {
            let taken = match parse(&self.0) {
                Parsed::Partial => return Some(answers),
                Parsed::Bad => return None,
                Parsed::Whole { kind, payload } => {
                    answers.extend_from_slice(&digest(kind, payload).to_le_bytes());
                    HEADER + payload.len()
                }
            };
            self.0.drain(..taken);
        }
    }
}
