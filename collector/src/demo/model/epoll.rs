//! Multiplexing with `epoll`: the kernel keeps the list, and gives those that are ready and no others.
//!
//! Told by level: who leaves something unread is told again. It must never wait anywhere else.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::client::{Client, Turn, buffer};
use super::{CLIENTS_MAX, accept_without_waiting};
use crate::demo::door::{Door, announce};

/// Events taken in one call.
const EVENTS: usize = 256;

pub(super) fn serve(door: &Door) -> Result<()> {
    let Door { listener, stop } = door;
    accept_without_waiting(listener)?;
    let epoll = new()?;
    watch(&epoll, listener, EpollFlags::EPOLLIN)?;
    watch(&epoll, stop, EpollFlags::EPOLLIN)?;
    announce(listener)?;
    let mut clients: HashMap<RawFd, Client> = HashMap::new();
    let mut buffer = buffer();
    loop {
        for fd in wait(&epoll)? {
            if fd == stop.as_raw_fd() {
                return Ok(());
            } else if fd == listener.as_raw_fd() {
                if let Some(client) = Client::accept_without_waiting(listener)
                    && clients.len() < CLIENTS_MAX
                {
                    watch(&epoll, &client, EpollFlags::EPOLLIN)?;
                    clients.insert(client.fd(), client);
                }
            } else if let Some(client) = clients.get_mut(&fd)
                && client.turn(&mut buffer) == Turn::Gone
            {
                // With its descriptor, the kernel forgets it.
                clients.remove(&fd);
            }
        }
    }
}

pub(super) fn new() -> Result<Epoll> {
    Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("make the demo an epoll")
}

pub(super) fn watch(epoll: &Epoll, fd: impl AsFd, flags: EpollFlags) -> Result<()> {
    let event = EpollEvent::new(flags, fd.as_fd().as_raw_fd().unsigned_abs().into());
    let watched = epoll.add(&fd, event);
    watched.context("watch a descriptor of the demo's server")
}

/// One call, and which descriptors it says are ready.
pub(super) fn wait(epoll: &Epoll) -> Result<Vec<RawFd>> {
    let mut events = [EpollEvent::empty(); EVENTS];
    let ready = match epoll.wait(&mut events, EpollTimeout::NONE) {
        Ok(ready) => ready,
        Err(Errno::EINTR) => 0,
        Err(error) => return Err(error).context("wait for the demo's clients in epoll_wait"),
    };
    let ready = events.iter().take(ready);
    Ok(ready
        .filter_map(|event| event.data().try_into().ok())
        .collect())
}
