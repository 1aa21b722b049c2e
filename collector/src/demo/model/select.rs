//! Multiplexing with `select`: one call waits for all, and says of each whether something is there.
//!
//! What it is told and tells is a bit for each descriptor up to the highest: so it knows none from 1,024 on,
//! and costs more the more there are. It must never wait anywhere else.

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::select::{FD_SETSIZE, FdSet, select};
use std::os::fd::AsFd;

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
        // The kernel writes its answer over the question: it is asked anew each time.
        let mut set = FdSet::new();
        set.insert(stop.as_fd());
        set.insert(listener.as_fd());
        for client in &clients {
            set.insert(client.as_fd());
        }
        match select(None, &mut set, None, None, None) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(error).context("wait for the demo's clients in select"),
        }
        if set.contains(stop.as_fd()) {
            return Ok(());
        }
        let knock = set.contains(listener.as_fd());
        let ready: Vec<bool> = clients
            .iter()
            .map(|client| set.contains(client.as_fd()))
            .collect();
        let mut ready = ready.into_iter();
        clients.retain_mut(|client| {
            !ready.next().unwrap_or(false) || client.turn(&mut buffer) != Turn::Gone
        });
        if knock
            && let Some(client) = Client::accept_without_waiting(listener)
            && clients.len() < CLIENTS_MAX
            && usize::try_from(client.fd()).is_ok_and(|fd| fd < FD_SETSIZE)
        {
            clients.push(client);
        }
    }
}
