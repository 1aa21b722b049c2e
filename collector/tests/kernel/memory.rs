//! Arguments that point nowhere: what could not be read is not known, and nothing else is said.

use nix::errno::Errno;
use waitscope::model::{Event, Timeout};

use super::{child::Script, trace::Tracing};

#[test]
fn arguments_that_point_nowhere_are_unknown_and_never_guessed() {
    // By number, since the library looks at what it is given. Descriptors are ready, so that there would be something
    // to tell; address 8 is nobody's.
    let mut script = Script::start(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\na, b = socket.socketpair()\nb.send(b'x')\n\
         e = select.epoll()\ne.register(a, select.EPOLLIN)\nbad = ctypes.c_void_p(8)\nnull = ctypes.c_void_p(0)\n\
         def call(*args):\n    got = libc.syscall(*args)\n    return -ctypes.get_errno() if got < 0 else got\n\
         say('ready')\nhear()\n\
         one = ctypes.create_string_buffer(__import__('struct').pack('ihh', a.fileno(), 1, 0), 8)\n\
         say(*[call(7, bad, 1, 10), call(23, 8, bad, null, null, null), call(232, e.fileno(), bad, 8, 10),\
         call(271, one, 1, bad, null, 8), call(23, 0, null, null, null, bad), call(441, e.fileno(), bad, 8, bad, null, 8)])\nhear()",
    );
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    let fault = -(Errno::EFAULT as i64);
    let said = script.hear();
    assert_eq!(said, [0; 6].map(|_| fault.to_string()).join(" "));
    let taken = tracing.finish();
    let calls: Vec<_> = taken
        .calls()
        .filter(|call| call.ret == Some(fault))
        .collect();
    let names: Vec<_> = calls.iter().map(|call| taken.name(call.nr)).collect();
    let expected = [
        "poll",
        "select",
        "epoll_wait",
        "ppoll",
        "select",
        "epoll_pwait2",
    ];
    assert_eq!(names, expected, "{calls:?}");
    for call in &calls[3..] {
        assert_eq!(call.timeout, Timeout::Unknown, "{call:?}");
    }
    for call in calls {
        let told: Vec<_> = taken
            .events
            .iter()
            .filter(|event| matches!(event, Event::Ready(ready) if ready.call_start_ns == call.start_ns && ready.ready != 0))
            .collect();
        assert!(told.is_empty(), "found ready: {told:?} by {call:?}");
    }
}

#[test]
fn a_number_of_x32_is_never_taken_for_the_call_it_looks_like() {
    // With this bit a number means a call of another table: 0 there is `read`, too, and 23 `select`. A kernel without that
    // table refuses them.
    let mut script = Script::start(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nbuf = ctypes.create_string_buffer(8)\n\
         p = select.poll()\nr, w = os.pipe()\nos.write(w, b'12345')\nsay('ready')\nhear()\np.poll(0)\n\
         got = [(libc.syscall(0x40000000, r, buf, 1), ctypes.get_errno())[1] for n in range(5)]\np.poll(0)\n\
         say(*got)\nsay(r)\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    let said = script.hear();
    let fd = script.hear_numbers()[0] as i32;
    let taken = tracing.finish_with_compat();
    let reads = taken.calls().filter(|call| call.fd == Some(fd)).count();
    assert_eq!(reads, 0, "none is shown as a read of the pipe");
    let second = taken.calls_named("poll").nth(1).expect("two polls");
    // Each is counted: as a call that was not recorded, or with those of 32 bits.
    let counted = u64::from(second.others) + taken.end.compat;
    assert!(counted >= 5, "{said}: {counted}, {second:?}");
}
