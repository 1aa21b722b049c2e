//! What readiness is worth: woken in herds, ready and then not, hung up on without having asked.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use nix::{errno::Errno, sys::signal::Signal};
use waitscope::{
    attach::Options,
    model::{Copying, Event, Ready, readiness},
};

use super::{
    child::{Script, signal_pid},
    observers::{PerfStat, context_switches},
    product::findings,
    servers::{Server, free_port},
    trace::{Taken, Tracing},
};

const WORKERS: usize = 4;
const REQUESTS: u64 = 30;

#[test]
fn a_thundering_herd_of_gunicorns_workers_is_there_wake_up_by_wake_up_as_perf_and_the_kernel_count()
{
    let directory = tempfile::tempdir().unwrap();
    let app = "def app(e, answer):\n    answer('200 OK', [('Content-Length', '2')])\n    return [b'ok']\n";
    std::fs::write(directory.path().join("app.py"), app).unwrap();
    let port = free_port();
    let args = format!(
        "--workers {WORKERS} --bind 127.0.0.1:{port} --chdir {} app:app",
        directory.path().display()
    );
    let args: Vec<&str> = args.split(' ').collect();
    let server = Server::start("gunicorn", &args, port);
    let old = server.children(WORKERS);
    let options = Options {
        follow: true,
        ..Options::default()
    };
    let tracing = Tracing::attach_with(server.pid(), options);
    // It makes new workers, which are followed, and lets the old ones go.
    signal_pid(server.pid(), Signal::SIGHUP);
    let workers = loop {
        let now = server.children(WORKERS);
        if now.iter().all(|pid| !old.contains(pid)) {
            break now;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    ask(port);
    // Time for all of them to be asleep again, between this and each of the following.
    let pause = || std::thread::sleep(Duration::from_millis(50));
    std::thread::sleep(Duration::from_millis(500));
    let perf = PerfStat::start_events(
        &workers,
        &[
            ("sys_exit_pselect6", Some("ret > 0")),
            ("sys_exit_select", Some("ret > 0")),
            ("sys_exit_accept4", Some("ret == -11")),
            ("sys_exit_accept4", Some("ret >= 0")),
        ],
    );
    let now_ns = || {
        let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).unwrap();
        time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
    };
    let slept_before = slept(&workers);
    let from_ns = now_ns();
    for _ in 0..REQUESTS {
        ask(port);
        pause();
    }
    let to_ns = now_ns();
    let slept_after = slept(&workers);
    let counted = perf.finish();
    let taken = tracing.finish();
    let [pselect, select, again, accepted] = counted[..] else {
        panic!("{counted:?}")
    };
    let woken = pselect + select;
    assert_eq!(accepted, REQUESTS, "{counted:?}");
    let (from_ns, to_ns) = [from_ns, to_ns]
        .map(|at| at - taken.trace.start_boot_ns)
        .into();
    let ours = |names: &[&str], wanted: &dyn Fn(i64) -> bool| {
        let calls = taken.calls().filter(|call| workers.contains(&call.pid));
        let calls = calls.filter(|call| (from_ns..to_ns).contains(&call.end_ns));
        let calls = calls.filter(|call| names.contains(&taken.name(call.nr).as_str()));
        calls.filter(|call| call.ret.is_some_and(wanted)).count() as u64
    };
    let eagain = -i64::from(Errno::EAGAIN as i32);
    assert_eq!(ours(&["select", "pselect6"], &|ret| ret > 0), woken);
    assert_eq!(ours(&["accept4"], &|ret| ret == eagain), again);
    assert_eq!(ours(&["accept4"], &|ret| ret >= 0), accepted);

    // Of those that are woken, many find nothing while they are still in the kernel, and sleep on in the same call: the
    // kernel's own count of their sleeps has these, too.
    // Asleep at the beginning and at the end, each ended one sleep that began before, and began one that has not ended.
    let sleeps = taken.off_cpu().filter(|span| {
        workers.contains(&span.pid)
            && span.woken_ns.is_some()
            && (from_ns..to_ns).contains(&span.end_ns)
    });
    let sleeps: u64 = sleeps.map(|span| u64::from(span.times)).sum();
    let facts = format!("{sleeps} sleeps, perf's {counted:?}, {woken} returns");
    assert_eq!(sleeps, slept_after - slept_before, "{facts}");
    assert!(
        sleeps > 2 * REQUESTS,
        "more were woken than there was something for: {facts}"
    );

    // The finding: of every herd one got something at most, and no number is above what the kernel and perf counted. The
    // first and the last few events may not have come to light.
    let herds = findings(&taken, "herd");
    let [herd] = &herds[..] else {
        panic!("one listening socket, one herd: {herds:?}, {facts}")
    };
    let number = |name: &str| herd["numbers"][name].as_u64().unwrap();
    let facts = format!("{herd}: {facts}");
    assert!((10..=REQUESTS + 1).contains(&number("herds")), "{facts}");
    assert!(number("woken") <= sleeps + WORKERS as u64, "{facts}");
    assert!(number("woken") >= 3 * number("herds"), "{facts}");
    assert!(
        number("nothing") >= number("woken") - number("herds"),
        "{facts}"
    );
}

/// How often the main threads of these left the CPU to sleep, by the kernel's count.
fn slept(pids: &[u32]) -> u64 {
    pids.iter().map(|&pid| context_switches(pid).0).sum()
}

/// One request, to its answer.
fn ask(port: u16) {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connection.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("ok"), "{answer}");
}

/// What the readiness calls of a process found, in order.
fn found(taken: &Taken, pid: u32) -> Vec<Ready> {
    let ready = taken.events.iter().filter_map(|event| match event {
        Event::Ready(ready) if ready.pid == pid && ready.ready != 0 => Some(*ready),
        _ => None,
    });
    ready.collect()
}

#[test]
fn readiness_that_was_false_is_ready_and_then_a_receive_that_got_nothing() {
    // A datagram whose checksum is wrong makes a socket ready, and is thrown away by who wants to receive it. (Of one of
    // less than 77 bytes the kernel looks at the checksum before.)
    let mut script = Script::start(
        "import struct\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('127.0.0.1', 0))\ns.setblocking(False)\n\
         raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)\np = select.poll()\np.register(s, select.POLLIN)\n\
         def send(): raw.sendto(struct.pack('!HHHH', 9, s.getsockname()[1], 208, 0xdead) + bytes(200), ('127.0.0.1', 0))\n\
         say('ready')\nhear()\n\
         t = threading.Timer(0.02, send)\nt.start()\nwoke = len(p.poll(2000))\n\
         try: got = len(s.recv(9))\n\
         except BlockingIOError: got = -11\n\
         t.join()\nsay(woke, got, s.fileno())\nhear()",
    );
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    let said = script.hear();
    let taken = tracing.finish();
    let fd: i32 = said
        .strip_prefix("1 -11 ")
        .unwrap_or_else(|| panic!("ready, and then nothing: {said}"))
        .parse()
        .unwrap();
    let ready: Vec<_> = found(&taken, pid)
        .iter()
        .map(|ready| (ready.fd, ready.ready))
        .collect();
    assert_eq!(ready, [(Some(fd), readiness::IN)]);
    let receives: Vec<_> = taken.calls_named("recvfrom").collect();
    let [receive] = receives[..] else {
        panic!("one: {receives:?}")
    };
    assert_eq!(
        receive.ret,
        Some(-i64::from(Errno::EAGAIN as i32)),
        "{receive:?}"
    );
    assert_eq!(
        (receive.copying, receive.copying_ns, receive.ready_delay_ns),
        (Copying::None, 0, None),
        "nothing came of it: {receive:?}"
    );
}

#[test]
fn a_hang_up_that_nobody_asked_for_and_nobody_acts_on_is_told() {
    let mut script = Script::start(
        "a, b = socket.socketpair()\ne = select.epoll()\ne.register(a, 0)\nsay('ready')\nhear()\nb.close()\n\
         for n in range(40): e.poll(1)\nsay(a.fileno())\nhear()",
    );
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    let fd = script.hear_numbers()[0] as i32;
    let taken = tracing.finish();
    let ready = found(&taken, pid);
    assert_eq!(ready.len(), 40, "{ready:?}");
    for one in ready {
        assert_eq!(
            (one.fd, one.asked, one.ready),
            (Some(fd), Some(0), readiness::HUP)
        );
    }
    let told = findings(&taken, "hang_up_ignored");
    let [told] = &told[..] else {
        panic!("one: {told:?}")
    };
    assert_eq!(told["fd"], fd, "{told}");
    assert_eq!(told["inferred"], false, "{told}");
}
