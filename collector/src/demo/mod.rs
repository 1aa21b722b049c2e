//! The demo's target: a small event-loop server under steady load, as two processes of our own.
//!
//! ```text
//!  waitscope demo ──stdin──▶ demo-server   demo-loop     epoll_wait, recvfrom, work, sendto
//!                   │           ▲          demo-worker   waits for heavier jobs (futex)
//!                   │       TCP │          demo-ticker   poll with a timeout
//!                   └─────▶ demo-load      a few thousand requests a second, with bursts
//! ```
//!
//! With `--model` the server is one of those in [`model`], under the same load; a comparison puts a
//! [`closed_load`] on two of them.
//!
//! The server ends when its standard input does, and the load ends with its server: so both are gone
//! when whoever holds that pipe is gone, however it went. Nothing here may need privileges, listen
//! beyond loopback, or load the machine more than a demo may.

mod closed_load;
mod door;
mod frame;
mod load;
mod model;
mod process;
mod server;
mod workers;

use std::ffi::CStr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use door::Door;

pub use closed_load::{REQUEST_BYTES, closed_load_main};
pub use load::load_main;
pub use model::Model;
pub use process::Process;

/// Descriptors that the server or the closed load needs beside its connections, and a few to spare.
pub const SPARE_DESCRIPTORS: u64 = 32;

/// The running demo: a server and its load. Both end when this is dropped, the server first.
#[derive(Debug)]
pub struct Demo {
    server: Server,
    _load: Process,
}

impl Demo {
    /// Starts both as `program demo-server` and `program demo-load PORT`, as the user `(uid, gid)` if
    /// one is given: a demo has no business to run as root. Without a model, the server is the demo's own.
    ///
    /// # Errors
    /// If a process can't be started, or the server doesn't say where it listens.
    pub fn start(program: &Path, user: Option<(u32, u32)>, model: Option<Model>) -> Result<Self> {
        let server = Server::start(program, user, model)?;
        let load = Process::start(program, user, &["demo-load", &server.port.to_string()])?;
        Ok(Self {
            server,
            _load: load,
        })
    }

    /// The server's process: what to trace.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }
}

/// A running server, which ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    process: Process,
    port: u16,
}

impl Server {
    /// Starts `program demo-server`, as the user `(uid, gid)` if one is given, and waits until it listens.
    ///
    /// # Errors
    /// If it can't be started, or doesn't say where it listens: because its model can't run here, say.
    pub fn start(program: &Path, user: Option<(u32, u32)>, model: Option<Model>) -> Result<Self> {
        let mut args = vec!["demo-server"];
        if let Some(model) = model {
            args.extend(["--model", model.word()]);
        }
        let mut process = Process::start(program, user, &args)?;
        let line = process.line().context("read the demo server's port")?;
        let Some(line) = line else {
            return Err(process
                .why_it_ended()
                .context("read the demo server's port"));
        };
        let port = line
            .strip_prefix("port ")
            .and_then(|port| port.parse().ok());
        let port = port.with_context(|| format!("read the demo server's port: got {line:?}"))?;
        Ok(Self { process, port })
    }

    /// The server's process: what to trace.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Its port of loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts `program demo-closed-load` on it: so many connections, each asking as fast as it is answered,
    /// for so long.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn closed_load(
        &self,
        program: &Path,
        user: Option<(u32, u32)>,
        connections: usize,
        time: Duration,
    ) -> Result<Process> {
        let (port, connections) = (self.port.to_string(), connections.to_string());
        let time = format!("{}ns", time.as_nanos());
        let load = [
            "demo-closed-load",
            &port,
            "--connections",
            &connections,
            "--for",
            &time,
        ];
        Process::start(program, user, &load)
    }
}

/// Runs a server until standard input ends: the hidden command `demo-server`. Prints `port NUMBER` once
/// it serves.
///
/// # Errors
/// If the system refuses a descriptor or a thread, or has not what the model is made of.
pub fn serve_main(model: Option<Model>) -> Result<()> {
    name_thread(model.map_or(c"demo-loop", Model::thread))?;
    let door = Door::bind()?;
    match model {
        None => server::serve(door),
        Some(model) => model.serve(&door),
    }
}

/// Names the calling thread, as the page shows it.
fn name_thread(name: &CStr) -> Result<()> {
    nix::sys::prctl::set_name(name).with_context(|| format!("name a thread {name:?}"))
}
