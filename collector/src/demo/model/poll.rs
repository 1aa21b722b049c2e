//! Multiplexing with `poll`: as with `select`, but what is asked for is a list, so any descriptor will do.
//!
//! The kernel still looks at all of them in every call. It must never wait anywhere else.

use std::os::fd::AsFd;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::client::{Client, Turn, buffer};
use super::{CLIENTS_MAX, accept_without_waiting};
use crate::demo::door::{Door, announce};

pub(super) fn serve(door: &Door) -> Result<()> {
    let Door { listener, stop } = door;
    accept_without_waiting(listener)?;
    announce(listener)?;
    let mut clients: Vec<Client> = Vec::new();
    let mut buffer = buffer();
    loop {
        let ours = [stop.as_fd(), listener.as_fd()].into_iter();
        let mut list: Vec<PollFd<'_>> = ours
            .chain(clients.iter().map(Client::as_fd))
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        match poll(&mut list, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(error).context("wait for the demo's clients in poll"),
        }
        // An answer may say more than was asked for: that the other end is gone.
        let ready: Vec<bool> = list.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        let mut ready = ready.into_iter();
        let mut next = || ready.next().unwrap_or(false);
        let (over, knock) = (next(), next());
        if over {
            return Ok(());
        }
        clients.retain_mut(|client| !next() || client.turn(&mut buffer) != Turn::Gone);
        if knock
            && let Some(client) = Client::accept_without_waiting(listener)
            && clients.len() < CLIENTS_MAX
        {
            clients.push(client);
        }
    }
}
