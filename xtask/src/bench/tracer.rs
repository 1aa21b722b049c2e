//! The tracers that are compared, each started on a process and stopped again.
//!
//! A tracer that saw nothing did not cost nothing: it must never be counted, so each leaves a proof.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{dir, floor_object};
use crate::place;

/// For a tracer to begin or to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// `perf` does not say when it has begun.
const PERF_BEGINS: Duration = Duration::from_millis(1_500);

/// What traces, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    Floor,
    /// Only phases.
    Phases,
    /// With names, ready sets and ready delays.
    Waitscope,
    PerfRecord,
    PerfTrace,
    Strace,
}

impl Kind {
    /// In the order of a round and of the table.
    pub(super) const ALL: [Self; 7] = [
        Self::Nothing,
        Self::Floor,
        Self::Phases,
        Self::Waitscope,
        Self::PerfRecord,
        Self::PerfTrace,
        Self::Strace,
    ];

    /// As the table calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "untraced",
            Self::Floor => "two empty programs",
            Self::Phases => "waitscope, phases",
            Self::Waitscope => "waitscope, all",
            Self::PerfRecord => "perf record",
            Self::PerfTrace => "perf trace",
            Self::Strace => "strace -f",
        }
    }

    /// A server makes a tenth of its requests under it.
    pub(super) fn is_slow(self) -> bool {
        matches!(self, Self::PerfTrace | Self::Strace)
    }
}

/// A tracer at work.
pub(super) struct Tracer {
    kind: Kind,
    child: Option<Child>,
    output: PathBuf,
}

impl Tracer {
    /// Starts it on a process; returns when it traces.
    pub(super) fn start(kind: Kind, pid: u32) -> Result<Self> {
        let output = dir().join(format!("{kind:?}.out"));
        // So that what is there afterwards is from now.
        match fs::remove_file(&output) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("remove {}", output.display()));
            }
            _ => {}
        }
        let mut tracer = Self {
            kind,
            child: None,
            output,
        };
        let Some(mut command) = tracer.command(pid) else {
            return Ok(tracer);
        };
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log(kind)?)
            .spawn()
            .with_context(|| format!("start {}", kind.name()))?;
        tracer.child = Some(child);
        tracer.wait_until_it_traces().with_context(|| {
            format!(
                "start {}: see {}",
                kind.name(),
                dir().join(format!("{kind:?}.log")).display()
            )
        })?;
        Ok(tracer)
    }

    /// Its process, if it is one.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    fn command(&self, pid: u32) -> Option<Command> {
        let pid = pid.to_string();
        let with = |program: PathBuf, args: &[&str]| {
            let mut command = Command::new(program);
            command.args(args);
            command
        };
        let mut command = match self.kind {
            Kind::Nothing => return None,
            Kind::Floor => {
                let mut command = with(place::target().join("release/examples/floor"), &[]);
                command.arg(floor_object());
                return Some(command);
            }
            Kind::Phases => with(
                place::product(),
                &["record", &pid, "--detail", "phases", "-o"],
            ),
            Kind::Waitscope => with(place::product(), &["record", &pid, "-o"]),
            Kind::PerfRecord => with(
                "perf".into(),
                &[
                    "record",
                    "-q",
                    "-e",
                    "raw_syscalls:sys_enter,raw_syscalls:sys_exit",
                    "-p",
                    &pid,
                    "-o",
                ],
            ),
            Kind::PerfTrace => with("perf".into(), &["trace", "-p", &pid, "-o"]),
            Kind::Strace => with("strace".into(), &["-f", "-p", &pid, "-o"]),
        };
        command.arg(&self.output);
        Some(command)
    }

    fn wait_until_it_traces(&mut self) -> Result<()> {
        match self.kind {
            Kind::Nothing => Ok(()),
            Kind::Floor => {
                let stdout = self.child.as_mut().and_then(|child| child.stdout.take());
                let mut line = String::new();
                BufReader::new(stdout.context("read its output")?).read_line(&mut line)?;
                ensure!(line == "attached\n", "it said {line:?}");
                Ok(())
            }
            // It opens its file once it has attached.
            Kind::Phases | Kind::Waitscope => {
                self.wait_for("its file", |output, _| output.exists())
            }
            Kind::Strace => self.wait_for("\"attached\"", |_, log| log.contains("attached")),
            Kind::PerfRecord | Kind::PerfTrace => {
                sleep(PERF_BEGINS);
                self.wait_for("its file", |output, _| output.exists())
            }
        }
    }

    fn wait_for(&mut self, what: &str, holds: impl Fn(&PathBuf, &str) -> bool) -> Result<()> {
        let log = dir().join(format!("{:?}.log", self.kind));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = fs::read_to_string(&log).unwrap_or_default();
            if holds(&self.output, &said) {
                return Ok(());
            }
            if let Some(status) = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().transpose())
            {
                bail!("it ended: {}", status.context("wait for it")?);
            }
            ensure!(Instant::now() < deadline, "no {what} within {PATIENCE:?}");
            sleep(Duration::from_millis(5));
        }
    }

    /// Stops it, and makes sure that it saw something.
    pub(super) fn stop(mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        interrupt(&mut child).with_context(|| format!("stop {}", self.kind.name()))?;
        if self.kind == Kind::Floor {
            return Ok(());
        }
        let size = fs::metadata(&self.output).map_or(0, |found| found.len());
        ensure!(
            size > 0,
            "{} traced, and has written nothing",
            self.kind.name()
        );
        Ok(())
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Only when something went wrong before, and then that is what to report.
            let _stopped = interrupt(&mut child);
        }
    }
}

/// Where the tracer's own words go: read while it starts, kept for who wonders why it did not.
fn log(kind: Kind) -> Result<File> {
    let path = dir().join(format!("{kind:?}.log"));
    File::create(&path).with_context(|| format!("make {}", path.display()))
}

/// Interrupts a process of ours as Ctrl-C does, and by force if it does not end.
pub(super) fn interrupt(child: &mut Child) -> Result<()> {
    let pid = i32::try_from(child.id()).context("a PID is that small")?;
    drop(child.stdin.take());
    kill(Pid::from_raw(pid), Signal::SIGINT).context("interrupt it")?;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if child.try_wait().context("wait for it")?.is_some() {
            return Ok(());
        }
        sleep(Duration::from_millis(5));
    }
    child.kill().context("kill it")?;
    child.wait().context("wait for it")?;
    bail!("interrupted, it went on for {PATIENCE:?}, and was killed")
}
