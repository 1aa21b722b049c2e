//! Phases against behaviour that is known, and against the scheduler's own sums.

use nix::sys::signal::Signal;
use waitscope::model::{Context, Copying, Timeout};

use super::{
    child::Script,
    observers::{context_switches, schedstat},
    trace::Tracing,
};

const MILLI_NS: u64 = 1_000_000;

#[test]
fn a_poll_that_sleeps_50_ms_is_blocked_for_50_ms() {
    let mut script = Script::start(
        "p = select.poll()\nsay('ready')\nhear()\nt = time.monotonic_ns()\np.poll(50)\n\
         say(time.monotonic_ns() - t)\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    let elapsed_ns = script.hear_numbers()[0];
    let taken = tracing.finish();

    let polls: Vec<_> = taken.calls_named("poll").collect();
    let [poll] = polls.as_slice() else {
        panic!("one poll, not {polls:?}")
    };
    assert_eq!((poll.sleeps, poll.ret), (1, Some(0)), "{poll:?}");
    assert_eq!(poll.timeout, Timeout::Nanos(50 * MILLI_NS), "{poll:?}");
    assert_eq!(poll.copying, Copying::None, "{poll:?}");
    // Blocked until the kernel's timer fires, which it never does early; and what is not blocked is what
    // the process itself saw the call take beyond that, at most.
    assert!(
        poll.duration_ns() <= elapsed_ns,
        "the process saw {elapsed_ns} ns: {poll:?}"
    );
    assert!(poll.duration_ns() >= 50 * MILLI_NS, "{poll:?}");
    assert!(
        poll.blocked_ns + poll.kernel_ns >= 50 * MILLI_NS,
        "{poll:?}"
    );
    assert!(
        poll.blocked_ns > 45 * MILLI_NS,
        "asleep nearly all the time: {poll:?}"
    );
    let (slept, woken) = (poll.first_sleep_ns.unwrap(), poll.last_wake_ns.unwrap());
    assert_eq!(
        woken - slept,
        poll.blocked_ns,
        "one sleep is all of blocked: {poll:?}"
    );
}

#[test]
fn a_thread_that_shares_its_cpu_with_a_spinning_one_is_runnable_not_blocked() {
    let mut spinner =
        Script::start("os.sched_setaffinity(0, {0})\nsay('ready')\nhear()\nwhile True: pass");
    let mut script = Script::start(
        "os.sched_setaffinity(0, {0})\nimport ctypes\nsay('ready')\nhear()\n\
         end = time.thread_time() + 0.2\nwhile time.thread_time() < end: os.sched_yield()\n\
         say('done')\nhear()",
    );
    spinner.tell("go");
    let pid = script.pid();
    let (_, delay_before) = schedstat(pid);
    let (_, preempted_before) = context_switches(pid);
    let tracing = Tracing::attach(pid);
    script.tell("go");
    script.hear();
    let taken = tracing.finish();
    let (_, delay_after) = schedstat(pid);
    let (_, preempted_after) = context_switches(pid);
    drop(spinner);

    let runnable_ns: u64 = taken.off_cpu().map(|span| span.runnable_ns()).sum();
    let preemptions: u64 = taken
        .off_cpu()
        .filter(|span| span.woken_ns.is_none())
        .map(|span| u64::from(span.times))
        .sum();
    let unseen = taken.off_cpu().filter(|span| span.unseen).count();
    let blocked_ns: u64 = taken
        .off_cpu()
        .filter(|span| !span.in_call)
        .map(|span| span.blocked_ns())
        .sum();
    let delay_ns = delay_after - delay_before;
    let preempted = preempted_after - preempted_before;
    let facts = format!(
        "ours {runnable_ns} ns in {preemptions} preemptions ({unseen} times inferred), \
         the scheduler's {delay_ns} ns in {preempted}"
    );
    assert!(runnable_ns > 50 * MILLI_NS, "{facts}");
    assert!(
        runnable_ns.abs_diff(delay_ns) < delay_ns / 20 + MILLI_NS,
        "{facts}"
    );
    // It sleeps, and so is woken, only before and after, waiting for word from here.
    assert!(
        preemptions <= preempted && preempted <= preemptions + 3,
        "{facts}"
    );
    assert_eq!(blocked_ns, 0, "a spinning thread never sleeps: {facts}");
}

#[test]
fn receiving_64_mib_is_copying_and_every_byte_is_accounted_for() {
    const BYTES: u64 = 64 << 20;
    let mut script = Script::start(
        "a, b = socket.socketpair()\nn = 64 << 20\nbuf = memoryview(bytearray(1 << 20))\n\
         def send():\n    block = bytes(1 << 20)\n    for _ in range(64): a.sendall(block)\n\
         say('ready')\nhear()\nt = threading.Thread(target=send)\nt.start()\ngot = 0\n\
         while got < n: got += b.recv_into(buf)\nt.join()\nsay(got)\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    let got = script.hear_numbers()[0];
    let taken = tracing.finish();

    assert_eq!(got, BYTES);
    let sum = |name: &str| -> i64 {
        taken
            .calls_named(name)
            .filter_map(|call| call.ret)
            .filter(|&ret| ret > 0)
            .sum()
    };
    assert_eq!(sum("recvfrom"), BYTES as i64);
    assert_eq!(sum("sendto"), BYTES as i64);
    for call in taken.calls_named("recvfrom") {
        let Copying::Seen(at) = call.copying else {
            panic!("the kernel says when: {call:?}")
        };
        assert!(call.start_ns <= at && at <= call.end_ns, "{call:?}");
        assert!(call.copying_ns > 0, "{call:?}");
    }
    for call in taken.calls_named("sendto") {
        assert!(matches!(call.copying, Copying::Inferred(_)), "{call:?}");
    }
    let (copying, all) = taken
        .calls_named("recvfrom")
        .fold((0, 0), |(copying, all), call| {
            (
                copying + call.copying_ns,
                all + call.kernel_ns + call.copying_ns,
            )
        });
    assert!(
        copying * 2 > all,
        "most of the time on the CPU is copying: {copying} of {all} ns"
    );
}

#[test]
fn a_poll_woken_by_a_signal_ends_with_eintr_and_names_who_sent_it() {
    // One syscall in one thread: Python itself would go on waiting.
    let mut script = Script::start(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n\
         signal.signal(signal.SIGUSR1, lambda *_: None)\nsay('ready')\nhear()\n\
         say('polling')\nr = libc.poll(None, 0, -1)\nsay(r, ctypes.get_errno())\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    assert_eq!(script.hear(), "polling");
    wait_until_asleep(script.pid());
    script.signal(Signal::SIGUSR1);
    assert_eq!(
        script.hear(),
        format!("-1 {}", nix::errno::Errno::EINTR as i32)
    );
    let taken = tracing.finish();

    let polls: Vec<_> = taken.calls_named("poll").collect();
    let [poll] = polls.as_slice() else {
        panic!("one poll, not {polls:?}")
    };
    // What the kernel returns inside: it becomes EINTR for the user once the handler has run.
    const ERESTART_RESTARTBLOCK: i64 = 516;
    assert!(
        [-ERESTART_RESTARTBLOCK, -(nix::errno::Errno::EINTR as i64)].contains(&poll.ret.unwrap()),
        "{poll:?}"
    );
    assert_eq!(poll.timeout, Timeout::Infinite, "{poll:?}");
    let waker = poll.waker.expect("somebody woke it");
    assert_eq!(
        waker.pid,
        std::process::id(),
        "the signal came from here: {poll:?}"
    );
    let span = taken
        .off_cpu()
        .find(|span| span.woken_ns == poll.last_wake_ns)
        .unwrap();
    let own = std::fs::read_to_string(format!("/proc/self/task/{}/comm", waker.tid)).unwrap();
    assert_eq!(span.waker_comm, own.trim_end(), "{span:?}");
}

#[test]
fn a_thread_killed_in_a_call_leaves_a_call_that_says_so() {
    let mut script =
        Script::start("say('ready')\nhear()\nsay('polling')\nselect.poll().poll()\nsay('never')");
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    assert_eq!(script.hear(), "polling");
    wait_until_asleep(script.pid());
    script.signal(Signal::SIGKILL);
    script.wait();
    let taken = tracing.finish();

    let polls: Vec<_> = taken.calls_named("poll").collect();
    let [poll] = polls.as_slice() else {
        panic!("one poll, not {polls:?}")
    };
    assert!(poll.killed && poll.ret.is_none(), "{poll:?}");
    assert!(poll.blocked_ns > 0, "{poll:?}");
    assert_eq!(taken.open().count(), 0, "nothing goes on after the end");
}

#[test]
fn a_zero_timeout_is_a_check_and_not_a_wait() {
    let mut script = Script::start(
        "e = select.epoll()\nsay('ready')\nhear()\nfor _ in range(100): e.poll(0)\nsay('done')\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    script.hear();
    let taken = tracing.finish();
    assert_eq!(taken.calls_named("epoll_wait").count(), 100);
    assert!(
        taken
            .calls_named("epoll_wait")
            .all(|call| call.is_check() && call.blocked_ns == 0)
    );
}

#[test]
fn a_call_in_flight_when_tracing_begins_says_so_and_counts_from_there() {
    let mut script = Script::start("say('ready')\nhear()\nsay('done')\nhear()");
    wait_until_asleep(script.pid());
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    script.hear();
    let taken = tracing.finish();
    let first = taken.calls().next().expect("the read of standard input");
    assert_eq!(taken.name(first.nr), "read");
    assert!(first.began_before, "{first:?}");
    assert_eq!((first.start_ns, first.fd), (0, Some(0)), "{first:?}");
    assert!(first.blocked_ns > 0, "{first:?}");
}

/// Returns when the main thread of a process sleeps.
pub(crate) fn wait_until_asleep(pid: u32) {
    for _ in 0..2000 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        if stat
            .rsplit(')')
            .next()
            .unwrap()
            .trim_start()
            .starts_with('S')
        {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("process {pid} does not fall asleep");
}

#[test]
fn a_wake_up_says_whether_a_thread_or_an_interrupt_made_it() {
    // A pipe is written by a thread; a timeout fires in the timer's interrupt; and what comes over the
    // loopback is delivered by the network's soft interrupt, while the sender runs.
    let mut script = Script::start(
        "r, w = os.pipe()\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('127.0.0.1', 0))\n\
         o = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nq = select.poll()\n\
         def later(f):\n    time.sleep(0.05)\n    f()\n\
         say('ready')\nhear()\n\
         t = threading.Thread(target=later, args=(lambda: os.write(w, b'x'),))\nt.start()\nos.read(r, 1)\nt.join()\n\
         t = threading.Thread(target=later, args=(lambda: o.sendto(b'x', s.getsockname()),))\nt.start()\ns.recv(1)\nt.join()\n\
         q.poll(20)\nsay('done')\nhear()",
    );
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    assert_eq!(script.hear(), "done");
    let taken = tracing.finish();
    let context_of = |name: &str| {
        let call = taken
            .calls_named(name)
            .find(|call| call.tid == pid && call.blocked_ns > 15 * MILLI_NS && !call.began_before)
            .unwrap_or_else(|| panic!("a {name} that slept"));
        call.waker.map(|waker| (waker.context, waker.pid == pid))
    };
    assert_eq!(
        context_of("read"),
        Some((Context::Task, true)),
        "by the thread that wrote"
    );
    assert_eq!(
        context_of("recvfrom"),
        Some((Context::SoftIrq, true)),
        "while the sender ran"
    );
    assert_eq!(
        context_of("poll").map(|(context, _)| context),
        Some(Context::HardIrq)
    );
}
