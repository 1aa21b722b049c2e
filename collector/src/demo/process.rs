//! A process of our own: this program started again under another of its names.
//!
//! It ends when whoever holds it is gone, because its standard input ends then. It must never outlive
//! that by more than a moment, nor run as root where somebody called `sudo`.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow};

use crate::attach::Unsupported;

/// How long a process gets to end by itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running process. Dropping it ends it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Starts `program args…`, as the user `(uid, gid)` if one is given.
    pub(super) fn start(program: &Path, user: Option<(u32, u32)>, args: &[&str]) -> Result<Self> {
        let name = args.first().copied().unwrap_or_default().to_owned();
        let mut command = Command::new(program);
        // Where it was built is nobody's business, and no part of its name. A group of their own:
        // Ctrl-C is for who holds them, and ends them in order.
        command.arg0("waitscope").args(args).process_group(0);
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        let start = || format!("start {} {name}", program.display());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(start)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stdout = stdout.context("it has no output").with_context(start)?;
        Ok(Self {
            child,
            name,
            stdin,
            stdout: BufReader::new(stdout),
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its next line, when it has come; `None` at the end of its output.
    ///
    /// # Errors
    /// If its output can't be read.
    pub fn line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line);
        read.with_context(|| format!("read what {} says", self.name))?;
        Ok((!line.is_empty()).then(|| line.trim_end().to_owned()))
    }

    /// What is readable when the next line has come. Lines are short, and come whole and one at a time.
    pub fn output(&self) -> BorrowedFd<'_> {
        self.stdout.get_ref().as_fd()
    }

    /// Writes a line to it.
    ///
    /// # Errors
    /// If it does not read any more.
    pub fn tell(&mut self, line: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("it has no input");
        stdin
            .and_then(|stdin| Ok(writeln!(stdin, "{line}")?))
            .with_context(|| format!("tell {} to {line}", self.name))
    }

    /// Why its output has ended, once it has. What it had to say it has said on standard error.
    pub fn why_it_ended(&mut self) -> Error {
        self.end();
        let code = self
            .child
            .try_wait()
            .ok()
            .flatten()
            .and_then(|status| status.code());
        match code {
            Some(3) => Unsupported::new(
                &format!("start {}", self.name),
                "it can't run here",
                "it has said why",
            )
            .into(),
            Some(code) => anyhow!("{} ended at once, with code {code}", self.name),
            None => anyhow!("{} ended at once", self.name),
        }
    }

    /// Ends it by ending its input, and by force if that is not enough.
    fn end(&mut self) {
        drop(self.stdin.take());
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            // An error means that there is no such child any more.
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(5));
        }
        if self.child.kill().is_ok() {
            // It was killed: waiting for it can't take long, and its status says nothing new.
            let _killed = self.child.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
