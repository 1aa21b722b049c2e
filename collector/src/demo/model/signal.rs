//! Signal-driven: each descriptor has the kernel send a real-time signal when something comes, and the
//! thread sleeps in `rt_sigtimedwait` until one does.
//!
//! Signals queue, one for each arrival, each with its descriptor. A queue that is full gives `SIGIO` instead,
//! which says that something came for somebody. It must never receive without having been told.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, RawFd};

use anyhow::Result;

use super::client::{Client, Turn, buffer};
use super::raw::{Signal, Signals};
use super::{CLIENTS_MAX, accept_without_waiting, ask_without_waiting, is_over};
use crate::demo::door::{Door, announce};

pub(super) fn serve(door: &Door) -> Result<()> {
    let Door { listener, stop } = door;
    accept_without_waiting(listener)?;
    ask_without_waiting(stop)?;
    let signals = Signals::queue()?;
    signals.send_for(listener)?;
    signals.send_for(stop)?;
    announce(listener)?;
    let mut clients: HashMap<RawFd, Client> = HashMap::new();
    let mut buffer = buffer();
    // What came before there were signals gave none.
    let mut over = is_over(stop);
    while !over {
        let fd = match signals.next()? {
            Signal::Of(fd) => Some(fd),
            Signal::OfSome => None,
        };
        let for_some = fd.is_none();
        if for_some || fd == Some(stop.as_raw_fd()) {
            over = is_over(stop);
        }
        if for_some || fd == Some(listener.as_raw_fd()) {
            while let Some(mut client) = Client::accept_without_waiting(listener) {
                signals.send_for(&client)?;
                if clients.len() < CLIENTS_MAX
                    && client.turn_until_nothing(&mut buffer) != Turn::Gone
                {
                    clients.insert(client.fd(), client);
                }
            }
        }
        if for_some {
            clients.retain(|_, client| client.turn_until_nothing(&mut buffer) != Turn::Gone);
        } else if let Some(fd) = fd
            && let Some(client) = clients.get_mut(&fd)
            && client.turn_until_nothing(&mut buffer) == Turn::Gone
        {
            clients.remove(&fd);
        }
    }
    Ok(())
}
