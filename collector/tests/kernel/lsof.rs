//! `lsof` on servers that nobody here wrote: what it lists at a moment is what the trace says is open then.
//!
//! The server is stopped by a signal meanwhile, so that there is one moment.

use std::{
    collections::BTreeMap, net::TcpStream, os::unix::net::UnixStream, path::Path, process::Command,
};

use waitscope::model::{Descriptor, DescriptorKind, Event};

use super::{
    child::Script,
    servers::{Server, free_port, stop},
    trace::{Taken, Tracing},
};

/// One open descriptor as lsof tells it.
#[derive(Debug, Default)]
struct Listed {
    /// `IPv4`, `REG`, …
    kind: String,
    /// `TCP`, …
    protocol: String,
    /// `LISTEN`, …
    state: String,
    inode: u64,
    name: String,
}

/// What lsof lists for a process.
fn lsof(pid: u32) -> BTreeMap<i32, Listed> {
    let output = Command::new("lsof")
        .args(["-nP", "-w", "-a", "-p", &pid.to_string()])
        // Not its directories, its program and its mappings, which are no descriptors.
        .args(["-d", "^cwd,^rtd,^txt,^mem,^DEL", "-F", "ftPTin"])
        .output()
        .expect("run lsof");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut all: BTreeMap<i32, Listed> = BTreeMap::new();
    let mut fd = None;
    // A letter and a value a line; `f` begins another descriptor.
    for line in text.lines() {
        let (field, value) = line.split_at(1);
        if field == "f" {
            fd = Some(value.parse().unwrap_or_else(|_| panic!("{line}: {text}")));
        }
        let Some(one) = fd.map(|fd| all.entry(fd).or_default()) else {
            continue;
        };
        match field {
            "t" => value.clone_into(&mut one.kind),
            "P" => value.clone_into(&mut one.protocol),
            "i" => one.inode = value.parse().unwrap(),
            "n" => value.clone_into(&mut one.name),
            "T" => {
                if let Some(state) = value.strip_prefix("ST=") {
                    state.clone_into(&mut one.state);
                }
            }
            _ => {}
        }
    }
    assert!(!all.is_empty(), "lsof lists something: {text}");
    all
}

/// What the trace says is open at its end.
fn open_at_the_end(taken: &Taken) -> BTreeMap<i32, Descriptor> {
    let mut last = BTreeMap::new();
    for event in &taken.events {
        if let Event::Descriptor(descriptor) = event {
            last.insert(descriptor.id, descriptor.clone());
        }
    }
    let mut open = BTreeMap::new();
    for descriptor in last.into_values().filter(|one| one.closed_ns.is_none()) {
        let before = open.insert(descriptor.fd, descriptor);
        assert_eq!(before, None, "one number, one descriptor: {open:?}");
    }
    open
}

/// Holds a descriptor to what lsof says of it. A file may have got another name since it was opened: `renamed`
/// has the new one and the old one.
fn compare(ours: &Descriptor, listed: &Listed, renamed: (&str, &str)) {
    use DescriptorKind::{
        Device, Directory, Epoll, Eventfd, File, Netlink, Pipe, Signalfd, Tcp, Timerfd, Udp, Unix,
    };
    let facts = format!("{ours:?} and {listed:?}");
    let kind = match (listed.kind.as_str(), listed.protocol.as_str()) {
        ("IPv4" | "IPv6", "TCP") => Tcp,
        ("IPv4" | "IPv6", "UDP") => Udp,
        ("unix", _) => Unix,
        ("netlink", _) => Netlink,
        ("FIFO", _) => Pipe,
        ("REG", _) => File,
        ("DIR", _) => Directory,
        ("CHR", _) => Device,
        // Its name has more in it: `[eventpoll:5,6]`.
        ("a_inode", _) => match listed.name.split([':', ']']).next() {
            Some("[eventpoll") => Epoll,
            Some("[eventfd") => Eventfd,
            Some("[timerfd") => Timerfd,
            Some("[signalfd") => Signalfd,
            _ => panic!("unheard of: {facts}"),
        },
        // A socket that is in none of the kernel's tables: `protocol: TCP`.
        ("sock", _) if listed.name.contains("TCP") => Tcp,
        ("sock", _) if listed.name.contains("UDP") => Udp,
        _ => panic!("unheard of: {facts}"),
    };
    assert_eq!(ours.kind, kind, "{facts}");
    if kind.is_socket() || kind == Pipe {
        // In the place of an IP socket's inode, lsof shows its own.
        assert!(
            listed.inode == 0 || ours.object == listed.inode,
            "inode: {facts}"
        );
    }
    match kind {
        Tcp | Udp if listed.kind != "sock" => {
            let any = if listed.kind == "IPv4" {
                "0.0.0.0"
            } else {
                "[::]"
            };
            let (local, peer) = match listed.name.split_once("->") {
                Some((local, peer)) => (local, Some(peer.to_owned())),
                None => (listed.name.as_str(), None),
            };
            let local = local.replace('*', any);
            assert_eq!(ours.local, Some(local), "{facts}");
            assert_eq!(ours.peer, peer, "{facts}");
        }
        Unix => {
            let path = listed.name.split("type=").next().unwrap().trim_end();
            let path = (!path.is_empty()).then(|| path.to_owned());
            assert_eq!(ours.local, path, "{facts}");
        }
        Netlink => assert_eq!(ours.name, format!("NETLINK_{}", listed.name), "{facts}"),
        File | Directory | Device if ours.opened_ns.is_none() => {
            assert_eq!(ours.name, listed.name, "{facts}");
        }
        // Of what was opened in the trace, the kernel is asked for its own name only.
        File | Directory | Device => {
            let own = Path::new(&listed.name).file_name().unwrap();
            let opened_as = if own == renamed.0 {
                renamed.1
            } else {
                own.to_str().unwrap()
            };
            assert_eq!(ours.name, opened_as, "{facts}");
            assert_eq!(ours.object, listed.inode, "{facts}");
        }
        _ => {}
    }
    let listens = listed.state == "LISTEN";
    assert_eq!(ours.name.ends_with("(listening)"), listens, "{facts}");
}

/// Stops the process, asks lsof, ends the trace, and compares.
fn compare_all(pid: u32, tracing: Tracing, renamed: (&str, &str)) -> BTreeMap<i32, Descriptor> {
    let _stopped = stop(pid);
    let listed = lsof(pid);
    let ours = open_at_the_end(&tracing.finish());
    let facts = format!("ours {ours:#?}, lsof's {listed:#?}");
    assert!(ours.keys().eq(listed.keys()), "the same numbers: {facts}");
    for (ours, listed) in ours.values().zip(listed.values()) {
        compare(ours, listed, renamed);
    }
    ours
}

/// Says a line and waits for the first bytes of the answer.
fn ask(connection: &mut (impl std::io::Read + std::io::Write), line: &str) -> String {
    connection
        .write_all(format!("{line}\r\n\r\n").as_bytes())
        .unwrap();
    let mut answer = [0; 4096];
    let got = connection.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..got]).into_owned()
}

/// Returns when redis has no child that writes.
fn wait_for_quiet(connection: &mut TcpStream) {
    for _ in 0..500 {
        let words = ask(connection, "INFO persistence");
        let is_quiet = |what: &str| words.contains(&format!("{what}:0"));
        if is_quiet("aof_rewrite_in_progress") && is_quiet("aof_rewrite_scheduled") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("redis goes on writing");
}

#[test]
fn what_redis_has_open_is_what_lsof_lists() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("redis.sock");
    let port = free_port();
    let args = format!(
        "--port {port} --save  --dir {} --unixsocket {}",
        directory.path().display(),
        path.display()
    );
    let args: Vec<&str> = args.split(' ').collect();
    let server = Server::start("redis-server", &args, port);
    let tcp = |host: &str| TcpStream::connect((host, port)).unwrap();
    let unix = || UnixStream::connect(&path).unwrap();
    let (mut early, mut early_v6, mut early_unix) = (tcp("127.0.0.1"), tcp("::1"), unix());
    let mut short = tcp("127.0.0.1");
    for connection in [&mut early, &mut early_v6, &mut short] {
        assert!(ask(connection, "PING").starts_with("+PONG"));
    }
    assert!(ask(&mut early_unix, "PING").starts_with("+PONG"));
    let tracing = Tracing::attach(server.pid());
    drop(short);
    let (mut late, mut late_v6, mut late_unix) = (tcp("127.0.0.1"), tcp("::1"), unix());
    let mut passing = tcp("127.0.0.1");
    for connection in [&mut late, &mut late_v6, &mut passing] {
        assert!(ask(connection, "PING").starts_with("+PONG"));
    }
    drop(passing);
    assert!(ask(&mut late_unix, "PING").starts_with("+PONG"));
    // From then on it keeps a file open; its child that fills it ends.
    assert!(ask(&mut early, "CONFIG SET appendonly yes").starts_with("+OK"));
    wait_for_quiet(&mut early);
    let renamed = ("appendonly.aof.1.incr.aof", "temp-appendonly.aof.incr");
    let open = compare_all(server.pid(), tracing, renamed);
    let count = |kind| open.values().filter(|one| one.kind == kind).count();
    use DescriptorKind::{File, Tcp, Unix};
    // Two that listen and four connections; one that listens and two.
    assert!(count(Tcp) >= 6 && count(Unix) >= 3, "{open:#?}");
    assert!(count(File) >= 1, "{open:#?}");
}

#[test]
fn what_an_nginx_worker_has_open_is_what_lsof_lists() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["early.txt", "late.txt"] {
        std::fs::write(directory.path().join(name), "content").unwrap();
    }
    let port = free_port();
    let root = directory.path().display();
    let http = format!("root {root}; access_log {root}/access.log; open_file_cache max=16;");
    let server = Server::nginx(directory.path(), port, 1, "", &http);
    // The worker is another user, who may not look into a directory of ours.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), mode).unwrap();
    let worker = server.children(1)[0];
    let get = |name: &str| {
        let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let answer = ask(
            &mut connection,
            &format!("GET /{name} HTTP/1.1\r\nHost: here"),
        );
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        connection
    };
    let _early = get("early.txt");
    let tracing = Tracing::attach(worker);
    let _late = get("late.txt");
    drop(get("late.txt"));
    let open = compare_all(worker, tracing, ("", ""));
    for name in ["early.txt", "late.txt", "access.log"] {
        let there = open.values().any(|one| one.name.ends_with(name));
        assert!(there, "{name}: {open:#?}");
    }
    // One that listens and the two that stay.
    let tcp = open.values().filter(|one| one.kind == DescriptorKind::Tcp);
    assert!(tcp.count() >= 3, "{open:#?}");
}

#[test]
fn a_unix_abstract_or_netlink_socket_opened_before_a_late_attach_has_the_name_that_lsof_gives_it() {
    // Of each kind one from before the attach and one from after it. Among them: one that is bound and does not listen,
    // and those that are not bound, which no table of the kernel has.
    let directory = tempfile::tempdir().unwrap();
    let mut script = Script::start(&format!(
        "os.chdir('{}')\nS = socket.socket\nkept = []\n\
         def unix(name, kind=socket.SOCK_STREAM):\n    s = S(socket.AF_UNIX, kind)\n    s.bind(name)\n    return s\n\
         def make(t):\n    a = unix(t + '-path')\n    a.listen()\n    b = unix(t + '-bound')\n\
         \x20   c = unix(t + '-datagrams', socket.SOCK_DGRAM)\n\
         \x20   d = unix('\\0waitscope-%s-%d' % (t, os.getpid()))\n    d.listen()\n\
         \x20   e = S(socket.AF_UNIX)\n    e.connect(t + '-path')\n    f, _ = a.accept()\n\
         \x20   g = S(socket.AF_NETLINK, socket.SOCK_RAW, 0)\n    g.bind((0, 0))\n\
         \x20   h = S(socket.AF_NETLINK, socket.SOCK_RAW, 15)\n    h.bind((0, 1))\n\
         \x20   i = S()\n    j = S(socket.AF_INET6, socket.SOCK_DGRAM)\n\
         \x20   k = S(socket.AF_INET, socket.SOCK_DGRAM)\n    k.bind(('127.0.0.1', 0))\n    k.connect(('127.0.0.1', 9))\n\
         \x20   l = socket.create_server(('::1', 0), family=socket.AF_INET6)\n\
         \x20   kept.extend([a, b, c, d, e, f, g, h, i, j, k, l])\n\
         make('early')\nsay('ready')\nhear()\nmake('late')\nsay('done')\nhear()",
        directory.path().display()
    ));
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    assert_eq!(script.hear(), "done");
    let open = compare_all(script.pid(), tracing, ("", ""));
    for early in [true, false] {
        let of = |kind| {
            let same = |one: &&Descriptor| one.kind == kind && one.opened_ns.is_none() == early;
            open.values().filter(same).count()
        };
        use DescriptorKind::{Netlink, Tcp, Udp, Unix};
        let counts = (of(Unix), of(Netlink), of(Tcp), of(Udp));
        assert_eq!(counts, (6, 2, 2, 2), "early {early}: {open:#?}");
    }
}
