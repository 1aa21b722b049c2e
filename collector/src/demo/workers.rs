//! The server's other threads: one that waits for heavier jobs, one that waits with a timeout.
//!
//! Both end when the loop lets go of its end of their channel. They must never touch a connection.

use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;

use super::frame::{HEAVY, digest};

/// Jobs that may wait for the worker.
const JOBS_MAX: usize = 64;
/// How long the ticker waits for news, in milliseconds.
const TICK_MS: u16 = 20;

/// A heavy request, for the worker.
pub(super) struct Job {
    /// Whose request it is.
    pub(super) token: u64,
    pub(super) payload: Vec<u8>,
}

/// Its answer.
pub(super) struct Done {
    /// Whose request it was.
    pub(super) token: u64,
    pub(super) digest: u64,
}

/// The loop's end of the worker.
pub(super) struct Worker {
    pub(super) jobs: SyncSender<Job>,
    pub(super) done: Receiver<Done>,
}

/// Starts `demo-worker`: takes jobs, answers, and wakes the loop through `wake`.
pub(super) fn start_worker(wake: Arc<EventFd>) -> Result<(Worker, JoinHandle<()>)> {
    let (jobs, to_do) = sync_channel(JOBS_MAX);
    let (answers, done) = channel();
    let thread = std::thread::Builder::new()
        .name("demo-worker".into())
        .spawn(move || work(&to_do, &answers, &wake))
        .context("start the demo's worker")?;
    Ok((Worker { jobs, done }, thread))
}

fn work(to_do: &Receiver<Job>, answers: &Sender<Done>, wake: &EventFd) {
    while let Ok(Job { token, payload }) = to_do.recv() {
        let digest = digest(HEAVY, &payload);
        // Either fails only when the loop is gone.
        if answers.send(Done { token, digest }).is_err() || wake.write(1).is_err() {
            return;
        }
    }
}

/// Starts `demo-ticker`: waits for news from the loop, at most [`TICK_MS`] at a time.
pub(super) fn start_ticker() -> Result<(UnixStream, JoinHandle<()>)> {
    let (loops_end, own_end) =
        UnixStream::pair().context("make the demo's ticker a socket pair")?;
    loops_end
        .set_nonblocking(true)
        .context("make the demo ticker's socket non-blocking")?;
    let thread = std::thread::Builder::new()
        .name("demo-ticker".into())
        .spawn(move || tick(own_end))
        .context("start the demo's ticker")?;
    Ok((loops_end, thread))
}

fn tick(mut news: UnixStream) {
    let mut bytes = [0; 512];
    loop {
        let mut fds = [PollFd::new(news.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(TICK_MS)) {
            // Nothing new, or a signal came by.
            Ok(0) | Err(nix::errno::Errno::EINTR) => continue,
            Ok(_) => {}
            Err(_) => return,
        }
        match news.read(&mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
