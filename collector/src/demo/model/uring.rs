//! Asynchronous, with `io_uring`: the server asks for bytes to be received and is told when they have been.
//! Waiting and copying are both the kernel's; the one call is `io_uring_enter`.
//!
//! It must never call `recvfrom`, `sendto` or `accept` itself.

use std::collections::HashMap;
use std::net::TcpStream;
use std::os::fd::AsFd;

use anyhow::{Error, Result};

use super::CLIENTS_MAX;
use super::client::Requests;
use super::raw::{Outcome, Ring};
use crate::attach::Unsupported;
use crate::demo::door::{Door, announce};

/// What a completion belongs to. Clients get the numbers from [`FIRST_CLIENT`] on, each only once.
const LISTENER: u64 = 0;
const STOP: u64 = 1;
const FIRST_CLIENT: u64 = 2;

/// Bytes that a client's receive has room for: its memory is the kernel's while that waits.
const ROOM: usize = 4 << 10;

pub(super) fn serve(door: &Door) -> Result<()> {
    let Door { listener, stop } = door;
    let mut ring = Ring::new().map_err(|error| refused(&error))?;
    ring.watch(stop.as_fd(), STOP)?;
    ring.accept(listener.as_fd(), LISTENER)?;
    announce(listener)?;
    let mut clients: HashMap<u64, (TcpStream, Requests)> = HashMap::new();
    let mut tokens = FIRST_CLIENT..;
    loop {
        for (token, outcome) in ring.wait()? {
            if token == STOP {
                return Ok(());
            }
            match outcome {
                Outcome::Accepted(stream) => {
                    if clients.len() < CLIENTS_MAX
                        && stream.set_nodelay(true).is_ok()
                        && let Some(token) = tokens.next()
                    {
                        ring.receive(stream.as_fd(), token, vec![0; ROOM])?;
                        clients.insert(token, (stream, Requests::default()));
                    }
                    ring.accept(listener.as_fd(), LISTENER)?;
                }
                Outcome::Received { buffer, length } if length > 0 => {
                    let Some((stream, requests)) = clients.get_mut(&token) else {
                        continue;
                    };
                    match requests.take(buffer.get(..length).unwrap_or_default()) {
                        Some(answers) if answers.is_empty() => {
                            ring.receive(stream.as_fd(), token, buffer)?;
                        }
                        Some(answers) => ring.send(stream.as_fd(), token, answers)?,
                        None => drop(clients.remove(&token)),
                    }
                }
                Outcome::Sent => {
                    if let Some((stream, _)) = clients.get(&token) {
                        ring.receive(stream.as_fd(), token, vec![0; ROOM])?;
                    }
                }
                Outcome::Failed if token == LISTENER => ring.accept(listener.as_fd(), LISTENER)?,
                Outcome::Ready | Outcome::Received { .. } | Outcome::Failed => {
                    drop(clients.remove(&token));
                }
            }
        }
    }
}

/// Why there is no ring, and what to do about it.
fn refused(error: &std::io::Error) -> Error {
    let setting = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
    let way_out = match setting.as_deref().map(str::trim) {
        Ok("1" | "2") => {
            "kernel.io_uring_disabled forbids it: `sudo sysctl kernel.io_uring_disabled=0`, \
             or take another --model"
        }
        Ok(_) => {
            "a container's seccomp filter forbids it: run it on the host, or take another --model"
        }
        Err(_) => {
            "this kernel may have none (CONFIG_IO_URING), or a container's seccomp filter forbids it: \
             take another --model"
        }
    };
    Unsupported::new("set up an io_uring", error, way_out).into()
}
