//! Who is refused, and that refusals say nothing.

use waitscope::{model::Rule, recording::Flight};

use crate::{
    ROUTES,
    site::{Site, flight_plan, trace},
};

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

#[test]
fn every_route_refuses_without_the_cookie_or_with_a_wrong_one() {
    let site = Site::recorded();
    let wrong = format!("waitscope_{}={}", site.port(), "0".repeat(64));
    let other_port = site.cookie.replace(&format!("_{}=", site.port()), "_1=");
    let cut = &site.cookie[..site.cookie.len() - 1];
    for route in ROUTES
        .into_iter()
        .chain(["/api", "/nothing", "/?token", "/api/trace?token=1"])
    {
        assert_eq!(
            site.ask("GET", route, &[]).refused(),
            403,
            "{route} without a cookie"
        );
        for cookie in [&wrong, &other_port, cut, ""] {
            let answer = site.ask("GET", route, &[("Cookie", cookie)]);
            assert_eq!(answer.refused(), 403, "{route} with the cookie {cookie:?}");
        }
    }
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
    assert!(
        value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{value}"
    );
    assert_eq!(
        parts.collect::<Vec<_>>(),
        ["HttpOnly", "SameSite=Strict", "Path=/"]
    );
    assert!(answer.body.is_empty());
}

#[test]
fn a_wrong_token_is_refused_even_with_the_cookie() {
    let site = Site::recorded();
    let cut = &site.entrance[..site.entrance.len() - 1];
    for entrance in [
        "/?token=",
        "/?token=0",
        cut,
        &format!("{}0", site.entrance),
        &format!("{}&a=b", site.entrance),
    ] {
        let answer = site.ask("GET", entrance, &[("Cookie", &site.cookie)]);
        assert_eq!(answer.refused(), 403, "{entrance}");
        assert_eq!(answer.header("set-cookie"), None, "{entrance}");
    }
    let elsewhere = site.entrance.replace("/?", "/api/trace?");
    assert_eq!(
        site.ask("GET", &elsewhere, &[]).refused(),
        403,
        "the token is for the entrance only"
    );
}

#[test]
fn only_the_names_of_this_machine_are_answered() {
    let site = Site::recorded();
    let port = site.port();
    for host in ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"] {
        let host = format!("{host}:{port}");
        assert_eq!(
            site.send(&site.head("GET", "/api/trace", &host, &[("Cookie", &site.cookie)]))
                .status,
            200,
            "{host}"
        );
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
    let two = format!(
        "GET / HTTP/1.1\r\nHost: localhost:{port}\r\nHost: evil.example\r\nCookie: {cookie}\r\n\r\n"
    );
    assert_eq!(site.send(&two).refused(), 421, "two hosts");
    let none = format!("GET / HTTP/1.0\r\nCookie: {cookie}\r\n\r\n");
    assert_eq!(site.send(&none).refused(), 421, "no host");
    let absolute = format!(
        "GET http://evil.example/ HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: {cookie}\r\n\r\n"
    );
    assert_eq!(
        site.send(&absolute).refused(),
        421,
        "a host in the request line"
    );
}

#[test]
fn other_origins_and_other_sites_are_refused() {
    let site = Site::recorded();
    let port = site.port();
    let own = [
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1:{port}"),
        format!("http://[::1]:{port}"),
    ];
    for origin in &own {
        assert_eq!(
            site.get_with("/api/trace", "Origin", origin).status,
            200,
            "{origin}"
        );
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
        assert_eq!(
            site.get_with("/api/trace", "Origin", origin).refused(),
            403,
            "{origin:?}"
        );
        assert_eq!(
            site.get_with(&site.entrance, "Origin", origin).refused(),
            403,
            "{origin:?}"
        );
    }
    for (fetch, status) in [
        ("same-origin", 200),
        ("none", 200),
        ("same-site", 403),
        ("cross-site", 403),
        ("", 403),
    ] {
        assert_eq!(
            site.get_with("/api/trace", "Sec-Fetch-Site", fetch).status,
            status,
            "{fetch:?}"
        );
    }
}

#[test]
fn nothing_but_get_and_head_is_allowed() {
    let site = Site::recorded();
    for method in [
        "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "FOO",
    ] {
        for route in ["/", "/api/trace", "/main.js"] {
            let answer = site.ask(method, route, &[("Cookie", &site.cookie)]);
            assert_eq!(answer.refused(), 405, "{method} {route}");
            assert_eq!(
                answer.header("allow"),
                Some("GET, HEAD"),
                "{method} {route}"
            );
        }
    }
    let answer = site.ask("HEAD", "/api/trace", &[("Cookie", &site.cookie)]);
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}

#[test]
fn a_capture_is_asked_for_by_the_page_alone_and_where_it_is_heeded_alone() {
    let site = Site::live();
    let own = format!("http://{}", site.host());
    let ask = |headers: &[(&str, &str)]| site.ask("POST", "/api/capture", headers);
    let cookie = ("Cookie", site.cookie.as_str());
    assert_eq!(ask(&[("Origin", &own)]).refused(), 403, "no secret");
    assert_eq!(ask(&[cookie]).refused(), 403, "nobody says who asks");
    let evil = ("Origin", "http://evil.example");
    assert_eq!(ask(&[cookie, evil]).refused(), 403);
    let elsewhere = ("Sec-Fetch-Site", "cross-site");
    assert_eq!(ask(&[cookie, ("Origin", &own), elsewhere]).refused(), 403);
    assert!(!site.shared.take_wish(), "a stranger's wish came through");
    // Without a flight recorder, or with one that was not told to heed the page.
    let rules = |rule: &str| vec![Rule::parse(rule, |_| None).unwrap()];
    let refused = |of: &str| {
        let answer = ask(&[cookie, ("Origin", &own)]);
        assert_eq!(answer.status, 409, "{of}");
        let words = String::from_utf8_lossy(&answer.body);
        assert!(words.contains("--trigger page"), "{of}: {words}");
        assert!(!site.shared.take_wish(), "{of}");
    };
    refused("without a flight recorder");
    let dir = tempfile::tempdir().unwrap();
    let flight = |rule| Flight::new(flight_plan(dir.path(), rules(rule)), &trace()).unwrap();
    site.shared.flies(&flight("signal USR1"));
    refused("with one that heeds a signal only");
    site.shared.flies(&flight("page"));
    for method in ["GET", "HEAD", "DELETE"] {
        let answer = site.ask(method, "/api/capture", &[cookie]);
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("POST")),
            "{method}"
        );
    }
    assert!(!site.shared.take_wish(), "a question is no wish");
    assert_eq!(ask(&[cookie, ("Origin", &own)]).status, 202);
    assert!(site.shared.take_wish() && !site.shared.take_wish());
}

#[test]
fn every_answer_carries_the_headers_that_keep_others_out() {
    let site = Site::recorded();
    let wrong = [
        "/nothing",
        "/api/nothing",
        "/api/tiles/41/0/0",
        "/api/tiles/0/0/9",
        "/?token=0",
    ];
    let long = format!("/{}", "a".repeat(3000));
    for route in ROUTES
        .into_iter()
        .chain(wrong)
        .chain([site.entrance.as_str(), &long])
    {
        let stranger = site.ask("GET", route, &[]);
        let post = site.ask("POST", route, &[]);
        let rebound = site.send(&site.head("GET", route, "evil.example", &[]));
        for answer in [site.get(route), stranger, post, rebound] {
            for (name, value) in HEADERS {
                assert_eq!(
                    answer.header(name),
                    Some(value),
                    "{name} of {route}: {answer:?}"
                );
            }
            let caching = answer.header("cache-control").unwrap_or_default();
            let expected = match (answer.status, route) {
                (200, "/" | "/main.js") => "no-cache",
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
        "/../Cargo.toml",
        "/..%2fCargo.toml",
        "/%2e%2e/Cargo.toml",
        "//etc/passwd",
        "/etc/passwd",
        "/./main.js",
        "/assets/main.js",
        "/main.js/",
        "//main.js",
        "/main.js%00",
        "/src/lib.rs",
        "/api/../main.js",
        "//",
        "/api/",
        "/favicon.ico",
    ] {
        let answer = site.get(path);
        assert_eq!((answer.status, answer.body.len()), (404, 0), "{path}");
    }
}

#[test]
fn addresses_and_heads_without_end_are_refused() {
    let site = Site::recorded();
    assert_eq!(site.get(&format!("/{}", "a".repeat(2047))).status, 404);
    assert_eq!(site.get(&format!("/{}", "a".repeat(2048))).refused(), 414);
    assert_eq!(
        site.get(&format!("/api/trace?{}", "a".repeat(2048)))
            .refused(),
        414
    );
    assert_eq!(
        site.get_with("/api/trace", "X-Long", &"a".repeat(100_000))
            .status,
        431
    );
}
