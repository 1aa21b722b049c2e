//! `cargo xtask load`: the calls whose cost is measured, made by a process of their own.
//!
//! ```text
//!   bench                        load
//!     | ───── "go MILLISECONDS" ──▶ |
//!     |                             | calls, and nothing else
//!     | ◀──── "CALLS NANOSECONDS" ─ |        and so on, until standard input ends
//! ```
//!
//! It must never do anything between two calls but count them.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollTimeout};
use nix::unistd::Pid;

/// Calls between two looks at the clock.
const BATCH: u64 = 64;

/// Which calls, and how many.
#[derive(Args)]
pub(crate) struct Options {
    /// The calls to make.
    #[arg(value_enum)]
    kind: Kind,
    /// At most so many calls a second; as many as there can be without this.
    #[arg(long)]
    per_second: Option<u64>,
}

/// The calls to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// `recvfrom` on a socket with nothing in it.
    Recv,
    /// `epoll_wait` with a timeout of zero.
    Epoll,
    /// A byte to and fro between two threads, which sleep in turn, on one CPU: on two, most of the time is how
    /// long an idle CPU takes to wake up, which differs more from run to run than any tracer adds.
    PingPong,
}

/// Makes calls when told so, until standard input ends.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut calls = Calls::of(options.kind)?;
    for line in std::io::stdin().lines() {
        let line = line.context("read what to do")?;
        let millis = line
            .strip_prefix("go ")
            .and_then(|millis| millis.parse().ok());
        let length = Duration::from_millis(millis.with_context(|| format!("read {line:?}"))?);
        let began = Instant::now();
        let mut made = 0;
        while began.elapsed() < length {
            if let Some(rate) = options.per_second
                && u128::from(made) * 1_000_000_000 > u128::from(rate) * began.elapsed().as_nanos()
            {
                // Ahead of the rate.
                sleep(Duration::from_micros(100));
                continue;
            }
            made += calls.batch()?;
        }
        println!("{made} {}", began.elapsed().as_nanos());
    }
    Ok(())
}

/// The calls, all set up.
enum Calls {
    Recv {
        empty: UnixStream,
        _peer: UnixStream,
    },
    Epoll {
        epoll: Epoll,
    },
    PingPong {
        stream: UnixStream,
    },
}

impl Calls {
    fn of(kind: Kind) -> Result<Self> {
        let (ours, theirs) = UnixStream::pair().context("make a pair of sockets")?;
        Ok(match kind {
            Kind::Recv => {
                ours.set_nonblocking(true)
                    .context("make a socket non-blocking")?;
                Self::Recv {
                    empty: ours,
                    _peer: theirs,
                }
            }
            Kind::Epoll => Self::Epoll {
                epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("make an epoll")?,
            },
            Kind::PingPong => {
                let mut one = CpuSet::new();
                one.set(0).context("name a CPU")?;
                // The thread that is made inherits it.
                sched_setaffinity(Pid::from_raw(0), &one).context("stay on one CPU")?;
                spawn(move || echo(theirs));
                Self::PingPong { stream: ours }
            }
        })
    }

    /// Makes about [`BATCH`] calls; returns how many it were.
    fn batch(&mut self) -> Result<u64> {
        let mut byte = [0];
        match self {
            Self::Recv { empty, .. } => {
                for _ in 0..BATCH {
                    match empty.read(&mut byte) {
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                        other => bail!("receive nothing: got {other:?}"),
                    }
                }
                Ok(BATCH)
            }
            Self::Epoll { epoll } => {
                let mut events = [EpollEvent::empty()];
                for _ in 0..BATCH {
                    epoll
                        .wait(&mut events, EpollTimeout::ZERO)
                        .context("look for events")?;
                }
                Ok(BATCH)
            }
            Self::PingPong { stream } => {
                // Two calls here and two in the other thread.
                for _ in 0..BATCH / 4 {
                    stream.write_all(&byte).context("send a byte")?;
                    stream.read_exact(&mut byte).context("receive a byte")?;
                }
                Ok(BATCH)
            }
        }
    }
}

/// Sends back each byte, until there are no more.
fn echo(mut stream: UnixStream) {
    let mut byte = [0];
    while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
}

/// A load in a process of its own; it ends when this is dropped.
pub(super) struct Load {
    child: Child,
    // Dropped first: its end is what ends the process.
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

/// What a load did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub(super) calls: u64,
    pub(super) ns: u64,
}

impl Load {
    pub(super) fn start(kind: Kind, per_second: Option<u64>) -> Result<Self> {
        let own = std::env::current_exe().context("find this program")?;
        let name = kind.to_possible_value().context("name a kind of load")?;
        let mut command = Command::new(own);
        command.args(["load", name.get_name()]);
        if let Some(rate) = per_second {
            command.args(["--per-second", &rate.to_string()]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start the load {kind:?}"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("read what a load prints")?;
        Ok(Self {
            child,
            stdin,
            stdout: BufReader::new(stdout),
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it make calls for that long.
    pub(super) fn go(&mut self, length: Duration) -> Result<Made> {
        self.begin(length)?;
        self.wait()
    }

    /// Lets it make calls for that long; [`wait`](Self::wait) says what came of it.
    pub(super) fn begin(&mut self, length: Duration) -> Result<()> {
        let stdin = self.stdin.as_mut().context("tell a load to go")?;
        writeln!(stdin, "go {}", length.as_millis()).context("tell a load to go")
    }

    /// Waits until it has made its calls.
    pub(super) fn wait(&mut self) -> Result<Made> {
        let mut line = String::new();
        self.stdout
            .read_line(&mut line)
            .context("read what a load did")?;
        let numbers: Vec<u64> = line
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        match numbers[..] {
            [calls, ns] if calls > 0 => Ok(Made { calls, ns }),
            _ => bail!("read what a load did: got {line:?}"),
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It has nothing to do but to end.
        let _ended = self.child.wait();
    }
}
