//! The same program under `strace`: the same calls in the same order, on the same descriptors, with the same returns
//! and the same descriptors found ready.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use nix::sys::signal::Signal;
use waitscope::model::{Arch, CallClass, Event, call_class};

use super::{
    child::{Script, signal_pid},
    trace::{Taken, Tracing},
};

/// A program whose calls depend on nothing but itself.
const PROGRAM: &str = "a, b = socket.socketpair()\nr, w = os.pipe()\ne = select.epoll()\np = select.poll()\n\
    l = socket.create_server(('127.0.0.1', 0))\nsay('ready')\nhear()\n\
    e.register(a, select.EPOLLIN)\np.register(a, select.POLLIN)\np.register(r, select.POLLIN)\n\
    e.poll(0)\nb.send(b'one')\ne.poll(1)\np.poll(5)\na.recv(2)\nselect.select([a, r], [], [], 1)\na.recv(9)\n\
    a.setblocking(False)\n\
    try: a.recv(1)\n\
    except BlockingIOError: pass\n\
    os.write(w, b'two')\np.poll(5)\nos.read(r, 9)\nselect.select([a, r], [], [], 0.002)\n\
    c = socket.create_connection(l.getsockname())\ns, _ = l.accept()\nc.sendall(b'three')\ns.recv(9)\nc.close()\ns.recv(9)\n\
    b.close()\ne.poll(1)\na.recv(9)\nsay('done')\nhear()";

/// One call: name, descriptor, return, and the descriptors found ready if it is told which.
type Line = (String, Option<i32>, i64, Option<Vec<i32>>);

#[test]
fn strace_sees_the_same_calls_with_the_same_descriptors_returns_and_ready_sets() {
    let mut script = Script::start(PROGRAM);
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    assert_eq!(script.hear(), "done");
    let ours = ours(&tracing.finish(), script.pid());
    let theirs = theirs();
    for (at, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(ours, theirs, "call {at}: ours, and strace's");
    }
    // The last read, for the next line from here, has not returned in one of them and may have in the other.
    assert!(
        ours.len().abs_diff(theirs.len()) <= 1,
        "{ours:#?} {theirs:#?}"
    );
    assert!(ours.len() >= 20, "{ours:#?}");
}

fn is_traced(name: &str, class: CallClass) -> bool {
    let wanted = matches!(
        class,
        CallClass::Readiness | CallClass::Receive | CallClass::Send | CallClass::Connect
    );
    wanted && name != "restart_syscall"
}

/// Standard input and output: what is said between the program and the test comes in pieces as it may.
fn is_word(fd: Option<i32>) -> bool {
    matches!(fd, Some(0..=2))
}

fn ours(taken: &Taken, pid: u32) -> Vec<Line> {
    let mut lines = Vec::new();
    let arch = Arch::from_machine(&taken.trace.arch).unwrap();
    for call in taken.calls().filter(|call| call.tid == pid) {
        let name = taken.name(call.nr);
        if !is_traced(&name, call_class(arch, call.nr)) || call.began_before {
            continue;
        }
        let ready = taken.events.iter().filter_map(|event| match event {
            Event::Ready(ready) if ready.tid == pid && ready.call_start_ns == call.start_ns => {
                Some(*ready)
            }
            _ => None,
        });
        let found = ready.filter(|one| one.ready != 0).filter_map(|one| one.fd);
        let found = name.starts_with("poll").then(|| found.collect());
        if !is_word(call.fd) {
            lines.push((name, call.fd, call.ret.unwrap(), found));
        }
    }
    lines
}

/// What strace writes of another run of the program.
fn theirs() -> Vec<Line> {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("strace");
    let mut script = Script::start(PROGRAM);
    let mut strace = Command::new("strace")
        .args(["-yy", "-T", "-p", &script.pid().to_string(), "-o"])
        .arg(&output)
        .stderr(Stdio::piped())
        .spawn()
        .expect("start strace");
    let mut said = String::new();
    BufReader::new(strace.stderr.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert!(said.contains("attached"), "strace said {said:?}");
    script.tell("go");
    assert_eq!(script.hear(), "done");
    signal_pid(strace.id(), Signal::SIGINT);
    strace.wait().unwrap();
    let text = std::fs::read_to_string(&output).unwrap();
    text.lines()
        // The read that strace found it in.
        .skip(1)
        .filter_map(line)
        .collect()
}

/// `recvfrom(3<socket:[1]>, "on", 2, 0, NULL, NULL) = 2 <0.000005>`
fn line(text: &str) -> Option<Line> {
    let (name, rest) = text.split_once('(')?;
    let nr = syscalls::x86_64::Sysno::iter().find(|call| call.name() == name)?;
    if !is_traced(name, call_class(Arch::X86_64, nr as u32)) {
        return None;
    }
    let (arguments, returned) = rest.rsplit_once(" = ")?;
    let mut words = returned.split(' ');
    // A new descriptor comes with its name: `11<socket:[1]>`.
    let ret: i64 = words.next()?.split('<').next()?.parse().ok()?;
    let ret = match words.next() {
        // strace prints the name of the error, and -1.
        Some("EAGAIN") => -i64::from(nix::errno::Errno::EAGAIN as i32),
        Some("EINTR") => -i64::from(nix::errno::Errno::EINTR as i32),
        _ => ret,
    };
    let first: String = arguments.chars().take_while(char::is_ascii_digit).collect();
    let is_set = name.starts_with("poll") || name.contains("select");
    let fd = (!is_set).then(|| first.parse().ok()).flatten();
    // `([{fd=3<socket:[1]>, revents=POLLIN}])`
    let found = returned.split("fd=").skip(1).filter_map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    let found = name.starts_with("poll").then(|| found.collect());
    (!is_word(fd)).then(|| (name.to_owned(), fd, ret, found))
}
