//! Speedscope, which is not ours, reads in exports for it what the recording holds.
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
use support::recording::Recording;
use support::slices::expected_slices;
use support::tools::{beside, missing, run};
use waitscope::export::Format;

/// What speedscope's own page makes of an export.
fn shown(recording: &Recording) -> Option<Value> {
    let page = beside("../../web-ui/tests/node_modules/speedscope/dist/release");
    let driver = beside("../../web-ui/tests/node_modules/playwright-core");
    if !page.is_dir() || !driver.is_dir() || !Path::new("/usr/bin/chromium").exists() {
        return missing("speedscope or playwright-core in web-ui/tests, or chromium");
    }
    let file = recording.export_file(Format::Chrome);
    let mut check = Command::new("node");
    let found = run(check.arg(beside("speedscope.mjs")).arg(page).arg(file));
    Some(serde_json::from_str(&found).unwrap())
}

#[test]
fn speedscope_reads_the_same_slices_and_has_no_complaints() {
    let recording = Recording::honest();
    let Some(found) = shown(&recording) else {
        return;
    };
    // One for each slice that it can't end where it ends.
    assert_eq!(found["complaints"], Value::Array(Vec::new()));
    let profiles = found["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), 4, "{profiles:?}");
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for profile in profiles {
        assert_eq!(profile["unit"], "microseconds");
        assert_eq!(profile["open"], 0, "{}", profile["name"]);
        for (name, frame) in profile["frames"].as_object().unwrap() {
            assert!(frame["deepest"].as_u64() <= Some(2), "{name}: {frame}");
            let sum = sums.entry(name.clone()).or_default();
            sum.0 += frame["count"].as_u64().unwrap();
            sum.1 += frame["ns"].as_u64().unwrap();
        }
    }
    // It has no categories: outside calls and in them, a phase is one.
    let mut expected: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for ((_, name), (count, nanos)) in expected_slices(&recording.events) {
        let sum = expected.entry(name).or_default();
        *sum = (sum.0 + count, sum.1 + nanos);
    }
    let names = |sums: &BTreeMap<String, (u64, u64)>| sums.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&sums), names(&expected));
    for (name, (count, nanos)) in expected {
        let (shown, shown_ns) = sums[&name];
        assert_eq!(shown_ns, nanos, "{name}");
        assert!(count == 0 || shown == count, "{name}: {shown}, not {count}");
    }
}
