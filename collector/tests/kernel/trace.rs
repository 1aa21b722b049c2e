//! A trace taken in a test, with the identities that hold for every one of them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use waitscope::{
    attach::{Finished, Options, Session, Target},
    model::{Arch, Call, End, Event, OffCpu, OpenThread, Trace, call_name},
};

/// A session that is drained in the background until it is asked for its events.
pub(crate) struct Tracing {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Taken>,
}

/// Everything that a session gave.
pub(crate) struct Taken {
    pub(crate) trace: Trace,
    pub(crate) events: Vec<Event>,
    pub(crate) end: End,
    delivered: u64,
    unsound: u64,
}

impl Tracing {
    /// Attaches and arms; returns when it has.
    pub(crate) fn attach(pid: u32) -> Self {
        Self::attach_with(pid, Options::default())
    }

    pub(crate) fn attach_with(pid: u32, options: Options) -> Self {
        let target = Target::find(&pid.to_string()).unwrap();
        let mut session = Session::begin(target, options).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut events = Vec::new();
            while !asked.load(Ordering::Relaxed) {
                session.wait(Duration::from_millis(10)).unwrap();
                session.drain(&mut events, usize::MAX);
            }
            let trace = session.trace().clone();
            let Finished {
                end,
                delivered,
                unsound,
            } = session.finish(&mut events).unwrap();
            Taken {
                trace,
                events,
                end,
                delivered,
                unsound,
            }
        });
        Self { stop, thread }
    }

    /// Ends the trace and checks what must hold for any.
    pub(crate) fn finish(self) -> Taken {
        let taken = self.finish_with_compat();
        assert_eq!(taken.end.compat, 0, "no 32-bit call: {:?}", taken.end);
        taken
    }

    /// The same where there may have been 32-bit calls.
    pub(crate) fn finish_with_compat(self) -> Taken {
        self.stop.store(true, Ordering::Relaxed);
        let taken = self.thread.join().unwrap();
        taken.check();
        taken
    }
}

impl Taken {
    fn check(&self) {
        let facts = format!(
            "{:?}, delivered {}, unsound {}",
            self.end, self.delivered, self.unsound
        );
        assert_eq!(
            self.end.made,
            self.delivered + self.end.lost,
            "made = delivered + lost: {facts}"
        );
        assert_eq!(self.end.lost, 0, "nothing lost: {facts}");
        assert_eq!(self.unsound, 0, "every record makes sense: {facts}");
        assert_eq!(self.end.untracked, 0, "{facts}");
        for call in self.calls() {
            assert_eq!(
                call.phases_ns(),
                call.duration_ns(),
                "phases sum to the duration: {call:?}"
            );
        }
        for event in &self.events {
            if let Event::Open(open) = event
                && open.nr.is_some()
            {
                let sum = open.kernel_ns + open.blocked_ns + open.runnable_ns + open.copying_ns;
                assert_eq!(
                    sum,
                    open.at_ns - open.since_ns,
                    "phases sum so far: {open:?}"
                );
            }
        }
        self.check_spans_inside_calls();
    }

    /// What a call says of its phases is what its times off the CPU say.
    fn check_spans_inside_calls(&self) {
        let mut spans: BTreeMap<u32, Vec<&OffCpu>> = BTreeMap::new();
        for span in self.off_cpu() {
            spans.entry(span.tid).or_default().push(span);
        }
        for call in self.calls().filter(|call| !call.began_before) {
            // A thread's times off the CPU come in order.
            let spans = spans.get(&call.tid).map_or(&[][..], Vec::as_slice);
            let from = spans.partition_point(|span| span.start_ns < call.start_ns);
            let inside = spans[from..]
                .iter()
                .take_while(|span| span.end_ns <= call.end_ns);
            let (mut blocked_ns, mut runnable_ns, mut sleeps, mut preemptions) = (0, 0, 0, 0);
            for span in inside {
                assert!(span.in_call, "inside {call:?} but not of it: {span:?}");
                blocked_ns += span.blocked_ns();
                runnable_ns += span.runnable_ns();
                *(if span.woken_ns.is_some() {
                    &mut sleeps
                } else {
                    &mut preemptions
                }) += span.times;
            }
            if !call.killed {
                assert_eq!(
                    (blocked_ns, runnable_ns, sleeps, preemptions),
                    (
                        call.blocked_ns,
                        call.runnable_ns,
                        call.sleeps,
                        call.preemptions
                    ),
                    "spans sum to the call's phases: {call:?}"
                );
            }
        }
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.events.iter().filter_map(|event| match event {
            Event::Call(call) => Some(call),
            _ => None,
        })
    }

    pub(crate) fn calls_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Call> {
        self.calls().filter(move |call| self.name(call.nr) == name)
    }

    pub(crate) fn off_cpu(&self) -> impl Iterator<Item = &OffCpu> {
        self.events.iter().filter_map(|event| match event {
            Event::OffCpu(span) => Some(span),
            _ => None,
        })
    }

    pub(crate) fn open(&self) -> impl Iterator<Item = &OpenThread> {
        self.events.iter().filter_map(|event| match event {
            Event::Open(open) => Some(open),
            _ => None,
        })
    }

    pub(crate) fn name(&self, nr: u32) -> String {
        let arch = Arch::from_machine(&self.trace.arch).unwrap();
        call_name(arch, nr).into_owned()
    }

    /// How many calls of this name were entered during the trace. One that the kernel made again after a signal was
    /// entered again, but for those that go on as `restart_syscall`.
    pub(crate) fn entered(&self, name: &str) -> u64 {
        let mut last_ret: BTreeMap<u32, Option<i64>> = BTreeMap::new();
        let finished = self
            .calls()
            .filter(|call| {
                let before = last_ret.insert(call.tid, call.ret).flatten();
                let restarted = call.continues && before == Some(-516);
                self.name(call.nr) == name && !call.began_before && !restarted
            })
            .count();
        let open = self
            .open()
            .filter(|open| !open.began_before)
            .filter(|open| open.nr.flatten().is_some_and(|nr| self.name(nr) == name))
            .count();
        (finished + open) as u64
    }
}
