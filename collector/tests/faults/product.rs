//! The product, run as a user runs it, with what it says.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::{JoinHandle, sleep, spawn},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_waitscope");

/// Generous: what is waited for takes milliseconds. Over means that it hangs, and fails the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running waitscope. Killed with its owner.
pub(crate) struct Product {
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

/// How it ended, and all it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code, or below zero the signal that killed it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// `waitscope` with these arguments, given by words.
pub(crate) fn waitscope(words: &str) -> Command {
    assert!(
        Uid::effective().is_root(),
        "these tests need root: sudo -E cargo test --test faults"
    );
    let mut command = Command::new(PROGRAM);
    command
        .args(words.split_whitespace())
        .env_remove("SUDO_UID")
        .env_remove("SUDO_GID");
    command.stdin(Stdio::null());
    command
}

/// `waitscope` with these arguments, run to its end.
pub(crate) fn end_of(words: &str) -> Ended {
    Product::start(&mut waitscope(words)).end()
}

impl Product {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        Self {
            child,
            stdout,
            stderr,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until standard error has a line with these words in it, and gives that line.
    pub(crate) fn says(&mut self, words: &str) -> String {
        self.stderr.until(words)
    }

    /// Waits for the page's address.
    pub(crate) fn address(&mut self) -> String {
        self.stdout.until("http://")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        signal_pid(self.pid(), signal);
    }

    /// Closes its standard input, after writing this.
    pub(crate) fn write(&mut self, text: &str) {
        self.child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    /// Asks it to end as Ctrl-C does.
    pub(crate) fn interrupt(self) -> Ended {
        self.signal(Signal::SIGINT);
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let mut status = None;
        eventually("waitscope has ended", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let status = status.unwrap();
        let code = status.code().unwrap_or_else(|| -status.signal().unwrap());
        Ended {
            code,
            stdout: self.stdout.all(),
            stderr: self.stderr.all(),
        }
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// It failed with this code and this one line, and printed nothing else.
    pub(crate) fn failed(&self, code: i32, line: &str) {
        assert_eq!(
            (self.code, self.stderr.as_str()),
            (code, format!("waitscope: {line}\n").as_str()),
            "{self:?}"
        );
        assert_eq!(self.stdout, "", "{self:?}");
    }

    /// It ended with this code and said this among other words.
    pub(crate) fn said(&self, code: i32, words: &str) {
        assert!(
            self.code == code && self.stderr.contains(words),
            "not {code} and {words:?}: {self:?}"
        );
    }

    /// It is a report with a row of calls that wait for descriptors by `select`, under either name.
    pub(crate) fn reports_select(&self) {
        let rows = ["select ", "pselect6 "];
        let row = self
            .stdout
            .lines()
            .find(|line| rows.iter().any(|row| line.starts_with(row)));
        assert!(self.code == 0 && row.is_some(), "no select: {self:?}");
    }

    /// How many lines of standard error hold these words.
    pub(crate) fn times(&self, words: &str) -> usize {
        self.stderr
            .lines()
            .filter(|line| line.contains(words))
            .count()
    }
}

/// What a pipe brings, line by line, without ever letting it fill.
struct Lines {
    lines: Receiver<String>,
    seen: String,
    reader: Option<JoinHandle<()>>,
}

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        let reader = spawn(move || {
            for line in BufReader::new(pipe).lines() {
                // Nobody listens after the end of a test.
                let _ = sender.send(line.unwrap());
            }
        });
        Self {
            lines,
            seen: String::new(),
            reader: Some(reader),
        }
    }

    fn until(&mut self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line =
                line.unwrap_or_else(|error| panic!("{error} for {words:?} after {:?}", self.seen));
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(words) {
                return line;
            }
        }
    }

    fn all(&mut self) -> String {
        // Ends when every process that holds the pipe has closed it.
        let reader = self.reader.take().unwrap();
        eventually("every holder of the output is gone", || {
            reader.is_finished()
        });
        for line in self.lines.try_iter() {
            self.seen.push_str(&line);
            self.seen.push('\n');
        }
        std::mem::take(&mut self.seen)
    }
}

/// Waits for a state, and fails if it does not come.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(5));
    }
}

pub(crate) fn signal_pid(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

/// Whether a process is there and has not ended.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with('Z'))
}
