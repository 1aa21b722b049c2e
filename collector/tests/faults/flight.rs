//! A flight recorder on a program that stalls once: the capture holds that moment, what was before and what came after.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
};

use nix::sys::signal::Signal;
use waitscope::{model::Event, recording::Reader};

use crate::{
    page::{cookie, get, wish},
    product::{Product, end_of, eventually, waitscope},
    script::Script,
};

/// A loop that turns every few milliseconds; told to, it stalls for 150 ms, and says when that began.
const STALLS: &str = "say('ready')\nr, w = os.pipe()\np = select.poll()\np.register(r, select.POLLIN)\n\
    p.register(0, select.POLLIN)\nwhile True:\n    os.write(w, b'x')\n    found = dict(p.poll())\n    os.read(r, 1)\n    \
    time.sleep(0.002)\n    if 0 in found:\n        os.read(0, 64)\n        \
    say(time.clock_gettime_ns(time.CLOCK_BOOTTIME))\n        time.sleep(0.15)\n";

const SECOND: u64 = 1_000_000_000;

fn captures(directory: &tempfile::TempDir) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory.path()).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_capture_holds_the_stall_and_what_was_before_and_after_it() {
    let mut script = Script::start(STALLS);
    let directory = tempfile::tempdir().unwrap();
    let named = directory.path().join("stall.arrows");
    let mut product = Product::start(
        waitscope(&format!("record {} -o {}", script.pid(), named.display())).args([
            "--flight",
            "3s",
            "--after",
            "2s",
            "--trigger",
            "turn > 100ms",
        ]),
    );
    product.says("tracing process");
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(captures(&directory), [] as [PathBuf; 0]);
    script.tell("stall");
    let stalled_boot_ns: u64 = script.hear().parse().unwrap();
    let whole = |path: &PathBuf| {
        let mut reader = Reader::open(path).ok()?;
        while reader.next_batch().unwrap().is_some() {}
        reader.cut().is_none().then_some(())
    };
    eventually("a capture is whole", || {
        captures(&directory).first().and_then(whole).is_some()
    });
    let ended = product.interrupt();
    ended.said(0, "for turn > 100ms at ");

    let files = captures(&directory);
    assert_eq!(files.len(), 1, "{files:?}");
    let mut reader = Reader::open(&files[0]).unwrap();
    let at_ns = stalled_boot_ns - reader.trace().start_boot_ns;
    assert_eq!(reader.note("trigger"), Some("turn > 100ms"));
    let fired_ns: u64 = reader.note("trigger_at_ns").unwrap().parse().unwrap();
    let worked_ns: u64 = reader.note("trigger_number").unwrap().parse().unwrap();
    let facts = format!("stalled at {at_ns}, fired at {fired_ns} for {worked_ns}: {ended:?}");
    assert!(
        worked_ns >= 150_000_000 && fired_ns >= at_ns + 150_000_000,
        "{facts}"
    );
    let (mut before, mut after, mut stalls) = (0, 0, 0);
    while let Some(events) = reader.next_batch().unwrap() {
        for event in events {
            let Event::Call(call) = event else { continue };
            before += u64::from((at_ns - 2 * SECOND..at_ns - SECOND).contains(&call.end_ns));
            after += u64::from((at_ns + SECOND..at_ns + 2 * SECOND).contains(&call.end_ns));
            stalls += u64::from(call.start_ns >= at_ns && call.blocked_ns >= 140_000_000);
        }
    }
    assert!(
        before > 10 && after > 10 && stalls == 1,
        "{before} calls before, {after} after, {stalls} stalls; {facts}"
    );
    let file = files[0].display();
    let report = end_of(&format!("report {file}"));
    assert_eq!(report.code, 0, "{report:?}");
    assert!(report.stdout.contains("poll"), "{report:?}");
    report.said(0, "captured by a flight recorder for turn > 100ms at ");
}

#[test]
fn a_signal_makes_a_capture_and_what_is_no_trigger_is_named() {
    let script = Script::start(STALLS);
    let directory = tempfile::tempdir().unwrap();
    let named = directory.path().join("signal.arrows");
    let act = format!("record {} -o {}", script.pid(), named.display());
    let product =
        Product::start(waitscope(&act).args(["--flight", "1s", "--trigger", "signal USR1"]));
    let mut product = product;
    product.says("tracing process");
    std::thread::sleep(std::time::Duration::from_millis(500));
    product.signal(Signal::SIGUSR1);
    eventually("a capture is begun", || !captures(&directory).is_empty());
    product.interrupt().said(0, "for signal USR1 at ");

    let wrong = Product::start(waitscope(&act).args(["--flight", "1s", "--trigger", "trun > 5ms"]));
    wrong.end().said(2, "\"trun\" is no call");
    let pageless = Product::start(waitscope(&act).args(["--flight", "1s", "--trigger", "page"]));
    pageless.end().said(2, "record has none: use attach or run");
    let alone = Product::start(waitscope(&act).args(["--trigger", "turn > 5ms"]));
    alone.end().said(2, "--flight");
}

#[test]
fn the_live_page_asks_for_a_capture_and_is_told_of_it_while_it_is_written_and_of_its_file() {
    let script = Script::start(STALLS);
    let directory = tempfile::tempdir().unwrap();
    let named = directory.path().join("live.arrows");
    let act = format!(
        "attach {} --listen 127.0.0.1:0 --record {}",
        script.pid(),
        named.display()
    );
    let mut command = waitscope(&act);
    let mut product =
        Product::start(command.args(["--flight", "2s", "--after", "1s", "--trigger", "page"]));
    let address = product.address();
    let cookie = cookie(&address);
    let stream = BufReader::new(get(&address, "/api/live", &cookie));
    let mut states = stream.lines().filter_map(|line| {
        let state = serde_json::from_str(line.unwrap().strip_prefix("data: ")?);
        Some(state.unwrap())
    });
    let mut until = |is: &dyn Fn(&serde_json::Value) -> bool| {
        let mut captures = states
            .by_ref()
            .map(|mut state: serde_json::Value| state["captures"].take());
        captures.find(|captures| is(captures)).unwrap()
    };
    let none = until(&|captures| captures.is_object());
    assert_eq!(none["list"], serde_json::json!([]));
    assert_eq!(wish(&address, &cookie), "202");
    let under_way = until(&|captures| captures["under_way"].is_object());
    assert_eq!(under_way["under_way"]["trigger"], "page");
    let told = until(&|captures| captures["list"][0].is_object());
    let files = captures(&directory);
    assert_eq!(files.len(), 1, "{files:?}");
    let capture = &told["list"][0];
    assert_eq!(
        capture["file"],
        files[0].file_name().unwrap().to_str().unwrap()
    );
    assert_eq!(capture["bytes"], files[0].metadata().unwrap().len());
    assert_eq!(capture["at_ns"], under_way["under_way"]["at_ns"]);
    let mut reader = Reader::open(&files[0]).unwrap();
    let mut end_ns = None;
    while let Some(events) = reader.next_batch().unwrap() {
        end_ns = events.iter().rev().find_map(|event| match event {
            Event::End(end) => Some(end.at_ns),
            _ => None,
        });
    }
    assert_eq!(capture["to_ns"].as_u64(), end_ns);
    product.interrupt().said(0, "for page at ");
}
