//! What several tests need: random numbers that are the same each time, and events made of them.
#![allow(dead_code, reason = "each test uses its own part")]

pub(crate) mod blank;
pub(crate) mod honest;
pub(crate) mod recording;
pub(crate) mod slices;
pub(crate) mod tools;

use waitscope::model::{
    Call, Context, Copying, Descriptor, DescriptorKind, End, Event, Gap, Life, LifeKind, OffCpu,
    OpenThread, Ready, Request, Timeout, Trace, Waker,
};

/// Random enough to try things, and the same each time.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn yes(&mut self) -> bool {
        self.below(2) == 0
    }

    /// Small, large, or at the edge.
    pub(crate) fn number(&mut self) -> u64 {
        match self.below(5) {
            0 => 0,
            1 => u64::MAX,
            2 => self.below(10),
            3 => self.below(10_000_000_000),
            _ => self.next(),
        }
    }

    pub(crate) fn small(&mut self) -> u32 {
        self.number() as u32
    }

    pub(crate) fn maybe(&mut self) -> Option<u64> {
        self.yes().then(|| self.number())
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }
}

pub(crate) fn trace() -> Trace {
    Trace {
        pid: 4321,
        command: "redis-server *:6379 \u{1b}[31m".into(),
        host: "here".into(),
        kernel: "6.1.0-18-amd64".into(),
        arch: "x86_64".into(),
        start_boot_ns: 123_456_789_012_345,
        start_unix_ns: 1_764_000_000_123_456_789,
        backend: "tp_btf".into(),
        follow: true,
    }
}

fn name(random: &mut Random) -> String {
    random
        .pick(&[
            "redis-server",
            "",
            "io_thd_1",
            "a\u{1b}[2Jb",
            "ü\u{202e}\u{fffd}",
            "\u{0}x\n",
            "swapper/1",
        ])
        .into()
}

fn waker(random: &mut Random) -> Option<Waker> {
    random.yes().then(|| Waker {
        tid: random.small(),
        pid: random.small(),
        context: random.pick(&Context::ALL).0,
    })
}

/// Any event there can be but the end, however senseless.
pub(crate) fn any_event(random: &mut Random) -> Event {
    match random.below(14) {
        0..=5 => Event::Call(any_call(random)),
        6 | 7 => Event::OffCpu(OffCpu {
            pid: random.small(),
            tid: random.small(),
            cpu: random.next() as u16,
            start_ns: random.number(),
            woken_ns: random.maybe(),
            end_ns: random.number(),
            times: random.small(),
            unseen: random.yes(),
            in_call: random.yes(),
            state: random.small(),
            waker: waker(random),
            waker_comm: name(random),
        }),
        8 => Event::Life(Life {
            pid: random.small(),
            tid: random.small(),
            at_ns: random.number(),
            kind: random.pick(&[
                LifeKind::Found,
                LifeKind::Began,
                LifeKind::Exec,
                LifeKind::Renamed,
                LifeKind::Ended,
            ]),
            name: name(random),
        }),
        11 => Event::Ready(any_ready(random)),
        12 => Event::Descriptor(Descriptor {
            id: random.small(),
            pid: random.small(),
            fd: random.small() as i32,
            kind: random.pick(&DescriptorKind::ALL).0,
            name: name(random),
            local: random.yes().then(|| name(random)),
            peer: random.yes().then(|| name(random)),
            peer_pid: random.maybe().map(|pid| pid as u32),
            object: random.number(),
            opened_ns: random.maybe(),
            closed_ns: random.maybe(),
        }),
        13 => Event::Request(Request {
            pid: random.small(),
            tid: random.small(),
            ring: random.maybe().map(|fd| fd as i32),
            opcode: random.small(),
            fd: random.maybe().map(|fd| fd as i32),
            descriptor: random.maybe().map(|id| id as u32),
            submit_ns: random.maybe(),
            complete_ns: random.maybe(),
            user_data: random.number(),
            ret: random.maybe().map(|ret| ret as i32),
            shot: random.small(),
            more: random.yes(),
        }),
        9 => Event::Gap(Gap {
            cpu: random.next() as u16,
            start_ns: random.number(),
            end_ns: random.number(),
            lost: random.number(),
        }),
        _ => Event::Open(OpenThread {
            pid: random.small(),
            tid: random.small(),
            at_ns: random.number(),
            nr: random.pick(&[None, Some(None), Some(Some(232)), Some(Some(u32::MAX))]),
            since_ns: random.number(),
            fd: random.maybe().map(|fd| fd as i32),
            began_before: random.yes(),
            kernel_ns: random.number(),
            blocked_ns: random.number(),
            runnable_ns: random.number(),
            copying_ns: random.number(),
            off_since_ns: random.maybe(),
            woken_ns: random.maybe(),
        }),
    }
}

fn any_ready(random: &mut Random) -> Ready {
    Ready {
        pid: random.small(),
        tid: random.small(),
        call_start_ns: random.number(),
        fd: random.maybe().map(|fd| fd as i32),
        descriptor: random.maybe().map(|id| id as u32),
        asked: random.maybe().map(|bits| bits as u32),
        ready: random.small(),
    }
}

fn any_call(random: &mut Random) -> Call {
    let at = random.number();
    let nanos = random.number();
    Call {
        pid: random.small(),
        tid: random.small(),
        cpu: random.next() as u16,
        nr: random.pick(&[0, 1, 23, 232, 999, u32::MAX]),
        start_ns: random.number(),
        end_ns: random.number(),
        kernel_ns: random.number(),
        blocked_ns: random.number(),
        runnable_ns: random.number(),
        copying_ns: random.number(),
        copying: random.pick(&[Copying::None, Copying::Seen(at), Copying::Inferred(at)]),
        sleeps: random.small(),
        preemptions: random.small(),
        first_sleep_ns: random.maybe(),
        last_wake_ns: random.maybe(),
        waker: waker(random),
        fd: random.maybe().map(|fd| fd as i32),
        descriptor: random.maybe().map(|id| id as u32),
        ready_delay_ns: random.maybe(),
        requested: random.maybe(),
        timeout: random.pick(&[
            Timeout::Unknown,
            Timeout::Infinite,
            Timeout::Zero,
            Timeout::Nanos(0),
            Timeout::Nanos(nanos),
        ]),
        ret: random.maybe().map(|ret| ret as i64),
        began_before: random.yes(),
        killed: random.yes(),
        continues: random.yes(),
        unseen: random.yes(),
        others: random.small(),
        other_ns: random.number(),
    }
}

pub(crate) fn any_end(random: &mut Random) -> End {
    End {
        at_ns: random.number(),
        made: random.number(),
        lost: random.number(),
        untracked: random.number(),
        compat: random.number(),
        unseen: random.number(),
    }
}

pub(crate) fn any_events(seed: u64, count: usize) -> Vec<Event> {
    let mut random = Random::new(seed);
    (0..count).map(|_| any_event(&mut random)).collect()
}

/// The same, but readiness calls find several descriptors.
pub(crate) fn any_events_and_sets(seed: u64, count: usize) -> Vec<Event> {
    let mut random = Random::new(seed);
    let mut events = Vec::new();
    while events.len() < count {
        let event = any_event(&mut random);
        if let Event::Ready(first) = event {
            // A readiness call waits for several, and some for more than a row holds.
            let more = random.pick(&[0, 1, 2, 31, 200]);
            events.extend((0..more).map(|_| {
                Event::Ready(Ready {
                    pid: first.pid,
                    tid: first.tid,
                    call_start_ns: first.call_start_ns,
                    ..any_ready(&mut random)
                })
            }));
        }
        events.push(event);
    }
    events.truncate(count);
    events
}
