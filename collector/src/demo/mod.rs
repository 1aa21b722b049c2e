//! The demo's target: a small event-loop server under steady load, as two processes of our own.
//!
//! ```text
//!  waitscope demo ──stdin──▶ demo-server   demo-loop     epoll_wait, recvfrom, work, sendto
//!                   │           ▲          demo-worker   waits for heavier jobs (futex)
//!                   │       TCP │          demo-ticker   poll with a timeout
//!                   └─────▶ demo-load      a few thousand requests a second, with bursts
//! ```
//!
//! The server ends when its standard input does, and the load ends with its server: so both are gone
//! when whoever holds that pipe is gone, however it went. Nothing here may need privileges, listen
//! beyond loopback, or load the machine more than a demo may.

mod frame;
mod load;
mod server;
mod workers;

use std::ffi::CStr;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

pub use load::load_main;
pub use server::serve_main;

/// How long the children get to end by themselves.
const PATIENCE: Duration = Duration::from_secs(2);

/// The running demo: a server and its load. Both end when this is dropped.
#[derive(Debug)]
pub struct Demo {
    server: Child,
    load: Child,
}

impl Demo {
    /// Starts both as `program demo-server` and `program demo-load PORT`, as the user `(uid, gid)` if
    /// one is given: a demo has no business to run as root.
    ///
    /// # Errors
    /// If a process can't be started, or the server doesn't say where it listens.
    pub fn start(program: &Path, user: Option<(u32, u32)>) -> Result<Self> {
        let child = |name: &str| {
            let mut command = Command::new(program);
            // Where it was built is nobody's business, and no part of its name. A group of their own:
            // Ctrl-C is for who holds them, and ends them in order.
            command.arg0("waitscope").arg(name).process_group(0);
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        let mut server = child("demo-server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| {
                format!("start the demo's server, {} demo-server", program.display())
            })?;
        let port = match read_port(&mut server) {
            Ok(port) => port,
            Err(error) => {
                end(&mut server);
                return Err(error);
            }
        };
        let load = child("demo-load")
            .arg(port.to_string())
            .stdin(Stdio::null())
            .spawn();
        match load {
            Ok(load) => Ok(Self { server, load }),
            Err(error) => {
                end(&mut server);
                Err(error).context("start the demo's load")
            }
        }
    }

    /// The server's process: what to trace.
    pub fn pid(&self) -> u32 {
        self.server.id()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let Self { server, load } = self;
        end(server);
        end(load);
    }
}

/// Ends the child by ending its input, and by force if that is not enough.
fn end(child: &mut Child) {
    drop(child.stdin.take());
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        // An error means that there is no such child any more.
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        sleep(Duration::from_millis(5));
    }
    if child.kill().is_ok() {
        // It was killed: waiting for it can't take long, and its status says nothing new.
        let _killed = child.wait();
    }
}

/// Reads the line `port NUMBER` that the server begins with.
fn read_port(server: &mut Child) -> Result<u16> {
    let stdout = server
        .stdout
        .take()
        .context("read the demo server's port: no output")?;
    let mut line = String::new();
    BufReader::new(stdout)
        .read_line(&mut line)
        .context("read the demo server's port")?;
    ensure!(
        !line.is_empty(),
        "read the demo server's port: it ended at once"
    );
    let port = line
        .trim_end()
        .strip_prefix("port ")
        .and_then(|port| port.parse().ok());
    port.with_context(|| format!("read the demo server's port: got {line:?}"))
}

/// Names the calling thread, as the page shows it.
fn name_thread(name: &CStr) -> Result<()> {
    nix::sys::prctl::set_name(name).with_context(|| format!("name a thread {name:?}"))
}
