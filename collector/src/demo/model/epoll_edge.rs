//! Multiplexing with `epoll`, told by edge: when something comes, and not again as long as it is there.
//!
//! So each time everything must be taken, up to the `EAGAIN` that says so: one call more for each wake-up,
//! and a client forgotten for ever if it is left out. It must never wait anywhere else.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, RawFd};

use anyhow::Result;
use nix::sys::epoll::EpollFlags;

use super::client::{Client, Turn, buffer};
use super::epoll::{new, wait, watch};
use super::{CLIENTS_MAX, accept_without_waiting};
use crate::demo::door::{Door, announce};

pub(super) fn serve(door: &Door) -> Result<()> {
    let Door { listener, stop } = door;
    accept_without_waiting(listener)?;
    let (epoll, edge) = (new()?, EpollFlags::EPOLLIN | EpollFlags::EPOLLET);
    watch(&epoll, listener, edge)?;
    watch(&epoll, stop, edge)?;
    announce(listener)?;
    let mut clients: HashMap<RawFd, Client> = HashMap::new();
    let mut buffer = buffer();
    loop {
        for fd in wait(&epoll)? {
            if fd == stop.as_raw_fd() {
                return Ok(());
            } else if fd == listener.as_raw_fd() {
                while let Some(client) = Client::accept_without_waiting(listener) {
                    if clients.len() < CLIENTS_MAX {
                        // What came before this tells at once.
                        watch(&epoll, &client, edge)?;
                        clients.insert(client.fd(), client);
                    }
                }
            } else if let Some(client) = clients.get_mut(&fd)
                && client.turn_until_nothing(&mut buffer) == Turn::Gone
            {
                clients.remove(&fd);
            }
        }
    }
}
