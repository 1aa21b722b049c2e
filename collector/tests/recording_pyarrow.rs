//! What pyarrow, which is not ours, reads in a recording is what was written into it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use support::tools::{beside, python, run};
use support::{any_events_and_sets, trace};
use waitscope::model::{Arch, End, Event, call_name};
use waitscope::recording::Writer;

#[derive(Default)]
struct Sums {
    rows: u64,
    columns: BTreeMap<&'static str, i128>,
}

impl Sums {
    fn add(&mut self, column: &'static str, value: impl TryInto<i128>) {
        *self.columns.entry(column).or_default() += value.try_into().ok().unwrap();
    }
}

#[test]
fn pyarrow_reads_the_numbers_that_were_written() {
    let Some(python) = python("pyarrow") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.arrows");
    let mut events = any_events_and_sets(11, 20_000);
    let end = End {
        at_ns: 9,
        made: 8,
        lost: 7,
        untracked: 6,
        compat: 5,
        unseen: 4,
    };
    let mut writer = Writer::create(&path, &trace()).unwrap();
    for batch in events.chunks(7_000) {
        writer.append(batch).unwrap();
        writer.flush().unwrap();
    }
    writer.finish(end).unwrap();
    events.push(Event::End(end));

    let mut kinds: BTreeMap<&str, Sums> = BTreeMap::new();
    let mut calls: BTreeMap<String, u64> = BTreeMap::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    let name = |nr: u32| call_name(Arch::X86_64, nr).into_owned();
    for event in &events {
        match event {
            Event::Call(call) => {
                let sums = kinds.entry("call").or_default();
                sums.rows += 1;
                sums.add("tid", call.tid);
                sums.add("start_ns", call.start_ns);
                sums.add("end_ns", call.end_ns);
                sums.add("copy_start_ns", call.copying.start_ns().unwrap_or(0));
                sums.add("kernel_ns", call.kernel_ns);
                sums.add("blocked_ns", call.blocked_ns);
                sums.add("runnable_ns", call.runnable_ns);
                sums.add("copying_ns", call.copying_ns);
                sums.add("first_sleep_ns", call.first_sleep_ns.unwrap_or(0));
                sums.add("ret", call.ret.unwrap_or(0));
                sums.add("fd", call.fd.unwrap_or(0));
                *calls.entry(name(call.nr)).or_default() += 1;
            }
            Event::OffCpu(span) => {
                let sums = kinds.entry("offcpu").or_default();
                sums.rows += 1;
                sums.add("start_ns", span.start_ns);
                sums.add("woken_ns", span.woken_ns.unwrap_or(0));
                sums.add("end_ns", span.end_ns);
                sums.add("waker_tid", span.waker.map_or(0, |waker| waker.tid));
            }
            Event::Life(life) => {
                let sums = kinds.entry("life").or_default();
                sums.rows += 1;
                sums.add("start_ns", life.at_ns);
                names.insert(life.name.clone());
            }
            Event::Descriptor(descriptor) => {
                let sums = kinds.entry("descriptor").or_default();
                sums.rows += 1;
                sums.add("descriptor", descriptor.id);
                sums.add("object", descriptor.object);
                sums.add("end_ns", descriptor.closed_ns.unwrap_or(0));
                names.insert(descriptor.name.clone());
            }
            Event::Ready(ready) => {
                let sums = kinds.entry("ready").or_default();
                sums.rows += 1;
                sums.add("ready", ready.ready);
                sums.add("asked", ready.asked.unwrap_or(0));
                sums.add("fd", ready.fd.unwrap_or(0));
                sums.add("descriptor", ready.descriptor.unwrap_or(0));
            }
            Event::Request(request) => {
                let sums = kinds.entry("request").or_default();
                sums.rows += 1;
                sums.add("opcode", request.opcode);
                sums.add("user_data", request.user_data);
                sums.add("start_ns", request.submit_ns.unwrap_or(0));
                sums.add("end_ns", request.complete_ns.unwrap_or(0));
                sums.add("shot", request.shot);
            }
            Event::Gap(gap) => {
                let sums = kinds.entry("gap").or_default();
                sums.rows += 1;
                sums.add("lost", gap.lost);
            }
            Event::Open(open) => {
                let sums = kinds.entry("open").or_default();
                sums.rows += 1;
                sums.add("off_since_ns", open.off_since_ns.unwrap_or(0));
                if let Some(Some(nr)) = open.nr {
                    *calls.entry(name(nr)).or_default() += 1;
                }
            }
            Event::End(end) => {
                let sums = kinds.entry("end").or_default();
                sums.rows += 1;
                sums.add("made", end.made);
                sums.add("lost", end.lost);
            }
        }
    }

    let read = run(Command::new(python).arg(beside("sums.py")).arg(&path));
    let read: serde_json::Value = serde_json::from_str(&read).unwrap();
    assert_eq!(read["kinds"].as_object().unwrap().len(), kinds.len());
    for (kind, sums) in &kinds {
        let found = &read["kinds"][kind];
        assert_eq!(found["rows"], sums.rows, "rows of {kind}");
        for (column, sum) in &sums.columns {
            assert_eq!(
                found[column],
                sum.to_string(),
                "sum of {column} over {kind}"
            );
        }
    }
    assert_eq!(read["kinds"]["ready"]["descriptors_null"], 0);
    assert_eq!(read["calls"], serde_json::json!(calls));
    assert_eq!(read["names"], serde_json::json!(names));
    let metadata = &read["metadata"];
    assert_eq!(metadata["format"], "waitscope-recording");
    assert_eq!(metadata["version"], "3");
    assert_eq!(metadata["clock"], "CLOCK_BOOTTIME");
    assert_eq!(metadata["command"], trace().command);
    assert_eq!(metadata["start_unix_ns"], trace().start_unix_ns.to_string());

    // The document lists every column with its type.
    let document = std::fs::read_to_string(beside("../../docs/recording.md")).unwrap();
    for column in read["columns"].as_array().unwrap() {
        let name = column[0].as_str().unwrap();
        assert!(
            document.contains(&format!("| `{name}` |")),
            "docs/recording.md lacks {name}: {column}"
        );
    }
}
