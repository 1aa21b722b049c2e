//! Threads' lives that look random and are the same on every machine.
//!
//! They must hold whatever a real trace may, far out of proportion.
#![allow(dead_code, reason = "each test uses its own part")]

use waitscope::{
    model::{Call, Context, Copying, Event, OffCpu, Timeout, Trace, Waker},
    store::Store,
};

/// Numbers that look random and are the same on every machine.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Mostly small, now and then huge.
    pub(crate) fn span(&mut self) -> u64 {
        let widest = if self.below(50) == 0 { 36 } else { 16 };
        let bits = self.below(widest);
        self.below(1 << (bits + 1))
    }
}

pub(crate) fn trace() -> Trace {
    Trace {
        pid: 1,
        command: "test".into(),
        host: "host".into(),
        kernel: "6.1".into(),
        arch: "x86_64".into(),
        start_boot_ns: 0,
        start_unix_ns: 0,
        backend: "tp_btf".into(),
        follow: false,
    }
}

pub(crate) fn waker(numbers: &mut Numbers) -> Waker {
    Waker {
        tid: numbers.below(5) as u32,
        pid: 3,
        context: Context::SoftIrq,
    }
}

/// A thread's life: calls with times off the CPU in them, and times off the CPU between them.
pub(crate) fn thread(numbers: &mut Numbers, tid: u32, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    let mut now_ns = 0;
    for _ in 0..count {
        now_ns += numbers.span();
        if numbers.below(5) == 0 {
            let span = off_cpu(numbers, tid, now_ns, false);
            now_ns = span.end_ns;
            events.push(Event::OffCpu(span));
            continue;
        }
        let start_ns = now_ns;
        let mut kernel_ns = numbers.span();
        now_ns += kernel_ns;
        let (mut blocked_ns, mut runnable_ns, mut sleeps, mut preemptions) = (0, 0, 0, 0);
        let mut first_sleep_ns = None;
        for _ in 0..numbers.below(3) {
            let span = off_cpu(numbers, tid, now_ns, true);
            blocked_ns += span.blocked_ns();
            runnable_ns += span.runnable_ns();
            if span.woken_ns.is_some() {
                sleeps += span.times;
                first_sleep_ns = first_sleep_ns.or(Some(span.start_ns));
            } else {
                preemptions += span.times;
            }
            let more_ns = numbers.span();
            now_ns = span.end_ns + more_ns;
            kernel_ns += more_ns;
            events.push(Event::OffCpu(span));
        }
        let copying_ns = numbers.span();
        let copy_ns = now_ns;
        now_ns += copying_ns;
        events.push(Event::Call(Call {
            pid: 1,
            tid,
            cpu: numbers.below(64) as u16,
            nr: numbers.below(400) as u32,
            start_ns,
            end_ns: now_ns,
            kernel_ns,
            blocked_ns,
            runnable_ns,
            copying_ns,
            copying: [
                Copying::None,
                Copying::Seen(copy_ns),
                Copying::Inferred(copy_ns),
            ][numbers.below(3) as usize],
            sleeps,
            preemptions,
            first_sleep_ns,
            last_wake_ns: first_sleep_ns.map(|at| at + 1),
            waker: first_sleep_ns.map(|_| waker(numbers)),
            fd: (numbers.below(2) == 0).then(|| numbers.below(100) as i32 - 1),
            descriptor: (numbers.below(2) == 0).then(|| numbers.below(9) as u32),
            ready_delay_ns: (numbers.below(2) == 0).then(|| numbers.span()),
            requested: (numbers.below(2) == 0).then(|| numbers.span()),
            timeout: match numbers.below(5) {
                0 => Timeout::Unknown,
                1 => Timeout::Infinite,
                2 => Timeout::Zero,
                _ => Timeout::Nanos(numbers.span()),
            },
            ret: (numbers.below(9) > 0).then(|| numbers.span() as i64 - 600),
            began_before: numbers.below(100) == 0,
            killed: numbers.below(100) == 0,
            continues: numbers.below(100) == 0,
            unseen: numbers.below(100) == 0,
            others: numbers.below(4) as u32,
            other_ns: numbers.span(),
        }));
    }
    events
}

pub(crate) fn off_cpu(numbers: &mut Numbers, tid: u32, start_ns: u64, in_call: bool) -> OffCpu {
    let slept = numbers.below(3) > 0;
    let woken_ns = start_ns + numbers.span();
    let end_ns = woken_ns + numbers.span();
    OffCpu {
        pid: 1,
        tid,
        cpu: 1,
        start_ns,
        woken_ns: slept.then_some(woken_ns),
        end_ns,
        times: 1 + numbers.below(3) as u32,
        unseen: numbers.below(3) == 0,
        in_call,
        state: u32::from(slept),
        waker: slept.then(|| waker(numbers)),
        waker_comm: if slept {
            format!("waker {}", numbers.below(3))
        } else {
            String::new()
        },
    }
}

/// A call in which the thread never left the CPU.
pub(crate) fn on_the_cpu(call: Call) -> Call {
    Call {
        blocked_ns: 0,
        runnable_ns: 0,
        sleeps: 0,
        preemptions: 0,
        first_sleep_ns: None,
        last_wake_ns: None,
        waker: None,
        ..call
    }
}

/// All of these lanes, and their calls with the lane of each.
pub(crate) fn store_of(lanes: Vec<Vec<Event>>) -> (Store, Vec<(u32, Call)>) {
    let mut store = Store::new(trace(), u64::MAX);
    let mut calls = Vec::new();
    for (lane, events) in (0..).zip(lanes) {
        calls.extend(events.iter().filter_map(|event| match event {
            Event::Call(call) => Some((lane, call.clone())),
            _ => None,
        }));
        store.extend(events);
    }
    assert_eq!(store.state().disordered, 0);
    (store, calls)
}
