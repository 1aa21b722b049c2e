//! `run`: a program with its own input and output, traced from its `execve`, and gone with waitscope.

use std::{fs, os::unix::fs::chown, process::Stdio};

use nix::sys::signal::Signal;

use crate::{
    ends::children,
    product::{Product, end_of, eventually, is_alive, waitscope},
    script::PYTHON,
};

/// `waitscope run` with a Python program.
fn run(options: &str, body: &str) -> std::process::Command {
    let mut command = waitscope(&format!(
        "run --listen 127.0.0.1:0 {options} -- {PYTHON} -c"
    ));
    command.arg(body).stdin(Stdio::piped());
    command
}

#[test]
fn the_program_has_the_standard_input_and_output_and_ends_as_it_likes() {
    let mut product = Product::start(&mut run(
        "",
        "import sys; print('got', sys.stdin.read()); sys.exit(7)",
    ));
    product.write("hi");
    product.says("the program ended with code 7; the page stays until Ctrl-C");
    let ended = product.interrupt();
    assert_eq!(ended.code, 0, "{ended:?}");
    let mut lines: Vec<_> = ended.stdout.lines().collect();
    lines.sort_unstable();
    assert!(
        matches!(lines[..], ["got hi", address] if address.starts_with("http://")),
        "{ended:?}"
    );
}

#[test]
fn the_trace_begins_at_the_programs_execve() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trace");
    let mut product = Product::start(&mut run(
        &format!("--record {}", file.display()),
        "print('done')",
    ));
    product.says("the program ended;");
    assert_eq!(product.interrupt().code, 0);
    let ended = end_of(&format!("export {} --format ndjson", file.display()));
    let lines = |kind: &str| {
        let kind = format!("{{\"type\":\"{kind}\",");
        ended
            .stdout
            .lines()
            .filter(move |line| line.starts_with(&kind))
    };
    let trace = lines("trace").next().unwrap();
    let command = format!("\"command\":\"{PYTHON} -c print('done')\"");
    assert!(trace.contains(&command), "{trace}");
    let mut calls: Vec<serde_json::Value> = lines("call")
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    calls.sort_by_key(|call| call["start_ns"].as_u64().unwrap());
    let [first, others @ ..] = calls.as_slice() else {
        panic!("no calls: {}", ended.stdout)
    };
    assert_eq!(
        (&first["call"], &first["began_before"]),
        (&"execve".into(), &true.into()),
        "{first}"
    );
    assert!(
        others.iter().all(|call| call["began_before"] != true),
        "one began before"
    );
    assert!(
        others.iter().any(|call| call["call"] == "write"),
        "what it printed: {others:?}"
    );
    // The first library that the program's loader reads, by its own calls and not ours.
    assert!(
        !others.iter().any(|call| call["call"] == "execve"),
        "only one program"
    );
}

#[test]
fn a_program_that_is_not_there_is_a_failure_that_leaves_the_old_recording() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trace");
    let mut product = Product::start(&mut run(&format!("--record {}", file.display()), ""));
    product.says("the program ended;");
    assert_eq!(product.interrupt().code, 0);
    let before = fs::read(&file).unwrap();
    end_of(&format!(
        "run --record {} -- /no/such/program",
        file.display()
    ))
    .failed(
        1,
        "run /no/such/program: No such file or directory (os error 2)",
    );
    end_of("run -- /etc").failed(1, "run /etc: Permission denied (os error 13)");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn the_program_runs_as_the_user_who_called_sudo_with_nothing_of_what_waitscope_gave_up() {
    let directory = tempfile::tempdir().unwrap();
    chown(directory.path(), Some(65534), Some(65534)).unwrap();
    let body = "import os; print(os.getresuid(), os.getresgid(), 0 in os.getgroups(), os.environ['USER']); \
        print([l for l in open('/proc/self/status') if l[:6] in ('CapEff', 'NoNewP', 'CapBnd')])";
    let mut command = run("", body);
    command
        .env("SUDO_UID", "65534")
        .env("SUDO_GID", "65534")
        .env("USER", "root");
    let mut product = Product::start(&mut command);
    product.says("the program ended;");
    let ended = product.interrupt();
    assert!(
        ended
            .stdout
            .contains("(65534, 65534, 65534) (65534, 65534, 65534) False nobody"),
        "{ended:?}"
    );
    assert!(
        ended.stdout.contains("'CapEff:\\t0000000000000000\\n'"),
        "{ended:?}"
    );
    assert!(
        ended.stdout.contains("'NoNewPrivs:\\t0\\n'"),
        "so that the program may call sudo: {ended:?}"
    );
    assert!(
        !ended.stdout.contains("'CapBnd:\\t0000000000000000\\n'"),
        "{ended:?}"
    );
}

#[test]
fn the_program_does_not_outlive_waitscope_however_that_ends() {
    for (signal, code) in [
        (Signal::SIGINT, 0),
        (Signal::SIGTERM, 0),
        (Signal::SIGKILL, -9),
    ] {
        let mut product = Product::start(&mut run(
            "",
            "import time, sys; print('up', flush=True); time.sleep(1000)",
        ));
        product.address();
        let [program] = children(product.pid())[..] else {
            panic!("one child")
        };
        product.signal(signal);
        assert_eq!(product.end().code, code);
        eventually("the program is gone", || !is_alive(program));
    }
}

#[test]
fn a_program_that_will_not_end_is_ended() {
    let body = "import signal, sys\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
        sys.stderr.write('up\\n')\nsys.stderr.flush()\nwhile True: signal.pause()";
    let mut product = Product::start(&mut run("", body));
    product.says("up");
    let [program] = children(product.pid())[..] else {
        panic!("one child")
    };
    assert_eq!(product.interrupt().code, 0);
    assert!(!is_alive(program));
}

#[test]
fn a_program_is_not_run_when_its_page_can_not_be_served() {
    let directory = tempfile::tempdir().unwrap();
    let mark = directory.path().join("mark");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let ended = end_of(&format!(
        "run --listen {address} -- touch {}",
        mark.display()
    ));
    ended.said(1, "the port is taken");
    assert!(!mark.exists(), "the program ran");
}
