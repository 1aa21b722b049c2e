//! Triggers fire when their condition holds and at no other time, and a flight recorder then keeps what was before and
//! after.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use support::{blank, trace};
use tempfile::tempdir;
use waitscope::model::{
    Arch, Call, CallKinds, Condition, Descriptor, DescriptorKind, End, Event, Fired, Life,
    LifeKind, Rule, Triggers,
};
use waitscope::recording::{Flight, FlightPlan, Reader};

const PID: u32 = 7;
const READ: u32 = 0;
const EPOLL_WAIT: u32 = 232;
const SECOND: u64 = 1_000_000_000;

fn parse(text: &str) -> Result<Rule, String> {
    // Milliseconds are enough here.
    Rule::parse(text, |time| {
        Some(time.strip_suffix("ms")?.parse::<u64>().ok()? * 1_000_000)
    })
}

fn triggers(rules: &[&str]) -> Triggers {
    let kinds = || CallKinds::new(Some(Arch::X86_64));
    let rules = rules.iter().map(|rule| parse(rule).unwrap()).collect();
    Triggers::new(rules, kinds())
}

fn call(nr: u32, start_ns: u64, end_ns: u64, ret: i64) -> Call {
    Call {
        start_ns,
        end_ns,
        kernel_ns: end_ns - start_ns,
        ret: Some(ret),
        ..blank::call(PID, PID, nr)
    }
}

fn fired(triggers: &mut Triggers, calls: impl IntoIterator<Item = Call>) -> Vec<(u64, u64)> {
    let fired = calls
        .into_iter()
        .filter_map(|call| triggers.push(&Event::Call(call)));
    fired
        .map(|Fired { at_ns, number, .. }| (at_ns, number.unwrap()))
        .collect()
}

#[test]
fn what_is_not_understood_is_named_with_what_would_be() {
    assert_eq!(
        parse(" turn>50ms ").unwrap(),
        Rule {
            text: "turn>50ms".into(),
            condition: Condition::Turn(50_000_000)
        }
    );
    let of = |text| parse(text).unwrap().condition;
    assert_eq!(
        of("epoll_wait > 1000ms"),
        Condition::Named("epoll_wait".into(), SECOND)
    );
    assert_eq!(of("again > 1000/s"), Condition::Again(1_000));
    assert_eq!(of("signal USR2"), Condition::Signal(2));
    for (text, wrong) in [
        ("turn", "'>'"),
        ("turn > soon", "\"soon\""),
        ("trun > 5ms", "\"trun\""),
        ("again > 5ms", "\"5ms\""),
        ("signal KILL", "\"KILL\""),
        ("", "'>'"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(
            error.contains(wrong) && error.contains("turn > 50ms"),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn a_call_fires_when_it_is_longer_and_one_by_name_only_then() {
    let calls = || {
        [
            call(READ, 0, 5_000_000, 1),
            call(READ, 10_000_000, 15_000_001, 1),
            call(EPOLL_WAIT, 20_000_000, 90_000_000, 1),
        ]
    };
    let all = fired(&mut triggers(&["call > 5ms"]), calls());
    assert_eq!(all, [(15_000_001, 5_000_001)]);
    let named = fired(&mut triggers(&["epoll_wait > 5ms"]), calls());
    assert_eq!(named, [(90_000_000, 70_000_000)]);
}

#[test]
fn a_turn_fires_by_its_work_and_not_by_its_wait() {
    let wait = |start, end| call(EPOLL_WAIT, start, end, 1);
    let calls = [
        wait(0, 100),
        // Little work, a long wait.
        wait(1_000, 80_000_000),
        // 60 ms of work.
        wait(140_000_000, 140_000_100),
    ];
    let fired = fired(&mut triggers(&["turn > 50ms"]), calls);
    assert_eq!(fired, [(140_000_100, 60_000_000)]);
}

#[test]
fn delays_and_calls_that_find_nothing_fire_by_their_numbers() {
    let late = |delay| Call {
        ready_delay_ns: Some(delay),
        ..call(READ, 0, 1, 1)
    };
    let delays = fired(
        &mut triggers(&["ready_delay > 5ms"]),
        [late(5_000_000), late(5_000_001)],
    );
    assert_eq!(delays, [(1, 5_000_001)]);
    // Three in the first second, then three in the next: never more than three in one.
    let again = |at| call(READ, at, at, -11);
    let few = [1, 2, 3, SECOND, SECOND + 1, SECOND + 2].map(again);
    assert_eq!(fired(&mut triggers(&["again > 3/s"]), few.clone()), []);
    let many = fired(&mut triggers(&["again > 2/s"]), few);
    assert_eq!(many, [(3, 3), (SECOND + 2, 3)]);
}

fn plan(dir: &Path, rules: &[&str]) -> FlightPlan {
    FlightPlan {
        path: dir.join("f.arrows"),
        window: Duration::from_secs(3),
        after: Duration::from_secs(2),
        memory_bytes: 1 << 20,
        cool_down: Duration::from_secs(4),
        disk_bytes: 1 << 30,
        rules: rules.iter().map(|rule| parse(rule).unwrap()).collect(),
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn end(second: u64) -> End {
    End {
        at_ns: second * SECOND,
        made: second * 10,
        ..End::default()
    }
}

/// So many seconds of ten calls each, of which some are slow: the last one of those seconds.
fn fly(flight: &mut Flight, seconds: u64, slow: &[u64]) {
    for second in 0..seconds {
        let calls: Vec<Event> = (0..10)
            .map(|at| {
                let start = second * SECOND + at * 50_000_000;
                let is_slow = at == 9 && slow.contains(&second);
                let length = if is_slow { 20_000_000 } else { 1_000 };
                Event::Call(call(READ, start, start + length, 1))
            })
            .collect();
        flight.append(&calls).unwrap();
        // A capture is written by a thread of its own, which gets its time here.
        std::thread::sleep(Duration::from_millis(20));
        flight.flush(end(second + 1)).unwrap();
    }
}

#[test]
fn a_capture_holds_the_time_before_and_after_and_says_why() {
    let dir = tempdir().unwrap();
    let mut flight = Flight::new(plan(dir.path(), &["call > 5ms"]), &trace()).unwrap();
    let life = Event::Life(Life {
        pid: PID,
        tid: PID,
        at_ns: 0,
        kind: LifeKind::Found,
        name: "loop".into(),
    });
    let descriptor = Event::Descriptor(Descriptor {
        id: 3,
        pid: PID,
        fd: 4,
        kind: DescriptorKind::Pipe,
        name: "pipe:[1]".into(),
        local: None,
        peer: None,
        peer_pid: None,
        object: 1,
        opened_ns: None,
        closed_ns: None,
    });
    flight.append(&[life, descriptor]).unwrap();
    // That of second 12 falls into the capture, that of 16 into its cool-down.
    fly(&mut flight, 20, &[10, 12, 16]);
    flight.finish(end(21)).unwrap();

    let flown = flight.flown();
    assert_eq!(flown.captures.len(), 1, "{flown:?}");
    assert_eq!((flown.passed_over, flown.shortest), (2, None), "{flown:?}");
    let [file] = &files(dir.path())[..] else {
        panic!("{:?}", files(dir.path()));
    };
    let capture = &flown.captures[0];
    assert_eq!((&capture.path, capture.removed), (file, false));
    assert_eq!(capture.bytes, std::fs::metadata(file).unwrap().len());
    let slow_end = 10 * SECOND + 470_000_000;
    assert_eq!(capture.fired.at_ns, slow_end);

    let mut reader = Reader::open(file).unwrap();
    assert_eq!(reader.note("trigger"), Some("call > 5ms"));
    assert_eq!(reader.note("trigger_at_ns"), Some(&*slow_end.to_string()));
    assert_eq!(reader.note("trigger_number"), Some("20000000"));
    assert_eq!(reader.note("trigger_tid"), Some("7"));
    let mut events = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        events.extend(batch);
    }
    assert_eq!(reader.cut(), None);
    let (from, to) = capture.holds;
    // The window is at least three seconds before it was written, and two after it fired.
    assert_eq!((from, to), (7 * SECOND, 13 * SECOND));
    let calls = events
        .iter()
        .filter(|event| matches!(event, Event::Call(_)));
    assert_eq!(calls.count() as u64, (to - from) / SECOND * 10);
    assert!(
        matches!(&events[0], Event::Life(life) if life.at_ns == from && life.name == "loop"),
        "{:?}",
        events[0]
    );
    assert!(matches!(&events[1], Event::Descriptor(known) if known.id == 3));
    assert_eq!(
        events.last(),
        Some(&Event::End(End {
            at_ns: to,
            made: 60,
            ..End::default()
        }))
    );
}

#[test]
fn captures_take_no_more_room_than_they_may_and_the_newest_stays() {
    let dir = tempdir().unwrap();
    let plan = FlightPlan {
        cool_down: Duration::from_secs(1),
        disk_bytes: 1,
        ..plan(dir.path(), &["call > 5ms"])
    };
    let mut flight = Flight::new(plan, &trace()).unwrap();
    fly(&mut flight, 30, &[5, 15, 25]);
    flight.finish(end(31)).unwrap();
    let removed: Vec<bool> = flight
        .flown()
        .captures
        .iter()
        .map(|capture| capture.removed)
        .collect();
    assert_eq!(removed, [true, true, false]);
    assert_eq!(files(dir.path()), [flight.flown().captures[2].path.clone()]);
}

#[test]
fn with_little_memory_the_window_is_shorter_and_that_is_said() {
    let dir = tempdir().unwrap();
    let plan = FlightPlan {
        memory_bytes: 20_000,
        ..plan(dir.path(), &["call > 5ms"])
    };
    let mut flight = Flight::new(plan, &trace()).unwrap();
    fly(&mut flight, 6, &[5]);
    flight.finish(end(7)).unwrap();
    let flown = flight.flown();
    let shortest = flown.shortest.expect("the window is whole");
    assert!(shortest < Duration::from_secs(3), "{shortest:?}");
    let (from, _) = flown.captures[0].holds;
    assert!(from > 2 * SECOND, "{flown:?}");
}

#[test]
fn who_asks_as_a_trigger_says_gets_a_capture_and_nobody_else_does() {
    for (rule, by, other) in [
        ("signal USR1", Condition::Signal(1), Condition::Signal(2)),
        (" page", Condition::Page, Condition::Signal(1)),
        ("signal USR2", Condition::Signal(2), Condition::Page),
    ] {
        let dir = tempdir().unwrap();
        let mut flight = Flight::new(plan(dir.path(), &[rule]), &trace()).unwrap();
        assert!(flight.heeds(&by) && !flight.heeds(&other), "{rule}");
        fly(&mut flight, 2, &[1]);
        flight.asked(&other, 2 * SECOND);
        flight.flush(end(3)).unwrap();
        assert_eq!(files(dir.path()), [] as [PathBuf; 0], "{rule}");
        flight.asked(&by, 3 * SECOND);
        flight.finish(end(4)).unwrap();
        let flown = flight.flown();
        assert_eq!(flown.captures.len(), 1, "{rule}");
        let fired = flown.captures[0].fired.to_string();
        assert_eq!(fired, format!("{} at 3.00 s", rule.trim()));
    }
}
