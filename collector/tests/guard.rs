//! The server as strangers and as the page meet it, over real connections. Needs no root.
//!
//! A client of a few lines of its own, so that nothing is told from the server's own parts.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use waitscope::{
    attach::Totals,
    model::{Call, Copying, End, Event, Life, LifeKind, Timeout, Trace},
    serve::{Server, Shared},
    store::Store,
};

/// One of each route.
const ROUTES: [&str; 9] = [
    "/",
    "/index.html",
    "/main.js",
    "/api/trace",
    "/api/live",
    "/api/lanes",
    "/api/names",
    "/api/tile/0/20/0",
    "/api/call/0/100",
];
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];
const END_NS: u64 = 10_000_000_000;
/// Nothing here takes so long, on any machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn every_route_refuses_without_the_cookie_or_with_a_wrong_one() {
    let site = Site::recorded();
    let wrong = format!("waitscope_{}={}", site.port(), "0".repeat(64));
    let other_port = site.cookie.replace(&format!("_{}=", site.port()), "_1=");
    let cut = &site.cookie[..site.cookie.len() - 1];
    for route in ROUTES.into_iter().chain(["/api", "/nothing", "/?token", "/api/trace?token=1"]) {
        assert_eq!(site.ask("GET", route, &[]).refused(), 403, "{route} without a cookie");
        for cookie in [&wrong, &other_port, cut, ""] {
            let answer = site.ask("GET", route, &[("Cookie", cookie)]);
            assert_eq!(answer.refused(), 403, "{route} with the cookie {cookie:?}");
        }
    }
}

#[test]
fn every_route_answers_with_the_cookie() {
    let site = Site::recorded();
    for route in ROUTES {
        let answer = site.get(route);
        assert_eq!(answer.status, 200, "{route}: {answer:?}");
        assert!(!answer.body.is_empty(), "{route} is empty");
    }
    let among_others = format!("a=b; {}; c=d", site.cookie);
    assert_eq!(site.ask("GET", "/api/trace", &[("Cookie", &among_others)]).status, 200);
}

#[test]
fn the_printed_address_is_exchanged_for_a_cookie() {
    let site = Site::recorded();
    let answer = site.ask("GET", &site.entrance, &[]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    let cookie = answer.header("set-cookie").unwrap();
    let mut parts = cookie.split("; ");
    let (name, value) = parts.next().unwrap().split_once('=').unwrap();
    assert_eq!(name, format!("waitscope_{}", site.port()));
    assert!(value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit()), "{value}");
    assert_eq!(parts.collect::<Vec<_>>(), ["HttpOnly", "SameSite=Strict", "Path=/"]);
    assert!(answer.body.is_empty());
}

#[test]
fn a_wrong_token_is_refused_even_with_the_cookie() {
    let site = Site::recorded();
    let cut = &site.entrance[..site.entrance.len() - 1];
    for entrance in ["/?token=", "/?token=0", cut, &format!("{}0", site.entrance), &format!("{}&a=b", site.entrance)] {
        let answer = site.ask("GET", entrance, &[("Cookie", &site.cookie)]);
        assert_eq!(answer.refused(), 403, "{entrance}");
        assert_eq!(answer.header("set-cookie"), None, "{entrance}");
    }
    let elsewhere = site.entrance.replace("/?", "/api/trace?");
    assert_eq!(site.ask("GET", &elsewhere, &[]).refused(), 403, "the token is for the entrance only");
}

#[test]
fn only_the_names_of_this_machine_are_answered() {
    let site = Site::recorded();
    let port = site.port();
    for host in ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"] {
        let host = format!("{host}:{port}");
        assert_eq!(site.send(&site.head("GET", "/api/trace", &host, &[("Cookie", &site.cookie)])).status, 200, "{host}");
    }
    let wrong = [
        format!("evil.example:{port}"),
        "evil.example".to_owned(),
        "localhost".to_owned(),
        format!("localhost:{}", port - 1),
        format!("localhost.evil.example:{port}"),
        format!("localhost:{port}.evil.example"),
        format!("localhost:{port}, evil.example"),
        format!("a@localhost:{port}"),
        String::new(),
    ];
    for host in &wrong {
        for route in [site.entrance.as_str(), "/", "/api/trace"] {
            let answer = site.send(&site.head("GET", route, host, &[("Cookie", &site.cookie)]));
            assert_eq!(answer.refused(), 421, "{route} of {host:?}");
        }
    }
    let cookie = &site.cookie;
    let two = format!("GET / HTTP/1.1\r\nHost: localhost:{port}\r\nHost: evil.example\r\nCookie: {cookie}\r\n\r\n");
    assert_eq!(site.send(&two).refused(), 421, "two hosts");
    let none = format!("GET / HTTP/1.0\r\nCookie: {cookie}\r\n\r\n");
    assert_eq!(site.send(&none).refused(), 421, "no host");
    let absolute = format!("GET http://evil.example/ HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: {cookie}\r\n\r\n");
    assert_eq!(site.send(&absolute).refused(), 421, "a host in the request line");
}

#[test]
fn other_origins_and_other_sites_are_refused() {
    let site = Site::recorded();
    let port = site.port();
    let own = [format!("http://localhost:{port}"), format!("http://127.0.0.1:{port}"), format!("http://[::1]:{port}")];
    for origin in &own {
        assert_eq!(site.get_with("/api/trace", "Origin", origin).status, 200, "{origin}");
    }
    let foreign = [
        "http://evil.example".to_owned(),
        format!("https://localhost:{port}"),
        format!("http://localhost:{}", port - 1),
        format!("http://localhost:{port}.evil.example"),
        "null".to_owned(),
        String::new(),
    ];
    for origin in &foreign {
        assert_eq!(site.get_with("/api/trace", "Origin", origin).refused(), 403, "{origin:?}");
        assert_eq!(site.get_with(&site.entrance, "Origin", origin).refused(), 403, "{origin:?}");
    }
    for (fetch, status) in [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403), ("", 403)] {
        assert_eq!(site.get_with("/api/trace", "Sec-Fetch-Site", fetch).status, status, "{fetch:?}");
    }
}

#[test]
fn nothing_but_get_and_head_is_allowed() {
    let site = Site::recorded();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "FOO"] {
        for route in ["/", "/api/trace", "/main.js"] {
            let answer = site.ask(method, route, &[("Cookie", &site.cookie)]);
            // A CONNECT to a path is no HTTP at all.
            let expected = if method == "CONNECT" { 400 } else { 405 };
            assert_eq!(answer.status, expected, "{method} {route}");
            assert!(answer.body.is_empty(), "{method} {route}");
        }
    }
    let answer = site.ask("HEAD", "/api/trace", &[("Cookie", &site.cookie)]);
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}

#[test]
fn every_answer_carries_the_headers_that_keep_others_out() {
    let site = Site::recorded();
    let wrong = ["/nothing", "/api/nothing", "/api/tile/0/41/0", "/api/tile/9/0/0", "/?token=0"];
    let long = format!("/{}", "a".repeat(3000));
    for route in ROUTES.into_iter().chain(wrong).chain([site.entrance.as_str(), &long]) {
        let stranger = site.ask("GET", route, &[]);
        let post = site.ask("POST", route, &[]);
        let rebound = site.send(&site.head("GET", route, "evil.example", &[]));
        for answer in [site.get(route), stranger, post, rebound] {
            for (name, value) in HEADERS {
                assert_eq!(answer.header(name), Some(value), "{name} of {route}: {answer:?}");
            }
            let caching = answer.header("cache-control").unwrap_or_default();
            let expected = match (answer.status, route) {
                (200, "/api/tile/0/20/0") => "private, max-age=31536000, immutable",
                (200, "/api/live" | "/" | "/index.html" | "/main.js") => "no-cache",
                _ => "no-store",
            };
            assert_eq!(caching, expected, "{route}: {answer:?}");
        }
    }
}

#[test]
fn no_path_leads_out_of_the_page() {
    let site = Site::recorded();
    for path in [
        "/../Cargo.toml", "/..%2fCargo.toml", "/%2e%2e/Cargo.toml", "//etc/passwd", "/etc/passwd", "/./main.js",
        "/assets/main.js", "/main.js/", "//main.js", "/main.js%00", "/src/lib.rs", "/api/../main.js", "//", "/api/",
        "/favicon.ico",
    ] {
        let answer = site.get(path);
        assert_eq!((answer.status, answer.body.len()), (404, 0), "{path}");
    }
}

#[test]
fn wrong_numbers_are_400_and_unknown_lanes_404() {
    let site = Site::recorded();
    for (path, status) in [
        ("/api/tile/0/0/0", 200),
        ("/api/tile/0/40/0", 200),
        ("/api/tile/0/41/0", 400),
        ("/api/tile/0/255/0", 400),
        ("/api/tile/0/256/0", 400),
        ("/api/tile/0/-1/0", 400),
        ("/api/tile/-1/0/0", 400),
        ("/api/tile/+0/0/0", 400),
        ("/api/tile/%200/0/0", 400),
        ("/api/tile/0/0/1.5", 400),
        ("/api/tile/0/0/x", 400),
        ("/api/tile/0/0/18446744073709551615", 400),
        ("/api/tile/0/0/18446744073709551616", 400),
        ("/api/tile/0/40/18446744073709551615", 400),
        ("/api/tile/0/0/%ff", 400),
        ("/api/tile/0/0/", 400),
        ("/api/tile/0/0", 404),
        ("/api/tile/0/0/0/0", 404),
        ("/api/tile/1/0/0", 404),
        ("/api/tile/4294967295/0/0", 404),
        ("/api/tile/4294967296/0/0", 400),
        ("/api/call/0/100", 200),
        ("/api/call/0/18446744073709551615", 200),
        ("/api/call/0/0", 404),
        ("/api/call/1/100", 404),
        ("/api/call/0/x", 400),
        ("/api/call/x/100", 400),
        ("/api/call/0/-100", 400),
    ] {
        let answer = site.get(path);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(status == 200 || answer.body.is_empty(), "{path}: {answer:?}");
    }
}

#[test]
fn addresses_and_heads_without_end_are_refused() {
    let site = Site::recorded();
    assert_eq!(site.get(&format!("/{}", "a".repeat(2047))).status, 404);
    assert_eq!(site.get(&format!("/{}", "a".repeat(2048))).refused(), 414);
    assert_eq!(site.get(&format!("/api/trace?{}", "a".repeat(2048))).refused(), 414);
    assert_eq!(site.get_with("/api/trace", "X-Long", &"a".repeat(100_000)).status, 431);
}

#[test]
fn the_answers_say_what_the_trace_is() {
    let site = Site::recorded();
    let expected = serde_json::json!({
        "trace": { "pid": 7, "command": "prog <b>", "host": "host", "kernel": "6.1.0", "arch": "x86_64",
                   "start_unix_ns": 1_700_000_000_000_000_000_u64, "backend": "tp_btf", "follow": false },
        "live": false, "source": "file.arrow", "tile_buckets": 512,
    });
    let answer = site.get("/api/trace");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json(), expected);

    let lanes = site.get("/api/lanes").json();
    assert_eq!((&lanes["more"], lanes["lanes"].as_array().unwrap().len()), (&0.into(), 1), "{lanes}");
    let lane = &lanes["lanes"][0];
    assert_eq!((&lane["lane"], &lane["pid"], &lane["tid"], &lane["name"]), (&0.into(), &7.into(), &8.into(), &"<i>".into()));
    assert_eq!((&lane["began_ns"], &lane["calls"]), (&serde_json::Value::Null, &1.into()), "{lane}");

    // From the kernel's table, arch/x86/entry/syscalls/syscall_64.tbl.
    let names = site.get("/api/names").json();
    for (nr, name) in [(0, "read"), (1, "write"), (232, "epoll_wait"), (435, "clone3"), (1023, "syscall_1023")] {
        assert_eq!(names[nr], name, "syscall {nr}");
    }
    assert_eq!(names.as_array().unwrap().len(), 1024);

    let call = site.get("/api/call/0/100").json();
    assert_eq!((&call["call"]["tid"], &call["call"]["start_ns"]), (&8.into(), &100.into()), "{call}");
    assert_eq!((&call["offcpu"], &call["offcpu_more"]), (&serde_json::json!([]), &0.into()), "{call}");

    let tile = site.get("/api/tile/0/20/0");
    assert_eq!(tile.header("content-type"), Some("application/octet-stream"));
    assert_eq!(tile.body[..8], *b"WST1\x01\0\0\0", "magic, and the flag of a sealed tile");
}

#[test]
fn a_browser_keeps_sealed_tiles_for_this_server_only() {
    let site = Site::recorded();
    // The next trace on the same port has the same addresses, and only another secret.
    assert_eq!(site.get("/api/tile/0/20/0").header("vary"), Some("Cookie"));
    let past_the_end = site.get("/api/tile/0/40/0");
    assert_eq!((past_the_end.status, past_the_end.header("cache-control")), (200, Some("no-store")));
}

#[test]
fn a_browser_gets_a_file_of_the_page_once() {
    let site = Site::recorded();
    let answer = site.get("/main.js");
    let tag = answer.header("etag").unwrap();
    assert!(answer.header("content-type").unwrap().starts_with("text/javascript"), "{answer:?}");
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"a\", {tag}")] {
        let again = site.get_with("/main.js", "If-None-Match", &known);
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
        assert_eq!(again.header("etag"), Some(tag));
    }
    assert_eq!(site.get_with("/main.js", "If-None-Match", "\"a\"").status, 200);
    assert_ne!(site.get("/index.html").header("etag"), Some(tag));
    let stranger = site.ask("GET", "/main.js", &[("If-None-Match", tag)]);
    assert_eq!(stranger.refused(), 403, "the tag is no way in");
}

#[test]
fn the_stream_tells_a_state_then_a_newer_one() {
    let site = Site::live();
    let mut stream = site.stream();
    let first = stream.next();
    assert_eq!((&first["ended"], &first["made"]), (&false.into(), &serde_json::Value::Null), "{first}");
    let totals = Totals { made: 11, lost: 2, untracked: 3, compat: 4 };
    site.shared.tick(500, 400, Vec::new(), &totals, Some(99));
    let second = stream.next();
    assert_eq!((&second["now_ns"], &second["sealed_ns"]), (&500.into(), &400.into()), "{second}");
    assert_eq!((&second["made"], &second["lost"]), (&11.into(), &2.into()), "{second}");
    assert_eq!((&second["untracked"], &second["compat"]), (&3.into(), &4.into()), "{second}");
    assert_eq!((&second["calls"], &second["lanes"]), (&1.into(), &1.into()), "{second}");
    let cost = &second["cost"];
    assert!(cost["cpu_fraction"].is_f64() && cost["rss_bytes"].as_u64() > Some(4096), "{second}");
    assert_eq!((&cost["recorded_bytes"], &cost["probe_ns_per_call"]), (&99.into(), &serde_json::Value::Null));
    site.shared.store().extend([end()]);
    site.shared.ended();
    let last = stream.next();
    assert_eq!((&last["ended"], &last["made"], &last["cost"]["recorded_bytes"]), (&true.into(), &3.into(), &99.into()), "{last}");
}

#[test]
fn a_slow_browser_gets_the_latest_state_and_at_most_ten_a_second() {
    let site = Site::live();
    let mut stream = site.stream();
    stream.next();
    let began = Instant::now();
    let mut told = 0;
    for now_ns in 1_000..1_300 {
        site.shared.tick(now_ns, 0, Vec::new(), &Totals::default(), None);
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut now_ns = 0;
    while now_ns < 1_299 {
        let state = stream.next();
        let newer = state["now_ns"].as_u64().unwrap();
        assert!(newer > now_ns, "{newer} after {now_ns}");
        (now_ns, told) = (newer, told + 1);
    }
    let most = began.elapsed().as_millis() / 100 + 1;
    assert!(told <= most, "{told} states in {:?}", began.elapsed());
}

#[test]
fn a_recording_is_over_and_says_what_is_missing() {
    let site = Site::recorded();
    let state = site.stream().next();
    assert_eq!((&state["ended"], &state["cut"]), (&true.into(), &"torn".into()), "{state}");
    assert_eq!((&state["made"], &state["now_ns"]), (&3.into(), &END_NS.into()), "{state}");
}

#[test]
fn gone_browsers_leave_room_for_others() {
    let site = Site::live();
    // More than there is room for, one after the other.
    for _ in 0..200 {
        site.stream().next();
    }
    assert_eq!(site.get("/api/trace").status, 200);
}

#[test]
fn shutdown_cuts_open_streams_and_idle_connections() {
    let mut site = Site::live();
    let mut stream = site.stream();
    stream.next();
    let mut idle = site.connect();
    idle.write_all(site.head("GET", "/api/trace", &site.host(), &[("Cookie", &site.cookie)]).as_bytes()).unwrap();
    idle.read_exact(&mut [0; 16]).unwrap();
    let silent = site.connect();
    let began = Instant::now();
    site.end().unwrap();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "shutdown took {took:?}");
    drop((idle, silent, stream));
    TcpStream::connect(site.address).unwrap_err();
}

#[test]
fn a_taken_port_is_told_with_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = bind(address).unwrap_err();
    assert!(error.contains(&address.to_string()) && error.contains("--listen 127.0.0.1:0"), "{error}");
}

#[test]
fn other_addresses_than_loopback_are_refused() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:127.0.0.1]:0"] {
        let error = bind(address.parse().unwrap()).unwrap_err();
        assert!(error.contains(address) && error.contains("--listen 127.0.0.1:0"), "{error}");
    }
    assert!(bind("127.0.0.2:0".parse().unwrap()).unwrap().starts_with("http://127.0.0.2:"));
}

/// The page's address, or the error as the program prints it.
fn bind(address: SocketAddr) -> Result<String, String> {
    let bound = runtime().block_on(Server::bind(address)).map_err(|error| format!("{error:#}"))?;
    Ok(bound.address())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A server on a thread of its own, as the program runs it.
struct Site {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Path and query of the printed address.
    entrance: String,
    cookie: String,
    shutdown: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Site {
    fn recorded() -> Self {
        let mut store = store();
        store.extend([end()]);
        Self::new(Shared::recorded(store, "file.arrow", Some("torn".to_owned())))
    }

    fn live() -> Self {
        Self::new(Shared::live(store(), "attach"))
    }

    fn new(shared: Shared) -> Self {
        let shared = Arc::new(shared);
        let (shutdown, asked) = tokio::sync::oneshot::channel();
        let (tell, told) = mpsc::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            runtime().block_on(async {
                let bound = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
                tell.send(bound.address()).unwrap();
                tokio::spawn(bound.serve(serving, async { asked.await.unwrap_or_default() })).await.unwrap()
            })
        });
        let printed = told.recv().unwrap();
        let (host, query) = printed.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let address: SocketAddr = host.parse().unwrap();
        let secret = query.strip_prefix("?token=").unwrap();
        Self {
            shared,
            address,
            entrance: format!("/{query}"),
            cookie: format!("waitscope_{}={secret}", address.port()),
            shutdown: Some(shutdown),
            thread: Some(thread),
        }
    }

    fn port(&self) -> u16 {
        self.address.port()
    }

    fn host(&self) -> String {
        self.address.to_string()
    }

    fn end(&mut self) -> anyhow::Result<()> {
        drop(self.shutdown.take());
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap())
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn head(&self, method: &str, path: &str, host: &str, headers: &[(&str, &str)]) -> String {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[("Cookie", &self.cookie)])
    }

    fn get_with(&self, path: &str, name: &str, value: &str) -> Answer {
        self.ask("GET", path, &[("Cookie", &self.cookie), (name, value)])
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(&self.head(method, path, &self.host(), headers))
    }

    fn send(&self, head: &str) -> Answer {
        let mut stream = self.connect();
        // A server that refuses early may have closed it already.
        let _ = stream.write_all(head.as_bytes());
        Answer::read(&mut stream, head.starts_with("HEAD"))
    }

    fn stream(&self) -> Stream {
        let mut stream = self.connect();
        let head = self.head("GET", "/api/live", &self.host(), &[("Cookie", &self.cookie)]);
        stream.write_all(head.as_bytes()).unwrap();
        Stream { stream, text: String::new() }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn read(stream: &mut TcpStream, head_only: bool) -> Self {
        let mut bytes = Vec::new();
        let mut read_to = |bytes: &mut Vec<u8>, done: &dyn Fn(&[u8]) -> bool| {
            let mut part = [0; 4096];
            while !done(bytes) {
                let count = stream.read(&mut part).unwrap();
                assert!(count > 0, "the connection ended in {:?}", String::from_utf8_lossy(bytes));
                bytes.extend(&part[..count]);
            }
        };
        let end_of_head = |bytes: &[u8]| bytes.windows(4).position(|four| four == b"\r\n\r\n");
        read_to(&mut bytes, &|bytes| end_of_head(bytes).is_some());
        let body_at = end_of_head(&bytes).unwrap() + 4;
        let head = String::from_utf8(bytes[..body_at].to_vec()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: Vec::new() };
        if answer.header("transfer-encoding").is_some() {
            // A stream has no end: its first event will do.
            read_to(&mut bytes, &|bytes| bytes[body_at..].windows(2).any(|two| two == b"\n\n"));
        } else if !head_only && status != 304 {
            let length: usize = answer.header("content-length").unwrap_or("0").parse().unwrap();
            read_to(&mut bytes, &|bytes| bytes.len() >= body_at + length);
            assert_eq!(bytes.len(), body_at + length, "more than was announced");
        }
        answer.body = bytes.split_off(body_at);
        answer
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|header| header.0 == name);
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} twice in {self:?}");
        Some(&value.1)
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The status of a refusal, which says nothing else.
    fn refused(&self) -> u16 {
        assert!(self.body.is_empty(), "a refusal with a body: {self:?}");
        assert_eq!(self.header("connection"), Some("close"), "{self:?}");
        self.status
    }
}

/// The events of `/api/live`.
struct Stream {
    stream: TcpStream,
    text: String,
}

impl Stream {
    fn next(&mut self) -> serde_json::Value {
        loop {
            if let Some((before, rest)) = self.text.split_once("\n\n") {
                let event = before.rsplit_once("data: ").map(|(_, data)| data.to_owned());
                self.text = rest.to_owned();
                match event {
                    Some(data) => return serde_json::from_str(&data).unwrap(),
                    None => continue,
                }
            }
            let mut part = [0; 4096];
            let count = self.stream.read(&mut part).unwrap();
            assert!(count > 0, "the stream ended after {:?}", self.text);
            self.text.push_str(std::str::from_utf8(&part[..count]).unwrap());
        }
    }
}

/// One thread with one call.
fn store() -> Store {
    let trace = Trace {
        pid: 7,
        command: "prog <b>".to_owned(),
        host: "host".to_owned(),
        kernel: "6.1.0".to_owned(),
        arch: "x86_64".to_owned(),
        start_boot_ns: 5,
        start_unix_ns: 1_700_000_000_000_000_000,
        backend: "tp_btf".to_owned(),
        follow: false,
    };
    let mut store = Store::new(trace, 64 << 20);
    let found = Life { pid: 7, tid: 8, at_ns: 0, kind: LifeKind::Found, name: "<i>".to_owned() };
    store.extend([Event::Life(found), Event::Call(call())]);
    store
}

fn call() -> Call {
    Call {
        pid: 7,
        tid: 8,
        cpu: 0,
        nr: 0,
        start_ns: 100,
        end_ns: 150,
        kernel_ns: 50,
        blocked_ns: 0,
        runnable_ns: 0,
        copying_ns: 0,
        copying: Copying::None,
        sleeps: 0,
        preemptions: 0,
        first_sleep_ns: None,
        last_wake_ns: None,
        waker: None,
        fd: Some(3),
        requested: Some(16),
        timeout: Timeout::Unknown,
        ret: Some(16),
        began_before: false,
        killed: false,
        continues: false,
        others: 0,
        other_ns: 0,
    }
}

fn end() -> Event {
    Event::End(End { at_ns: END_NS, made: 3, lost: 0, untracked: 0, compat: 0 })
}
