//! Names of descriptors, their lifetimes, what readiness calls found, and how long data lay unread: against what
//! the target itself says, and against `ss`.

use std::{collections::BTreeMap, process::Command};

use waitscope::model::{Descriptor, DescriptorKind, Event, LifeKind, Ready, readiness};

use super::{
    child::Script,
    trace::{Taken, Tracing},
};

/// The last word on every descriptor.
fn descriptors(taken: &Taken) -> BTreeMap<u32, &Descriptor> {
    let events = taken.events.iter();
    events
        .filter_map(|event| match event {
            Event::Descriptor(descriptor) => Some((descriptor.id, descriptor)),
            _ => None,
        })
        .collect()
}

/// What the readiness call of this thread that began then found.
fn ready_of(taken: &Taken, tid: u32, call_start_ns: u64) -> Vec<Ready> {
    let events = taken.events.iter();
    events
        .filter_map(|event| match event {
            Event::Ready(ready) => Some(*ready),
            _ => None,
        })
        .filter(|ready| ready.tid == tid && ready.call_start_ns == call_start_ns)
        .collect()
}

#[test]
fn what_was_open_before_has_the_names_that_ss_and_proc_have() {
    let mut script = Script::start(
        "l = socket.create_server(('127.0.0.1', 0))\nc = socket.create_connection(l.getsockname())\n\
         s, _ = l.accept()\nr, w = os.pipe()\ne = select.epoll()\ne.register(s, select.EPOLLIN)\n\
         u = socket.socket(socket.AF_UNIX)\nu.bind('\\0waitscope-test-%d' % os.getpid())\nu.listen()\n\
         v6 = socket.create_server(('::1', 0), family=socket.AF_INET6)\n\
         say('ready')\nhear()\nsay(l.fileno(), c.fileno(), s.fileno(), r, w, e.fileno(), u.fileno(), v6.fileno())\nhear()",
    );
    let pid = script.pid();
    let ss = Command::new("ss")
        .args(["-tanpH"])
        .output()
        .expect("run ss");
    let ss = String::from_utf8(ss.stdout).unwrap();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    let fds = script.hear_numbers();
    let taken = tracing.finish();
    let descriptors = descriptors(&taken);
    let of = |fd: u64| {
        let found = descriptors.values().find(|one| one.fd == fd as i32);
        *found.unwrap_or_else(|| panic!("descriptor {fd} among {descriptors:?}"))
    };
    use DescriptorKind::{Epoll, Pipe, Tcp, Unix};
    let kinds: Vec<_> = fds.iter().map(|&fd| of(fd).kind).collect();
    assert_eq!(kinds, [Tcp, Tcp, Tcp, Pipe, Pipe, Epoll, Unix, Tcp]);
    for &fd in [&fds[0], &fds[1], &fds[2], &fds[7]] {
        let one = of(fd);
        // `ss` prints state, queues, local address, peer, and the processes with their descriptors.
        let line = ss
            .lines()
            .find(|line| line.contains(&format!("pid={pid},fd={fd})")))
            .unwrap_or_else(|| panic!("ss has descriptor {fd}: {ss}"));
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        assert_eq!(one.local.as_deref(), Some(words[3]), "{line}: {one:?}");
        match &one.peer {
            Some(peer) => assert_eq!(peer, words[4], "{line}"),
            None => assert!(words[4].ends_with(":*"), "{line}: {one:?}"),
        }
        assert_eq!((one.opened_ns, one.closed_ns), (None, None), "{one:?}");
    }
    assert!(of(fds[0]).name.ends_with("(listening)"), "{:?}", of(fds[0]));
    assert!(
        of(fds[2]).name.contains(" ← "),
        "accepted: {:?}",
        of(fds[2])
    );
    assert_eq!(
        of(fds[6]).name,
        format!("@waitscope-test-{pid} (listening)")
    );
    assert_eq!(of(fds[3]).object, of(fds[4]).object, "two ends of one pipe");
    for &fd in &fds {
        let link = std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap();
        let inode = link.to_string_lossy();
        let inode = inode.split(['[', ']']).nth(1).and_then(|n| n.parse().ok());
        assert_eq!(of(fd).object, inode.unwrap_or(0), "{link:?}");
    }
}

#[test]
fn a_number_that_is_used_again_is_another_descriptor_however_short_it_lived() {
    let mut script = Script::start(
        "l = socket.create_server(('127.0.0.1', 0))\nsay('ready')\nhear()\n\
         for n in range(50):\n    c = socket.create_connection(l.getsockname())\n    s, a = l.accept()\n\
         \x20   c.sendall(b'x')\n    s.recv(1)\n    say(s.fileno(), a[1], l.getsockname()[1])\n    s.close()\n    c.close()\n\
         say('done')\nhear()",
    );
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    let told: Vec<_> = (0..50).map(|_| script.hear_numbers()).collect();
    assert_eq!(script.hear(), "done");
    let taken = tracing.finish();
    let descriptors = descriptors(&taken);
    // The byte is read on the accepted end: one recvfrom of one byte for each connection, in order.
    let reads: Vec<_> = taken
        .calls_named("recvfrom")
        .filter(|call| call.ret == Some(1))
        .collect();
    assert_eq!(reads.len(), 50);
    let mut ids = Vec::new();
    for (read, told) in reads.iter().zip(&told) {
        let [fd, peer, own] = told[..] else {
            panic!("{told:?}")
        };
        let id = read.descriptor.unwrap_or_else(|| panic!("known: {read:?}"));
        let one = descriptors[&id];
        assert_eq!(
            (one.fd, one.kind),
            (fd as i32, DescriptorKind::Tcp),
            "{one:?}"
        );
        let name = format!("127.0.0.1:{own} ← 127.0.0.1:{peer}");
        assert_eq!(one.name, name, "{one:?}");
        let (opened, closed) = (one.opened_ns.unwrap(), one.closed_ns.unwrap());
        assert!(
            opened <= read.start_ns && read.end_ns <= closed,
            "{one:?} {read:?}"
        );
        ids.push(id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 50, "no two connections are one");
}

#[test]
fn copies_pairs_and_special_descriptors_are_known_by_what_they_are() {
    let mut script = Script::start(
        "import ctypes, fcntl\nlibc = ctypes.CDLL(None)\nsay('ready')\nhear()\n\
         a, b = socket.socketpair()\nr, w = os.pipe()\nd = os.dup(r)\nf = fcntl.fcntl(w, fcntl.F_DUPFD_CLOEXEC, 0)\n\
         ev = libc.eventfd(0, 0)\ntm = libc.timerfd_create(1, 0)\nep = select.epoll()\n\
         o = os.open('/etc/hostname', os.O_RDONLY)\nm = os.memfd_create('notes')\n\
         say(a.fileno(), b.fileno(), r, w, d, f, ev, tm, ep.fileno(), o, m)\nos.dup2(o, m)\nos.close(o)\nsay('done')\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    let fds = script.hear_numbers();
    assert_eq!(script.hear(), "done");
    let taken = tracing.finish();
    let descriptors = descriptors(&taken);
    let all = |fd: u64| -> Vec<&Descriptor> {
        let of = descriptors.values().copied();
        of.filter(|one| one.fd == fd as i32 && one.opened_ns.is_some())
            .collect()
    };
    use DescriptorKind::{Epoll, Eventfd, File, Pipe, Timerfd, Unix};
    let kinds: Vec<_> = fds.iter().map(|&fd| all(fd)[0].kind).collect();
    let expected = [
        Unix, Unix, Pipe, Pipe, Pipe, Pipe, Eventfd, Timerfd, Epoll, File, File,
    ];
    assert_eq!(kinds, expected);
    let object = |at: usize| all(fds[at])[0].object;
    assert!(object(2) != 0 && object(2) == object(4) && object(3) == object(5));
    assert_eq!(all(fds[9])[0].name, "hostname");
    assert!(all(fds[9])[0].closed_ns.is_some(), "closed");
    // `dup2` closed the memfd and put a copy of the file in its place.
    let [memfd, copy] = all(fds[10])[..] else {
        panic!("two in turn: {:?}", all(fds[10]))
    };
    assert!(memfd.name.contains("notes"), "{memfd:?}");
    assert_eq!((memfd.closed_ns.is_some(), copy.object), (true, object(9)));
    assert_eq!(copy.closed_ns, None);
}

#[test]
fn select_poll_and_epoll_say_what_was_asked_and_what_was_found() {
    let mut script = Script::start(
        "a, b = socket.socketpair()\nc, d = socket.socketpair()\ne = select.epoll()\n\
         # The word that epoll gives back is the program's own: here it is no descriptor.\n\
         import ctypes\nlibc = ctypes.CDLL(None)\n\
         class Event(ctypes.Structure):\n    _pack_ = 1\n    _fields_ = [('events', ctypes.c_uint32), ('data', ctypes.c_uint64)]\n\
         say('ready')\nhear()\n\
         libc.epoll_ctl(e.fileno(), 1, a.fileno(), ctypes.byref(Event(select.EPOLLIN, 0xdeadbeefcafe)))\n\
         say(a.fileno(), c.fileno(), d.fileno())\n\
         select.select([a, c], [], [c], 0.01)\nb.send(b'x')\nselect.select([a, c], [d], [], 1)\n\
         p = select.poll()\np.register(a, select.POLLIN)\np.register(c, select.POLLIN | select.POLLPRI)\np.poll(10)\n\
         buf = (Event * 8)()\nlibc.epoll_wait(e.fileno(), buf, 8, 10)\nb.close()\nlibc.epoll_wait(e.fileno(), buf, 8, 10)\n\
         say('done')\nhear()",
    );
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    let fds = script.hear_numbers();
    let (a, c, d) = (fds[0] as i32, fds[1] as i32, fds[2] as i32);
    assert_eq!(script.hear(), "done");
    let taken = tracing.finish();
    let sets: Vec<Vec<_>> = taken
        .calls()
        .filter(|call| {
            let name = taken.name(call.nr);
            ["select", "pselect6", "poll", "epoll_wait"].contains(&name.as_str())
        })
        .map(|call| {
            let ready = ready_of(&taken, pid, call.start_ns);
            ready
                .iter()
                .map(|one| (one.fd, one.asked, one.ready))
                .collect()
        })
        .collect();
    use readiness::{HUP, IN, OUT, PRI};
    let (a, c, d) = (Some(a), Some(c), Some(d));
    let expected: Vec<Vec<_>> = vec![
        // Timed out: three empty lists.
        vec![(a, Some(IN), 0), (c, Some(IN | PRI), 0)],
        vec![(a, Some(IN), IN), (c, Some(IN), 0), (d, Some(OUT), OUT)],
        vec![(a, Some(IN), IN), (c, Some(IN | PRI), 0)],
        vec![(a, Some(IN), IN)],
        vec![(a, Some(IN), IN | HUP)],
    ];
    assert_eq!(sets, expected);
}

#[test]
fn data_that_lay_unread_for_30_ms_has_a_ready_delay_of_30_ms() {
    let mut script = Script::start(
        "l = socket.create_server(('127.0.0.1', 0))\nc = socket.create_connection(l.getsockname())\ns, _ = l.accept()\n\
         say('ready')\nhear()\n\
         c.send(b'a')\ns.recv(9)\n\
         t = time.monotonic_ns()\nc.send(b'b')\ntime.sleep(0.03)\nu = time.monotonic_ns()\ns.recv(9)\nsay(u - t, time.monotonic_ns() - t)\n\
         threading.Timer(0.02, lambda: c.send(b'c')).start()\ns.recv(9)\nsay('done')\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    let bounds = script.hear_numbers();
    assert_eq!(script.hear(), "done");
    let taken = tracing.finish();
    let delays: Vec<_> = taken
        .calls_named("recvfrom")
        .filter(|call| call.ret == Some(1))
        .map(|call| call.ready_delay_ns)
        .collect();
    let [_, lay, waited] = delays[..] else {
        panic!("three reads: {delays:?}")
    };
    let lay = lay.expect("the socket is known by its second read");
    // Sent a hair after the first clock, and read between the second and the third.
    assert!(
        lay <= bounds[1] && lay + 1_000_000 > bounds[0].min(30_000_000),
        "{lay} {bounds:?}"
    );
    // Who waits in the call itself reads as soon as it has the CPU.
    let waited = waited.expect("known");
    assert!(waited < 10_000_000, "{waited}");
}

#[test]
fn data_that_lay_unread_while_its_socket_was_copied_has_its_whole_ready_delay() {
    let mut script = Script::start(
        "l = socket.create_server(('127.0.0.1', 0))\nc = socket.create_connection(l.getsockname())\ns, _ = l.accept()\n\
         say('ready')\nhear()\n\
         c.send(b'a')\ns.recv(9)\n\
         c.send(b'b')\ntime.sleep(0.03)\nd = s.dup()\nd.recv(9)\nsay('done')\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    assert_eq!(script.hear(), "done");
    let taken = tracing.finish();
    let delays: Vec<_> = taken
        .calls_named("recvfrom")
        .filter(|call| call.ret == Some(1))
        .map(|call| call.ready_delay_ns)
        .collect();
    let [_, Some(lay)] = delays[..] else {
        panic!("two reads, and the second of a socket that is known: {delays:?}")
    };
    assert!((30_000_000..1_000_000_000).contains(&lay), "{lay}");
}

#[test]
fn what_came_for_a_socket_that_is_gone_is_not_taken_for_what_comes_for_the_next_one_at_its_address()
{
    // Of each, the end is the last that comes, and nothing reads it but what returns nothing: a new socket has the old one's
    // address in the kernel soon.
    let mut script = Script::start(
        "l = socket.create_server(('127.0.0.1', 0))\nsay('ready')\nhear()\n\
         for _ in range(200):\n    c = socket.create_connection(l.getsockname())\n    s, _ = l.accept()\n    c.send(b'a')\n    s.recv(9)\n\
         \x20   c.close()\n    s.recv(9)\n    s.close()\n\
         say('done')\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    assert_eq!(script.hear(), "done");
    let taken = tracing.finish();
    let descriptors = descriptors(&taken);
    let mut known = 0;
    for call in taken.calls_named("recvfrom") {
        let opened_ns = call.descriptor.and_then(|id| descriptors[&id].opened_ns);
        let (Some(opened_ns), Some(delay_ns)) = (opened_ns, call.ready_delay_ns) else {
            continue;
        };
        let read_ns = call.copying.start_ns().expect("it read");
        assert!(
            read_ns - delay_ns >= opened_ns,
            "opened at {opened_ns}: {call:?}"
        );
        known += 1;
    }
    assert!(known >= 100, "{known}");
}

#[test]
fn what_another_program_keeps_open_has_its_names_and_the_rest_is_closed() {
    let mut script = Script::start(
        "l = socket.create_server(('127.0.0.1', 0))\nc = socket.create_connection(l.getsockname())\ns, _ = l.accept()\n\
         after = 'import os, sys; sys.stdin.readline(); os.write(%d, b\"x\"); os.read(%d, 1); print(\"done\", flush=True); sys.stdin.readline()'\n\
         os.set_inheritable(c.fileno(), True)\nos.set_inheritable(s.fileno(), True)\n\
         say('ready')\nhear()\nsay(l.fileno(), c.fileno(), s.fileno())\n\
         os.execvp('python3', ['python3', '-c', after % (c.fileno(), s.fileno())])",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    let fds = script.hear_numbers();
    script.tell("go");
    assert_eq!(script.hear(), "done");
    let taken = tracing.finish();
    let descriptors = descriptors(&taken);
    let exec_ns = taken
        .events
        .iter()
        .find_map(|event| match event {
            Event::Life(life) if life.kind == LifeKind::Exec => Some(life.at_ns),
            _ => None,
        })
        .expect("an exec");
    let [listening, client, served] = fds[..] else {
        panic!("{fds:?}")
    };
    // The same two as before, so that one id each goes through both programs.
    for (fd, call) in [(client, "write"), (served, "read")] {
        let of = taken
            .calls_named(call)
            .find(|of| of.fd == Some(fd as i32) && of.start_ns > exec_ns)
            .unwrap_or_else(|| panic!("{call} on {fd}"));
        let id = of.descriptor.unwrap_or_else(|| panic!("{of:?}"));
        let known = descriptors[&id];
        assert_eq!((known.fd, known.kind), (fd as i32, DescriptorKind::Tcp));
        assert_eq!(
            (known.opened_ns, known.closed_ns),
            (None, None),
            "{known:?}"
        );
    }
    let closed: Vec<_> = descriptors
        .values()
        .filter(|known| known.fd == listening as i32)
        .map(|known| known.closed_ns)
        .collect();
    assert_eq!(closed.first(), Some(&Some(exec_ns)), "{descriptors:#?}");
}

#[test]
fn a_sendfile_is_a_call_on_the_socket_it_fills() {
    let mut script = Script::start(
        "a, b = socket.socketpair()\nf = open('/proc/self/exe', 'rb')\nsay('ready')\nhear()\n\
         n = os.sendfile(a.fileno(), f.fileno(), 0, 1000)\nsay(a.fileno(), n)\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    let said = script.hear_numbers();
    let taken = tracing.finish();
    let calls: Vec<_> = taken.calls_named("sendfile").collect();
    let [call] = calls[..] else {
        panic!("one: {calls:?}")
    };
    assert_eq!(
        (call.fd, call.ret),
        (Some(said[0] as i32), Some(said[1] as i64)),
        "{call:?}"
    );
    assert!(call.copying_ns > 0, "{call:?}");
}
