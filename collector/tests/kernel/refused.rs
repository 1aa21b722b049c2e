//! Calls that a seccomp filter refuses or holds before the kernel announces their entry: nothing is made up of them.

use std::io::{Seek as _, Write as _};

use super::{
    child::Script,
    trace::{Taken, Tracing},
};

const MILLI_NS: u64 = 1_000_000;

/// Puts a filter on the thread that calls `refuse(what, flags)`: `poll` gets `what`, anything else is let through.
/// And `pause` is any call that a filter does not touch.
const FILTER: &str = "import ctypes, struct\nlibc = ctypes.CDLL(None, use_errno=True)\n\
    def refuse(what, flags=0):\n\
    \x20   code = b''.join(struct.pack('HBBI', *one) for one in [(0x20, 0, 0, 0), (0x15, 0, 1, 7), (6, 0, 0, what), (6, 0, 0, 0x7fff0000)])\n\
    \x20   program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', 4, 0), 16)\n\
    \x20   keep = ctypes.create_string_buffer(code, len(code))\n\
    \x20   struct.pack_into('HxxxxxxQ', program, 0, 4, ctypes.addressof(keep))\n\
    \x20   libc.prctl(38, 1, 0, 0, 0)\n    return libc.syscall(317, 1, flags, program)\n\
    def poll(ms):\n    got = libc.poll(None, 0, ms)\n    return -ctypes.get_errno() if got < 0 else got\n";
const ERRNO_EPERM: &str = "0x00050001";
const KILL_PROCESS: &str = "0x80000000";
const USER_NOTIF: &str = "0x7fc00000";

fn start(body: &str) -> Script {
    Script::start(&format!("{FILTER}{body}"))
}

fn no_poll(taken: &Taken) {
    let polls: Vec<_> = taken.calls_named("poll").collect();
    assert!(polls.is_empty(), "it never was in the call: {polls:?}");
}

#[test]
fn a_call_refused_by_seccomp_has_an_exit_without_an_entry_and_is_no_call() {
    let mut script = start(&format!(
        "assert refuse({ERRNO_EPERM}) == 0\nsay('ready')\nhear()\n\
         got = [poll(1000) for n in range(5)]\nselect.select([], [], [], 0.01)\nsay(*got)\nhear()"
    ));
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    assert_eq!(script.hear(), "-1 -1 -1 -1 -1");
    let taken = tracing.finish();
    no_poll(&taken);
    // What comes after it is untouched.
    let selects: Vec<_> = taken
        .calls()
        .filter(|call| ["select", "pselect6"].contains(&taken.name(call.nr).as_str()))
        .collect();
    let [select] = selects[..] else {
        panic!("one: {selects:?}")
    };
    assert_eq!(select.sleeps, 1, "{select:?}");
    assert!(select.duration_ns() >= 10 * MILLI_NS, "{select:?}");
}

#[test]
fn a_thread_killed_by_seccomp_ends_in_no_call() {
    let mut script = start(&format!(
        "assert refuse({KILL_PROCESS}) == 0\nsay('ready')\nhear()\npoll(1000)\nsay('never')"
    ));
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    script.wait();
    let taken = tracing.finish();
    no_poll(&taken);
    assert!(
        taken.calls().all(|call| !call.killed),
        "no call was cut off"
    );
    assert_eq!(taken.open().count(), 0, "nothing goes on after the end");
}

#[test]
fn what_a_seccomp_supervisor_takes_before_the_entry_is_time_outside_the_call() {
    // The filter is the main thread's own; the other one decides after 50 ms, and lets the call go on.
    let mut script = start(&format!(
        "got = []\ndef supervise():\n    while not got: time.sleep(0.001)\n\
         \x20   asked = ctypes.create_string_buffer(80)\n    assert libc.ioctl(got[0], ctypes.c_ulong(0xc0502100), asked) == 0\n\
         \x20   time.sleep(0.05)\n    answer = ctypes.create_string_buffer(asked.raw[:8] + struct.pack('qiI', 0, 0, 1), 24)\n\
         \x20   assert libc.ioctl(got[0], ctypes.c_ulong(0xc0182101), answer) == 0\n\
         t = threading.Thread(target=supervise)\nt.start()\nfd = refuse({USER_NOTIF}, 8)\nassert fd >= 0\n\
         say('ready')\nhear()\ngot.append(fd)\nsay(poll(10))\nt.join()\nhear()"
    ));
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    assert_eq!(script.hear(), "0");
    let taken = tracing.finish();
    let polls: Vec<_> = taken
        .calls_named("poll")
        .filter(|call| call.tid == pid)
        .collect();
    let [poll] = polls[..] else {
        panic!("one: {polls:?}")
    };
    assert!(poll.duration_ns() >= 10 * MILLI_NS, "{poll:?}");
    assert!(!poll.began_before, "{poll:?}");
    let held = taken.off_cpu().filter(|span| {
        span.tid == pid && span.end_ns <= poll.start_ns && span.blocked_ns() >= 49 * MILLI_NS
    });
    let held = held
        .last()
        .unwrap_or_else(|| panic!("held before {poll:?}"));
    assert!(!held.in_call, "{held:?}");
}

#[test]
fn a_call_refused_first_of_all_is_not_taken_for_one_that_began_before_the_trace() {
    // The thread runs as tracing begins: whether it was in a call then, only its first entry or exit can tell. Until it is
    // told through memory it makes no call.
    let mut flag = tempfile::NamedTempFile::new().unwrap();
    flag.write_all(&[0]).unwrap();
    let mut script = start(&format!(
        "assert refuse({ERRNO_EPERM}) == 0\nm = mmap.mmap(os.open('{}', os.O_RDWR), 1)\nsay('ready')\nhear()\n\
         say('spinning')\nwhile not m[0]: pass\nsay(poll(1000))\nhear()",
        flag.path().display()
    ));
    script.tell("go");
    assert_eq!(script.hear(), "spinning");
    let tracing = Tracing::attach(script.pid());
    flag.rewind().unwrap();
    flag.write_all(&[1]).unwrap();
    assert_eq!(script.hear(), "-1");
    let taken = tracing.finish();
    no_poll(&taken);
}
