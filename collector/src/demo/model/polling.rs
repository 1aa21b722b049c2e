//! Non-blocking and polling: one thread asks every client whether something has come, and is mostly told
//! `EAGAIN`. Quick to answer or quick to sleep, never both.
//!
//! It must never learn from the kernel who has something.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;

use super::client::{Client, Turn, buffer};
use super::{CLIENTS_MAX, accept_without_waiting, ask_without_waiting, is_over};
use crate::demo::door::{Door, announce};

/// After a round in which nobody had anything.
const REST: Duration = Duration::from_millis(1);

pub(super) fn serve(door: &Door) -> Result<()> {
    accept_without_waiting(&door.listener)?;
    ask_without_waiting(&door.stop)?;
    announce(&door.listener)?;
    let mut clients: Vec<Client> = Vec::new();
    let mut buffer = buffer();
    while !is_over(&door.stop) {
        let mut served = false;
        if let Some(client) = Client::accept_without_waiting(&door.listener)
            && clients.len() < CLIENTS_MAX
        {
            clients.push(client);
            served = true;
        }
        clients.retain_mut(|client| {
            let turn = client.turn(&mut buffer);
            served |= turn == Turn::Served;
            turn != Turn::Gone
        });
        if !served {
            sleep(REST);
        }
    }
    Ok(())
}
