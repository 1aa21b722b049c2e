//! What can be downloaded: the very bytes of the command line, streamed, and a word where it can't be had.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use tempfile::TempDir;
use waitscope::{
    export::Source,
    model::{Call, Event},
    recording::Writer,
    serve::Exports,
    store::Store,
};

use crate::{
    blank,
    client::PATIENCE,
    site::{Site, end, events, trace},
};

const FORMATS: [(&str, &str, &str); 6] = [
    ("json", "application/json", "json"),
    ("ndjson", "application/x-ndjson", "ndjson"),
    ("chrome", "application/json", "chrome.json"),
    ("perfetto", "application/octet-stream", "pftrace"),
    ("csv", "text/csv; charset=utf-8", "csv"),
    ("parquet", "application/vnd.apache.parquet", "parquet"),
];

/// Of that number: they follow one another.
fn call(number: u64) -> Event {
    Event::Call(Call {
        start_ns: 1_000 * number,
        end_ns: 1_000 * number + 600,
        kernel_ns: 600,
        fd: Some(3),
        ret: Some(16),
        ..blank::call(7, 8, 0)
    })
}

/// A recording of so many calls, but for its end.
fn begin(calls: u64) -> (TempDir, PathBuf, Writer) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a b.waitscope");
    let mut writer = Writer::create(&path, &trace()).unwrap();
    writer.append(&events()).unwrap();
    for from in (1..=calls).step_by(1_000) {
        let part: Vec<Event> = (from..=calls.min(from + 999)).map(call).collect();
        writer.append(&part).unwrap();
    }
    writer.flush().unwrap();
    (dir, path, writer)
}

fn recording(calls: u64) -> (TempDir, PathBuf) {
    let (dir, path, writer) = begin(calls);
    let Event::End(end) = end() else {
        unreachable!()
    };
    writer.finish(end).unwrap();
    (dir, path)
}

fn site(path: &Path) -> Site {
    Site::exporting(Exports::recorded(Source::open(path).unwrap()))
}

/// What the command line writes.
fn typed(path: &Path, format: &str, range: &[(&str, u64)]) -> Vec<u8> {
    let out = path.with_extension("parquet");
    let mut command = Command::new(env!("CARGO_BIN_EXE_waitscope"));
    command.arg("export").arg(path).args(["--format", format]);
    command.arg("-o").arg(&out);
    for (option, ns) in range {
        command.arg(format!("--{option}")).arg(format!("{ns}ns"));
    }
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    std::fs::read(out).unwrap()
}

#[test]
fn every_format_and_range_is_byte_for_byte_what_the_command_line_writes() {
    let (_dir, path) = recording(3_000);
    let site = site(&path);
    for (format, content_type, ending) in FORMATS {
        let mut sizes = Vec::new();
        for (range, name) in [
            (&[][..], "a_b.".to_owned()),
            (
                &[("from", 1_000_100), ("to", 2_000_000)],
                "a_b-1000100-2000000ns.".to_owned(),
            ),
            (&[("from", 2_999_000)], "a_b-from-2999000ns.".to_owned()),
        ] {
            let asked: String = range
                .iter()
                .map(|(of, ns)| format!("&{of}_ns={ns}"))
                .collect();
            let address = format!("/api/export?format={format}{asked}");
            let answer = site.get(&address);
            assert_eq!(answer.status, 200, "{address}");
            assert!(
                answer.body == typed(&path, format, range),
                "{address}: other bytes"
            );
            assert_eq!(answer.header("content-type"), Some(content_type));
            assert_eq!(
                answer.header("content-disposition"),
                Some(format!("attachment; filename=\"{name}{ending}\"").as_str())
            );
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            sizes.push(answer.body.len());
        }
        assert!(
            sizes[0] > sizes[1] && sizes[1] > sizes[2],
            "{format}: {sizes:?}"
        );
    }
}

#[test]
fn what_is_asked_wrongly_or_cant_be_had_is_told_in_words() {
    let (_dir, path) = recording(10);
    let site = site(&path);
    for (asked, words) in [
        ("", "format"),
        ("?format=", "no export format \"\": there are json, ndjson"),
        (
            "?format=xml",
            "no export format \"xml\": there are json, ndjson",
        ),
        ("?format=json&from_ns=-1", "invalid digit"),
        (
            "?format=json&to_ns=18446744073709551616",
            "number too large",
        ),
        ("?format=json&from_ns=1.5", "invalid digit"),
        ("?format=json&from=5", "unknown field `from`"),
        ("?format=json&format=csv", "duplicate field"),
        (
            "?format=json&from_ns=5&to_ns=5",
            "from_ns must be before to_ns",
        ),
        ("?format=json&to_ns=0", "from_ns must be before to_ns"),
    ] {
        let answer = site.get(&format!("/api/export{asked}"));
        let said = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, 400, "{asked}: {said}");
        assert!(
            said.contains(words) && said.ends_with('\n'),
            "{asked}: {said}"
        );
    }
    let answer = site.get("/api/export?format=%3Cb%3E");
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    for (exports, why) in [
        (Exports::unrecorded(), "unrecorded"),
        (Exports::rotated(), "rotated"),
        (Exports::flown(), "flown"),
    ] {
        let site = Site::exporting(exports);
        let answer = site.get("/api/export?format=json");
        assert_eq!(answer.status, 409);
        assert!(String::from_utf8(answer.body).unwrap().contains(why));
        let told = &site.get("/api/trace").json()["export"];
        assert_eq!(
            *told,
            serde_json::json!({ "file": null, "grows": false, "why_not": why })
        );
    }
    let told = &site.get("/api/trace").json()["export"];
    assert_eq!(
        *told,
        serde_json::json!({ "file": path, "grows": false, "why_not": null })
    );
}

#[test]
fn what_a_live_trace_holds_is_exported_as_a_recording_of_the_same_is() {
    let (_dir, path, _writer) = begin(30_000);
    let site = Site::live();
    site.shared.store().extend((1..=30_000).map(call));
    for (format, content_type, ending) in FORMATS {
        for range in [&[][..], &[("from", 1_000_100), ("to", 2_000_000)]] {
            let asked: String = range
                .iter()
                .map(|(of, ns)| format!("&{of}_ns={ns}"))
                .collect();
            let answer = site.get(&format!("/api/export?format={format}{asked}"));
            assert_eq!(answer.status, 200, "{format}");
            assert!(
                answer.body == typed(&path, format, range),
                "{format}{asked}: other bytes"
            );
            assert_eq!(answer.header("content-type"), Some(content_type));
            let name = answer.header("content-disposition").unwrap();
            assert!(name.contains("trace") && name.contains(ending), "{name}");
        }
    }
    let told = &site.get("/api/trace").json()["export"];
    assert_eq!(
        *told,
        serde_json::json!({ "file": null, "grows": false, "why_not": "unrecorded" })
    );
}

#[test]
fn what_a_live_trace_let_go_is_not_exported_and_the_name_says_where_it_begins() {
    let site = Site::living(Store::new(trace(), 1 << 20));
    for from in (1..=100_000).step_by(1_000) {
        site.shared.store().extend((from..from + 1_000).map(call));
    }
    let held_ns = site.shared.store().state().held_ns;
    assert!(held_ns > 1_000_000, "{held_ns}");
    let answer = site.get("/api/export?format=ndjson");
    let name = answer.header("content-disposition").unwrap().to_owned();
    assert_eq!(
        name,
        format!("attachment; filename=\"trace-from-{held_ns}ns.ndjson\"")
    );
    let body = String::from_utf8(answer.body).unwrap();
    let ends = body.lines().filter_map(|line| {
        let one: serde_json::Value = serde_json::from_str(line).unwrap();
        (one["type"] == "call").then(|| one["end_ns"].as_u64().unwrap())
    });
    let ends: Vec<u64> = ends.collect();
    let wanted: Vec<u64> = (1..=100_000)
        .map(|number| 1_000 * number + 600)
        .filter(|ns| *ns > held_ns)
        .collect();
    assert_eq!(ends, wanted);
    let gone = site.get(&format!("/api/export?format=json&to_ns={held_ns}"));
    assert_eq!(gone.status, 409);
    let words = String::from_utf8(gone.body).unwrap();
    assert!(words.contains("in memory any more"), "{words}");
}

/// Asks, and reads no more than the head: what follows waits in the server.
fn ask(site: &Site, method: &str, address: &str) -> (u16, TcpStream) {
    let mut stream = site.connect();
    let head = site.head(method, address, &site.host(), &[("Cookie", &site.cookie)]);
    stream.write_all(head.as_bytes()).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    let status = std::str::from_utf8(&status[9..]).unwrap().parse().unwrap();
    (status, stream)
}

#[test]
fn two_go_on_at_once_and_one_whose_browser_is_gone_ends() {
    // More than all buffers between here and there hold.
    let (_dir, path) = recording(100_000);
    let site = site(&path);
    let address = "/api/export?format=ndjson";
    let (one, two) = (ask(&site, "GET", address), ask(&site, "GET", address));
    assert_eq!((one.0, two.0), (200, 200));
    for method in ["GET", "HEAD"] {
        assert_eq!(ask(&site, method, address).0, 429);
    }
    let refused = site.get(address);
    let said = String::from_utf8(refused.body).unwrap();
    assert!(said.contains("2 exports are under way"), "{said}");
    // The others are answered meanwhile.
    assert_eq!(site.get("/api/trace").status, 200);
    drop(one);
    let since = Instant::now();
    let three = loop {
        let three = ask(&site, "GET", address);
        if three.0 == 200 {
            break three;
        }
        assert!(
            since.elapsed() < PATIENCE,
            "its work goes on without a browser"
        );
    };
    drop((two, three));
}

#[test]
fn to_ask_what_would_come_begins_nothing() {
    let (_dir, path) = recording(100_000);
    let site = site(&path);
    for _ in 0..10 {
        let answer = site.ask(
            "HEAD",
            "/api/export?format=ndjson",
            &[("Cookie", &site.cookie)],
        );
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    }
    assert_eq!(ask(&site, "HEAD", "/api/export?format=xml").0, 400);
}

#[test]
fn a_recording_is_exported_as_it_was_opened_whatever_has_its_name_by_now() {
    let (_dir, path) = recording(500);
    let expected = typed(&path, "ndjson", &[]);
    let site = site(&path);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "something else").unwrap();
    assert!(site.get("/api/export?format=ndjson").body == expected);
}

#[test]
fn of_a_recording_that_is_being_written_what_there_is_by_then_is_exported() {
    let (_dir, path, mut writer) = begin(1_000);
    let site = Site::exporting(Exports::growing(Source::open(&path).unwrap()));
    let calls = || {
        let text = String::from_utf8(site.get("/api/export?format=ndjson").body).unwrap();
        let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first["ended"], false, "{first}");
        assert!(
            first["cut"]
                .as_str()
                .unwrap()
                .contains("or still writes it"),
            "{first}"
        );
        text.lines()
            .filter(|line| line.starts_with("{\"type\":\"call\""))
            .count()
    };
    // One of them is of the site's own trace.
    assert_eq!(calls(), 1_001);
    writer.append(&[call(1_001), call(1_002)]).unwrap();
    writer.flush().unwrap();
    assert_eq!(calls(), 1_003);
    let told = &site.get("/api/trace").json()["export"];
    assert_eq!(told["grows"], true);
}
