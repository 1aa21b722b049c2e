//! Time is cut into turns where a loop looks for events, and nowhere else; each turn adds up to the nanosecond.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod support;

use support::honest::{PID, end_of, honest};
use support::{any_events, blank, trace};
use waitscope::model::{
    Arch, Call, CallKinds, Context, Event, Gap, Life, LifeKind, OffCpu, OpenThread, Ready, Timeout,
    Turn, Turns, Waker,
};
use waitscope::report::{LoopReport, Report, Summary};

const READ: u32 = 0;
const WRITE: u32 = 1;
const POLL: u32 = 7;
const SELECT: u32 = 23;
const FUTEX: u32 = 202;
const EPOLL_WAIT: u32 = 232;
const RECVMMSG: u32 = 299;

/// What one thread does, a thing after the other.
struct Script {
    tid: u32,
    now: u64,
    events: Vec<Event>,
}

impl Script {
    fn new() -> Self {
        Self {
            tid: PID,
            now: 1_000,
            events: Vec::new(),
        }
    }

    /// On the CPU outside calls.
    fn user(&mut self, nanos: u64) -> &mut Self {
        self.now += nanos;
        self
    }

    /// A call that takes 10 ns on the CPU, and in between sleeps so long.
    fn call(&mut self, nr: u32, sleeps_ns: u64, ret: i64) -> &mut Call {
        let start_ns = self.now;
        if sleeps_ns > 0 {
            let span = self.span(start_ns + 5, sleeps_ns, true);
            self.events.push(Event::OffCpu(span));
        }
        self.now += 10 + sleeps_ns;
        let waker = Waker {
            tid: 99,
            pid: 98,
            context: Context::Task,
        };
        self.events.push(Event::Call(Call {
            start_ns,
            end_ns: self.now,
            kernel_ns: 10,
            blocked_ns: sleeps_ns,
            sleeps: u32::from(sleeps_ns > 0),
            first_sleep_ns: (sleeps_ns > 0).then_some(start_ns + 5),
            last_wake_ns: (sleeps_ns > 0).then_some(start_ns + 5 + sleeps_ns),
            waker: (sleeps_ns > 0).then_some(waker),
            fd: (![FUTEX, POLL, SELECT].contains(&nr)).then_some(5),
            descriptor: (nr != FUTEX).then_some(3),
            requested: Some(64),
            ret: Some(ret),
            ..blank::call(PID, self.tid, nr)
        }));
        match self.events.last_mut() {
            Some(Event::Call(call)) => call,
            _ => unreachable!("it was just pushed"),
        }
    }

    fn span(&self, start_ns: u64, blocked_ns: u64, in_call: bool) -> OffCpu {
        OffCpu {
            pid: PID,
            tid: self.tid,
            cpu: 0,
            start_ns,
            woken_ns: Some(start_ns + blocked_ns),
            end_ns: start_ns + blocked_ns,
            times: 1,
            unseen: false,
            in_call,
            state: 1,
            waker: Some(Waker {
                tid: 99,
                pid: 98,
                context: Context::Task,
            }),
            waker_comm: "demo-worker".into(),
        }
    }

    /// Asleep outside calls, as in a page fault.
    fn fault(&mut self, nanos: u64) -> &mut Self {
        let span = self.span(self.now, nanos, false);
        self.events.push(Event::OffCpu(span));
        self.now += nanos;
        self
    }

    /// An epoll that waits.
    fn wait(&mut self, sleeps_ns: u64, ret: i64) -> &mut Self {
        self.call(EPOLL_WAIT, sleeps_ns, ret).timeout = Timeout::Infinite;
        self
    }

    /// An epoll that only checks.
    fn check(&mut self, ret: i64) -> &mut Self {
        self.call(EPOLL_WAIT, 0, ret).timeout = Timeout::Zero;
        self
    }

    fn also(&mut self, nr: u32, sleeps_ns: u64, ret: i64) -> &mut Self {
        self.call(nr, sleeps_ns, ret);
        self
    }

    fn gap(&mut self) -> &mut Self {
        self.events.push(Event::Gap(Gap {
            cpu: 3,
            start_ns: self.now - 1,
            end_ns: self.now,
            lost: 1,
        }));
        self
    }

    fn turns(&self) -> Vec<Turn> {
        turns_of(&self.events).0
    }

    fn report(&self) -> Report {
        report(&self.events)
    }
}

fn turns_of(events: &[Event]) -> (Vec<Turn>, Turns) {
    let mut turns = Turns::new(CallKinds::new(Some(Arch::X86_64)));
    let mut ended = Vec::new();
    for event in events {
        turns.push(event, &mut ended);
    }
    for turn in &ended {
        let whole = turn.end_ns - turn.start_ns;
        assert_eq!(turn.work_ns() + turn.wait_ns(), whole, "{turn:?}");
    }
    (ended, turns)
}

fn report(events: &[Event]) -> Report {
    let mut summary = Summary::new(&trace());
    events.iter().for_each(|event| summary.push(event));
    summary.finish()
}

fn times(turns: &[Turn]) -> Vec<(u64, u64)> {
    turns
        .iter()
        .map(|turn| (turn.work_ns(), turn.wait_ns()))
        .collect()
}

#[test]
fn a_turn_is_work_and_then_a_wait() {
    let mut script = Script::new();
    script.wait(500, 2).user(100).also(READ, 0, 40);
    script.call(WRITE, 0, 30).others = 3;
    script.also(RECVMMSG, 0, 8).fault(70).wait(1_000, 1);
    let turns = script.turns();
    assert_eq!(turns.len(), 1, "{turns:?}");
    let turn = &turns[0];
    assert_eq!(times(&turns), [(200, 1_010)]);
    assert_eq!((turn.events, turn.calls, turn.checks), (2, 6, 0));
    // What `recvmmsg` returns is no number of bytes.
    assert_eq!((turn.received, turn.sent), (40, 30));
    assert_eq!((turn.blocked_ns, turn.runnable_ns), (70, 0));
    assert_eq!(turn.lag_ns, 200);
    assert!(turn.many && !turn.ready_before_asked);
    assert_eq!((turn.nr, turn.fd), (Some(EPOLL_WAIT), Some(5)));
    assert!(turn.ended);
}

#[test]
fn a_check_that_finds_nothing_is_part_of_the_work() {
    let mut script = Script::new();
    // As tokio does among its tasks.
    script.wait(500, 1).user(300).check(0).user(90).check(0);
    script.user(50).wait(0, 1).user(5).wait(9, 0);
    let turns = script.turns();
    assert_eq!(times(&turns), [(460, 10), (5, 19)]);
    assert_eq!((turns[0].calls, turns[0].checks), (2, 2));
    assert_eq!(
        turns[0].lag_ns, 300,
        "nobody waited longer to be noticed than this"
    );
    assert!(turns[0].ready_before_asked && !turns[1].ready_before_asked);
}

#[test]
fn a_check_that_finds_something_begins_a_turn_and_waits_for_nothing() {
    let mut script = Script::new();
    // As libuv does if it measures itself: a check, and a wait only if that found nothing.
    script.wait(500, 1).user(300).check(0).wait(400, 2);
    script.user(60).check(3).user(20).check(0).wait(1, 1);
    let turns = script.turns();
    assert_eq!(times(&turns), [(310, 410), (70, 0), (30, 11)]);
    let events: Vec<u64> = turns.iter().map(|turn| turn.events).collect();
    assert_eq!(events, [1, 2, 3]);
    let ready: Vec<bool> = turns.iter().map(|turn| turn.ready_before_asked).collect();
    assert_eq!(ready, [false, true, false]);
}

#[test]
fn a_loop_that_checks_again_after_a_full_answer_is_in_one_turn() {
    let mut script = Script::new();
    script.wait(500, 64).user(100).check(64).user(100).check(7);
    script.user(100).wait(300, 1);
    let turns = script.turns();
    assert_eq!(times(&turns), [(320, 310)]);
    assert_eq!((turns[0].events, turns[0].checks), (64 + 64 + 7, 2));
}

#[test]
fn a_loop_that_only_ever_checks_has_turns_and_never_waits() {
    let mut script = Script::new();
    for _ in 0..20 {
        script.check(2).user(500).check(0).check(0).user(10);
    }
    let turns = script.turns();
    assert_eq!(times(&turns), vec![(540, 0); 19]);
    let report = script.report();
    let [of] = report.loops.as_slice() else {
        panic!("{:?}", report.loops)
    };
    assert_eq!((of.turns, of.wait_ns, of.checks), (19, 0, 38));
    assert_eq!(of.lag_max_ns, Some(500));
    assert_eq!(of.ready_before_asked, 19);
}

#[test]
fn a_wait_that_goes_on_after_a_signal_is_one_wait() {
    let mut script = Script::new();
    script.wait(500, 1).user(100);
    script.call(POLL, 200, -516).requested = Some(4);
    // In an epoll loop, that is a call of its work.
    let other = script.call(POLL, 300, 1);
    (other.continues, other.requested) = (true, Some(4));
    script.wait(8, 1);
    assert_eq!(times(&script.turns()), [(100 + 210 + 310, 18)]);

    let mut script = Script::new();
    script.call(POLL, 500, 1).requested = Some(4);
    script.user(100).call(POLL, 200, -516).requested = Some(4);
    // Stopped, and then let go on.
    script.fault(1_000);
    let on = script.call(POLL, 0, 1);
    (on.continues, on.requested) = (true, Some(4));
    script.user(40).call(POLL, 3, -516).requested = Some(4);
    script.user(9).call(POLL, 3, 1).requested = Some(4);
    // The second one did not go on: a handler ran, and the program knows.
    let turns = script.turns();
    assert_eq!(times(&turns), [(100, 210 + 1_000 + 10), (40, 13), (9, 13)]);
    assert_eq!((turns[0].lag_ns, turns[0].ready_before_asked), (100, false));
}

#[test]
fn a_stall_is_named_with_its_waker() {
    let mut script = Script::new();
    for _ in 0..8 {
        script.wait(500, 1).user(1_000);
    }
    script.also(READ, 20_000, 1).also(FUTEX, 95_000_000, 0);
    script
        .fault(30_000)
        .user(1_000_000)
        .wait(500, 1)
        .also(READ, 0, 1)
        .wait(1, 1);
    let turns = script.turns();
    let stall = turns[7].stall.as_ref().unwrap();
    assert_eq!(
        (stall.nr, stall.blocked_ns, stall.waker_comm.as_str()),
        (Some(FUTEX), 95_000_000, "demo-worker")
    );
    assert_eq!(turns[7].blocked_ns, 20_000 + 95_000_000 + 30_000);
    let report = script.report();
    let worst = &report.longest_turns[0];
    assert_eq!(worst.stall.as_ref().unwrap().call.as_deref(), Some("futex"));
    assert!(!worst.loss);
    let text = report.to_string();
    let line = "\n  turn of 96.0 ms at 12.0 µs: futex blocked 95.0 ms, woken by demo-worker\n";
    assert!(text.contains(line), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn a_fault_outside_calls_stalls_a_turn_too() {
    let mut script = Script::new();
    script.wait(5, 1).also(READ, 50, 1).fault(70).wait(5, 1);
    let turns = script.turns();
    let stall = turns[0].stall.as_ref().unwrap();
    assert_eq!((stall.nr, stall.blocked_ns), (None, 70));
}

#[test]
fn a_poll_in_an_epoll_loop_stalls_it_and_ends_no_turn() {
    let mut script = Script::new();
    // It polls as it starts; that is no loop yet.
    script.call(POLL, 900, 1).requested = Some(2);
    script.user(7_000).wait(500, 1);
    script.call(POLL, 40_000, 1).requested = Some(2);
    script.wait(5, 1);
    let turns = script.turns();
    assert_eq!(times(&turns), [(40_010, 15)]);
    assert_eq!(turns[0].stall.as_ref().unwrap().nr, Some(POLL));
}

#[test]
fn a_gap_breaks_the_turn_it_is_in() {
    let mut script = Script::new();
    script.wait(500, 1).user(10).wait(500, 1).user(100).gap();
    // What was lost may have been the end of this turn, and the begin of another.
    script.user(100).wait(500, 1).user(20).wait(500, 1);
    let (turns, cut) = turns_of(&script.events);
    assert_eq!(times(&turns), [(10, 510), (20, 510)]);
    assert_eq!(cut.broken(), 1);
}

#[test]
fn loss_that_comes_to_light_later_marks_the_longest_turns() {
    let mut script = Script::new();
    for _ in 0..9 {
        script.wait(500, 1).user(1_000);
    }
    script.wait(500, 1);
    let first = script.report().longest_turns.remove(0);
    assert_eq!((first.work_ns, first.loss), (1_000, false));
    let mut lose = |start_ns, end_ns| {
        script.events.push(Event::Gap(Gap {
            cpu: 7,
            start_ns,
            end_ns,
            lost: 2,
        }));
        script.report().longest_turns.remove(0).loss
    };
    let work_end_ns = first.start_ns + first.work_ns;
    assert!(!lose(0, first.start_ns) && !lose(work_end_ns, u64::MAX));
    assert!(lose(work_end_ns - 1, u64::MAX));
}

#[test]
fn a_turn_ends_with_its_thread_and_with_its_program() {
    for kind in [LifeKind::Ended, LifeKind::Began, LifeKind::Exec] {
        let mut script = Script::new();
        script.wait(500, 1).user(10);
        script.events.push(Event::Life(Life {
            pid: PID,
            tid: PID,
            at_ns: script.now,
            kind,
            name: "next".into(),
        }));
        script.user(1_000).wait(500, 1);
        assert_eq!(script.turns(), [], "{kind:?}");
    }
    let mut script = Script::new();
    script.wait(500, 1).user(10);
    let last = script.call(EPOLL_WAIT, 500, 0);
    (last.ret, last.killed) = (None, true);
    assert_eq!(script.turns(), []);
}

/// What the thread of the script was doing when the trace ended, 1,000 ns later.
fn still(script: &mut Script, nr: Option<u32>, blocked_ns: u64) {
    let since_ns = script.now;
    script.user(1_000);
    script.events.push(Event::Open(OpenThread {
        pid: PID,
        tid: script.tid,
        at_ns: script.now,
        nr: nr.map(Some),
        since_ns,
        fd: (nr == Some(EPOLL_WAIT)).then_some(5),
        began_before: false,
        kernel_ns: nr.map_or(0, |_| 1_000 - blocked_ns),
        blocked_ns: nr.map_or(0, |_| blocked_ns),
        runnable_ns: 0,
        copying_ns: 0,
        off_since_ns: (blocked_ns > 0).then_some(script.now - blocked_ns),
        woken_ns: None,
    }));
}

#[test]
fn the_turn_under_way_at_the_end_of_the_trace_is_told_with_what_it_hangs_in() {
    for (nr, blocked_ns, times, lag_ns) in [
        (None, 0, (1_120, 0), 1_120),
        (None, 600, (1_120, 0), 1_120),
        (Some(FUTEX), 900, (1_120, 0), 1_120),
        // Its work is over, and it waits.
        (Some(EPOLL_WAIT), 900, (120, 1_000), 120),
    ] {
        let facts = format!("{nr:?}, {blocked_ns}");
        let mut script = Script::new();
        script.wait(500, 2).also(READ, 50, 8).user(60);
        still(&mut script, nr, blocked_ns);
        let turns = script.turns();
        assert_eq!(turns.len(), 1, "{facts}");
        let turn = &turns[0];
        assert!(!turn.ended && turn.end_ns == script.now, "{facts}");
        assert_eq!((turn.work_ns(), turn.wait_ns()), times, "{facts}");
        assert_eq!(
            (turn.events, turn.calls, turn.lag_ns),
            (2, 1, lag_ns),
            "{facts}"
        );
        let waits = nr == Some(EPOLL_WAIT);
        assert_eq!(turn.nr, nr.filter(|_| waits), "{facts}");
        assert_eq!(turn.fd, waits.then_some(5), "{facts}");
        let of_work = if waits { 0 } else { blocked_ns };
        assert_eq!(turn.blocked_ns, 50 + of_work, "{facts}");
        let stall = turn.stall.as_ref().unwrap();
        let expected = if of_work > 0 {
            (nr, blocked_ns)
        } else {
            (Some(READ), 50)
        };
        assert_eq!((stall.nr, stall.blocked_ns), expected, "{facts}");
    }
}

#[test]
fn a_turn_under_way_is_in_no_sum_and_told_if_it_is_among_the_longest() {
    let mut script = Script::new();
    for _ in 0..20 {
        script.wait(500, 1).user(10);
    }
    let before = script.report();
    still(&mut script, Some(FUTEX), 900);
    let after = script.report();
    let (was, is) = (&before.loops[0], &after.loops[0]);
    assert_eq!((was.turns, was.work_ns, was.wait_ns), (19, 190, 19 * 510));
    assert_eq!(was.under_way, None);
    let under_way = is.under_way.clone().unwrap();
    assert_eq!(under_way.work_ns, 1_010);
    assert_eq!(after.longest_turns[0], under_way);
    let without = LoopReport {
        under_way: None,
        ..is.clone()
    };
    assert_eq!(&without, was);
    let text = after.to_string();
    let line = "turn of 1.01 µs at 11.3 µs, under way: futex blocked 900 ns";
    assert!(text.contains(line), "{text}");
}

#[test]
fn a_wait_that_a_signal_interrupted_just_before_the_end_goes_on() {
    let mut script = Script::new();
    script.wait(500, 1).user(10);
    let start_ns = script.now - 10;
    script.wait(500, -516);
    still(&mut script, Some(EPOLL_WAIT), 900);
    let turns = script.turns();
    assert_eq!(times(&turns), [(10, 1_510)]);
    assert_eq!((turns[0].start_ns, turns[0].ended), (start_ns, false));
}

#[test]
fn who_polls_the_one_connection_it_reads_from_has_no_loop() {
    let mut script = Script::new();
    for _ in 0..50 {
        script.call(POLL, 500, 1).requested = Some(1);
        script.also(READ, 0, 100).user(10);
    }
    assert_eq!(script.report().loops, []);
    assert!(!script.report().to_string().contains("event loop"));
    // Nor has one for whom it is a pause.
    let mut script = Script::new();
    for _ in 0..50 {
        script.also(SELECT, 500, 0).user(10);
    }
    assert_eq!(script.report().loops, []);
    // But one that watches several has.
    let mut script = Script::new();
    for _ in 0..9 {
        script.call(POLL, 500, 1).requested = Some(2);
        script.user(10);
    }
    assert_eq!(script.report().loops[0].turns, 8);
}

#[test]
fn what_a_select_watched_is_known_from_its_descriptors() {
    for (watched, loops) in [(1, 0), (2, 1)] {
        let mut script = Script::new();
        for _ in 0..20 {
            for fd in 0..watched {
                script.events.push(Event::Ready(Ready {
                    pid: PID,
                    tid: PID,
                    call_start_ns: script.now,
                    fd: Some(fd),
                    descriptor: None,
                    asked: Some(1),
                    ready: 1,
                }));
            }
            script.also(SELECT, 500, 1).user(10);
        }
        assert_eq!(script.report().loops.len(), loops, "{watched} watched");
    }
}

#[test]
fn threads_that_share_an_epoll_have_no_lag() {
    let mut script = Script::new();
    for turn in 0..40 {
        script.tid = PID + turn % 2;
        script.wait(500, 1).user(10).also(FUTEX, 9_000_000, 0);
    }
    let report = script.report();
    assert_eq!(report.loops.len(), 2);
    for of in &report.loops {
        assert_eq!((of.shared, of.lag_max_ns, of.turns), (true, None, 19));
    }
    assert_eq!(report.longest_turns, []);
    // Their sleeps don't push out the turns of a loop that is one thread's own.
    script.tid = PID + 2;
    for _ in 0..9 {
        let wait = script.call(EPOLL_WAIT, 500, 1);
        (wait.timeout, wait.fd) = (Timeout::Infinite, Some(6));
        script.user(10);
    }
    let longest = script.report().longest_turns;
    assert_eq!(longest.len(), 5);
    assert!(longest.iter().all(|turn| turn.tid == PID + 2));
}

/// What must hold of every loop whatever the trace.
fn adds_up(of: &LoopReport) {
    let over_time = &of.over_time;
    let sum = |buckets: &[u64]| buckets.iter().copied().fold(0, u64::saturating_add);
    assert_eq!(sum(&over_time.work_ns), of.work_ns, "{of:?}");
    assert_eq!(sum(&over_time.wait_ns), of.wait_ns, "{of:?}");
    assert!(over_time.work_ns.len() <= 60, "{of:?}");
    assert_eq!(over_time.work_ns.len(), over_time.wait_ns.len());
    assert!(of.work_p50_ns <= of.work_p99_ns && of.work_p99_ns <= of.work_max_ns);
    assert!(of.lag_max_ns.is_none_or(|lag| lag <= of.work_max_ns));
}

#[test]
fn turns_of_an_honest_trace_follow_each_other_and_hold_its_calls() {
    for seed in 1..8 {
        let mut events = honest(seed, 400);
        events.push(Event::End(end_of(&events)));
        // Whoever shares an epoll would have no lag.
        for event in &mut events {
            if let Event::Call(call) = event {
                call.fd = Some(call.tid as i32);
            }
        }
        let (turns, cut) = turns_of(&events);
        assert_eq!(cut.broken(), 0);
        let report = report(&events);
        assert_eq!(report.loops.len(), 4);
        for of in &report.loops {
            let facts = format!("seed {seed}, thread {}", of.tid);
            let calls: Vec<&Call> = events
                .iter()
                .filter_map(|event| match event {
                    Event::Call(call) if call.tid == of.tid => Some(call),
                    _ => None,
                })
                .collect();
            let waits: Vec<usize> = (0..calls.len())
                .filter(|&at| calls[at].nr == EPOLL_WAIT)
                .collect();
            let (first, last) = (waits[0], *waits.last().unwrap());
            let (mine, open): (Vec<&Turn>, Vec<_>) = turns
                .iter()
                .filter(|turn| turn.tid == of.tid)
                .partition(|turn| turn.ended);
            // What follows the last one is under way, up to the end, and in no sum.
            assert_eq!(open.len(), 1, "{facts}");
            assert_eq!(open[0].start_ns, mine[mine.len() - 1].end_ns, "{facts}");
            assert_eq!(open[0].end_ns, end_of(&events).at_ns, "{facts}");
            let told = of.under_way.as_ref().expect("told");
            assert_eq!(
                (told.start_ns, told.work_ns, told.wait_ns, told.ended),
                (
                    open[0].start_ns,
                    open[0].work_ns(),
                    open[0].wait_ns(),
                    false
                ),
                "{facts}"
            );
            assert_eq!(of.turns, mine.len() as u64, "{facts}");
            assert_eq!(mine.len(), waits.len() - 1, "{facts}");
            assert!(mine.windows(2).all(|two| two[0].end_ns == two[1].start_ns));
            // None is missing: from the first wait's return to the last one's, all is work or a wait.
            let extent = calls[last].end_ns - calls[first].end_ns;
            assert_eq!(of.work_ns + of.wait_ns, extent, "{facts}");
            let waited = waits[1..].iter().map(|&at| calls[at].duration_ns());
            assert_eq!(of.wait_ns, waited.sum::<u64>(), "{facts}");
            let made = (last - first - (waits.len() - 1)) as u64;
            let others = calls[first + 1..=last]
                .iter()
                .map(|call| u64::from(call.others));
            assert_eq!(of.calls, made + others.sum::<u64>(), "{facts}");
            assert!(mine.iter().all(|turn| turn.off_ns() <= turn.work_ns()));
            let thread = report.threads.iter().find(|thread| thread.tid == of.tid);
            assert!(of.work_ns + of.wait_ns <= thread.unwrap().lifetime_ns);
            adds_up(of);
        }
    }
}

#[test]
fn any_events_give_turns_that_add_up() {
    for seed in 1..6 {
        let mut events = any_events(seed, 20_000);
        // Of one thread, so that it has turns at all; and few gaps.
        let mut gaps = 0;
        for event in &mut events {
            match event {
                Event::Call(call) => (call.pid, call.tid) = (4_000, 4_000),
                Event::OffCpu(span) => (span.pid, span.tid) = (4_000, 4_000),
                Event::Ready(ready) => (ready.pid, ready.tid) = (4_000, 4_000),
                _ => {}
            }
        }
        events.retain(|event| match event {
            Event::Gap(_) => {
                gaps += 1;
                gaps % 100 == 0
            }
            _ => true,
        });
        let (turns, _) = turns_of(&events);
        assert!(turns.len() > 20, "seed {seed}: {}", turns.len());
        let report = report(&events);
        assert!(!report.loops.is_empty(), "seed {seed}");
        for of in &report.loops {
            assert!(of.over_time.work_ns.len() <= 60);
            assert!(of.work_p50_ns <= of.work_p99_ns && of.work_p99_ns <= of.work_max_ns);
        }
    }
}

#[test]
fn time_over_time_needs_no_more_room_as_the_trace_grows() {
    let mut script = Script::new();
    for round in 0..3_000u64 {
        script.wait(7_777, 1).user(round * 1_000);
    }
    script.user(3_600_000_000_000).wait(1, 1);
    let report = script.report();
    adds_up(&report.loops[0]);
    assert!(report.loops[0].over_time.work_ns.len() > 30);
}
