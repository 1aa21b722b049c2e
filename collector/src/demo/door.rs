//! Where a server's clients come in, and how it is told to end. It must never open beyond loopback.

use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};

use anyhow::{Context, Result};

/// What a server begins with.
pub(super) struct Door {
    /// A free port of loopback. Accepting blocks.
    pub(super) listener: TcpListener,
    /// Standard input: the server ends when it is readable or closed.
    pub(super) stop: OwnedFd,
}

impl Door {
    pub(super) fn bind() -> Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listen on 127.0.0.1")?;
        let stop = io::stdin().as_fd().try_clone_to_owned();
        let stop = stop.context("keep the standard input of the demo's server")?;
        Ok(Self { listener, stop })
    }
}

/// Says where the server listens, once it is ready to serve: whoever started it waits for that.
pub(super) fn announce(listener: &TcpListener) -> Result<()> {
    let address = listener.local_addr();
    let address = address.context("ask where the demo's server listens")?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "port {}", address.port())
        .and_then(|()| stdout.flush())
        .context("print the demo server's port")
}
