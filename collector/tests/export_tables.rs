//! Engines that are not ours read in exported tables what the recording holds, and the report says the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::honest::linked;
use support::recording::Recording;
use support::tools::{beside, python, run};
use support::trace;
use waitscope::export::{Format, Range, export_partitions};
use waitscope::model::{Event, Trace};
use waitscope::recording::Reader;

fn tables(paths: &[&Path]) -> Option<Vec<Value>> {
    let python = python("duckdb")?;
    let mut read = Command::new(python);
    let found = run(read.arg(beside("tables.py")).args(paths));
    Some(serde_json::from_str(&found).unwrap())
}

fn partitions(recording: &Recording, dir: &Path) {
    let open = || Reader::open(recording.path());
    export_partitions(open, Range::default(), dir, |_, _| Ok(())).unwrap();
}

/// Counts and phases of each call are those of the report.
fn check_report(recording: &Recording, found: &Value) {
    let report = recording.report();
    let by_call = report["by_call"].as_array().unwrap();
    assert_eq!(
        by_call.len(),
        found["by_call"].as_object().unwrap().len(),
        "{found}"
    );
    for call in by_call {
        let row = &found["by_call"][call["call"].as_str().unwrap()];
        let fields = [
            "count",
            "kernel_ns",
            "blocked_ns",
            "runnable_ns",
            "copying_ns",
        ];
        for (at, field) in fields.into_iter().enumerate() {
            assert_eq!(row[at], call[field].to_string(), "{field} of {call}");
        }
    }
}

/// Every number in `list` of the JSON export sums to that of its column.
fn check_sums(list: &Value, found: &Value) {
    let list = list.as_array().unwrap();
    assert_eq!(found["rows"], list.len());
    let mut fields = BTreeSet::new();
    let mut flat = Vec::new();
    for object in list {
        let mut columns = Vec::new();
        flatten("", object, &mut columns);
        fields.extend(columns.iter().map(|(name, _)| name.clone()));
        flat.extend(columns);
    }
    let columns: BTreeSet<String> = found["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    assert!(
        fields.is_subset(&columns),
        "without a column: {:?}",
        fields.difference(&columns)
    );
    let mut summed = 0;
    for field in fields {
        let numbers = flat.iter().filter(|(name, _)| *name == field);
        let numbers = numbers.filter_map(|(_, value)| value.as_number());
        let numbers: Vec<i128> = numbers
            .map(|number| number.to_string().parse().unwrap())
            .collect();
        if !numbers.is_empty() {
            let sum: i128 = numbers.iter().sum();
            assert_eq!(found["sums"][&field], sum.to_string(), "{field}");
            summed += 1;
        }
    }
    assert!(summed > 8, "{summed} columns of numbers");
}

/// `waker.tid` is the column `waker_tid`; lists have none.
fn flatten(prefix: &str, object: &Value, columns: &mut Vec<(String, Value)>) {
    for (name, value) in object.as_object().unwrap() {
        let name = format!("{prefix}{name}");
        match value {
            Value::Object(_) => flatten(&format!("{name}_"), value, columns),
            Value::Array(_) => {}
            value => columns.push((name, value.clone())),
        }
    }
}

#[test]
fn engines_sum_calls_to_what_the_report_says() {
    let recording = Recording::linked();
    let dir = tempfile::tempdir().unwrap();
    let [parquet, csv, parts] = ["a.parquet", "a.csv", "lake"].map(|name| dir.path().join(name));
    std::fs::write(&parquet, recording.export(Format::Parquet).0).unwrap();
    std::fs::write(&csv, recording.export(Format::Csv).0).unwrap();
    partitions(&recording, &parts);
    let tables_of = |name: &str| parts.join(name);
    let [calls, offcpu, turns] = ["calls", "offcpu", "turns"].map(tables_of);
    let Some(found) = tables(&[&parquet, &csv, &calls, &offcpu, &turns, &recording.path()]) else {
        return;
    };
    let json = recording.json();
    for (list, found) in ["calls", "calls", "calls", "offcpu", "turns"]
        .into_iter()
        .zip(&found)
    {
        check_sums(&json[list], found);
    }
    let start = trace().start_unix_ns;
    for calls in &found[..3] {
        check_report(&recording, calls);
        assert_eq!(calls["hosts"], serde_json::json!([[trace().host]]));
        let first = json["calls"].as_array().unwrap();
        let first = first.iter().map(|call| call["start_ns"].as_u64().unwrap());
        assert_eq!(calls["wall"], (start + first.min().unwrap()).to_string());
    }
    check_report(&recording, &found[5]);
    assert_eq!(found[0]["columns"], found[1]["columns"]);
    assert_eq!(found[0]["trace"], json["trace"]);
}

#[test]
fn any_recording_is_read_to_the_last_cell() {
    let recording = Recording::senseless();
    let dir = tempfile::tempdir().unwrap();
    let parquet = dir.path().join("a.parquet");
    std::fs::write(&parquet, recording.export(Format::Parquet).0).unwrap();
    let parts = dir.path().join("lake");
    partitions(&recording, &parts);
    let json = recording.json();
    let lists = ["calls", "offcpu", "turns"];
    let [calls, offcpu, turns] = lists.map(|name| parts.join(name));
    let Some(found) = tables(&[&parquet, &calls, &offcpu, &turns]) else {
        return;
    };
    check_sums(&json["calls"], &found[0]);
    for (list, found) in lists.into_iter().zip(&found[1..]) {
        check_sums(&json[list], found);
    }
}

#[test]
fn exporting_twice_into_one_directory_doubles_nothing() {
    let recording = Recording::honest();
    let dir = tempfile::tempdir().unwrap();
    partitions(&recording, dir.path());
    partitions(&recording, dir.path());
    let Some(found) = tables(&[&dir.path().join("calls")]) else {
        return;
    };
    check_report(&recording, &found[0]);
}

/// The same with reads of which it is known how long their data lay there, on a host.
fn on_host(host: &str, seed: u64) -> Recording {
    let mut events = linked(seed, 400);
    for event in &mut events {
        if let Event::Call(call) = event
            && call.nr == 0
        {
            call.ready_delay_ns = Some(call.start_ns % 10_000);
        }
    }
    let trace = Trace {
        host: host.into(),
        ..trace()
    };
    Recording::of(&trace, events)
}

/// The rows of a question that are of this host.
fn rows<'a>(found: &'a Value, question: &str, host: &str) -> Vec<&'a Value> {
    let rows = found[question].as_array().unwrap();
    rows.iter().filter(|row| row["host"] == host).collect()
}

fn sum(rows: &[&Value], field: &str) -> u64 {
    rows.iter().map(|row| row[field].as_u64().unwrap()).sum()
}

/// Quantiles of the report are right to a hundredth.
fn near(exact: &Value, told: &Value) {
    let (exact, told) = (exact.as_f64().unwrap(), told.as_f64().unwrap());
    assert!((exact - told).abs() <= exact / 100.0, "{exact} or {told}");
}

#[test]
fn the_recipes_of_the_document_say_what_the_reports_say() {
    let Some(python) = python("duckdb") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let hosts = [("web1", 31), ("web/2", 32)].map(|(host, seed)| (host, on_host(host, seed)));
    for (_, recording) in &hosts {
        partitions(recording, &dir.path().join("lake"));
    }
    let mut ask = Command::new(python);
    ask.current_dir(dir.path());
    let found = run(ask.arg(beside("sql.py")).arg(beside("../../docs/sql.md")));
    let found: Value = serde_json::from_str(&found).unwrap();
    let questions: Vec<&String> = found.as_object().unwrap().keys().collect();
    let expected = [
        "hours",
        "loops",
        "ready delays",
        "threads",
        "waits",
        "wakers",
    ];
    assert_eq!(questions, expected);
    let mut longest = Vec::new();
    for (host, recording) in &hosts {
        let report = recording.report();
        let by_call: Vec<&Value> = report["by_call"].as_array().unwrap().iter().collect();
        let threads = rows(&found, "threads", host);
        assert_eq!(threads.len(), 4);
        assert_eq!(sum(&threads, "calls"), sum(&by_call, "count"));
        for phase in ["kernel_ns", "blocked_ns", "runnable_ns", "copying_ns"] {
            assert_eq!(sum(&threads, phase), sum(&by_call, phase), "{phase}");
        }
        longest.extend(report["longest_waits"].as_array().unwrap().clone());

        let [delays] = rows(&found, "ready delays", host)[..] else {
            panic!("{found}")
        };
        let told = &report["ready_delay"];
        assert_eq!(
            (&delays["receives"], &delays["max_ns"]),
            (&told["count"], &told["max_ns"])
        );
        near(&delays["p50_ns"], &told["p50_ns"]);
        near(&delays["p99_ns"], &told["p99_ns"]);

        let loops = rows(&found, "loops", host);
        let told = report["loops"].as_array().unwrap();
        assert_eq!((loops.len(), told.len()), (4, 4));
        for row in loops {
            let of = told.iter().find(|of| of["tid"] == row["tid"]).unwrap();
            for field in ["turns", "work_ns", "wait_ns"] {
                assert_eq!(row[field], of[field], "{field} of {row}");
            }
        }

        let wakers = rows(&found, "wakers", host);
        let told: Vec<&Value> = report["wakers"].as_array().unwrap().iter().collect();
        assert_eq!(wakers.len(), told.len());
        for field in ["wakeups", "blocked_ns", "runnable_ns"] {
            assert_eq!(sum(&wakers, field), sum(&told, field), "{field}");
        }
    }
    // The longest anywhere are the longest of all.
    let off =
        |wait: &Value| wait["blocked_ns"].as_u64().unwrap() + wait["runnable_ns"].as_u64().unwrap();
    longest.sort_by_key(|wait| std::cmp::Reverse(off(wait)));
    let waits = found["waits"].as_array().unwrap();
    assert_eq!(waits.len(), 5);
    for (row, wait) in waits.iter().zip(&longest) {
        assert_eq!(
            (off(row), &row["why_text"]),
            (off(wait), &wait["why"]["text"]),
            "{row}"
        );
    }
    // One hour of one host: all that the trace has.
    let calls = sum(&rows(&found, "hours", "web/2"), "calls");
    assert_eq!(calls, sum(&rows(&found, "threads", "web/2"), "calls"));
    assert_eq!(calls, 1_600);
}

#[test]
fn a_recording_that_is_cut_says_so_in_its_tables() {
    let recording = Recording::honest();
    recording.cut(100);
    let dir = tempfile::tempdir().unwrap();
    let parquet = dir.path().join("a.parquet");
    let (bytes, summary) = recording.export(Format::Parquet);
    std::fs::write(&parquet, bytes).unwrap();
    let Some(found) = tables(&[&parquet]) else {
        return;
    };
    let trace = &found[0]["trace"];
    assert_eq!(
        (&trace["ended"], trace["cut"].as_str()),
        (&false.into(), summary.cut.as_deref())
    );
    assert!(summary.cut.is_some());
}

/// What the program says of an export, and whether it did it.
fn typed(recording: &Recording, arguments: &[&str]) -> (bool, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_waitscope"));
    program.arg("export").arg(recording.path()).args(arguments);
    let output = program.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.success(), said)
}

#[test]
fn parquet_goes_into_a_file_or_a_directory_and_nowhere_else() {
    let recording = Recording::honest();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (done, said) = typed(&recording, &["--format", "parquet"]);
    assert!(
        !done && said.contains("-o FILE.parquet, or -o DIR"),
        "{said}"
    );
    let [file, lake, plain] = ["a.parquet", "lake", "plain"].map(path);
    for output in [&file, &lake] {
        let (done, said) = typed(&recording, &["--format", "parquet", "-o", output]);
        assert!(done && said.contains("wrote 1,600 calls"), "{said}");
    }
    assert!(Path::new(&file).is_file());
    assert!(Path::new(&lake).join("calls/host=here").is_dir());
    // A file is in the way of a directory, and the other way round.
    std::fs::write(&plain, "").unwrap();
    for (format, output) in [("parquet", &plain), ("csv", &lake)] {
        let (done, said) = typed(&recording, &["--format", format, "-o", output]);
        assert!(!done && said.contains(&format!("write {output}")), "{said}");
    }
}
