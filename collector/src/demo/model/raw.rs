//! What the models `signal` and `uring` want of the kernel and no library offers safely: signals that name
//! their descriptor, and operations that go on while nobody waits. One of the few files with `unsafe`.
//!
//! Whatever memory the kernel was lent stays here until it has given it back.

use std::collections::HashMap;
use std::io;
use std::mem::{MaybeUninit, forget, take};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::null_mut;

use anyhow::{Context, Result};
use io_uring::{IoUring, opcode, squeue, types::Fd};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;

/// Signals that queue for this process instead of interrupting it.
pub(super) struct Signals {
    set: libc::sigset_t,
    arrival: libc::c_int,
}

/// What a signal says.
pub(super) enum Signal {
    /// Something came for this descriptor.
    Of(RawFd),
    /// Something came for some of them: there was no room for a signal that says which.
    OfSome,
}

/// The beginning of the kernel's `siginfo_t` for a signal of a descriptor, which `libc` does not spell out.
/// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/asm-generic/siginfo.h#L98>
#[repr(C)]
struct Arrival {
    signo: libc::c_int,
    errno: libc::c_int,
    code: libc::c_int,
    band: libc::c_long,
    fd: libc::c_int,
}

impl Signals {
    /// From now on, they queue. To be called while the process has one thread.
    pub(super) fn queue() -> Result<Self> {
        let arrival = libc::SIGRTMIN();
        let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: `set` is a set to write to, and after `sigemptyset` one that is initialised.
        let set = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            libc::sigaddset(set.as_mut_ptr(), arrival);
            libc::sigaddset(set.as_mut_ptr(), libc::SIGIO);
            set.assume_init()
        };
        // SAFETY: both pointers are good for the call; no old set is asked for.
        let error = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, null_mut()) };
        Errno::result(if error == 0 { 0 } else { -1 }).context("let the demo's signals queue")?;
        Ok(Self { set, arrival })
    }

    /// Has the kernel send one whenever something comes for this descriptor.
    pub(super) fn send_for(&self, fd: impl AsFd) -> Result<()> {
        let act = "ask for signals of a descriptor";
        let fd = fd.as_fd();
        let own = std::process::id().cast_signed();
        for (command, value) in [(libc::F_SETOWN, own), (F_SETSIG, self.arrival)] {
            // SAFETY: both commands take a number and no pointer; the descriptor is borrowed.
            let done = unsafe { libc::fcntl(fd.as_raw_fd(), command, value) };
            Errno::result(done).context(act)?;
        }
        let flags = fcntl(fd, FcntlArg::F_GETFL).context(act)?;
        let flags = OFlag::from_bits_retain(flags) | OFlag::O_ASYNC;
        fcntl(fd, FcntlArg::F_SETFL(flags)).context(act)?;
        Ok(())
    }

    /// Sleeps until there is one, and takes it.
    pub(super) fn next(&self) -> Result<Signal> {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        loop {
            // SAFETY: `set` is initialised, and `info` is room for what is written.
            let signal = unsafe { libc::sigwaitinfo(&raw const self.set, info.as_mut_ptr()) };
            match Errno::result(signal) {
                Ok(signal) if signal == self.arrival => break,
                Ok(_) => return Ok(Signal::OfSome),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error).context("wait for the demo's signals"),
            }
        }
        const { assert!(size_of::<Arrival>() <= size_of::<libc::siginfo_t>()) };
        // SAFETY: it is smaller, aligned no more strictly, all integers, and all of `info` was zeroed first.
        let Arrival { fd, .. } = unsafe { info.as_ptr().cast::<Arrival>().read_unaligned() };
        Ok(Signal::Of(fd))
    }
}

/// `libc` knows it for few targets: the kernel's number, the same on all that waitscope runs on.
/// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/asm-generic/fcntl.h#L90>
const F_SETSIG: libc::c_int = 10;

/// Operations that fit the queue before they must be handed over.
const ENTRIES: u32 = 256;

/// An `io_uring`, with the memory that its operations were lent.
pub(super) struct Ring {
    ring: IoUring,
    next: u64,
    under_way: HashMap<u64, Operation>,
}

/// An operation under way.
struct Operation {
    token: u64,
    kind: Kind,
    /// Not touched, moved or let go as long as the kernel may use it.
    buffer: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Kind {
    Watch,
    Accept,
    Receive,
    Send,
}

/// What came of an operation.
pub(super) enum Outcome {
    /// The descriptor is ready.
    Ready,
    /// A client has come.
    Accepted(TcpStream),
    /// So much of the buffer holds what has come; nothing at the end of all.
    Received { buffer: Vec<u8>, length: usize },
    /// All of it was sent.
    Sent,
    /// Nothing.
    Failed,
}

impl Ring {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            ring: IoUring::new(ENTRIES)?,
            next: 0,
            under_way: HashMap::new(),
        })
    }

    pub(super) fn watch(&mut self, fd: BorrowedFd<'_>, token: u64) -> Result<()> {
        let events = u32::from(libc::POLLIN.unsigned_abs());
        let entry = opcode::PollAdd::new(Fd(fd.as_raw_fd()), events).build();
        self.begin(token, Kind::Watch, Vec::new(), |_| entry)
    }

    pub(super) fn accept(&mut self, listener: BorrowedFd<'_>, token: u64) -> Result<()> {
        let accept = opcode::Accept::new(Fd(listener.as_raw_fd()), null_mut(), null_mut());
        let entry = accept.flags(libc::SOCK_CLOEXEC).build();
        self.begin(token, Kind::Accept, Vec::new(), |_| entry)
    }

    pub(super) fn receive(
        &mut self,
        fd: BorrowedFd<'_>,
        token: u64,
        buffer: Vec<u8>,
    ) -> Result<()> {
        let fd = Fd(fd.as_raw_fd());
        self.begin(token, Kind::Receive, buffer, |buffer| {
            opcode::Recv::new(fd, buffer.as_mut_ptr(), length(buffer)).build()
        })
    }

    pub(super) fn send(&mut self, fd: BorrowedFd<'_>, token: u64, bytes: Vec<u8>) -> Result<()> {
        let fd = Fd(fd.as_raw_fd());
        self.begin(token, Kind::Send, bytes, |bytes| {
            let send = opcode::Send::new(fd, bytes.as_ptr(), length(bytes));
            send.flags(libc::MSG_NOSIGNAL).build()
        })
    }

    fn begin(
        &mut self,
        token: u64,
        kind: Kind,
        mut buffer: Vec<u8>,
        entry: impl FnOnce(&mut Vec<u8>) -> squeue::Entry,
    ) -> Result<()> {
        let id = self.next;
        let entry = entry(&mut buffer).user_data(id);
        if self.ring.submission().is_full() {
            self.ring
                .submit()
                .context("hand operations to the demo's io_uring")?;
        }
        // SAFETY: what the entry points to belongs to `buffer`, whose memory stays where it is, under an id
        // that is used once, until the kernel says that this operation is over; see `wait` and `drop`.
        let pushed = unsafe { self.ring.submission().push(&entry) };
        pushed.context("queue an operation of the demo's io_uring")?;
        self.next += 1;
        self.under_way.insert(
            id,
            Operation {
                token,
                kind,
                buffer,
            },
        );
        Ok(())
    }

    /// Hands over what was begun, sleeps until something is over, and gives all that is.
    pub(super) fn wait(&mut self) -> Result<Vec<(u64, Outcome)>> {
        match self.ring.submit_and_wait(1) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).context("wait for the demo's io_uring"),
        }
        let (completions, under_way) = (self.ring.completion(), &mut self.under_way);
        let over = completions.filter_map(|entry| {
            let operation = under_way.remove(&entry.user_data())?;
            Some((operation.token, operation.outcome(entry.result())))
        });
        Ok(over.collect())
    }
}

fn length(buffer: &[u8]) -> u32 {
    u32::try_from(buffer.len()).unwrap_or(u32::MAX)
}

impl Operation {
    fn outcome(self, result: i32) -> Outcome {
        let Self { kind, buffer, .. } = self;
        match (kind, usize::try_from(result)) {
            (Kind::Watch, Ok(_)) => Outcome::Ready,
            (Kind::Accept, Ok(_)) => {
                // SAFETY: the kernel has just made this descriptor for us, and nobody else has it.
                Outcome::Accepted(unsafe { OwnedFd::from_raw_fd(result) }.into())
            }
            (Kind::Receive, Ok(length)) => Outcome::Received { buffer, length },
            (Kind::Send, Ok(length)) if length == buffer.len() => Outcome::Sent,
            (_, _) => Outcome::Failed,
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // The kernel may write there for a moment after the ring is closed.
        for (_, operation) in take(&mut self.under_way) {
            forget(operation.buffer);
        }
    }
}
