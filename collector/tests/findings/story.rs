//! A trace told call by call: what each thread does, one after the other in time.

use waitscope::model::{
    Arch, Call, CallKinds, Context, Descriptor, DescriptorKind, Event, Finding, Findings, Gap,
    Life, LifeKind, OffCpu, Ready, Timeout, Waker,
};

use crate::support::blank;

pub(crate) const PID: u32 = 4_711;

pub(crate) const READ: u32 = 0;
pub(crate) const WRITE: u32 = 1;
pub(crate) const POLL: u32 = 7;
pub(crate) const RECVFROM: u32 = 45;
pub(crate) const FDATASYNC: u32 = 75;
pub(crate) const FUTEX: u32 = 202;
pub(crate) const EPOLL_WAIT: u32 = 232;
pub(crate) const ACCEPT4: u32 = 288;

pub(crate) const EAGAIN: i64 = -11;

/// The descriptor of the loop's `epoll`.
pub(crate) const EPFD: i32 = 5;

pub(crate) fn kinds() -> CallKinds {
    CallKinds::new(Some(Arch::X86_64))
}

/// A call of the first thread that took no time, never slept and returned nothing.
pub(crate) fn call(nr: u32) -> Call {
    blank::call(PID, PID, nr)
}

pub(crate) fn woken_by(tid: u32, context: Context) -> Option<Waker> {
    Some(Waker {
        tid,
        pid: PID,
        context,
    })
}

pub(crate) fn descriptor(id: u32, fd: i32, kind: DescriptorKind) -> Descriptor {
    let peer = (kind == DescriptorKind::Tcp).then(|| format!("127.0.0.1:{}", 50_000 + id));
    Descriptor {
        id,
        pid: PID,
        fd,
        kind,
        name: match &peer {
            Some(peer) => format!("127.0.0.1:6379 ← {peer}"),
            None => String::new(),
        },
        local: (kind == DescriptorKind::Tcp).then(|| "127.0.0.1:6379".to_owned()),
        peer,
        peer_pid: None,
        object: 1_000 + u64::from(id),
        opened_ns: None,
        closed_ns: None,
    }
}

/// A listening socket.
pub(crate) fn listener(id: u32, fd: i32) -> Descriptor {
    Descriptor {
        name: "127.0.0.1:6379".into(),
        peer: None,
        ..descriptor(id, fd, DescriptorKind::Tcp)
    }
}

/// Descriptor `id` with what was asked for and what came of it.
pub(crate) fn ready(id: u32, asked: Option<u32>, bits: u32) -> Ready {
    Ready {
        pid: PID,
        tid: PID,
        call_start_ns: 0,
        fd: None,
        descriptor: Some(id),
        asked,
        ready: bits,
    }
}

/// The trace so far.
pub(crate) struct Story {
    pub(crate) events: Vec<Event>,
    pub(crate) now: u64,
    tid: u32,
}

impl Story {
    /// A process whose first thread is `redis-server`.
    pub(crate) fn new() -> Self {
        let mut story = Self {
            events: Vec::new(),
            now: 1_000,
            tid: PID,
        };
        story.thread(PID, "redis-server");
        story
    }

    /// A thread, which does what follows.
    pub(crate) fn thread(&mut self, tid: u32, name: &str) {
        self.events.push(Event::Life(Life {
            pid: PID,
            tid,
            at_ns: self.now,
            kind: LifeKind::Found,
            name: name.into(),
        }));
        self.tid = tid;
    }

    /// What follows does this thread.
    pub(crate) fn go_on(&mut self, tid: u32) -> &mut Self {
        self.tid = tid;
        self
    }

    pub(crate) fn open(&mut self, descriptor: Descriptor) -> &mut Self {
        self.events.push(Event::Descriptor(descriptor));
        self
    }

    /// A TCP connection.
    pub(crate) fn tcp(&mut self, id: u32, fd: i32) -> &mut Self {
        self.open(descriptor(id, fd, DescriptorKind::Tcp))
    }

    pub(crate) fn pass(&mut self, nanos: u64) -> &mut Self {
        self.now += nanos;
        self
    }

    /// A call that took a microsecond on the CPU, and what else is said of it.
    pub(crate) fn call(&mut self, nr: u32, say: impl FnOnce(&mut Call)) -> &mut Self {
        self.waits(nr, &[], say)
    }

    /// A call on a descriptor.
    pub(crate) fn on(&mut self, nr: u32, id: u32, fd: i32, ret: i64) -> &mut Self {
        self.call(nr, |call| {
            (call.descriptor, call.fd, call.ret) = (Some(id), Some(fd), Some(ret));
        })
    }

    /// `epoll_wait` that found these and did not sleep.
    pub(crate) fn finds(&mut self, ready: &[Ready]) -> &mut Self {
        self.waits(EPOLL_WAIT, ready, |_| {})
    }

    /// `epoll_wait` that slept so long, and found these.
    pub(crate) fn sleeps(&mut self, blocked_ns: u64, ready: &[Ready]) -> &mut Self {
        self.waits(EPOLL_WAIT, ready, |call| asleep(call, blocked_ns))
    }

    /// A readiness call that found these, and what else is said of it.
    pub(crate) fn waits(
        &mut self,
        nr: u32,
        ready: &[Ready],
        say: impl FnOnce(&mut Call),
    ) -> &mut Self {
        let mut call = Call {
            tid: self.tid,
            start_ns: self.now,
            kernel_ns: 1_000,
            ret: Some(ready.iter().filter(|entry| entry.ready != 0).count() as i64),
            ..call(nr)
        };
        if nr == EPOLL_WAIT {
            call.fd = Some(EPFD);
            call.timeout = Timeout::Infinite;
            call.requested = Some(1_024);
        }
        say(&mut call);
        self.now += call.phases_ns();
        call.end_ns = self.now;
        if call.sleeps > 0 && call.last_wake_ns.is_none() {
            call.last_wake_ns = Some(self.now - call.runnable_ns - call.kernel_ns);
        }
        for entry in ready {
            self.events.push(Event::Ready(Ready {
                tid: self.tid,
                call_start_ns: call.start_ns,
                ..*entry
            }));
        }
        self.events.push(Event::Call(call));
        self
    }

    /// The thread is woken in the call that it is in, which has not ended.
    pub(crate) fn woken_in_call(&mut self, woken_ns: u64) {
        self.events.push(Event::OffCpu(OffCpu {
            pid: PID,
            tid: self.tid,
            cpu: 0,
            start_ns: woken_ns - 500,
            woken_ns: Some(woken_ns),
            end_ns: woken_ns + 100,
            times: 1,
            unseen: false,
            in_call: true,
            state: 1,
            waker: None,
            waker_comm: String::new(),
        }));
    }

    pub(crate) fn gap(&mut self) -> &mut Self {
        self.events.push(Event::Gap(Gap {
            cpu: 0,
            start_ns: self.now - 1,
            end_ns: self.now,
            lost: 3,
        }));
        self
    }

    /// All that is found.
    pub(crate) fn found(&self) -> Vec<Finding> {
        let mut findings = Findings::new(kinds());
        self.events.iter().for_each(|event| findings.push(event));
        findings.finish()
    }

    /// The kinds of all that is found.
    pub(crate) fn words(&self) -> Vec<&'static str> {
        let found = self.found();
        found.iter().map(|finding| finding.what.word()).collect()
    }
}

/// It slept once, so long.
pub(crate) fn asleep(call: &mut Call, blocked_ns: u64) {
    call.sleeps = 1;
    call.blocked_ns = blocked_ns;
}
