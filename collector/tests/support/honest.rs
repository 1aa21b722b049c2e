//! A trace as it could have been: four threads whose phases add up, with all their times off the CPU.

use waitscope::model::{
    Call, Context, Copying, End, Event, Life, LifeKind, OffCpu, OpenThread, Timeout, Waker,
};

use super::{Random, blank};

pub(crate) const PID: u32 = 4321;

/// One thread being made.
struct Thread<'a> {
    random: &'a mut Random,
    tid: u32,
    now: u64,
    events: Vec<Event>,
}

impl Thread<'_> {
    fn pass(&mut self, limit: u64) -> u64 {
        let nanos = self.random.below(limit);
        self.now += nanos;
        nanos
    }

    /// Off the CPU: asleep and then waiting for it, or preempted.
    fn off(&mut self, in_call: bool) -> OffCpu {
        let asleep = self.random.yes();
        let start_ns = self.now;
        if asleep {
            self.pass(50_000);
        }
        let woken = self.now;
        self.pass(9_000);
        let waker = Waker {
            tid: 0,
            pid: 0,
            context: self.random.pick(&Context::ALL).0,
        };
        let span = OffCpu {
            pid: PID,
            tid: self.tid,
            cpu: 1,
            start_ns,
            woken_ns: asleep.then_some(woken),
            end_ns: self.now,
            times: 1,
            unseen: false,
            in_call,
            state: u32::from(asleep),
            waker: asleep.then_some(waker),
            waker_comm: if asleep {
                "swapper/1".into()
            } else {
                String::new()
            },
        };
        self.events.push(Event::OffCpu(span.clone()));
        span
    }

    fn call(&mut self, others: u32, other_ns: u64) {
        let nr = self.random.pick(&[0, 1, 232, 45]);
        let mut call = Call {
            cpu: 1,
            start_ns: self.now,
            fd: Some(7),
            requested: Some(16_384),
            timeout: if nr == 232 {
                Timeout::Infinite
            } else {
                Timeout::Unknown
            },
            ret: Some(self.random.pick(&[20, -11, -512, 0])),
            others,
            other_ns,
            ..blank::call(PID, self.tid, nr)
        };
        for _ in 0..self.random.below(4) {
            self.on_cpu(&mut call);
            let span = self.off(true);
            call.blocked_ns += span.blocked_ns();
            call.runnable_ns += span.runnable_ns();
            match span.woken_ns {
                Some(woken) => {
                    call.sleeps += 1;
                    call.first_sleep_ns.get_or_insert(span.start_ns);
                    call.last_wake_ns = Some(woken);
                    call.waker = span.waker;
                }
                None => call.preemptions += 1,
            }
        }
        self.on_cpu(&mut call);
        call.end_ns = self.now;
        assert_eq!(call.phases_ns(), call.duration_ns());
        self.events.push(Event::Call(call));
    }

    /// On the CPU in a call; now and then copying begins on the way, and goes on to its end.
    fn on_cpu(&mut self, call: &mut Call) {
        if call.copying == Copying::None {
            call.kernel_ns += self.pass(3_000);
            if self.random.below(3) == 0 {
                call.copying = Copying::Seen(self.now);
            }
        }
        if call.copying != Copying::None {
            call.copying_ns += self.pass(3_000);
        }
    }
}

/// A trace of so many calls on each of four threads, in the order in which all ended.
pub(crate) fn honest(seed: u64, calls: usize) -> Vec<Event> {
    let mut random = Random::new(seed);
    let mut events = Vec::new();
    let mut ends = Vec::new();
    for tid in PID..PID + 4 {
        let life = Life {
            pid: PID,
            tid,
            at_ns: 0,
            kind: LifeKind::Found,
            name: format!("worker/{tid}"),
        };
        events.push(Event::Life(life));
        let mut thread = Thread {
            random: &mut random,
            tid,
            now: 0,
            events: Vec::new(),
        };
        for _ in 0..calls {
            thread.pass(4_000);
            let other_ns = thread.pass(1_000);
            if thread.random.below(5) == 0 {
                thread.off(false);
            }
            thread.pass(2_000);
            thread.call(u32::from(other_ns > 0), other_ns);
        }
        thread.pass(4_000);
        ends.push((tid, thread.now));
        events.extend(thread.events);
    }
    events.sort_by_key(|event| match event {
        Event::Call(call) => call.end_ns,
        Event::OffCpu(span) => span.end_ns,
        _ => 0,
    });
    let at_ns = ends.iter().map(|(_, now)| *now).max().unwrap() + 100_000;
    // Each is in a call at the end, or asleep outside of one.
    for (tid, now) in ends {
        let in_call = tid % 2 == 0;
        let off = now + 500;
        let woken = off + 600;
        events.push(Event::Open(OpenThread {
            pid: PID,
            tid,
            at_ns,
            nr: in_call.then_some(Some(232)),
            since_ns: now,
            fd: in_call.then_some(5),
            began_before: false,
            kernel_ns: if in_call { 500 } else { 0 },
            blocked_ns: if in_call { 600 } else { 0 },
            runnable_ns: if in_call { at_ns - woken } else { 0 },
            copying_ns: 0,
            off_since_ns: Some(off),
            woken_ns: Some(woken),
        }));
    }
    events
}

/// The same, whose threads wake one another in a ring.
pub(crate) fn linked(seed: u64, calls: usize) -> Vec<Event> {
    let mut events = honest(seed, calls);
    for event in &mut events {
        let (tid, waker) = match event {
            Event::Call(call) => (call.tid, call.waker.as_mut()),
            Event::OffCpu(span) => (span.tid, span.waker.as_mut()),
            _ => continue,
        };
        if let Some(waker) = waker {
            (waker.tid, waker.pid) = (PID + (tid + 1 - PID) % 4, PID);
        }
    }
    events
}

/// The end of such a trace.
pub(crate) fn end_of(events: &[Event]) -> End {
    let at_ns = events.iter().map(|event| match event {
        Event::Open(open) => open.at_ns,
        _ => 0,
    });
    let made = events.len() as u64;
    End {
        at_ns: at_ns.max().unwrap(),
        made,
        lost: 0,
        untracked: 0,
        compat: 0,
        unseen: 0,
    }
}
