//! The story of each call says what the export says of it, from memory and from a file.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};
use support::honest::{PID, end_of, honest, linked};
use support::{Random, any_events, blank, trace};
use tempfile::NamedTempFile;
use waitscope::{
    export::{Format, Range, export},
    model::{Call, Descriptor, DescriptorKind, Event, Gap, OffCpu, Ready, Request, Timeout},
    opened,
    recording::{Reader, Writer},
    store::{Around, Store},
    story::{band, story},
};

const ACCEPT: u32 = 288;

fn descriptor(id: u32, kind: DescriptorKind, name: &str, peer: bool) -> Event {
    Event::Descriptor(Descriptor {
        id,
        pid: PID,
        fd: id as i32,
        kind,
        name: name.into(),
        local: Some("127.0.0.1:7000".into()),
        peer: peer.then(|| "127.0.0.1:9".into()),
        peer_pid: None,
        object: 0,
        opened_ns: None,
        closed_ns: None,
    })
}

/// The threads of such a trace find descriptors ready, accept, and learn more of descriptors as time goes by.
fn told(seed: u64, events: Vec<Event>) -> Vec<Event> {
    let mut random = Random::new(seed);
    let mut all = vec![
        descriptor(7, DescriptorKind::Tcp, "listening", false),
        descriptor(8, DescriptorKind::Unix, "/run/x", false),
        descriptor(9, DescriptorKind::Tcp, "here", false),
    ];
    for event in events {
        let Event::Call(mut call) = event else {
            all.push(event);
            continue;
        };
        if random.below(40) == 0 {
            let id = random.pick(&[9, 10, 11]);
            let peer = random.yes();
            all.push(descriptor(
                id,
                DescriptorKind::Tcp,
                &format!("now {}", random.below(9)),
                peer,
            ));
        }
        if random.below(60) == 0 {
            let complete_ns = Some(call.end_ns);
            all.push(Event::Request(Request {
                pid: PID,
                tid: call.tid,
                ring: Some(4),
                opcode: 22,
                fd: Some(9),
                descriptor: Some(9),
                submit_ns: Some(call.start_ns),
                complete_ns,
                user_data: 5,
                ret: Some(3),
                shot: 0,
                more: false,
            }));
        }
        call.descriptor = random.yes().then(|| random.pick(&[7, 8, 9, 10, 11]));
        call.fd = call.descriptor.map(|id| id as i32);
        if call.nr == 232 {
            call.ret = Some(random.pick(&[0, 1, 2, 3, -4, -514]));
            call.requested = Some(random.pick(&[2, 16]));
            if call.sleeps == 0 && random.yes() {
                call.timeout = Timeout::Zero;
            }
            for _ in 0..call.ret.unwrap().max(0) {
                let id = random.pick(&[7, 8, 9, 10, 12]);
                all.push(Event::Ready(Ready {
                    pid: PID,
                    tid: call.tid,
                    call_start_ns: call.start_ns,
                    fd: Some(id as i32),
                    descriptor: Some(id),
                    asked: Some(1),
                    ready: random.pick(&[1, 1, 4, 17]),
                }));
            }
        } else if random.below(30) == 0 && call.nr == 0 {
            call.nr = ACCEPT;
            call.fd = Some(7 + random.below(2) as i32);
            call.descriptor = call.fd.map(|fd| fd as u32);
        }
        all.push(Event::Call(call));
    }
    all
}

/// A file of these events, in batches of any size.
fn record(seed: u64, events: &[Event]) -> NamedTempFile {
    let mut random = Random::new(seed);
    let file = NamedTempFile::new().unwrap();
    let mut writer = Writer::create(file.path(), &trace()).unwrap();
    let mut rest = events;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.len().min(random.below(1_500) as usize + 1));
        writer.append(now).unwrap();
        writer.flush().unwrap();
        rest = later;
    }
    writer.finish(end_of(events)).unwrap();
    file
}

fn exported(file: &Path) -> Value {
    let mut out = Vec::new();
    export(
        || Reader::open(file),
        Format::Json,
        Range::default(),
        &mut out,
        |_, _| Ok(()),
    )
    .unwrap();
    serde_json::from_slice(&out).unwrap()
}

/// All of a recording in memory, as a live trace has it.
fn memory(file: &Path) -> Around {
    let mut reader = Reader::open(file).unwrap();
    let mut store = Store::new(reader.trace().clone(), u64::MAX);
    while let Some(events) = reader.next_batch().unwrap() {
        store.extend(events);
    }
    store.around()
}

fn in_file(file: &Path) -> Around {
    opened::open(file, 1 << 20, |_, _| {})
        .unwrap()
        .0
        .store
        .around()
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap()
}

/// What the export says of the turn of a call.
fn turn_of<'a>(turns: &[&'a Value], call: &Value) -> Option<&'a Value> {
    let (start_ns, end_ns) = (number(call, "start_ns"), number(call, "end_ns"));
    let begun = turns.iter().find(|turn| number(turn, "start_ns") == end_ns);
    let within = || {
        turns
            .iter()
            .find(|turn| number(turn, "start_ns") <= start_ns && end_ns <= number(turn, "end_ns"))
    };
    begun.or_else(within).copied()
}

/// What was looked at: stories, chains of more than one wait, turns, calls of turns.
#[derive(Debug, Default)]
struct Seen {
    stories: usize,
    chains: usize,
    cut: usize,
    turns: usize,
    work: usize,
    whole: usize,
}

/// Every story of one call in `step` against the export.
fn compare(around: &Around, export: &Value, step: usize) -> Seen {
    let all = |what: &str| export[what].as_array().unwrap();
    let by_name: HashMap<(u64, u64), &Value> = (all("calls").iter())
        .map(|call| ((number(call, "tid"), number(call, "start_ns")), call))
        .collect();
    let mut turns: HashMap<u64, Vec<&Value>> = HashMap::new();
    for turn in all("turns") {
        turns.entry(number(turn, "tid")).or_default().push(turn);
    }
    let alone = |call: &Value| {
        let mut call = call.clone();
        if let Some(why) = call.get_mut("why").and_then(Value::as_object_mut) {
            why.remove("chain");
        }
        call
    };
    let mut seen = Seen::default();
    for wanted in all("calls").iter().step_by(step) {
        let tid = number(wanted, "tid");
        let (lane, _) = around
            .lane_of(tid as u32, number(wanted, "start_ns"))
            .unwrap();
        let at_ns = number(wanted, "start_ns");
        let told = story(&trace(), around, lane.lane, at_ns).unwrap();
        seen.stories += 1;
        if told["chain_cut"] == json!(true) {
            seen.cut += 1;
            assert_eq!(alone(&told["call"]), alone(wanted));
        } else {
            assert_eq!(&told["call"], wanted, "unsure {}", told["unsure"]);
        }
        seen.chains += usize::from(
            wanted["why"]["chain"]
                .as_array()
                .is_some_and(|c| c.len() > 1),
        );
        let turn = turns.get(&tid).and_then(|turns| turn_of(turns, wanted));
        assert_eq!(
            &told["turn"],
            turn.unwrap_or(&Value::Null),
            "of {wanted:#}, {}",
            told["no_turn"]
        );
        assert_eq!(told["no_turn"].is_null(), turn.is_some());
        let calls = told["calls"].as_array().unwrap();
        for call in calls {
            let mut call = call.clone();
            let ready = call.as_object_mut().unwrap().remove("ready").unwrap();
            let known = by_name[&(tid, number(&call, "start_ns"))];
            let mut known = alone(known);
            // With a chain, it was put into words later.
            if by_name[&(tid, number(&call, "start_ns"))]["why"]["chain"].is_array() {
                for call in [&mut call, &mut known] {
                    let why = call["why"].as_object_mut().unwrap();
                    why.retain(|field, _| field != "text" && field != "name");
                }
            }
            assert_eq!(call, known);
            let found = all("ready").iter().filter(|ready| {
                number(ready, "tid") == tid && ready["call_start_ns"] == call["start_ns"]
            });
            let mut ready = ready.as_array().unwrap().clone();
            for ready in &mut ready {
                ready
                    .as_object_mut()
                    .unwrap()
                    .retain(|name, _| name != "name" && name != "led_to");
            }
            assert_eq!(
                ready.iter().collect::<Vec<_>>(),
                found.take(32).collect::<Vec<_>>()
            );
        }
        assert!(
            calls
                .iter()
                .any(|call| call["start_ns"] == wanted["start_ns"])
                || told["rest"]["calls"] != 0
        );
        if let Some(turn) = turn {
            seen.turns += 1;
            seen.whole += usize::from(adds_up(&told, turn));
            seen.work += calls.len();
        }
    }
    seen
}

/// The sums of a turn against what the model counted, and against each other.
fn adds_up(told: &Value, turn: &Value) -> bool {
    let sum = &told["sum"];
    let first = &told["calls"][0];
    assert_eq!(first["end_ns"], turn["start_ns"]);
    let length_ns = number(turn, "work_end_ns") - number(first, "start_ns");
    assert_eq!(number(sum, "length_ns"), length_ns);
    let phases = [
        "kernel_ns",
        "blocked_ns",
        "runnable_ns",
        "copying_ns",
        "other_ns",
        "user_ns",
    ];
    let outside = ["outside_blocked_ns", "outside_runnable_ns"];
    let Some(_) = sum["user_ns"].as_u64() else {
        return false;
    };
    let all: u64 = phases
        .iter()
        .chain(&outside)
        .map(|name| number(sum, name))
        .sum();
    assert_eq!(all, length_ns);
    if turn["ended"] == json!(true) {
        // Of a check that ended it, the model counts nothing.
        let check = |call: &&Value| {
            call["end_ns"] == turn["work_end_ns"] && call["end_ns"] == turn["end_ns"]
        };
        let calls = told["calls"].as_array().unwrap();
        let check = calls.iter().find(check);
        let off = |name: &str| {
            let outside = number(sum, &format!("outside_{name}"));
            number(sum, name) + outside
                - number(first, name)
                - check.map_or(0, |check| number(check, name))
        };
        assert_eq!(off("blocked_ns"), number(turn, "blocked_ns"), "{told:#}");
        assert_eq!(off("runnable_ns"), number(turn, "runnable_ns"));
    }
    true
}

/// The turns of stretches anywhere and of any length against the export; returns how many there were.
fn compare_bands(around: &Around, export: &Value, seed: u64) -> usize {
    let mut random = Random::new(seed);
    let threads = export["threads"].as_array().unwrap();
    let mut seen = 0;
    for thread in threads {
        let tid = number(thread, "tid");
        let (lane, _) = around.lane_of(tid as u32, around.now_ns()).unwrap();
        for _ in 0..20 {
            let from_ns = random.below(around.now_ns() + 1);
            let to_ns = from_ns + (random.below(around.now_ns()) >> random.below(12)) + 1;
            let told = band(&trace(), around, lane.lane, from_ns, to_ns).unwrap();
            let wanted = export["turns"].as_array().unwrap().iter().filter(|turn| {
                number(turn, "tid") == tid
                    && number(turn, "end_ns") > from_ns
                    && number(turn, "start_ns") < to_ns
            });
            let names = [
                "start_ns",
                "work_end_ns",
                "end_ns",
                "lag_ns",
                "calls",
                "events",
                "ended",
            ];
            let wanted: Vec<Value> = wanted
                .map(|turn| names.iter().map(|name| turn[name].clone()).collect())
                .collect();
            assert_eq!(
                told["turns"],
                json!(wanted),
                "thread {tid}, {from_ns} to {to_ns}"
            );
            seen += wanted.len();
        }
    }
    seen
}

#[test]
fn the_turns_of_any_stretch_are_those_of_the_export() {
    for seed in 11..14 {
        let events = told(seed, linked(seed, 700));
        let file = record(seed, &events);
        let export = exported(file.path());
        for around in [memory(file.path()), in_file(file.path())] {
            let seen = compare_bands(&around, &export, seed);
            assert!(seen > 500, "{seen}");
        }
    }
}

#[test]
fn too_many_turns_are_not_told_in_part() {
    let file = record(3, &told(3, linked(3, 30_000)));
    let around = memory(file.path());
    let told = band(&trace(), &around, 0, 0, u64::MAX).unwrap();
    assert_eq!(told["turns"], Value::Null);
    assert!(band(&trace(), &around, 4_000, 0, 5).is_none());
}

#[test]
fn each_story_says_what_the_export_says() {
    for seed in 1..4 {
        let events = told(seed, linked(seed, 700));
        let file = record(seed, &events);
        let export = exported(file.path());
        for around in [memory(file.path()), in_file(file.path())] {
            let seen = compare(&around, &export, 23);
            assert!(seen.chains > 5 && seen.turns > 50, "{seen:?}");
            assert!(seen.whole > 50 && seen.work > 300, "{seen:?}");
            assert_eq!(seen.cut, 0, "{seen:?}");
        }
    }
}

#[test]
fn where_records_were_lost_no_story_says_more_than_the_export() {
    let mut events = told(5, linked(5, 500));
    for at in [900, 901, 2_000, 3_700] {
        let ended_ns = events[..at].iter().rev().find_map(|event| match event {
            Event::Call(call) => Some(call.end_ns),
            _ => None,
        });
        let end_ns = ended_ns.unwrap();
        events.insert(
            at,
            Event::Gap(Gap {
                cpu: 1,
                start_ns: end_ns - 1,
                end_ns,
                lost: 3,
            }),
        );
    }
    let file = record(5, &events);
    let export = exported(file.path());
    for around in [memory(file.path()), in_file(file.path())] {
        let seen = compare(&around, &export, 13);
        assert!(seen.turns > 50 && seen.chains > 5, "{seen:?}");
    }
}

#[test]
fn a_senseless_recording_is_told_as_far_as_its_calls_are_shown() {
    let mut events = told(6, linked(6, 30));
    events.extend(any_events(6, 3_000));
    let made = record(6, &events);
    for file in [
        made.path(),
        Path::new("tests/data/version-1.arrows"),
        Path::new("tests/data/version-2.arrows"),
    ] {
        let export = exported(file);
        let calls = export["calls"].as_array().unwrap();
        for around in [memory(file), in_file(file)] {
            let mut lane = 0;
            while around.lane(lane).is_some() {
                for at_ns in [0, 9_999, 500_000, u64::MAX] {
                    let Some(told) = story(&trace(), &around, lane, at_ns) else {
                        continue;
                    };
                    let call = &told["call"];
                    let names = ["tid", "start_ns"];
                    let same = |one: &Value| names.iter().all(|name| one[name] == call[name]);
                    assert!(calls.iter().any(same), "{call}");
                }
                lane += 1;
            }
        }
    }
}

/// Far more happens in other threads between a wait and its wake-up than is looked at.
#[test]
fn a_chain_that_goes_back_too_far_is_told_as_cut() {
    let mut events = honest(8, 3);
    events.retain(|event| matches!(event, Event::Life(_)));
    let (waiter, waker, noisy) = (PID, PID + 1, PID + 2);
    let by = |tid| {
        Some(waitscope::model::Waker {
            tid,
            pid: PID,
            context: waitscope::model::Context::Task,
        })
    };
    let slept = |tid: u32, start_ns: u64, end_ns: u64, by| {
        let span = OffCpu {
            pid: PID,
            tid,
            cpu: 0,
            start_ns: start_ns + 1,
            woken_ns: Some(end_ns - 3),
            end_ns: end_ns - 2,
            times: 1,
            unseen: false,
            in_call: true,
            state: 1,
            waker: by,
            waker_comm: String::new(),
        };
        let call = Call {
            start_ns,
            end_ns,
            kernel_ns: 3,
            blocked_ns: end_ns - 3 - start_ns - 1,
            runnable_ns: 1,
            sleeps: 1,
            first_sleep_ns: Some(start_ns + 1),
            last_wake_ns: span.woken_ns,
            waker: by,
            ..blank::call(PID, tid, 202)
        };
        [Event::OffCpu(span), Event::Call(call)]
    };
    events.extend(slept(waker, 100, 200, by(PID + 3)));
    let mut now_ns = 1_000;
    for _ in 0..30_000 {
        events.push(Event::Call(Call {
            start_ns: now_ns,
            end_ns: now_ns + 10,
            kernel_ns: 10,
            ..blank::call(PID, noisy, 0)
        }));
        now_ns += 20;
    }
    events.extend(slept(waiter, now_ns, now_ns + 100, by(waker)));
    let mut store = Store::new(trace(), u64::MAX);
    store.extend(events);
    let around = store.around();
    let (lane, _) = around.lane_of(waiter, now_ns).unwrap();
    let told = story(&trace(), &around, lane.lane, now_ns).unwrap();
    assert_eq!(
        (&told["chain_cut"], &told["call"]["why"]["by"]),
        (&json!(true), &json!(waker))
    );
}
