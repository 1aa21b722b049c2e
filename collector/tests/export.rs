//! Exports say what the recording holds, in the form that is promised, to readers that are not ours.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::process::Command;

use serde_json::Value;
use support::honest::{PID, honest};
use support::recording::Recording;
use support::slices::expected_slices;
use support::tools::{beside, python, run};
use support::trace;
use waitscope::export::{Format, Range, call_json, export, offcpu_json};
use waitscope::model::Event;
use waitscope::recording::Reader;

#[test]
fn json_holds_every_event_as_the_page_shows_it() {
    let recording = Recording::senseless();
    let json = recording.json();
    assert_eq!(
        (&json["format"], &json["version"]),
        (&"waitscope".into(), &2.into())
    );
    let mut calls = json["calls"].as_array().unwrap().iter();
    let mut spans = json["offcpu"].as_array().unwrap().iter();
    for event in &recording.events {
        match event {
            Event::Call(call) => {
                let mut found = calls.next().unwrap().clone();
                // The page asks for one call, and gets the facts alone.
                found.as_object_mut().unwrap().remove("why");
                assert_eq!(found, call_json(&trace(), call));
            }
            Event::OffCpu(span) => assert_eq!(spans.next(), Some(&offcpu_json(span))),
            _ => {}
        }
    }
    assert_eq!((calls.next(), spans.next()), (None, None));
    for (list, wanted) in [
        (
            "gaps",
            recording.count(|event| matches!(event, Event::Gap(_))),
        ),
        (
            "ready",
            recording.count(|event| matches!(event, Event::Ready(_))),
        ),
        (
            "requests",
            recording.count(|event| matches!(event, Event::Request(_))),
        ),
        (
            "lives",
            recording.count(|event| matches!(event, Event::Life(_))),
        ),
        (
            "open",
            recording.count(|event| matches!(event, Event::Open(_))),
        ),
    ] {
        assert_eq!(json[list].as_array().unwrap().len(), wanted, "{list}");
    }
}

#[test]
fn threads_are_counted_once_each_and_with_all_they_did() {
    let recording = Recording::honest();
    let (_, summary) = recording.export(Format::Json);
    let json = recording.json();
    let threads = json["threads"].as_array().unwrap();
    assert_eq!(
        (threads.len(), summary.threads, summary.calls),
        (4, 4, 1_600)
    );
    let calls: u64 = threads
        .iter()
        .map(|thread| thread["calls"].as_u64().unwrap())
        .sum();
    let spans: u64 = threads
        .iter()
        .map(|thread| thread["offcpu"].as_u64().unwrap())
        .sum();
    assert_eq!((calls, spans), (summary.calls, summary.offcpu));
    assert_eq!(threads[0]["name"], format!("worker/{PID}"));
}

#[test]
fn ndjson_has_the_same_objects_one_a_line() {
    let recording = Recording::senseless();
    let (lines, _) = recording.export(Format::Ndjson);
    let mut lists: HashMap<String, Vec<Value>> = HashMap::new();
    for line in String::from_utf8(lines).unwrap().lines() {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let kind = line.as_object_mut().unwrap().remove("type").unwrap();
        lists
            .entry(kind.as_str().unwrap().to_owned())
            .or_default()
            .push(line);
    }
    let json = recording.json();
    for (kind, list) in [
        ("thread", "threads"),
        ("call", "calls"),
        ("offcpu", "offcpu"),
        ("life", "lives"),
        ("gap", "gaps"),
        ("open", "open"),
        ("descriptor", "descriptors"),
        ("ready", "ready"),
        ("request", "requests"),
        ("turn", "turns"),
        ("finding", "findings"),
    ] {
        assert_eq!(
            json[list],
            Value::from(lists.remove(kind).unwrap_or_default()),
            "{kind}"
        );
    }
    let mut first = lists.remove("trace").unwrap().remove(0);
    let first = first.as_object_mut().unwrap();
    assert_eq!(first.remove("format"), Some("waitscope".into()));
    assert_eq!(first.remove("version"), Some(2.into()));
    assert_eq!(json["trace"], Value::from(first.clone()));
    assert!(lists.is_empty());
}

#[test]
fn jsonschema_finds_the_exports_as_they_are_promised() {
    let Some(python) = python("jsonschema") else {
        return;
    };
    for recording in [
        Recording::honest(),
        Recording::linked(),
        Recording::senseless(),
    ] {
        for (format, word) in [(Format::Json, "json"), (Format::Ndjson, "ndjson")] {
            let file = recording.export_file(format);
            let mut check = Command::new(&python);
            check
                .arg(beside("validate.py"))
                .arg(beside("../../docs/export.schema.json"));
            let counts: Value = serde_json::from_str(&run(check.arg(word).arg(file))).unwrap();
            let calls = recording.count(|event| matches!(event, Event::Call(_)));
            let found = if word == "json" {
                [&counts["calls"], &counts["turns"]]
            } else {
                [&counts["call"], &counts["turn"]]
            };
            assert_eq!(*found[0], calls, "{counts}");
            assert!(found[1].as_u64() > Some(10), "{counts}");
        }
    }
}

#[test]
fn why_waits_ended_findings_and_models_are_those_of_the_report() {
    for recording in [
        Recording::honest(),
        Recording::linked(),
        Recording::senseless(),
    ] {
        let (json, report) = (recording.json(), recording.report());
        let calls = json["calls"].as_array().unwrap();
        let waits = report["longest_waits"].as_array().unwrap();
        assert_eq!(waits.len(), 5);
        for wait in waits {
            assert!(wait["why"]["cause"].is_string(), "{wait}");
            assert!(calls.contains(wait), "{wait}");
        }
        assert_eq!(json["findings"], report["findings"]);
        // Each in its own order, and only the report's stop at 16,384.
        let model = |of: &Value| (of["tid"].clone(), of["io_model"].clone());
        let models: Vec<_> = json["threads"]
            .as_array()
            .unwrap()
            .iter()
            .map(model)
            .collect();
        for thread in report["threads"].as_array().unwrap() {
            assert!(models.contains(&model(thread)), "{thread}");
        }
    }
}

#[test]
fn a_why_has_each_call_that_was_off_the_cpu_or_looked_for_descriptors() {
    let json = Recording::linked().json();
    let mut longest = 0;
    for call in json["calls"].as_array().unwrap() {
        let off = call["blocked_ns"].as_u64().unwrap() + call["runnable_ns"].as_u64().unwrap();
        let told = off > 0 || call["call"] == "epoll_wait";
        assert_eq!(call.get("why").is_some(), told, "{call}");
        let Some(links) = call["why"]["chain"].as_array() else {
            continue;
        };
        longest = longest.max(links.len());
        let first = &links[0];
        assert_eq!(
            (&first["tid"], &first["woken_ns"]),
            (&call["tid"], &call["last_wake_ns"])
        );
        assert_eq!(first["cause"], call["why"]["cause"], "{call}");
        for two in links.windows(2) {
            assert_eq!(two[0]["by"], two[1]["tid"], "{call}");
            assert!(
                two[0]["woken_ns"].as_u64() > two[1]["woken_ns"].as_u64(),
                "{call}"
            );
        }
    }
    assert_eq!(longest, 4, "a chain goes through all four threads");
}

#[test]
fn turns_sum_to_the_loops_of_the_report() {
    let mut alone = 0;
    for recording in [Recording::honest(), Recording::linked(), apart()] {
        let (json, report) = (recording.json(), recording.report());
        let turns = json["turns"].as_array().unwrap();
        let loops = report["loops"].as_array().unwrap();
        assert_eq!(loops.len(), 4);
        for of in loops {
            let (ended, open): (Vec<&Value>, Vec<_>) = turns
                .iter()
                .filter(|turn| turn["tid"] == of["tid"])
                .partition(|turn| turn["ended"] == true);
            let sum = |field: &str| {
                let values = ended.iter().map(|turn| turn[field].as_u64().unwrap());
                values.sum::<u64>()
            };
            assert!(ended.iter().all(|turn| turn["many"] == true));
            assert_eq!(of["turns"], ended.len(), "{of}");
            for field in [
                "work_ns",
                "wait_ns",
                "blocked_ns",
                "runnable_ns",
                "events",
                "calls",
                "checks",
                "received_bytes",
                "sent_bytes",
            ] {
                assert_eq!(of[field], sum(field), "{field} of {of}");
            }
            let times = ["end_ns", "start_ns"].map(sum);
            assert_eq!(sum("work_ns") + sum("wait_ns"), times[0] - times[1], "{of}");
            assert_eq!(open.len(), 1, "one under way: {of}");
            if of["shared"] == true {
                assert!(of["lag_over_time"].is_null(), "{of}");
            } else {
                alone += 1;
                check_lags(&of["lag_over_time"], &ended);
            }
        }
    }
    assert_eq!(alone, 4, "loops that share no epoll");
}

/// Threads that wait on an epoll of their own each.
fn apart() -> Recording {
    let mut events = honest(25, 2_000);
    for event in &mut events {
        match event {
            Event::Call(call) => call.fd = i32::try_from(call.tid).ok(),
            Event::Open(open) => open.fd = i32::try_from(open.tid).ok(),
            _ => {}
        }
    }
    Recording::new(events)
}

/// What is told of lag over time is what these turns, all of a loop's, say.
fn check_lags(over_time: &Value, turns: &[&Value]) {
    let number = |turn: &Value, field: &str| turn[field].as_u64().unwrap();
    let width = over_time["bucket_ns"].as_u64().unwrap();
    let counts = over_time["turns"].as_array().unwrap();
    assert!(counts.len() > 5 && counts.len() <= 60, "{over_time}");
    for (bucket, count) in (0..).zip(counts) {
        let place = bucket as usize;
        let within = turns
            .iter()
            .filter(|turn| number(turn, "start_ns") / width == bucket);
        let mut lags: Vec<(u64, u64)> = within
            .map(|turn| (number(turn, "lag_ns"), number(turn, "start_ns")))
            .collect();
        lags.sort_unstable();
        assert_eq!(*count, lags.len(), "bucket {bucket}");
        let (max, max_at, p99) = (
            &over_time["max_ns"][place],
            &over_time["max_at_ns"][place],
            &over_time["p99_ns"][place],
        );
        let Some((most, _)) = lags.last() else {
            assert!(max.is_null() && max_at.is_null() && p99.is_null());
            continue;
        };
        assert_eq!(*max, *most, "bucket {bucket}");
        let worst = lags.iter().find(|(lag, _)| lag == most).unwrap();
        assert_eq!(
            *max_at, worst.1,
            "the first of the worst of bucket {bucket}"
        );
        let exact = lags[(lags.len() * 99).div_ceil(100) - 1].0;
        let told = p99.as_u64().unwrap();
        assert!(told.abs_diff(exact) * 10 <= exact, "p99 {told} for {exact}");
    }
    let all: u64 = counts.iter().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(all, turns.len() as u64);
}

#[test]
fn an_interrupted_call_is_no_ordinary_error() {
    let Some(Event::Call(call)) = honest(1, 1)
        .into_iter()
        .find(|event| matches!(event, Event::Call(_)))
    else {
        panic!("no call")
    };
    let of = |ret| {
        let json = call_json(
            &trace(),
            &waitscope::model::Call {
                ret,
                ..call.clone()
            },
        );
        (
            json["error"].clone(),
            json["interrupted"].clone(),
            json["ret"].clone(),
        )
    };
    assert_eq!(
        of(Some(-512)),
        ("ERESTARTSYS".into(), true.into(), (-512).into())
    );
    assert_eq!(of(Some(-11)), ("EAGAIN".into(), false.into(), (-11).into()));
    assert_eq!(of(Some(20)), (Value::Null, false.into(), 20.into()));
    assert_eq!(of(None), (Value::Null, false.into(), Value::Null));
}

#[test]
fn a_cut_recording_exports_what_is_there_and_says_so() {
    let recording = Recording::honest();
    recording.cut(100);
    for format in [Format::Json, Format::Ndjson, Format::Chrome] {
        let mut out = Vec::new();
        let summary = export(
            || Reader::open(recording.path()),
            format,
            Range::default(),
            &mut out,
            |_, _| Ok(()),
        )
        .unwrap();
        assert!(summary.cut.is_some());
        let text = String::from_utf8(out).unwrap();
        let first = text.lines().take(3).collect::<String>();
        assert!(
            first.contains("\"ended\":false") && first.contains("the recording is whole up to"),
            "{first}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_known_as_such() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let recording = Recording::new(honest(3, 4_000));
    for (format, _) in Format::ALL {
        let error = export(
            || Reader::open(recording.path()),
            format,
            Range::default(),
            Closed,
            |_, _| Ok(()),
        )
        .unwrap_err();
        let io = error
            .chain()
            .find_map(|cause| cause.downcast_ref::<std::io::Error>());
        assert_eq!(
            io.map(std::io::Error::kind),
            Some(std::io::ErrorKind::BrokenPipe),
            "{error:#}"
        );
    }
}

/// The time of an event in nanoseconds, from the text: as a number it could lose digits.
fn nanos(line: &str) -> u64 {
    let (_, ts) = line.split_once("\"ts\":").unwrap();
    let (ts, _) = ts.split_once([',', '}']).unwrap();
    let (micros, rest) = ts.split_once('.').unwrap();
    assert_eq!(rest.len(), 3, "{line}");
    format!("{micros}{rest}").parse().unwrap()
}

struct Slice {
    category: String,
    name: String,
    depth: usize,
    start: u64,
    end: u64,
}

/// The slices of a Chrome export, each thread's pairs matched with a stack of our own.
fn slices(export: &[u8]) -> Vec<Slice> {
    let whole: Value = serde_json::from_slice(export).unwrap();
    let events = whole["traceEvents"].as_array().unwrap();
    // One event a line, which JSON does not ask for.
    let lines = std::str::from_utf8(export)
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("{\"ph\""));
    let lines: Vec<&str> = lines.collect();
    let mut stacks: HashMap<(u64, u64), (u64, Vec<Slice>)> = HashMap::new();
    let mut said: HashMap<(u64, u64), Vec<[&Value; 3]>> = HashMap::new();
    let mut slices = Vec::new();
    let names = events.iter().filter(|event| event["ph"] == "M").count();
    assert_eq!(events.len() - names, lines.len());
    for (event, line) in events[names..].iter().zip(lines) {
        let phase = event["ph"].as_str().unwrap();
        if !matches!(phase, "B" | "E") {
            assert!(matches!(phase, "b" | "e"), "{event}");
            continue;
        }
        let thread = (
            event["pid"].as_u64().unwrap(),
            event["tid"].as_u64().unwrap(),
        );
        let (last, stack) = stacks.entry(thread).or_default();
        let at = nanos(line);
        assert!(
            at >= *last,
            "thread {thread:?} goes back from {last} to {at}: {event}"
        );
        *last = at;
        let words = ["cat", "name", "args"].map(|of| &event[of]);
        let said = said.entry(thread).or_default();
        if phase == "B" {
            said.push(words);
            stack.push(Slice {
                category: event["cat"].as_str().unwrap().into(),
                name: event["name"].as_str().unwrap().into(),
                depth: stack.len(),
                start: at,
                end: at,
            });
        } else {
            assert_eq!(said.pop(), Some(words), "an end says what its begin said");
            let slice = stack.pop().expect("an end without a begin");
            slices.push(Slice { end: at, ..slice });
        }
    }
    assert!(
        stacks.values().all(|(_, stack)| stack.is_empty()),
        "a begin without an end"
    );
    slices
}

#[test]
fn chrome_slices_nest_and_their_sums_are_those_of_the_calls() {
    let recording = Recording::honest();
    let mut sums: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    for slice in slices(&recording.export(Format::Chrome).0) {
        assert_eq!(
            slice.depth,
            usize::from(slice.category == "phase"),
            "{}",
            slice.name
        );
        let sum = sums.entry((slice.category, slice.name)).or_default();
        *sum = (sum.0 + 1, sum.1 + slice.end - slice.start);
    }
    let expected = expected_slices(&recording.events);
    for (name, (count, nanos)) in &expected {
        let found = sums.remove(name).unwrap_or_default();
        assert_eq!(found.1, *nanos, "time of {name:?}");
        assert!(
            *count == 0 || found.0 == *count,
            "{} of {name:?} instead of {count}",
            found.0
        );
    }
    assert!(sums.is_empty(), "{sums:?}");
}

#[test]
fn chrome_slices_nest_whatever_the_recording_holds() {
    assert!(slices(&Recording::senseless().export(Format::Chrome).0).len() > 1_000);
}

#[test]
fn a_call_whose_times_off_the_cpu_were_lost_has_no_invented_phases() {
    let events = honest(23, 50);
    let without = events
        .iter()
        .filter(|event| !matches!(event, Event::OffCpu(_)))
        .cloned()
        .collect();
    let recording = Recording::new(without);
    let export: Value = serde_json::from_slice(&recording.export(Format::Chrome).0).unwrap();
    let incomplete =
        |event: &&Value| event["ph"] == "B" && event["args"]["phases_incomplete"] == true;
    let marked = export["traceEvents"]
        .as_array()
        .unwrap()
        .iter()
        .filter(incomplete)
        .count();
    let several = recording.count(|event| {
        matches!(event, Event::Call(call) if call.sleeps + call.preemptions > 1 || call.preemptions > 0)
    });
    assert!(
        several > 10 && marked == several,
        "{marked} marked of {several}"
    );
}
