//! The number of each call equals what `perf stat` counts, on servers that nobody here wrote.
//!
//! Both begin and end while the target is stopped by a signal, so that their windows are the same to the
//! call.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use super::{
    child::Script,
    observers::{PerfStat, context_switches},
    servers::{Server, free_port, run, stop},
    trace::{Taken, Tracing},
};

const CALLS: [&str; 22] = [
    "select",
    "pselect6",
    "poll",
    "ppoll",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "read",
    "readv",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "write",
    "writev",
    "accept",
    "accept4",
    "connect",
    "io_uring_enter",
    "restart_syscall",
];

/// Runs `load` with both observers on, and asserts that they agree on every call; and with the kernel's own count
/// on how often the main thread left the CPU, whatever the tracepoint kept from us.
fn compare(pid: u32, load: impl FnOnce()) -> Taken {
    let stopped = stop(pid);
    let perf = PerfStat::start(pid, &CALLS);
    let tracing = Tracing::attach(pid);
    let (slept_before, preempted_before) = context_switches(pid);
    drop(stopped);
    load();
    let stopped = stop(pid);
    let (slept, preempted) = context_switches(pid);
    let taken = tracing.finish();
    let counted = perf.finish();
    drop(stopped);

    let ours: Vec<u64> = CALLS.iter().map(|call| taken.entered(call)).collect();
    let table: Vec<_> = CALLS.iter().zip(ours.iter().zip(&counted)).collect();
    assert_eq!(ours, counted, "ours and perf's: {table:?}");
    // It was off the CPU as tracing began, and is again: one time ended that began before, and one has not ended.
    let spans = || taken.off_cpu().filter(|span| span.tid == pid);
    let left: u64 = spans().map(|span| u64::from(span.times)).sum();
    let unseen = spans().filter(|span| span.unseen).count();
    assert_eq!(
        left,
        slept + preempted - slept_before - preempted_before,
        "times off the CPU, of which {unseen} inferred, and by the kernel's count"
    );
    assert!(
        counted.iter().sum::<u64>() > 0,
        "the load made calls: {table:?}"
    );
    taken
}

#[test]
fn redis_under_redis_benchmark_makes_as_many_calls_as_perf_counts() {
    let port = free_port();
    let port_text = port.to_string();
    let server = Server::start("redis-server", &["--port", &port_text, "--save", ""], port);
    let taken = compare(server.pid(), || {
        run(
            "redis-benchmark",
            &[
                "-p", &port_text, "-n", "20000", "-c", "20", "-t", "get,set", "-q",
            ],
        );
    });
    assert!(taken.entered("epoll_wait") > 100 && taken.entered("read") > 10_000);
}

#[test]
fn an_nginx_worker_under_wrk_makes_as_many_calls_as_perf_counts() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let server = Server::nginx(
        directory.path(),
        port,
        1,
        "",
        "access_log off; location / { return 200 'hello'; }",
    );
    let worker = server.children(1)[0];
    let taken = compare(worker, || {
        let url = format!("http://127.0.0.1:{port}/");
        run("wrk", &["-t", "1", "-c", "16", "-d", "1s", &url]);
    });
    assert!(taken.entered("epoll_wait") > 100 && taken.entered("recvfrom") > 100);
}

#[test]
fn a_python_select_loop_makes_as_many_calls_as_perf_counts() {
    let script = Script::start(
        "l = socket.create_server(('127.0.0.1', 0))\nl.setblocking(False)\n\
         print(f'ready', flush=True)\nprint(l.getsockname()[1], flush=True)\n\
         r = [l]\ntimeouts = [3.0, None, 0]\nn = 0\n\
         while True:\n    ready, _, _ = select.select(r, [], [], timeouts[n % 3])\n    n += 1\n\
         \n    for s in ready:\n        if s is l:\n            c, _ = l.accept()\n            r.append(c)\n\
         \n        else:\n            d = s.recv(4096)\n            \
         \n            if d: s.sendall(d)\n            else:\n                r.remove(s)\n                s.close()\n",
    );
    let mut script = script;
    let port = script.hear_numbers()[0] as u16;
    let taken = compare(script.pid(), || {
        for round in 0..50 {
            let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
            for _ in 0..20 {
                connection.write_all(b"ping").unwrap();
                let mut answer = [0; 4];
                connection.read_exact(&mut answer).unwrap();
                assert_eq!(&answer, b"ping", "round {round}");
            }
        }
    });
    let selects = taken.entered("select") + taken.entered("pselect6");
    assert!(selects > 1000, "{selects}");
    assert!(
        taken.entered("recvfrom") >= 50 * 20,
        "each ping is received once"
    );
}
