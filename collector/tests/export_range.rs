//! An export of a range holds what a whole export says of that range, and nothing else: by the rule that `docs/export.md`
//! states, applied here to the whole export alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod support;

use std::collections::{BTreeSet, HashMap};
use std::process::Command;

use serde_json::{Value, json};
use support::honest::{PID, linked};
use support::recording::Recording;
use waitscope::export::{Format, Range};
use waitscope::model::{Event, Gap, Life, LifeKind, Ready, Request};

/// A trace with some of everything that an export may hold.
fn of_all_kinds() -> Recording {
    let mut events = Vec::new();
    for (number, event) in (0_u64..).zip(linked(31, 400)) {
        if let Event::Call(call) = &event
            && number.is_multiple_of(3)
        {
            events.push(Event::Ready(Ready {
                pid: call.pid,
                tid: call.tid,
                call_start_ns: call.start_ns,
                fd: Some(7),
                descriptor: None,
                asked: Some(1),
                ready: 1,
            }));
            let request = Request {
                pid: PID,
                tid: call.tid,
                ring: Some(4),
                opcode: 22,
                fd: Some(7),
                descriptor: None,
                submit_ns: (!number.is_multiple_of(5)).then_some(call.start_ns / 2),
                complete_ns: (!number.is_multiple_of(7)).then_some(call.end_ns),
                user_data: number,
                ret: Some(1),
                shot: (number % 2) as u32,
                more: false,
            };
            events.push(Event::Request(request));
        }
        if number.is_multiple_of(200)
            && let Event::Call(call) = &event
        {
            events.push(Event::Gap(Gap {
                cpu: 1,
                start_ns: call.start_ns,
                end_ns: call.end_ns,
                lost: 3,
            }));
            events.push(Event::Life(Life {
                pid: PID,
                tid: call.tid,
                at_ns: call.end_ns,
                kind: LifeKind::Renamed,
                name: format!("renamed/{number}"),
            }));
        }
        events.push(event);
    }
    Recording::new(events)
}

/// Ranges with edges between events, on them, and beyond them all.
fn ranges(recording: &Recording) -> Vec<Range> {
    let calls = recording.json()["calls"].as_array().unwrap().clone();
    let at = |place: usize, edge: &str| calls[place][edge].as_u64().unwrap();
    let (half, near) = (calls.len() / 2, calls.len() / 2 + 40);
    let range = |from_ns, to_ns| Range { from_ns, to_ns };
    vec![
        range(at(half, "start_ns"), Some(at(near, "start_ns"))),
        range(at(half, "end_ns"), Some(at(near, "end_ns"))),
        range(at(half, "end_ns") + 1, Some(at(near, "start_ns") + 1)),
        range(at(half, "start_ns") + 1, Some(at(half, "start_ns") + 2)),
        range(0, Some(at(40, "start_ns"))),
        range(at(near, "start_ns"), None),
        range(0, Some(u64::MAX)),
        range(u64::MAX - 1, None),
    ]
}

fn touches(range: Range, start: u64, end: u64) -> bool {
    end >= range.from_ns && range.to_ns.is_none_or(|to| start < to)
}

/// The rule, as the documentation has it.
fn is_in(range: Range, list: &str, item: &Value, calls: &BTreeSet<(u64, u64)>) -> bool {
    let number = |name: &str| item[name].as_u64();
    match list {
        "lives" => touches(range, number("at_ns").unwrap(), number("at_ns").unwrap()),
        "open" => touches(range, number("since_ns").unwrap(), number("at_ns").unwrap()),
        "ready" => calls.contains(&(number("tid").unwrap(), number("call_start_ns").unwrap())),
        "requests" => {
            let end = number("complete_ns").unwrap_or(u64::MAX);
            let submitted = number("submit_ns").unwrap_or(0);
            let is_first = number("shot").unwrap_or(0) == 0;
            let start = if is_first {
                submitted
            } else {
                number("complete_ns").unwrap_or(submitted)
            };
            touches(range, start, end)
        }
        _ => touches(
            range,
            number("start_ns").unwrap(),
            number("end_ns").unwrap(),
        ),
    }
}

const LISTS: [&str; 9] = [
    "calls", "offcpu", "ready", "requests", "lives", "gaps", "open", "turns", "findings",
];

/// What must be left of a whole export.
fn part(mut whole: Value, range: Range) -> Value {
    let told = match range.to_ns {
        Some(to_ns) => json!({ "from_ns": range.from_ns, "to_ns": to_ns }),
        None => json!({ "from_ns": range.from_ns }),
    };
    whole["trace"]["range"] = told;
    let number = |item: &Value, name: &str| item[name].as_u64().unwrap();
    let mut calls = BTreeSet::new();
    for list in LISTS {
        let items = whole[list].as_array_mut().unwrap();
        items.retain(|item| is_in(range, list, item, &calls));
        if list == "calls" {
            let names = items.iter();
            calls = names
                .map(|call| (number(call, "tid"), number(call, "start_ns")))
                .collect();
        }
    }
    whole
}

#[test]
fn json_of_a_range_is_what_the_whole_says_of_it() {
    let recording = of_all_kinds();
    let whole = recording.json();
    for list in LISTS {
        assert!(
            list == "findings" || !whole[list].as_array().unwrap().is_empty(),
            "nothing to tell of {list}"
        );
    }
    let mut sizes = BTreeSet::new();
    for range in ranges(&recording) {
        let (bytes, summary) = recording.export_range(Format::Json, range);
        let found: Value = serde_json::from_slice(&bytes).unwrap();
        let expected = part(whole.clone(), range);
        for list in LISTS {
            assert_eq!(found[list], expected[list], "{list} of {range:?}");
        }
        assert_eq!(found, expected, "{range:?}");
        let calls = found["calls"].as_array().unwrap().len();
        assert_eq!(summary.calls, calls as u64);
        assert_eq!(
            summary.offcpu,
            found["offcpu"].as_array().unwrap().len() as u64
        );
        sizes.insert(calls);
    }
    assert!(sizes.len() > 5, "the ranges differ: {sizes:?}");
}

#[test]
fn ndjson_and_csv_of_a_range_are_lines_of_the_whole() {
    let recording = of_all_kinds();
    let lines = |format, range| {
        let bytes = recording.export_range(format, range).0;
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let kinds = HashMap::from([
        ("call", "calls"),
        ("offcpu", "offcpu"),
        ("ready", "ready"),
        ("request", "requests"),
        ("life", "lives"),
        ("gap", "gaps"),
        ("open", "open"),
        ("turn", "turns"),
        ("finding", "findings"),
    ]);
    let whole = lines(Format::Ndjson, Range::default());
    let rows = lines(Format::Csv, Range::default());
    let columns: Vec<&str> = rows[0].split(',').collect();
    let column = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let (start, end) = (column("start_ns"), column("end_ns"));
    for range in ranges(&recording) {
        let in_range: Value =
            serde_json::from_slice(&recording.export_range(Format::Json, range).0).unwrap();
        let number = |item: &Value, name: &str| item[name].as_u64().unwrap();
        let calls = in_range["calls"].as_array().unwrap();
        let calls = calls
            .iter()
            .map(|call| (number(call, "tid"), number(call, "start_ns")))
            .collect();
        let expected: Vec<&String> = whole
            .iter()
            .skip(1)
            .filter(|line| {
                let item: Value = serde_json::from_str(line).unwrap();
                let kind = kinds.get(item["type"].as_str().unwrap());
                kind.is_none_or(|list| is_in(range, list, &item, &calls))
            })
            .collect();
        let found = lines(Format::Ndjson, range);
        assert!(found[0].contains("\"range\":{\"from_ns\":"), "{}", found[0]);
        assert_eq!(found[1..].iter().collect::<Vec<_>>(), expected, "{range:?}");

        // No text of this trace has a comma before these columns.
        let expected: Vec<&String> = rows
            .iter()
            .enumerate()
            .filter(|(number, row)| {
                let cells: Vec<&str> = row.split(',').collect();
                *number == 0
                    || touches(
                        range,
                        cells[start].parse().unwrap(),
                        cells[end].parse().unwrap(),
                    )
            })
            .map(|(_, row)| row)
            .collect();
        assert_eq!(
            lines(Format::Csv, range).iter().collect::<Vec<_>>(),
            expected,
            "{range:?}"
        );
    }
}

/// The slices that no other contains, each as all lines that make it; and the lines of no thread.
fn outermost(bytes: &[u8]) -> (BTreeSet<Vec<String>>, Vec<String>) {
    let text = std::str::from_utf8(bytes).unwrap();
    let (mut open, mut done, mut others) = (
        HashMap::<u64, (usize, Vec<String>)>::new(),
        BTreeSet::new(),
        Vec::new(),
    );
    for line in text.lines().skip(2) {
        let line = line.trim_end_matches(',');
        let Ok(mark) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let depth_by = match mark["ph"].as_str() {
            Some("B") => 1,
            Some("E") => -1,
            _ => {
                others.push(line.to_owned());
                continue;
            }
        };
        let tid = mark["tid"].as_u64().unwrap();
        let (depth, lines) = open.entry(tid).or_default();
        *depth = depth.checked_add_signed(depth_by).unwrap();
        lines.push(line.to_owned());
        if *depth == 0 {
            done.insert(open.remove(&tid).unwrap().1);
        }
    }
    assert!(open.is_empty(), "slices that never end: {open:?}");
    (done, others)
}

#[test]
fn slices_of_a_range_are_whole_slices_of_the_whole() {
    let recording = of_all_kinds();
    let (whole, _) = outermost(&recording.export(Format::Chrome).0);
    for range in ranges(&recording) {
        let (found, others) = outermost(&recording.export_range(Format::Chrome, range).0);
        assert!(found.is_subset(&whole), "{range:?}");
        let json: Value =
            serde_json::from_slice(&recording.export_range(Format::Json, range).0).unwrap();
        let of = |category: &str| {
            let category = format!("\"cat\":\"{category}\"");
            found
                .iter()
                .filter(|lines| lines[0].contains(&category))
                .count()
        };
        let count = |list: &str, is: &dyn Fn(&Value) -> bool| {
            json[list]
                .as_array()
                .unwrap()
                .iter()
                .filter(|item| is(item))
                .count()
        };
        let open = count("open", &|open| open["in_call"] == true);
        assert_eq!(of("call"), count("calls", &|_| true) + open, "{range:?}");
        // A time off the CPU outside calls is one slice for each of its two parts that is not empty.
        let part = |of: &'static str| {
            move |span: &Value| span["in_call"] == false && span[of].as_u64() > Some(0)
        };
        let asleep = count("open", &|open| open["in_call"] == false);
        assert_eq!(
            of("offcpu"),
            count("offcpu", &part("blocked_ns"))
                + count("offcpu", &part("runnable_ns"))
                + 2 * asleep,
            "{range:?}"
        );
        let lost = others
            .iter()
            .filter(|line| line.contains("\"ph\":\"b\""))
            .count();
        assert_eq!(lost, count("gaps", &|_| true), "{range:?}");
    }
}

#[test]
fn a_range_that_leaves_nothing_out_is_drawn_as_the_whole_is() {
    let recording = of_all_kinds();
    let all = Range {
        from_ns: 0,
        to_ns: Some(u64::MAX),
    };
    let drawn = recording.export_range(Format::Perfetto, all).0;
    assert!(drawn == recording.export(Format::Perfetto).0, "other bytes");
}

#[test]
fn the_command_line_takes_times_and_says_when_nothing_can_be_in_between() {
    let recording = Recording::honest();
    let typed = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_waitscope"));
        let done = command
            .arg("export")
            .arg(recording.path())
            .args(words)
            .output()
            .unwrap();
        (
            done.status.code(),
            done.stdout,
            String::from_utf8(done.stderr).unwrap(),
        )
    };
    let range = Range {
        from_ns: 1_000_001,
        to_ns: Some(2_000_000),
    };
    let (code, out, said) = typed(&["--from", "1ms1ns", "--to", "2ms"]);
    assert_eq!(
        (code, out),
        (Some(0), recording.export_range(Format::Json, range).0),
        "{said}"
    );
    let (code, out, _) = typed(&["--from", "0s"]);
    assert_eq!((code, out), (Some(0), recording.export(Format::Json).0));
    for (words, why) in [
        (
            ["--from", "2ms", "--to", "2ms"],
            "--from must be before --to",
        ),
        (["--from", "2", "--to", "3s"], "is written like 2s"),
    ] {
        let (code, out, said) = typed(&words);
        assert_eq!((code, out.len()), (Some(2), 0), "{said}");
        assert!(said.contains(why), "{said}");
    }
}
