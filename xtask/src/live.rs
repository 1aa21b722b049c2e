//! The product's demo, running for whoever wants to look at its page.
//!
//! It is ended as a user would: Ctrl-C, and then it must end well.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{packages, place, run};

/// For the demo to say where it listens, and to end: both take well under a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// The running demo.
pub(crate) struct Demo {
    child: Child,
    address: String,
}

impl Demo {
    /// Starts it, on any free port.
    pub(crate) fn start() -> Result<Self> {
        let product = place::product();
        let mut command = packages::as_root(&product.to_string_lossy())?;
        command
            .args(["demo", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped());
        if !packages::is_root() {
            // sudo hands a signal on only if it comes from outside its own process group.
            command.process_group(0);
        }
        println!("$ {}", run::line(&command));
        let mut child = command.spawn().context("start the demo")?;
        let stdout = child.stdout.take().context("read what the demo prints")?;
        let (sender, lines) = channel();
        spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                println!("{line}");
                // Nobody listens once the address was found; it is read all the same, so that the
                // demo can go on printing.
                let _unheard = sender.send(line);
            }
        });
        let mut demo = Self {
            child,
            address: String::new(),
        };
        demo.address = find_address(&lines)?;
        Ok(demo)
    }

    /// What a browser opens, with the secret in it.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Interrupts it, and fails unless it ends well.
    pub(crate) fn end(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        run::run(packages::as_root("kill")?.args(["-INT", &pid]))?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().context("wait for the demo")? {
                if status.success() {
                    return Ok(());
                }
                bail!("interrupted, the demo ended with {status}");
            }
            sleep(Duration::from_millis(20));
        }
        bail!("interrupted, the demo went on for {PATIENCE:?}");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Only when something went wrong before: no need to ask politely.
            let _killed = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}

/// The first thing in the lines that a browser could open.
fn find_address(lines: &Receiver<String>) -> Result<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = lines
            .recv_timeout(left)
            .context("find the demo's address in what it prints")?;
        let address = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"));
        if let Some(address) = address {
            return Ok(address.to_owned());
        }
    }
}
