//! A chain of wake-ups through three threads of a real program: from data on a socket, by an eventfd and a futex, to
//! the last of them; as the export tells it, against what the program says of itself.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use nix::{
    sys::eventfd::EventFd,
    unistd::{Pid, gettid},
};
use serde_json::{Value, json};
use waitscope::{
    export::{Format, Range, export},
    model::Event,
    recording::{Reader, Writer},
};

use super::trace::{Taken, Tracing};

const ROUNDS: usize = 5;

/// Each byte from its socket goes through three threads, which do nothing else; ends with the connection.
#[test]
#[ignore = "the program that data_on_a_socket_is_followed_through_three_threads traces"]
fn the_program_of_three_threads() {
    if std::env::var_os("WAITSCOPE_TEST_CHILD").is_none() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("\nport {}", listener.local_addr().unwrap().port());
    let (mut connection, _) = listener.accept().unwrap();
    let eventfd = Arc::new(EventFd::new().unwrap());
    let passed = Arc::new(AtomicBool::new(false));
    let tell = |tid: Pid| println!("\ntid {tid}");
    let last = {
        let passed = Arc::clone(&passed);
        thread::spawn(move || {
            tell(gettid());
            loop {
                while !passed.swap(false, Ordering::SeqCst) {
                    thread::park();
                }
                println!("\npassed");
            }
        })
    };
    let wake_last = last.thread().clone();
    let read_from = Arc::clone(&eventfd);
    thread::spawn(move || {
        tell(gettid());
        while read_from.read().is_ok() {
            passed.store(true, Ordering::SeqCst);
            wake_last.unpark();
        }
    });
    tell(gettid());
    while connection.read_exact(&mut [0]).is_ok() {
        eventfd.write(1).unwrap();
    }
    std::process::exit(0);
}

/// Waits until all these threads sleep.
fn asleep(pid: u32, tids: &[u64]) {
    let sleeps = |tid: &u64| {
        let stat = fs::read_to_string(format!("/proc/{pid}/task/{tid}/stat")).unwrap();
        stat.rsplit(')').next().unwrap().starts_with(" S")
    };
    while !tids.iter().all(sleeps) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// The JSON export of all that was taken.
fn exported(taken: &Taken) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.arrows");
    let mut writer = Writer::create(&path, &taken.trace).unwrap();
    let events = taken.events.iter();
    let events: Vec<Event> = events
        .filter(|event| !matches!(event, Event::End(_)))
        .cloned()
        .collect();
    writer.append(&events).unwrap();
    writer.finish(taken.end).unwrap();
    let mut out = Vec::new();
    export(
        || Reader::open(&path),
        Format::Json,
        Range::default(),
        &mut out,
        |_, _| Ok(()),
    )
    .unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn data_on_a_socket_is_followed_through_three_threads() {
    let me = std::env::current_exe().unwrap();
    let mut child = Command::new(me)
        .args([
            "--ignored",
            "--exact",
            "chains::the_program_of_three_threads",
            "--nocapture",
        ])
        .env("WAITSCOPE_TEST_CHILD", "yes")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The test harness writes, too.
    let mut hear = |word: &str| {
        let mut lines = lines.by_ref().map(|line| line.unwrap());
        let line = lines.find(|line| line.starts_with(word));
        let line = line.unwrap_or_else(|| panic!("it said no {word:?}"));
        line.rsplit(' ').next().unwrap().parse().unwrap_or(0)
    };
    let port = hear("port") as u16;
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let tids = [hear("tid"), hear("tid"), hear("tid")];
    asleep(child.id(), &tids);
    let tracing = Tracing::attach(child.id());
    for _ in 0..ROUNDS {
        connection.write_all(b"x").unwrap();
        hear("passed");
        asleep(child.id(), &tids);
    }
    let taken = tracing.finish();
    drop(connection);
    child.wait().unwrap();

    let export = exported(&taken);
    let calls = export["calls"].as_array().unwrap();
    let descriptor = |id: &Value| {
        let mut all = export["descriptors"].as_array().unwrap().iter();
        all.find(|one| one["id"] == *id).unwrap_or(&Value::Null)
    };
    let waits = |name: &str| -> Vec<&Value> {
        let of_name = calls.iter().filter(|call| call["call"] == name);
        of_name.filter(|call| call["sleeps"] == 1).collect()
    };
    // Of each thread, in one call of its kind: what began before the trace is one of the rounds.
    let (received, read, waited) = (waits("recvfrom"), waits("read"), waits("futex"));
    let lengths = [received.len(), read.len(), waited.len()];
    assert_eq!(lengths, [ROUNDS; 3], "{export:#}");
    for round in 0..ROUNDS {
        let (received, read, waited) = (received[round], read[round], waited[round]);
        let facts = format!("{received:#}\n{read:#}\n{waited:#}");
        let [reader, middle, last] = [received, read, waited].map(|call| &call["tid"]);
        let [data, written, parked] = [received, read, waited].map(|call| &call["why"]);
        assert!(
            data.get("chain").is_none() && data["network"] == true,
            "{facts}"
        );
        assert_eq!(data["cause"], "data", "{facts}");

        // The eventfd's reader: by the write of the socket's reader, which the data had woken.
        let links = written["chain"].as_array().expect(&facts);
        let of = |link: &Value| json!([link["tid"], link["cause"], link["waited_in"]["call"]]);
        let of_reader = json!([reader, "data", "recvfrom"]);
        let of_middle = json!([middle, "eventfd", "read"]);
        let told: Vec<Value> = links.iter().map(of).collect();
        assert_eq!(told, [of_middle.clone(), of_reader.clone()], "{facts}");
        let write = &links[0]["woken_in"];
        assert_eq!(write["call"], "write", "{facts}");
        assert_eq!(
            descriptor(&write["descriptor"])["kind"],
            "eventfd",
            "{facts}"
        );
        assert_eq!(links[1]["woken_ns"], received["last_wake_ns"], "{facts}");
        assert!(links[1].get("by").is_none(), "{facts}");
        let socket = descriptor(&links[1]["waited_in"]["descriptor"]);
        assert_eq!(socket["kind"], "tcp", "{facts}");
        assert!(
            socket["local"]
                .as_str()
                .unwrap()
                .ends_with(&format!(":{port}")),
            "{socket}"
        );

        // And the last, by a futex.
        let links = parked["chain"].as_array().expect(&facts);
        let told: Vec<Value> = links.iter().map(of).collect();
        let of_last = json!([last, "thread", "futex"]);
        assert_eq!(told, [of_last, of_middle, of_reader], "{facts}");
        // A futex is recorded only if its caller left the CPU in it.
        let woken_in = links[0].get("woken_in").map(|at| &at["call"]);
        assert!(woken_in.is_none_or(|call| call == "futex"), "{facts}");
        let woken: Vec<u64> = links
            .iter()
            .map(|link| link["woken_ns"].as_u64().unwrap())
            .collect();
        assert!(
            woken.is_sorted_by(|later, earlier| later > earlier),
            "{facts}"
        );
    }
}
