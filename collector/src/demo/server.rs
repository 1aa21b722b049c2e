//! The demo's server: one thread, one epoll, and nothing that is not there to be seen.
//!
//! Each turn is the textbook's: wait until some descriptor is ready, receive, work, send. It must
//! never block outside `epoll_wait`, and never keep more for a client than one request.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::door::{Door, announce};
use super::frame::{HEADER, HEAVY, PAYLOAD_MAX, Parsed, digest, parse};
use super::workers::{Done, Job, Worker, start_ticker, start_worker};

/// Clients at one time; more are hung up on.
const CLIENTS_MAX: usize = 256;
/// Events taken in one turn.
const EVENTS: usize = 64;
/// The loop tells the ticker about every so many answers.
const NEWS_EVERY: u64 = 64;

/// What an event belongs to. Clients get the numbers from [`FIRST_CLIENT`] on, each only once.
const LISTENER: u64 = 0;
const STOP: u64 = 1;
const WORKER: u64 = 2;
const FIRST_CLIENT: u64 = 3;

/// Serves until the door is shut.
///
/// # Errors
/// If the system refuses a descriptor or a thread.
pub(super) fn serve(door: Door) -> Result<()> {
    let server = Server::new(door.listener)?;
    announce(&server.listener)?;
    server.run(door.stop)
}

/// The server, all set up.
struct Server {
    epoll: Epoll,
    listener: TcpListener,
    clients: HashMap<u64, Client>,
    next_client: u64,
    worker: Worker,
    wake: Arc<EventFd>,
    ticker: UnixStream,
    threads: [JoinHandle<()>; 2],
    answered: u64,
}

/// A connection, and what of its next request has come.
struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

/// Whether a client may stay.
#[derive(PartialEq, Eq)]
enum Verdict {
    Keep,
    HangUp,
}

impl Server {
    /// Ready to run, with all threads started.
    fn new(listener: TcpListener) -> Result<Self> {
        listener
            .set_nonblocking(true)
            .context("make the demo's listener non-blocking")?;
        let wake = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)
            .context("make the demo an eventfd")?;
        let wake = Arc::new(wake);
        let epoll =
            Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("make the demo an epoll")?;
        watch(&epoll, &listener, LISTENER)?;
        watch(&epoll, &*wake, WORKER)?;
        let (worker, worker_thread) = start_worker(Arc::clone(&wake))?;
        let (ticker, ticker_thread) = start_ticker()?;
        Ok(Self {
            epoll,
            listener,
            clients: HashMap::new(),
            next_client: FIRST_CLIENT,
            worker,
            wake,
            ticker,
            threads: [worker_thread, ticker_thread],
            answered: 0,
        })
    }

    /// Serves until `stop` is readable or closed.
    fn run(mut self, stop: impl AsFd) -> Result<()> {
        watch(&self.epoll, &stop, STOP)?;
        let mut events = [EpollEvent::empty(); EVENTS];
        let mut buffer = vec![0; HEADER + PAYLOAD_MAX];
        loop {
            let ready = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(ready) => ready,
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error).context("wait for the demo's clients"),
            };
            for event in events.iter().take(ready) {
                match event.data() {
                    STOP => return self.end(),
                    LISTENER => self.accept()?,
                    WORKER => self.collect(),
                    token => self.serve(token, &mut buffer),
                }
            }
        }
    }

    /// Lets the threads go, and waits until they are gone.
    fn end(self) -> Result<()> {
        let Self {
            worker,
            ticker,
            threads,
            ..
        } = self;
        drop((worker, ticker));
        for thread in threads {
            thread
                .join()
                .map_err(|_panic| anyhow::anyhow!("a thread of the demo's server panicked"))?;
        }
        Ok(())
    }

    fn accept(&mut self) -> Result<()> {
        let stream = match self.listener.accept() {
            Ok((stream, _peer)) => stream,
            // The client gave up, or we have no descriptors left: neither ends a server.
            Err(_) => return Ok(()),
        };
        if self.clients.len() >= CLIENTS_MAX {
            return Ok(());
        }
        stream
            .set_nonblocking(true)
            .context("make a demo's connection non-blocking")?;
        stream
            .set_nodelay(true)
            .context("set TCP_NODELAY on a demo's connection")?;
        let token = self.next_client;
        watch(&self.epoll, &stream, token)?;
        self.next_client += 1;
        self.clients.insert(
            token,
            Client {
                stream,
                received: Vec::new(),
            },
        );
        Ok(())
    }

    /// One receive, and the answers to all requests that are whole now.
    fn serve(&mut self, token: u64, buffer: &mut [u8]) {
        let Some(client) = self.clients.get_mut(&token) else {
            return;
        };
        let verdict = match client.stream.read(buffer) {
            Ok(0) => Verdict::HangUp,
            Ok(length) => {
                client
                    .received
                    .extend_from_slice(buffer.get(..length).unwrap_or_default());
                self.answer(token)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Verdict::Keep,
            Err(_) => Verdict::HangUp,
        };
        if verdict == Verdict::HangUp {
            self.clients.remove(&token);
        }
    }

    fn answer(&mut self, token: u64) -> Verdict {
        let Some(client) = self.clients.get_mut(&token) else {
            return Verdict::HangUp;
        };
        loop {
            let taken = match parse(&client.received) {
                Parsed::Partial => return Verdict::Keep,
                Parsed::Bad => return Verdict::HangUp,
                Parsed::Whole {
                    kind: HEAVY,
                    payload,
                } => {
                    let job = Job {
                        token,
                        payload: payload.to_vec(),
                    };
                    // A worker with this many jobs waiting is no place for one more.
                    if self.worker.jobs.try_send(job).is_err() {
                        return Verdict::HangUp;
                    }
                    payload.len()
                }
                Parsed::Whole { kind, payload } => {
                    if reply(&mut client.stream, digest(kind, payload)) == Verdict::HangUp {
                        return Verdict::HangUp;
                    }
                    self.answered += 1;
                    if self.answered.is_multiple_of(NEWS_EVERY) {
                        // A ticker that is behind gets the next news.
                        let _full = self.ticker.write(&self.answered.to_le_bytes());
                    }
                    payload.len()
                }
            };
            client.received.drain(..HEADER + taken);
        }
    }

    /// Hands out what the worker has done.
    fn collect(&mut self) {
        // Only how often it was written since: the answers themselves come through the channel.
        let _count = self.wake.read();
        while let Ok(Done { token, digest }) = self.worker.done.try_recv() {
            if let Some(client) = self.clients.get_mut(&token)
                && reply(&mut client.stream, digest) == Verdict::HangUp
            {
                self.clients.remove(&token);
            }
        }
    }
}

/// Sends an answer. A client whose socket has no room for eight bytes does not read: it goes.
fn reply(stream: &mut TcpStream, digest: u64) -> Verdict {
    match stream.write_all(&digest.to_le_bytes()) {
        Ok(()) => Verdict::Keep,
        Err(_) => Verdict::HangUp,
    }
}

fn watch(epoll: &Epoll, fd: impl AsFd, token: u64) -> Result<()> {
    let event = EpollEvent::new(EpollFlags::EPOLLIN, token);
    epoll
        .add(fd, event)
        .with_context(|| format!("watch a descriptor of the demo's server ({token})"))
}

#[cfg(test)]
mod tests {
    use super::super::frame::{LIGHT, REPLY, request};
    use super::*;
    use std::net::Ipv4Addr;
    use std::thread::spawn;

    /// A server that runs until the returned stream is dropped.
    fn running() -> (u16, UnixStream, JoinHandle<Result<()>>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Server::new(listener).unwrap();
        let (ours, stop) = UnixStream::pair().unwrap();
        (port, ours, spawn(move || server.run(stop)))
    }

    fn ask(client: &mut TcpStream, bytes: &[u8]) -> [u8; REPLY] {
        client.write_all(bytes).unwrap();
        let mut reply = [0; REPLY];
        client.read_exact(&mut reply).unwrap();
        reply
    }

    #[test]
    fn light_and_heavy_requests_get_the_digest_of_their_payload() {
        let (port, stop, server) = running();
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        for kind in [LIGHT, HEAVY, LIGHT] {
            for payload in [&b"x"[..], &[7; 300], &[9; PAYLOAD_MAX]] {
                let reply = ask(&mut client, &request(kind, payload));
                assert_eq!(
                    u64::from_le_bytes(reply),
                    digest(kind, payload),
                    "kind {kind}"
                );
            }
        }
        drop(stop);
        server.join().unwrap().unwrap();
    }

    #[test]
    fn two_requests_in_one_piece_get_two_answers() {
        let (port, stop, server) = running();
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let first = ask(
            &mut client,
            &[request(LIGHT, b"one"), request(LIGHT, b"two")].concat(),
        );
        let second = ask(&mut client, b"");
        assert_eq!(u64::from_le_bytes(first), digest(LIGHT, b"one"));
        assert_eq!(u64::from_le_bytes(second), digest(LIGHT, b"two"));
        drop(stop);
        server.join().unwrap().unwrap();
    }

    #[test]
    fn a_client_that_speaks_nonsense_is_hung_up_on_and_the_others_are_served() {
        let (port, stop, server) = running();
        let mut bad = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let mut good = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        bad.write_all(&[0xff; HEADER]).unwrap();
        assert_eq!(
            bad.read(&mut [0; 1]).unwrap(),
            0,
            "the server should have hung up"
        );
        assert_eq!(
            u64::from_le_bytes(ask(&mut good, &request(LIGHT, b"ok"))),
            digest(LIGHT, b"ok")
        );
        drop(stop);
        server.join().unwrap().unwrap();
    }
}
