//! Ctrl-C and SIGTERM, once and twice, and words that nobody wants to hear.

use std::{fs, process::Command};

use nix::sys::signal::Signal;

use crate::{
    product::{PROGRAM, Product, end_of, eventually, is_alive, signal_pid, waitscope},
    script::{BUSY, PYTHON, Script, WAITING},
};

#[test]
fn ctrl_c_and_sigterm_end_a_recording_in_order_with_its_summary() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut script = Script::start(BUSY);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("trace");
        let mut product = Product::start(&mut waitscope(&format!(
            "record {} -o {}",
            script.pid(),
            file.display()
        )));
        product.says("recording to");
        script.tell("go");
        product.signal(signal);
        let ended = product.end();
        ended.said(0, "recorded ");
        assert!(
            ended.stderr.contains("times off the CPU"),
            "the summary: {ended:?}"
        );
        assert!(is_alive(script.pid()), "the target goes on");
        let report = end_of(&format!("report {}", file.display()));
        assert!(
            report.code == 0 && !report.stdout.contains("!!"),
            "a whole recording: {report:?}"
        );
    }
}

/// The end is made slow by a standard error that nobody reads, and whose pipe is full.
#[test]
fn a_second_signal_ends_it_at_once_whatever_it_hangs_in() {
    let script = Script::start(WAITING);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trace");
    let fill = "import os, sys\nos.set_blocking(2, False)\n\
        try:\n    while True: os.write(2, b' ' * 4096)\nexcept BlockingIOError: pass\n\
        os.set_blocking(2, True)\nos.execv(sys.argv[1], sys.argv[1:])";
    let mut command = Command::new(PYTHON);
    command
        .args([
            "-c",
            fill,
            PROGRAM,
            "record",
            &script.pid().to_string(),
            "-o",
        ])
        .arg(&file);
    let (silent, full) = std::io::pipe().unwrap();
    let mut child = command.stderr(full).spawn().unwrap();
    // Its first words do not get out: it hangs in them, after it has opened the file and catches signals.
    eventually("the recording is begun", || {
        fs::metadata(&file).is_ok_and(|file| file.len() > 0)
    });
    signal_pid(child.id(), Signal::SIGINT);
    let mut status = None;
    eventually("another one has ended it", || {
        // Again and again, since two that come at once count as one.
        signal_pid(child.id(), Signal::SIGINT);
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(1));
    drop(silent);
    assert_eq!(
        end_of(&format!("report {}", file.display())).code,
        0,
        "what was recorded is kept"
    );
}

#[test]
fn a_closed_standard_error_is_no_reason_to_fail() {
    let script = Script::start(WAITING);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trace");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = waitscope(&format!(
        "record {} --for 50ms -o {}",
        script.pid(),
        file.display()
    ));
    let status = command.stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(0), "{status:?}");
    assert_eq!(end_of(&format!("report {}", file.display())).code, 0);
}

#[test]
fn nobody_of_the_demo_is_left_however_it_ends() {
    for (signal, code) in [
        (Signal::SIGINT, 0),
        (Signal::SIGTERM, 0),
        (Signal::SIGKILL, -9),
    ] {
        let mut product = Product::start(&mut waitscope("demo --listen 127.0.0.1:0"));
        product.address();
        let children = children(product.pid());
        assert_eq!(children.len(), 2, "a server and its load");
        product.signal(signal);
        // It holds the children's output, too: this waits for them.
        assert_eq!(product.end().code, code);
        eventually("the demo's processes are gone", || {
            !children.iter().copied().any(is_alive)
        });
    }
}

#[test]
fn nobody_of_a_comparison_is_left_however_it_ends() {
    for (signal, code) in [
        (Signal::SIGINT, 1),
        (Signal::SIGTERM, 1),
        (Signal::SIGKILL, -9),
    ] {
        let product = Product::start(&mut waitscope("demo --compare --for 30s"));
        let mut started = Vec::new();
        eventually("a server and its load are there", || {
            started = children(product.pid());
            started.len() == 2
        });
        product.signal(signal);
        let ended = product.end();
        assert_eq!(ended.code, code, "{ended:?}");
        assert_eq!(ended.stdout, "", "what was not measured is not shown");
        eventually("the comparison's processes are gone", || {
            !started.iter().copied().any(is_alive)
        });
    }
}

/// The children of a process.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let mut all = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let text = fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default();
        all.extend(
            text.split_whitespace()
                .map(|pid| pid.parse::<u32>().unwrap()),
        );
    }
    all
}
