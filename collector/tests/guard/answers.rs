//! What a browser with the cookie is told.

use std::sync::Arc;

use serde_json::Value;
use waitscope::{
    attach::Totals,
    model::{Descriptor, Event, Life, LifeKind, Ready, Request},
    reading::Reading,
    serve::Comparison,
    store::Store,
};

use crate::{
    ROUTES, blank,
    site::{Site, events, growing, trace},
};

#[test]
fn every_route_answers_with_the_cookie() {
    let site = Site::recorded();
    for route in ROUTES {
        let answer = site.get(route);
        assert_eq!(answer.status, 200, "{route}: {answer:?}");
        assert!(!answer.body.is_empty(), "{route} is empty");
    }
    let among_others = format!("a=b; {}; c=d", site.cookie);
    assert_eq!(
        site.ask("GET", "/api/trace", &[("Cookie", &among_others)])
            .status,
        200
    );
}

#[test]
fn wrong_numbers_are_400_and_unknown_lanes_404() {
    let site = Site::recorded();
    for (path, status) in [
        ("/api/tiles/0/0/0", 200),
        ("/api/tiles/40/0/0", 200),
        ("/api/tiles/41/0/0", 400),
        ("/api/tiles/255/0/0", 400),
        ("/api/tiles/256/0/0", 400),
        ("/api/tiles/-1/0/0", 400),
        ("/api/tiles/0/0/-1", 400),
        ("/api/tiles/0/0/+0", 400),
        ("/api/tiles/0/0/%200", 400),
        ("/api/tiles/0/1.5/0", 400),
        ("/api/tiles/0/x/0", 400),
        ("/api/tiles/0/18446744073709551615/0", 400),
        ("/api/tiles/0/18446744073709551616/0", 400),
        ("/api/tiles/40/18446744073709551615/0", 400),
        ("/api/tiles/0/%ff/0", 400),
        ("/api/tiles/0//0", 400),
        ("/api/tiles/0/0/", 404),
        ("/api/tiles/0/0", 404),
        ("/api/tiles/0/0/0/0", 404),
        ("/api/tiles/0/0/1", 404),
        ("/api/tiles/0/0/4294967295", 404),
        ("/api/tiles/0/0/4294967296", 400),
        ("/api/tiles/0/0/0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0", 200),
        ("/api/tiles/0/0/0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0", 400),
        ("/api/tiles/0/0/0,", 400),
        ("/api/tiles/0/0/,", 400),
        ("/api/call/0/100", 200),
        ("/api/call/0/18446744073709551615", 200),
        ("/api/call/0/0", 404),
        ("/api/call/1/100", 404),
        ("/api/call/0/x", 400),
        ("/api/call/x/100", 400),
        ("/api/call/0/-100", 400),
        ("/api/story/0/100", 200),
        ("/api/story/0/18446744073709551615", 200),
        ("/api/story/0/0", 404),
        ("/api/story/1/100", 404),
        ("/api/story/0/x", 400),
        ("/api/story/-1/100", 400),
        ("/api/story/0", 404),
        ("/api/turns/0/0/18446744073709551615", 200),
        ("/api/turns/0/9/3", 200),
        ("/api/turns/1/0/100", 404),
        ("/api/turns/0/x/100", 400),
        ("/api/turns/0/0/-1", 400),
        ("/api/turns/0/0", 404),
        ("/api/connection/3/0/1000/10", 200),
        (
            "/api/connection/4294967295/0/18446744073709551615/4096",
            200,
        ),
        ("/api/connection/4294967296/0/1000/10", 400),
        ("/api/connection/3/0/1000/0", 400),
        ("/api/connection/3/0/1000/4097", 400),
        ("/api/connection/3/9/9/10", 400),
        ("/api/connection/3/-1/9/10", 400),
        ("/api/connection/3/0/1000", 404),
        ("/api/totals?lane=1", 200),
        ("/api/totals?lane=x", 400),
        ("/api/totals?lane=-1", 400),
        ("/api/totals?lane=4294967296", 400),
        ("/api/totals?from_ns=1.5", 400),
        ("/api/totals?to_ns=18446744073709551615", 200),
        ("/api/totals?to_ns=18446744073709551616", 400),
        ("/api/totals?failed=yes", 400),
        ("/api/totals?failed=true&failed=true", 400),
        ("/api/totals?thread=8", 400),
        ("/api/totals?%ff", 400),
        ("/api/totals/0", 404),
        ("/api/latency?from_ns=9&to_ns=3", 200),
        ("/api/heatmap?columns=0", 400),
        ("/api/heatmap?columns=512", 200),
        ("/api/heatmap?columns=513", 400),
        ("/api/heatmap?from_ns=18446744073709551615", 200),
        ("/api/longest?count=0", 400),
        ("/api/longest?count=1000", 200),
        ("/api/longest?count=1001", 400),
        ("/api/next", 400),
        ("/api/next?at_ns=100", 404),
        ("/api/next?at_ns=99", 200),
        ("/api/next?at_ns=18446744073709551615", 404),
        ("/api/previous?at_ns=100", 404),
        ("/api/previous?at_ns=101&lane=1", 404),
        ("/api/previous?at_ns=101&lane=0", 200),
    ] {
        let answer = site.get(path);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(
            status == 200 || answer.body.is_empty(),
            "{path}: {answer:?}"
        );
    }
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
    let mut told = answer.json();
    // Named like no other file: see the tests of exports.
    let export = told.as_object_mut().unwrap().remove("export").unwrap();
    assert!(
        export["file"].is_string() && export["why_not"].is_null(),
        "{export}"
    );
    assert_eq!(told, expected);

    let lanes = site.get("/api/lanes").json();
    assert_eq!(
        (&lanes["more"], lanes["lanes"].as_array().unwrap().len()),
        (&0.into(), 1),
        "{lanes}"
    );
    let lane = &lanes["lanes"][0];
    assert_eq!(
        (&lane["lane"], &lane["pid"], &lane["tid"], &lane["name"]),
        (&0.into(), &7.into(), &8.into(), &"<i>".into())
    );
    assert_eq!(
        (&lane["began_ns"], &lane["calls"]),
        (&Value::Null, &1.into()),
        "{lane}"
    );

    // From the kernel's table, arch/x86/entry/syscalls/syscall_64.tbl.
    let names = site.get("/api/names").json();
    for (nr, name) in [
        (0, "read"),
        (1, "write"),
        (232, "epoll_wait"),
        (435, "clone3"),
        (1023, "syscall_1023"),
    ] {
        assert_eq!(names[nr], name, "syscall {nr}");
    }
    assert_eq!(names.as_array().unwrap().len(), 1024);

    let call = site.get("/api/call/0/100").json();
    assert_eq!(
        (&call["call"]["tid"], &call["call"]["start_ns"]),
        (&8.into(), &100.into()),
        "{call}"
    );
    assert_eq!(
        (&call["offcpu"], &call["offcpu_more"]),
        (&serde_json::json!([]), &0.into()),
        "{call}"
    );

    let ready = serde_json::json!([{
        "tid": 8, "pid": 7, "call_start_ns": 100, "fd": 5, "asked": 1, "ready": 17, "name": null
    }]);
    assert_eq!(call["ready"], ready, "{call}");

    let totals = site.get("/api/totals").json();
    let lane = &totals["lanes"][0];
    assert_eq!(
        (&totals["all"]["calls"], &lane["lane"], &lane["sum"]),
        (&1.into(), &0.into(), &totals["all"]),
        "{totals}"
    );
    let longest = site.get("/api/longest").json();
    assert_eq!(longest["calls"][0]["call"], call["call"], "{longest}");
    let duration = &call["call"]["end_ns"].as_u64().unwrap() - 100;
    let slots = site.get("/api/latency").json();
    let slot = &slots["slots"][0];
    assert!(
        slot[0].as_u64() <= Some(duration) && slot[1].as_u64() >= Some(duration),
        "{duration} in {slots}"
    );
    let heatmap = site.get("/api/heatmap?from_ns=100&columns=3").json();
    assert_eq!(
        (&heatmap["cells"][0][0], &heatmap["cells"][0][3]),
        (&0.into(), &1.into()),
        "{heatmap}"
    );

    let answer = site.get("/api/tiles/20/0/0");
    assert_eq!(
        answer.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(
        answer.tile(0)[..8],
        *b"WST1\x01\0\0\0",
        "magic, and the flag of a sealed tile"
    );
}

#[test]
fn the_report_is_that_of_the_command_line_and_until_it_is_read_it_says_how_far_that_is() {
    let expected = serde_json::to_value(growing().report()).unwrap();
    let answer = Site::recorded().get("/api/report").json();
    assert_eq!(answer["report"], expected);
    assert_eq!(
        (
            &answer["reading"],
            &answer["failed"],
            &answer["threads_more"]
        ),
        (&Value::Null, &Value::Null, &0.into())
    );
    let unread = Site::gone().get("/api/report").json();
    assert_eq!(
        unread,
        serde_json::json!({
            "report": null, "reading": { "read_bytes": 0, "all_bytes": 0 }, "failed": null
        })
    );
}

#[test]
fn without_a_second_recording_there_is_nothing_to_compare_and_with_one_it_says_how_far_it_is() {
    let none = Site::recorded().get("/api/diff").json();
    let expected =
        serde_json::json!({ "names": null, "diff": null, "reading": null, "failed": null });
    assert_eq!(none, expected);
    let reading = Arc::new(Reading::default());
    let site = Site::compared(Comparison::new("a <b>", "b", Arc::clone(&reading)));
    let mut expected = serde_json::json!({
        "names": ["a <b>", "b"], "diff": null, "reading": { "read_bytes": 0, "all_bytes": 0 }, "failed": null
    });
    assert_eq!(site.get("/api/diff").json(), expected);
    reading.run(|progress| {
        progress(3, 9);
        assert_eq!(
            site.get("/api/diff").json()["reading"],
            serde_json::json!({ "read_bytes": 3, "all_bytes": 9 })
        );
        anyhow::bail!("no such luck")
    });
    expected["reading"] = Value::Null;
    expected["failed"] = "no such luck".into();
    assert_eq!(site.get("/api/diff").json(), expected);
}

#[test]
fn tiles_of_several_lanes_come_in_the_order_asked_for_and_each_as_it_comes_alone() {
    let site = Site::live();
    site.shared.store().extend([Event::Life(Life {
        pid: 7,
        tid: 9,
        at_ns: 0,
        kind: LifeKind::Found,
        name: "idle".to_owned(),
    })]);
    site.shared
        .tick(500, 400, Vec::new(), &Totals::default(), None);
    let [first, second] = [0, 1].map(|lane| site.get(&format!("/api/tiles/0/0/{lane}")));
    assert_ne!(first.tile(0), second.tile(1), "only one has a call");
    assert_eq!(first.tile(0)[4], 0, "the flag of a sealed tile");
    let both = site.get("/api/tiles/0/0/1,0");
    assert_eq!(both.body, [second.body, first.body].concat());
    assert_eq!(both.header("cache-control"), Some("no-store"));
    assert_eq!(site.get("/api/tiles/0/0/0,2").status, 404);
}

#[test]
fn the_page_names_all_its_modules_so_that_a_browser_asks_for_them_at_once() {
    let site = Site::recorded();
    let answer = site.get("/");
    let links: Vec<&str> = answer.header("link").unwrap().split(", ").collect();
    let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/../web-ui/assets");
    let names = std::fs::read_dir(assets).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let modules: Vec<String> = names.filter(|name| name.ends_with(".js")).collect();
    assert_eq!(links.len(), modules.len());
    for name in modules {
        let link = format!("</{name}>; rel=modulepreload");
        assert!(links.contains(&link.as_str()), "{name} in {links:?}");
        assert_eq!(site.get(&format!("/{name}")).status, 200);
    }
    assert_eq!(site.get("/main.js").header("link"), None);
}

#[test]
fn a_browser_gets_a_file_of_the_page_once() {
    let site = Site::recorded();
    let answer = site.get("/main.js");
    let tag = answer.header("etag").unwrap();
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("text/javascript"),
        "{answer:?}"
    );
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"a\", {tag}")] {
        let again = site.get_with("/main.js", "If-None-Match", &known);
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
        assert_eq!(again.header("etag"), Some(tag));
    }
    assert_eq!(
        site.get_with("/main.js", "If-None-Match", "\"a\"").status,
        200
    );
    assert_ne!(site.get("/").header("etag"), Some(tag));
    let stranger = site.ask("GET", "/main.js", &[("If-None-Match", tag)]);
    assert_eq!(stranger.refused(), 403, "the tag is no way in");
}

/// A socket that was found ready and never read, and a request of another process on another one.
fn left() -> Vec<Event> {
    let socket = |id: u32, pid: u32, closed_ns| {
        Event::Descriptor(Descriptor {
            name: "a ← b".to_owned(),
            closed_ns,
            ..blank::descriptor(pid, 5, id)
        })
    };
    let look = waitscope::model::Call {
        start_ns: 200,
        end_ns: 260,
        kernel_ns: 60,
        ret: Some(1),
        ..blank::call(7, 8, 232)
    };
    let ready = Ready {
        pid: 7,
        tid: 8,
        call_start_ns: 200,
        fd: Some(5),
        descriptor: Some(1),
        asked: Some(1),
        ready: 1,
    };
    let request = Request {
        pid: 9,
        tid: 10,
        ring: Some(3),
        opcode: 27,
        fd: Some(5),
        descriptor: Some(2),
        submit_ns: Some(300),
        complete_ns: Some(700),
        user_data: 1,
        ret: Some(12),
        shot: 0,
        more: false,
    };
    vec![
        socket(1, 7, None),
        socket(2, 9, None),
        socket(4, 11, None),
        Event::Ready(ready),
        Event::Call(look),
        Event::Request(request),
        socket(1, 7, Some(900)),
    ]
}

#[test]
fn of_a_connection_it_says_what_requests_did_and_what_nobody_read_or_that_it_is_not_known() {
    let site = Site::live();
    site.shared.store().extend(left());
    let ask = |id: u32| site.get(&format!("/api/connection/{id}/0/1000/10")).json();
    let one = ask(1);
    assert_eq!(
        (&one["unread_known"], &one["unread"]),
        (&true.into(), &serde_json::json!([0, 200, 260, 900]))
    );
    assert_eq!(
        one["requests"],
        serde_json::json!({ "kept_ns": 0, "requests": [], "buckets": [] })
    );
    let (two, four) = (ask(2), ask(4));
    assert_eq!(two["unread_known"], false, "its process has a ring");
    assert_eq!(
        (&four["unread_known"], &four["unread"]),
        (&true.into(), &Value::Null)
    );
    let told = serde_json::json!([[null, "recv", "receive", 300, 700, 0, 12]]);
    assert_eq!(two["requests"]["requests"], told);
    assert_eq!(ask(3)["unread_known"], false, "nothing is known of it");
    // The programs know of a loss before the record after it tells where it was.
    let totals = Totals {
        lost: 1,
        ..Totals::default()
    };
    site.shared.tick(1_000, 0, Vec::new(), &totals, None);
    assert_eq!(ask(1)["unread_known"], false);
}

#[test]
fn requests_are_not_known_before_all_of_a_recording_is_read() {
    let site = Site::recorded();
    site.shared.store().extend(left());
    let ask = || site.get("/api/connection/2/0/1000/10").json();
    assert_eq!(ask()["requests"], Value::Null, "and not none");
    let mut store = Store::new(trace(), 64 << 20);
    store.extend(events());
    store.extend(left());
    site.shared.replace(store, None);
    assert_eq!(ask()["requests"]["requests"].as_array().unwrap().len(), 1);
}
