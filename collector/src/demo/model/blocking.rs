//! Blocking: a thread for each client, asleep in `recvfrom` until bytes come. One call a request to receive;
//! what is waited for and what is received are the same.
//!
//! It must never look whether something is there before it receives.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Builder, sleep};
use std::time::Duration;

use anyhow::{Context, Result};

use super::CLIENTS_MAX;
use super::client::{Client, Turn, buffer};
use crate::demo::door::{Door, announce};

/// Before it accepts again, where the system has no room for one more client.
const REST: Duration = Duration::from_millis(10);

pub(super) fn serve(door: &Door) -> Result<()> {
    let over = end_with(&door.stop, &door.listener)?;
    announce(&door.listener)?;
    let clients = Arc::new(AtomicUsize::new(0));
    for number in 1_u64.. {
        let client = Client::accept(&door.listener);
        if over.load(Ordering::Acquire) {
            break;
        }
        let Some(client) = client else {
            sleep(REST);
            continue;
        };
        if clients.load(Ordering::Relaxed) >= CLIENTS_MAX {
            continue;
        }
        clients.fetch_add(1, Ordering::Relaxed);
        let left = Arc::clone(&clients);
        let thread = Builder::new()
            .name(format!("blocking-{number}"))
            .spawn(move || {
                converse(client);
                left.fetch_sub(1, Ordering::Relaxed);
            });
        if thread.is_err() {
            // No room for one more thread: the client went with it.
            clients.fetch_sub(1, Ordering::Relaxed);
        }
    }
    // Threads that still wait for their clients end with the process.
    Ok(())
}

/// All of one client's life.
fn converse(mut client: Client) {
    let mut buffer = buffer();
    while client.turn(&mut buffer) != Turn::Gone {}
}

/// A thread that waits for the end, and then has `accept` return: that is all that a blocking server can do
/// about a second thing to wait for.
fn end_with(stop: &OwnedFd, listener: &TcpListener) -> Result<Arc<AtomicBool>> {
    let over = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&over);
    let stop = stop.try_clone().context("wait for the demo's end")?;
    // The standard library shuts streams down only, and the kernel tells no difference.
    let listener = OwnedFd::from(listener.try_clone().context("wait for the demo's end")?);
    let listener = TcpStream::from(listener);
    let wait = move || {
        while let Err(rustix::io::Errno::INTR) = rustix::io::read(&stop, &mut [0; 1]) {}
        tell.store(true, Ordering::Release);
        let _gone: io::Result<()> = listener.shutdown(Shutdown::Both);
    };
    let thread = Builder::new().name("demo-stop".into()).spawn(wait);
    thread.context("start the thread that waits for the demo's end")?;
    Ok(over)
}
