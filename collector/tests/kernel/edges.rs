//! The edges of calls and traces: what other tracers get wrong, one test each.

use nix::{errno::Errno, sys::signal::Signal};
use waitscope::model::{LifeKind, Timeout};

use super::{
    child::Script,
    phases::wait_until_asleep,
    trace::{Taken, Tracing},
};

const MILLI_NS: u64 = 1_000_000;

#[test]
fn a_poll_that_a_stop_interrupted_goes_on_under_its_own_name() {
    // `restart_syscall` hides which call it stands for: strace once printed `read` for such a `poll`.
    let mut script = Script::start(
        "import ctypes\nlibc = ctypes.CDLL(None)\nsay('ready')\nhear()\nsay('polling')\nlibc.poll(None, 0, 300)\nsay('done')\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    assert_eq!(script.hear(), "polling");
    wait_until_asleep(script.pid());
    script.signal(Signal::SIGSTOP);
    wait_until(script.pid(), 'T');
    script.signal(Signal::SIGCONT);
    assert_eq!(script.hear(), "done");
    let taken = tracing.finish();
    let polls: Vec<_> = taken.calls_named("poll").collect();
    let [first, next] = polls[..] else {
        panic!("a poll and its going on: {polls:?}")
    };
    assert_eq!(
        (first.continues, next.continues),
        (false, true),
        "{polls:?}"
    );
    // The kernel's own word for "goes on", which no program sees, and the timeout in the end.
    assert_eq!((first.ret, next.ret), (Some(-516), Some(0)), "{polls:?}");
    assert_eq!(first.timeout, Timeout::Nanos(300 * MILLI_NS), "{first:?}");
    let all_ns = next.end_ns - first.start_ns;
    assert!(
        all_ns >= 300 * MILLI_NS,
        "together as long as asked for: {polls:?}"
    );
}

#[test]
fn a_select_that_a_stop_interrupted_is_made_again_and_goes_on() {
    let mut script = Script::start(
        "import ctypes\nlibc = ctypes.CDLL(None)\nr, w = os.pipe()\nsets = (ctypes.c_ulong * 16)()\nsets[r // 64] = 1 << r % 64\n\
         say('ready')\nhear()\nsay('selecting')\nn = libc.select(r + 1, sets, None, None, None)\nsay(n)\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    assert_eq!(script.hear(), "selecting");
    wait_until_asleep(script.pid());
    script.signal(Signal::SIGSTOP);
    wait_until(script.pid(), 'T');
    script.signal(Signal::SIGCONT);
    wait_until_asleep(script.pid());
    // It sleeps again, and nobody will end that but the end of the trace.
    let taken = tracing.finish();
    let selects: Vec<_> = taken
        .calls()
        .filter(|call| ["select", "pselect6"].contains(&taken.name(call.nr).as_str()))
        .collect();
    let [first] = selects[..] else {
        panic!("one that was interrupted: {selects:?}")
    };
    let first = first.clone();
    assert_eq!(first.ret, Some(-514), "no program sees that: {first:?}");
    assert!(taken.open().any(|open| open.nr.flatten() == Some(first.nr)));
    script.kill();

    // With an end, it says that it goes on; after a handler of the program's, nobody can say.
    let mut script = Script::start(
        "import ctypes\nlibc = ctypes.CDLL(None)\nr, w = os.pipe()\nsets = (ctypes.c_ulong * 16)()\n\
         signal.signal(signal.SIGUSR1, lambda *_: None)\n\
         def wait():\n    sets[r // 64] = 1 << r % 64\n    return libc.select(r + 1, sets, None, None, None)\n\
         say('ready')\nhear()\nthreading.Timer(0.3, lambda: os.write(w, b'x')).start()\nsay('selecting')\nn = wait()\n\
         os.read(r, 1)\nsay(n)\nhear()\nsay('again')\nn = wait()\nthreading.Timer(0.05, lambda: os.write(w, b'x')).start()\nm = wait()\nsay(n, m)\nhear()",
    );
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    assert_eq!(script.hear(), "selecting");
    wait_until_asleep(pid);
    script.signal(Signal::SIGSTOP);
    wait_until(pid, 'T');
    script.signal(Signal::SIGCONT);
    assert_eq!(script.hear(), "1");
    script.tell("go");
    assert_eq!(script.hear(), "again");
    wait_until_asleep(pid);
    script.signal(Signal::SIGUSR1);
    assert_eq!(script.hear(), "-1 1");
    let taken = tracing.finish();
    let nr = first.nr;
    let selects: Vec<_> = taken
        .calls()
        .filter(|call| call.tid == pid && call.nr == nr)
        .map(|call| (call.ret, call.continues))
        .collect();
    assert_eq!(
        selects,
        [
            (Some(-514), false),
            (Some(1), true),
            (Some(-514), false),
            (Some(1), false)
        ]
    );
}

#[test]
fn an_epoll_wait_ends_with_eintr_at_a_stop_though_no_handler_ran() {
    let mut script = Script::start(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\ne = select.epoll()\nbuf = ctypes.create_string_buffer(64)\n\
         say('ready')\nhear()\nsay('waiting')\nr = libc.epoll_wait(e.fileno(), buf, 1, -1)\nsay(r, ctypes.get_errno())\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    assert_eq!(script.hear(), "waiting");
    wait_until_asleep(script.pid());
    script.signal(Signal::SIGSTOP);
    wait_until(script.pid(), 'T');
    script.signal(Signal::SIGCONT);
    let said = script.hear();
    assert_eq!(said, format!("-1 {}", Errno::EINTR as i32));
    let taken = tracing.finish();
    let waits: Vec<_> = taken.calls_named("epoll_wait").collect();
    let [wait] = waits[..] else {
        panic!("one: {waits:?}")
    };
    assert_eq!(wait.ret, Some(-(Errno::EINTR as i64)), "{wait:?}");
}

#[test]
fn a_write_cut_short_by_a_signal_says_how_much_it_moved() {
    let mut script = Script::start(
        "signal.signal(signal.SIGUSR1, lambda *_: None)\nr, w = os.pipe()\nblock = bytes(1 << 20)\n\
         say('ready')\nhear()\nsay('writing')\nn = os.write(w, block)\nsay(n)\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    assert_eq!(script.hear(), "writing");
    wait_until_asleep(script.pid());
    script.signal(Signal::SIGUSR1);
    let moved = script.hear_numbers()[0];
    assert!(moved > 0 && moved < 1 << 20, "a pipe holds less: {moved}");
    let taken = tracing.finish();
    let write = taken
        .calls_named("write")
        .find(|call| call.requested == Some(1 << 20))
        .expect("the large write");
    assert_eq!(write.ret, Some(moved as i64), "{write:?}");
    assert!(write.blocked_ns > 0 && write.copying_ns > 0, "{write:?}");
}

#[test]
fn a_32_bit_call_is_counted_and_never_taken_for_another() {
    // Number 3 is `read` there, and `close` here; 20 is `getpid`, and `writev` here.
    let mut script = Script::start(
        "import ctypes\ncode = bytes([0x53, 0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0x5b, 0xc3])\n\
         m = mmap.mmap(-1, 4096, prot=7)\nm.write(code)\nf = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\n\
         say('ready')\nhear()\nsay(*[f() for _ in range(5)])\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    let pids = script.hear_numbers();
    assert_eq!(pids, [u64::from(script.pid()); 5], "the kernel makes them");
    let taken = tracing.finish_with_compat();
    assert_eq!(taken.end.compat, 5, "{:?}", taken.end);
    assert_eq!(taken.calls_named("writev").count(), 0);
}

#[test]
fn a_vfork_is_a_call_that_slept_until_its_child_was_another_program() {
    let mut script = Script::start(
        "import subprocess\nsay('ready')\nhear()\nsubprocess.run(['true'])\nsay('done')\nhear()",
    );
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    assert_eq!(script.hear(), "done");
    let taken = tracing.finish();
    let forks: Vec<_> = taken
        .calls()
        .filter(|call| ["vfork", "clone", "clone3", "fork"].contains(&taken.name(call.nr).as_str()))
        .collect();
    let [fork] = forks[..] else {
        panic!("one, for it slept: {forks:?}")
    };
    assert_eq!((fork.tid, fork.sleeps), (pid, 1), "{fork:?}");
    // Its waiting is for the child, and no descriptor's.
    assert_eq!((fork.fd, fork.descriptor), (None, None), "{fork:?}");
    assert!(
        taken.calls().all(|call| call.pid == pid),
        "the child is not traced"
    );
}

#[test]
fn a_call_that_never_returns_is_no_call_and_its_thread_ends() {
    let mut script = Script::start("say('ready')\nhear()\nos._exit(3)");
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    script.wait();
    let taken = tracing.finish();
    for name in ["exit", "exit_group", "rt_sigreturn"] {
        assert_eq!(taken.calls_named(name).count(), 0, "{name}");
    }
    assert_eq!(ends(&taken), 1);
    assert_eq!(taken.open().count(), 0, "nothing goes on for ever");
}

#[test]
fn a_call_in_flight_at_the_end_is_open_with_its_phases_so_far() {
    let mut script =
        Script::start("say('ready')\nhear()\nsay('polling')\nselect.poll().poll()\nsay('never')");
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    assert_eq!(script.hear(), "polling");
    wait_until_asleep(pid);
    std::thread::sleep(std::time::Duration::from_millis(30));
    let taken = tracing.finish();
    let open: Vec<_> = taken.open().collect();
    let [open] = open[..] else {
        panic!("one thread, in one call: {open:?}")
    };
    assert_eq!(
        open.nr.flatten().map(|nr| taken.name(nr)),
        Some("poll".to_owned())
    );
    assert!(open.blocked_ns >= 30 * MILLI_NS, "{open:?}");
    assert_eq!(open.at_ns, taken.end.at_ns, "up to the end: {open:?}");
}

#[test]
fn attaching_and_detaching_interrupt_no_call() {
    // Attaching by `ptrace` makes an `epoll_wait` return `EINTR`.
    let mut script = Script::start(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\ne = select.epoll()\ne.register(0, select.EPOLLIN)\n\
         buf = ctypes.create_string_buffer(64)\nsay('ready')\nsay(libc.epoll_wait(e.fileno(), buf, 1, -1), ctypes.get_errno())\nhear()",
    );
    let pid = script.pid();
    wait_until_asleep(pid);
    let sleeps = || super::observers::context_switches(pid).0;
    let before = sleeps();
    for _ in 0..3 {
        let taken = Tracing::attach(pid).finish();
        let open: Vec<_> = taken.open().collect();
        let [open] = open[..] else {
            panic!("one: {open:?}")
        };
        assert!(open.began_before, "{open:?}");
        assert_eq!(taken.calls().count(), 0, "nothing ended");
    }
    assert_eq!(sleeps(), before, "it was never woken");
    script.tell("go");
    assert_eq!(script.hear(), "1 0", "ready, and no error");
}

#[test]
fn a_call_that_sleeps_and_wakes_several_times_has_a_time_off_the_cpu_for_each() {
    // It is woken by each piece, finds that it is not all, and sleeps on in the same call.
    let mut script = Script::start(
        "a, b = socket.socketpair()\n\
         def send():\n    for n in range(5):\n        time.sleep(0.02)\n        b.send(b'x' * 10)\n\
         say('ready')\nhear()\nt = threading.Thread(target=send)\nt.start()\n\
         say(len(a.recv(50, socket.MSG_WAITALL)))\nt.join()\nhear()",
    );
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    assert_eq!(script.hear(), "50");
    let taken = tracing.finish();
    let receive = taken
        .calls_named("recvfrom")
        .find(|call| call.ret == Some(50))
        .expect("the receive");
    assert!(receive.sleeps >= 5, "one for each piece: {receive:?}");
    let spans: Vec<_> = taken
        .off_cpu()
        .filter(|span| span.tid == pid && span.woken_ns.is_some())
        .filter(|span| (receive.start_ns..receive.end_ns).contains(&span.start_ns))
        .collect();
    let times: u32 = spans.iter().map(|span| span.times).sum();
    assert_eq!(times, receive.sleeps, "{spans:?}");
    let by_sender = spans.iter().filter(|span| {
        span.waker
            .is_some_and(|waker| waker.pid == pid && waker.tid != pid)
    });
    assert!(by_sender.count() >= 4, "each by who sent it: {spans:?}");
}

#[test]
fn a_timeout_of_epoll_pwait2_is_a_timespec_and_is_read_as_one() {
    let mut script = Script::start(
        "import ctypes, struct\nlibc = ctypes.CDLL(None)\ne = select.epoll()\nbuf = ctypes.create_string_buffer(64)\n\
         t = ctypes.create_string_buffer(struct.pack('qq', 0, 1500000), 16)\nnull = ctypes.c_void_p(0)\nsay('ready')\nhear()\n\
         say(libc.syscall(441, e.fileno(), buf, 1, t, null, 8))\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    assert_eq!(script.hear(), "0", "a kernel with the call");
    let taken = tracing.finish();
    let waits: Vec<_> = taken.calls_named("epoll_pwait2").collect();
    let [wait] = waits[..] else {
        panic!("one: {waits:?}")
    };
    assert_eq!(wait.timeout, Timeout::Nanos(1_500_000), "{wait:?}");
    assert!(wait.duration_ns() >= 1_500_000, "{wait:?}");
}

fn ends(taken: &Taken) -> usize {
    let events = taken.events.iter();
    events
        .filter(|event| {
            matches!(event, waitscope::model::Event::Life(life) if life.kind == LifeKind::Ended)
        })
        .count()
}

/// Returns when a process is in this state of `/proc/PID/stat`.
fn wait_until(pid: u32, state: char) {
    for _ in 0..2000 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let after = stat.rsplit(')').next().unwrap().trim_start();
        if after.starts_with(state) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("process {pid} does not come to state {state}");
}
