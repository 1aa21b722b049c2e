//! A trace taken in a test, as the product shows it: recorded, and read back by the program itself.

use std::process::Command;

use serde_json::Value;
use waitscope::{model::Event, recording::Writer};

use super::trace::Taken;

/// What `waitscope COMMAND FILE OPTIONS` prints of it.
fn printed(taken: &Taken, command: &str, options: &[&str]) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trace.arrows");
    let mut writer = Writer::create(&file, &taken.trace).unwrap();
    let mut events = taken.events.clone();
    let Some(Event::End(end)) = events.pop() else {
        panic!("the end is the last event")
    };
    writer.append(&events).unwrap();
    writer.finish(end).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_waitscope"))
        .arg(command)
        .arg(&file)
        .args(options)
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Its JSON export.
pub(crate) fn exported(taken: &Taken) -> Value {
    printed(taken, "export", &["--format", "json"])
}

/// The findings of its report of this kind.
pub(crate) fn findings(taken: &Taken, kind: &str) -> Vec<Value> {
    let report = printed(taken, "report", &["--json"]);
    let all = report["findings"].as_array().unwrap();
    let of_kind = all.iter().filter(|finding| finding["kind"] == kind);
    of_kind.cloned().collect()
}
