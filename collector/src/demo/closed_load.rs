//! A closed load: each of its connections asks again as soon as it is answered, for a while.
//!
//! ```text
//!  says   ready                   every connection was answered once
//!  hears  go
//!  says   done REQUESTS NANOS     every request was answered, and rightly
//! ```
//!
//! One thread drives all connections, so that what it costs is alike whatever the server is. It must never
//! have more than one request under way on a connection, nor let a wrong answer pass.

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::frame::{HEADER, REPLY, TINY, digest, request};

/// Payload of a request.
const PAYLOAD_BYTES: usize = 56;
/// A whole request.
pub const REQUEST_BYTES: usize = HEADER + PAYLOAD_BYTES;
/// What stands for standard input among the connections' numbers.
const STOP: u64 = u64::MAX;
/// Answers taken in one turn.
const EVENTS: usize = 256;
/// A server that has not answered for so long never will.
const PATIENCE: Duration = Duration::from_secs(10);

/// The hidden command `demo-closed-load`.
///
/// # Errors
/// If the server hangs up, does not answer, or answers wrongly.
pub fn closed_load_main(port: u16, connections: usize, time: Duration) -> Result<()> {
    super::name_thread(c"demo-load")?;
    let mut load = ClosedLoad::connect(port, connections)?;
    say("ready")?;
    let mut go = String::new();
    let heard = io::stdin().lock().read_line(&mut go);
    if heard.context("wait to be told to go")? == 0 {
        return Ok(());
    }
    let (requests, took) = load.run(time)?;
    say(&format!("done {requests} {}", took.as_nanos()))?;
    // The connections stay until somebody has seen what they cost.
    let rest = io::copy(&mut io::stdin().lock(), &mut io::sink());
    rest.context("wait for the end").map(|_bytes| ())
}

fn say(line: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let said = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    said.with_context(|| format!("say {line}"))
}

struct ClosedLoad {
    epoll: Epoll,
    askers: Vec<Asker>,
}

/// A connection, with the one thing it ever asks.
struct Asker {
    stream: TcpStream,
    request: Vec<u8>,
    expected: [u8; REPLY],
    received: usize,
}

impl ClosedLoad {
    /// Connects, and has each connection answered once: whatever the server does for a new one is done then.
    fn connect(port: u16, connections: usize) -> Result<Self> {
        let epoll =
            Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("make the load an epoll")?;
        let stop = EpollEvent::new(EpollFlags::EPOLLIN, STOP);
        epoll
            .add(io::stdin(), stop)
            .context("watch standard input")?;
        let mut askers = Vec::new();
        for number in 0..connections {
            let asker = Asker::connect(port, number)
                .with_context(|| format!("connection {} of {connections}", number + 1))?;
            let event = EpollEvent::new(EpollFlags::EPOLLIN, number as u64);
            epoll
                .add(&asker.stream, event)
                .context("watch a connection")?;
            askers.push(asker);
        }
        Ok(Self { epoll, askers })
    }

    /// Asks on all connections for so long, and waits for the last answers; ends at once if its input does.
    /// Returns how many answers there were, and how long that took.
    fn run(&mut self, time: Duration) -> Result<(u64, Duration)> {
        let began = Instant::now();
        for asker in &mut self.askers {
            asker.ask()?;
        }
        let (mut answered, mut under_way) = (0, self.askers.len());
        let mut events = [EpollEvent::empty(); EVENTS];
        let patience = EpollTimeout::try_from(PATIENCE).context("wait for answers")?;
        while under_way > 0 {
            let ready = match self.epoll.wait(&mut events, patience) {
                Ok(0) => bail!("the server has not answered for {PATIENCE:?}"),
                Ok(ready) => ready,
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error).context("wait for answers"),
            };
            let more = began.elapsed() < time;
            for event in events.iter().take(ready) {
                if event.data() == STOP {
                    return Ok((answered, began.elapsed()));
                }
                let number = usize::try_from(event.data()).unwrap_or(usize::MAX);
                let Some(asker) = self.askers.get_mut(number) else {
                    continue;
                };
                if !asker
                    .hear()
                    .with_context(|| format!("connection {}", number + 1))?
                {
                    continue;
                }
                answered += 1;
                if more {
                    asker.ask()?;
                } else {
                    under_way -= 1;
                }
            }
        }
        Ok((answered, began.elapsed()))
    }
}

impl Asker {
    fn connect(port: u16, number: usize) -> Result<Self> {
        // Each asks something else, so that an answer to another one is a wrong answer.
        let payload: Vec<u8> = number
            .to_le_bytes()
            .into_iter()
            .cycle()
            .take(PAYLOAD_BYTES)
            .collect();
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("connect")?;
        stream.set_nodelay(true).context("set TCP_NODELAY")?;
        stream
            .set_read_timeout(Some(PATIENCE))
            .context("set a timeout")?;
        let mut asker = Self {
            stream,
            request: request(TINY, &payload),
            expected: digest(TINY, &payload).to_le_bytes(),
            received: 0,
        };
        asker.ask()?;
        while !asker.hear()? {}
        asker
            .stream
            .set_nonblocking(true)
            .context("make it non-blocking")?;
        Ok(asker)
    }

    fn ask(&mut self) -> Result<()> {
        self.stream.write_all(&self.request).context("ask")
    }

    /// One receive. Returns whether the answer is whole now.
    fn hear(&mut self) -> Result<bool> {
        let mut bytes = [0; REPLY];
        let expected = self.expected.get(self.received..).unwrap_or_default();
        let room = bytes.get_mut(..expected.len()).unwrap_or_default();
        let length = match self.stream.read(room) {
            Ok(0) => bail!("the server hung up: it may not have so many threads or descriptors"),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
            Err(error) => return Err(error).context("hear the answer"),
        };
        ensure!(
            room.get(..length) == expected.get(..length),
            "the answer is wrong"
        );
        self.received = (self.received + length) % REPLY;
        Ok(self.received == 0)
    }
}
