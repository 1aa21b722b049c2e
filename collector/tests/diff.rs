//! What changed between two recordings is told, and what only wavers is not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Random, blank, trace};
use waitscope::diff::{Diff, diff};
use waitscope::model::{Call, Descriptor, DescriptorKind, End, Event};
use waitscope::recording::{Reader, Writer};

const PID: u32 = 4_711;
const READ: u32 = 0;
const EPOLL_WAIT: u32 = 232;
const SECOND_NS: u64 = 1_000_000_000;

/// A server's recording: reads that take `read_ns` and a wavering third more, `apart_ns` from one to the next.
fn record(path: &Path, seed: u64, read_ns: u64, apart_ns: u64) {
    let mut writer = Writer::create(path, &trace()).unwrap();
    let mut random = Random::new(seed);
    let connection = Event::Descriptor(Descriptor {
        id: 1,
        pid: PID,
        fd: 7,
        kind: DescriptorKind::Tcp,
        name: "127.0.0.1:6379 ← 127.0.0.1:50312".to_owned(),
        local: Some("127.0.0.1:6379".to_owned()),
        peer: Some("127.0.0.1:50312".to_owned()),
        peer_pid: None,
        object: 99,
        opened_ns: None,
        closed_ns: None,
    });
    writer.append(&[connection]).unwrap();
    let mut now = 0;
    let mut made = 0;
    while now < 4 * SECOND_NS {
        let wait_ns = apart_ns / 2 + random.below(apart_ns);
        let took_ns = read_ns + random.below(read_ns / 3);
        let wait = Call {
            start_ns: now,
            end_ns: now + wait_ns,
            blocked_ns: wait_ns,
            sleeps: 1,
            ret: Some(1),
            ..call(EPOLL_WAIT)
        };
        let read = Call {
            start_ns: now + wait_ns,
            end_ns: now + wait_ns + took_ns,
            copying_ns: took_ns,
            fd: Some(7),
            descriptor: Some(1),
            ready_delay_ns: Some(took_ns / 2),
            ret: Some(100),
            ..call(READ)
        };
        now = read.end_ns;
        made += 2;
        writer
            .append(&[Event::Call(wait), Event::Call(read)])
            .unwrap();
    }
    writer
        .finish(End {
            at_ns: now,
            made,
            lost: 0,
            untracked: 0,
            compat: 0,
            unseen: 0,
        })
        .unwrap();
}

fn call(nr: u32) -> Call {
    blank::call(PID, PID, nr)
}

struct Pair {
    _directory: tempfile::TempDir,
    a: PathBuf,
    b: PathBuf,
}

impl Pair {
    fn new(b_read_ns: u64, b_apart_ns: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (a, b) = (directory.path().join("a"), directory.path().join("b"));
        record(&a, 1, 30_000, 200_000);
        record(&b, 2, b_read_ns, b_apart_ns);
        Self {
            _directory: directory,
            a,
            b,
        }
    }

    fn diff(&self) -> Diff {
        let open = |path: &Path| Reader::open(path).unwrap();
        diff(open(&self.a), open(&self.b), &mut |_, _| {}).unwrap()
    }
}

/// All that changed, as `kind name number`.
fn changed(diff: &Diff) -> Vec<String> {
    let groups = diff.groups.iter();
    let all = groups.flat_map(|group| group.numbers.iter().map(move |number| (group, number)));
    all.filter(|(_, number)| number.changed == Some(true))
        .map(|(group, number)| format!("{} {} {}", group.of, group.name, number.name))
        .collect()
}

#[test]
fn two_recordings_of_one_behaviour_show_no_change() {
    let diff = Pair::new(30_000, 200_000).diff();
    assert_eq!(changed(&diff), Vec::<String>::new());
    assert!(diff.to_string().contains("nothing changed"), "{diff}");
    let judged = diff.groups.iter().flat_map(|group| &group.numbers);
    assert!(judged.filter(|number| number.changed.is_some()).count() > 10);
}

#[test]
fn reads_that_take_a_fifth_longer_are_told_and_nothing_that_stayed() {
    let diff = Pair::new(36_000, 200_000).diff();
    let read = [
        "call read copying_ns",
        "call read duration_ns",
        "call read p50_duration_ns",
        "call read p99_duration_ns",
        "connection tcp accepted at 127.0.0.1:6379 copying_ns",
        "connection tcp accepted at 127.0.0.1:6379 duration_ns",
        "connection tcp accepted at 127.0.0.1:6379 p50_duration_ns",
        "connection tcp accepted at 127.0.0.1:6379 p99_duration_ns",
        "ready_delay tcp accepted at 127.0.0.1:6379 p50_ready_delay_ns",
        "ready_delay tcp accepted at 127.0.0.1:6379 p99_ready_delay_ns",
        "ready_delay tcp accepted at 127.0.0.1:6379 ready_delay_ns",
        // Between two waits lies one read.
        "turn ? lag_ns",
        "turn ? p50_lag_ns",
        "turn ? p99_lag_ns",
        "turn ? work_ns",
    ];
    let mut found = changed(&diff);
    found.sort();
    assert_eq!(found, read, "{diff}");
    let of = diff.groups.iter().find(|group| group.name == "read");
    let of = of.unwrap();
    let duration = &of.numbers[1];
    let ratio = duration.b.unwrap() / duration.a.unwrap();
    assert!((ratio - 1.2).abs() < 0.01, "{duration:?}");
}

#[test]
fn half_the_load_is_told_as_calls_a_second() {
    let diff = Pair::new(30_000, 400_000).diff();
    let found = changed(&diff);
    for wanted in ["call read per_second", "call epoll_wait blocked_ns"] {
        assert!(found.iter().any(|one| one == wanted), "{found:?}");
    }
    assert!(!found.contains(&"call read duration_ns".to_owned()));
}

#[test]
fn the_command_prints_what_the_library_says_and_names_the_file_that_it_cannot_read() {
    let pair = Pair::new(36_000, 200_000);
    let run = |args: &[&str]| {
        let program = env!("CARGO_BIN_EXE_waitscope");
        Command::new(program)
            .arg("diff")
            .args(args)
            .output()
            .unwrap()
    };
    let (a, b) = (pair.a.to_str().unwrap(), pair.b.to_str().unwrap());
    let text = run(&[a, b]);
    assert!(text.status.success());
    assert_eq!(
        String::from_utf8_lossy(&text.stdout),
        pair.diff().to_string()
    );
    // Compared as text: numbers with a fraction are read back to the last digit but one.
    let json = run(&[a, b, "--json"]).stdout;
    let ours = serde_json::to_string_pretty(&pair.diff()).unwrap();
    assert_eq!(String::from_utf8_lossy(&json).trim_end(), ours);
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(
        (&json["format"], &json["version"]),
        (&"waitscope-diff".into(), &1.into())
    );
    let failed = run(&[a, "/no/such/file"]);
    assert_eq!(failed.status.code(), Some(1));
    let words = String::from_utf8_lossy(&failed.stderr);
    assert!(words.contains("/no/such/file"), "{words}");
}

/// Asks the page's server, as a browser does; gives head and body.
fn get(host: &str, path: &str, cookie: &str) -> (String, String) {
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn the_page_beside_another_recording_is_told_what_the_command_prints() {
    let pair = Pair::new(36_000, 200_000);
    let mut program = Command::new(env!("CARGO_BIN_EXE_waitscope"))
        .arg("open")
        .arg(&pair.b)
        .arg("--against")
        .arg(&pair.a)
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    let mut out = BufReader::new(program.stdout.take().unwrap());
    out.read_line(&mut address).unwrap();
    let (host, entrance) = address
        .trim()
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let (head, _) = get(host, &format!("/{entrance}"), "");
    let cookie = head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookie.unwrap().split(';').next().unwrap();
    let since = Instant::now();
    let answer = loop {
        let answer = get(host, "/api/diff", cookie).1;
        let told: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(told["names"][0], pair.a.to_str().unwrap());
        assert_eq!(told["names"][1], pair.b.to_str().unwrap());
        if told["reading"].is_null() {
            break answer;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{told}");
        std::thread::sleep(Duration::from_millis(20));
    };
    program.kill().unwrap();
    program.wait().unwrap();
    // As text, to the last digit; without an order, which JSON does not promise.
    let typed = Command::new(env!("CARGO_BIN_EXE_waitscope"))
        .args(["diff", "--json"])
        .args([&pair.a, &pair.b])
        .output()
        .unwrap();
    let [ours, told]: [Value; 2] = [String::from_utf8(typed.stdout).unwrap(), answer]
        .map(|text| serde_json::from_str(&text).unwrap());
    assert_eq!(told["failed"], Value::Null);
    assert_eq!(told["diff"], ours);
    assert!(ours["groups"].as_array().unwrap().len() > 3);
}
