//! Requests of an `io_uring`, against what perf sees of the same tracepoints, and what they do to descriptors.

use std::{
    io::Read as _,
    net::{Shutdown, TcpStream},
    path::Path,
    time::Duration,
};

use waitscope::{
    demo::{Model, Server},
    model::{DescriptorKind, Event, Request, operation_name},
};

use super::{
    child::Script,
    observers::{PerfRecord, suspended_ns},
    servers::stop,
    trace::{Taken, Tracing},
};

/// Connections of the load.
const CONNECTIONS: usize = 4;

fn requests(taken: &Taken) -> impl Iterator<Item = &Request> {
    taken.events.iter().filter_map(|event| match event {
        Event::Request(request) => Some(request),
        _ => None,
    })
}

/// What follows a name in one of perf's lines, up to a comma or space.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let (_, rest) = line
        .split_once(&format!("{name} "))
        .unwrap_or_else(|| panic!("no {name} in {line:?}"));
    rest.split([',', ' ']).next().unwrap()
}

/// Nanoseconds of a line's time, which begins it.
fn nanos(line: &str) -> u64 {
    let (seconds, rest) = line.split_once('.').unwrap();
    let nanos = rest.split(':').next().unwrap();
    assert_eq!(nanos.len(), 9, "{line}");
    seconds.parse::<u64>().unwrap() * 1_000_000_000 + nanos.parse::<u64>().unwrap()
}

fn number(hex: &str) -> u64 {
    u64::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap_or_else(|_| panic!("{hex:?}"))
}

#[test]
fn io_uring_requests_are_those_that_perf_sees_with_the_same_times_and_results() {
    let program = Path::new(env!("CARGO_BIN_EXE_waitscope"));
    let server = Server::start(program, None, Some(Model::Uring)).unwrap();
    let time = Duration::from_millis(100);
    let mut load = server
        .closed_load(program, None, CONNECTIONS, time)
        .unwrap();
    assert_eq!(load.line().unwrap().as_deref(), Some("ready"));
    let stopped = stop(server.pid());
    let perf = PerfRecord::start(
        server.pid(),
        &["io_uring:io_uring_submit_req", "io_uring:io_uring_complete"],
    );
    let tracing = Tracing::attach(server.pid());
    drop(stopped);
    load.tell("go").unwrap();
    let done = load.line().unwrap().unwrap();
    let answered: u64 = done.split(' ').nth(1).unwrap().parse().unwrap();
    let stopped = stop(server.pid());
    let taken = tracing.finish();
    let lines = perf.finish();
    drop(stopped);

    let start_ns = taken.trace.start_boot_ns - suspended_ns();
    // perf was there first, so it hears of each before we do; and of the next one of the thread after that.
    let check_time = |ours: u64, index: usize| {
        /// Of reading two clocks.
        const OFF_NS: u64 = 1_000;
        let at_ns = ours + start_ns;
        let (line, next) = (&lines[index], lines.get(index + 1));
        assert!(nanos(line) <= at_ns + OFF_NS, "{at_ns} is before {line}");
        if let Some(next) = next {
            assert!(at_ns <= nanos(next) + OFF_NS, "{at_ns} is after {next}");
        }
    };
    let lines_of = |event: &str| -> Vec<(usize, &String)> {
        let all = lines.iter().enumerate();
        all.filter(|(_, line)| line.contains(event)).collect()
    };
    // Completions: the same ones in the same order.
    let complete = lines_of("io_uring_complete:");
    let ours: Vec<&Request> = requests(&taken)
        .filter(|request| request.complete_ns.is_some())
        .collect();
    assert_eq!(ours.len(), complete.len(), "completions, ours and perf's");
    assert!(ours.len() as u64 >= 2 * answered, "{answered} answers");
    for (request, &(index, line)) in ours.iter().zip(&complete) {
        assert_eq!(
            request.user_data,
            number(field(line, "user_data")),
            "{line}"
        );
        let result: i32 = field(line, "result").parse().unwrap();
        assert_eq!(request.ret, Some(result), "{request:?} {line}");
        check_time(request.complete_ns.unwrap(), index);
    }
    // Submissions: in the order of their times, those under way at the end among them.
    let submitted = lines_of("io_uring_submit_req:");
    let mut ours: Vec<&Request> = requests(&taken)
        .filter(|request| request.submit_ns.is_some())
        .collect();
    ours.sort_by_key(|request| request.submit_ns);
    assert_eq!(ours.len(), submitted.len(), "submissions, ours and perf's");
    for (request, &(index, line)) in ours.iter().zip(&submitted) {
        assert_eq!(
            request.user_data,
            number(field(line, "user_data")),
            "{line}"
        );
        let name = field(line, "opcode").to_lowercase();
        assert_eq!(operation_name(request.opcode), name, "{line}");
        check_time(request.submit_ns.unwrap(), index);
    }
    // What they worked on: the connections of the load, which the server found before the trace.
    let names: Vec<&Event> = taken
        .events
        .iter()
        .filter(
            |event| matches!(event, Event::Descriptor(known) if known.kind == DescriptorKind::Tcp),
        )
        .collect();
    for request in requests(&taken).filter(|request| request.submit_ns.is_some()) {
        if ["send", "recv"].contains(&operation_name(request.opcode).as_ref()) {
            let id = request.descriptor.unwrap_or_else(|| panic!("{request:?}"));
            assert!(
                names
                    .iter()
                    .any(|event| matches!(event, Event::Descriptor(known)
                    if known.id == id && Some(known.fd) == request.fd && known.peer.is_some())),
                "{request:?} of {names:?}"
            );
        }
    }
}

#[test]
fn connections_that_an_io_uring_accepts_have_their_names_and_their_ends() {
    let program = Path::new(env!("CARGO_BIN_EXE_waitscope"));
    let server = Server::start(program, None, Some(Model::Uring)).unwrap();
    let tracing = Tracing::attach(server.pid());
    let mut locals = Vec::new();
    for _ in 0..10 {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        locals.push(stream.local_addr().unwrap().to_string());
        // The server closes its end when it has seen ours: up to then it is read.
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
    let taken = tracing.finish();
    let descriptors: Vec<_> = taken
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Descriptor(known) => Some(known),
            _ => None,
        })
        .collect();
    for local in &locals {
        let of = || {
            descriptors
                .iter()
                .filter(|known| known.peer.as_deref() == Some(local.as_str()))
        };
        assert!(
            of().any(|known| known.opened_ns.is_some() && known.closed_ns.is_none()),
            "{local} was accepted: {descriptors:#?}"
        );
        assert!(
            of().any(|known| known.closed_ns.is_some()),
            "{local} was closed: {descriptors:#?}"
        );
    }
}

/// An `io_uring` in Python: `do(opcode, fd, addr, len, off)` hands one request over, waits for it, and returns what came
/// of it.
const RING: &str = r"
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
params = bytearray(120)
ring = libc.syscall(425, 8, (ctypes.c_char * 120).from_buffer(params))
assert ring >= 0, ctypes.get_errno()
sq_entries, cq_entries = struct.unpack_from('<2I', params, 0)
SQ, CQ = struct.unpack_from('<7I', params, 40), struct.unpack_from('<6I', params, 80)
sq = mmap.mmap(ring, SQ[6] + sq_entries * 4, offset=0)
cq = mmap.mmap(ring, CQ[5] + cq_entries * 16, offset=0x8000000)
sqes = mmap.mmap(ring, sq_entries * 64, offset=0x10000000)
def u32(of, at): return struct.unpack_from('<I', of, at)[0]
def submit(opcode, fd, addr=0, length=0, off=0, ioprio=0, wait=0):
    tail = u32(sq, SQ[1])
    slot = tail & u32(sq, SQ[2])
    struct.pack_into('<BBHiQQIIQQQQ', sqes, slot * 64, opcode, 0, ioprio, fd, off, addr, length, 0, 77, 0, 0, 0)
    struct.pack_into('<I', sq, SQ[6] + slot * 4, slot)
    struct.pack_into('<I', sq, SQ[1], tail + 1)
    assert libc.syscall(426, ring, 1, wait, wait, None, 0) == 1
def complete():
    head = u32(cq, CQ[0])
    while u32(cq, CQ[1]) == head: libc.syscall(426, ring, 0, 1, 1, None, 0)
    user_data, res, _ = struct.unpack_from('<QiI', cq, CQ[5] + (head & u32(cq, CQ[2])) * 16)
    struct.pack_into('<I', cq, CQ[0], head + 1)
    assert user_data == 77
    return res
def do(*request):
    submit(*request, wait=1)
    return complete()
";

#[test]
fn a_request_that_goes_on_is_told_each_time_and_what_it_accepts_has_a_name() {
    let mut script = Script::start(&format!(
        "{RING}\nACCEPT, MULTISHOT = 13, 1\nl = socket.create_server(('127.0.0.1', 0))\nsay('ready')\nhear()\n\
         submit(ACCEPT, l.fileno(), ioprio=MULTISHOT)\nsay(l.fileno(), l.getsockname()[1])\n\
         say(*[complete() for _ in range(3)])\nhear()"
    ));
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    let said = script.hear_numbers();
    let [listening, port] = said[..] else {
        panic!("{said:?}")
    };
    let clients = [(); 3].map(|()| TcpStream::connect(("127.0.0.1", port as u16)).unwrap());
    let accepted = script.hear_numbers();
    let taken = tracing.finish();
    let requests: Vec<&Request> = requests(&taken).collect();
    let told: Vec<_> = requests
        .iter()
        .map(|request| (request.shot, request.ret.map(i64::from), request.more))
        .collect();
    let [one, two, three] = accepted[..] else {
        panic!("{accepted:?}")
    };
    let shot = |number, fd: u64| (number, Some(fd as i64), true);
    // The last one is under way as the trace ends.
    let wanted = [shot(0, one), shot(1, two), shot(2, three), (3, None, false)];
    assert_eq!(told, wanted, "{requests:?}");
    for request in &requests {
        assert_eq!(operation_name(request.opcode), "accept");
        assert_eq!(request.fd, Some(listening as i32), "{request:?}");
        assert_eq!(request.submit_ns, requests[0].submit_ns, "{request:?}");
        assert_eq!(request.latency_ns().is_some(), request.shot == 0);
    }
    for (client, fd) in clients.iter().zip(&accepted) {
        let peer = client.local_addr().unwrap().to_string();
        let known = taken.events.iter().any(|event| {
            matches!(event, Event::Descriptor(known)
                if known.fd == *fd as i32 && known.peer.as_deref() == Some(&peer) && known.opened_ns.is_some())
        });
        assert!(known, "{peer} is {fd}");
    }
}

#[test]
fn what_an_io_uring_opens_closes_and_adds_to_an_epoll_is_known() {
    let mut script = Script::start(&format!(
        "{RING}\nOPENAT, CLOSE, EPOLL_CTL = 18, 19, 29\nr, w = os.pipe()\ne = select.epoll()\n\
         path = ctypes.create_string_buffer(b'/etc/hostname')\n\
         event = ctypes.create_string_buffer(struct.pack('<IQ', 1, 123456789))\n\
         say('ready')\nhear()\n\
         f = do(OPENAT, -100, ctypes.addressof(path))\nos.read(f, 1)\nclosed = do(CLOSE, f)\n\
         added = do(EPOLL_CTL, e.fileno(), ctypes.addressof(event), 1, r)\nos.write(w, b'x')\n\
         found = e.poll()\nsay(f, closed, added, r, len(found))\nhear()"
    ));
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    let said = script.hear_numbers();
    let taken = tracing.finish();
    let [opened, closed, added, pipe, found] = said[..] else {
        panic!("{said:?}")
    };
    assert_eq!((closed, added, found), (0, 0, 1), "as the program saw it");
    let names: Vec<_> = requests(&taken)
        .map(|request| operation_name(request.opcode).into_owned())
        .collect();
    assert_eq!(names, ["openat", "close", "epoll_ctl"]);
    let file = taken
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Descriptor(known) if known.fd == opened as i32 => Some(known),
            _ => None,
        })
        .next_back()
        .expect("the file");
    assert_eq!(
        (file.kind, file.name.as_str()),
        (DescriptorKind::File, "hostname")
    );
    assert!(file.opened_ns < file.closed_ns, "{file:?}");
    let read = taken
        .calls_named("read")
        .find(|call| call.fd == Some(opened as i32))
        .expect("the read of one byte");
    assert_eq!(read.descriptor, Some(file.id), "{read:?}");
    // The epoll gives back a word of the program's own, which the request said the meaning of.
    let ready: Vec<_> = taken
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Ready(ready) if ready.tid == pid => Some((ready.fd, ready.ready)),
            _ => None,
        })
        .collect();
    assert_eq!(ready, [(Some(pipe as i32), 1)]);
}
