//! The event stream.

use std::time::{Duration, Instant};

use waitscope::{
    attach::Totals,
    model::{Condition, End, Event, Life, LifeKind, Piece, Rule, SHORT_BITS, Sketch},
    recording::Flight,
};

use crate::site::{END_NS, Site, end, events, flight_plan, gone, trace};

#[test]
fn captures_are_told_once_there_are_some_and_stay_told() {
    let site = Site::live();
    let mut stream = site.stream();
    assert_eq!(stream.next()["captures"], serde_json::Value::Null);
    let dir = tempfile::tempdir().unwrap();
    let rule = Rule::parse("signal USR1", |_| None).unwrap();
    let plan = flight_plan(dir.path(), vec![rule]);
    let mut flight = Flight::new(plan, &trace()).unwrap();
    let so_far = |seconds: u64| End {
        at_ns: seconds * 1_000_000_000,
        ..End::default()
    };
    let mut told = |of: &dyn Fn(&serde_json::Value) -> bool| loop {
        let captures = stream.next()["captures"].take();
        if of(&captures) {
            break captures;
        }
    };
    flight.append(&events()).unwrap();
    flight.flush(so_far(1)).unwrap();
    site.shared.flies(&flight);
    let nothing = serde_json::json!({ "list": [], "more": 0, "passed_over": 0, "under_way": null, "by_page": false });
    assert_eq!(told(&|captures| !captures.is_null()), nothing);
    flight.asked(&Condition::Signal(1), 1_500_000_000);
    site.shared.flies(&flight);
    let under_way = told(&|captures| !captures["under_way"].is_null());
    assert_eq!(
        under_way["under_way"],
        serde_json::json!({ "trigger": "signal USR1", "at_ns": 1_500_000_000, "tid": null })
    );
    flight.finish(so_far(3)).unwrap();
    site.shared.flies(&flight);
    let captures = told(&|captures| captures["list"][0].is_object());
    let [capture] = &captures["list"].as_array().unwrap()[..] else {
        panic!("{captures}")
    };
    let files = std::fs::read_dir(dir.path()).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(capture["file"], files[0].file_name().to_str().unwrap());
    assert_eq!(capture["bytes"], files[0].metadata().unwrap().len());
    assert_eq!(
        (&capture["trigger"], &capture["at_ns"], &capture["removed"]),
        (&"signal USR1".into(), &1_500_000_000.into(), &false.into())
    );
    // Whatever else is told later.
    let totals = Totals::default();
    site.shared
        .tick(4_000_000_000, 100, Vec::new(), &totals, None);
    let later = loop {
        let state = stream_state(&site);
        if state["now_ns"] == 4_000_000_000_u64 {
            break state;
        }
    };
    assert_eq!(later["captures"], captures);
}

/// What a page that comes now is told first.
fn stream_state(site: &Site) -> serde_json::Value {
    site.stream().next()
}

#[test]
fn the_stream_tells_a_state_then_a_newer_one() {
    let site = Site::live();
    let mut stream = site.stream();
    let first = stream.next();
    assert_eq!(
        (&first["ended"], &first["made"]),
        (&false.into(), &serde_json::Value::Null),
        "{first}"
    );
    let totals = Totals {
        made: 11,
        lost: 2,
        untracked: 3,
        compat: 4,
        unseen: 5,
    };
    // Sealed is what had ended before the last tick but one.
    site.shared.tick(450, 400, Vec::new(), &totals, Some(98));
    site.shared.tick(500, 400, Vec::new(), &totals, Some(99));
    let second = loop {
        let state = stream.next();
        if state["now_ns"] != 450 {
            break state;
        }
    };
    assert_eq!(
        (&second["now_ns"], &second["sealed_ns"]),
        (&500.into(), &400.into()),
        "{second}"
    );
    assert_eq!(
        (&second["made"], &second["lost"]),
        (&11.into(), &2.into()),
        "{second}"
    );
    assert_eq!(
        (&second["untracked"], &second["compat"]),
        (&3.into(), &4.into()),
        "{second}"
    );
    assert_eq!(
        (&second["calls"], &second["lanes"]),
        (&1.into(), &1.into()),
        "{second}"
    );
    let cost = &second["cost"];
    assert!(
        cost["cpu_fraction"].is_f64() && cost["rss_bytes"].as_u64() > Some(4096),
        "{second}"
    );
    assert_eq!(
        (&cost["recorded_bytes"], &cost["probe_ns_per_call"]),
        (&99.into(), &serde_json::Value::Null)
    );
    site.shared.store().extend([end()]);
    site.shared.ended();
    let last = stream.next();
    assert_eq!(
        (
            &last["ended"],
            &last["made"],
            &last["cost"]["recorded_bytes"]
        ),
        (&true.into(), &3.into(), &99.into()),
        "{last}"
    );
}

#[test]
fn a_slow_browser_gets_the_latest_state_and_at_most_ten_a_second() {
    let site = Site::live();
    let mut stream = site.stream();
    stream.next();
    let began = Instant::now();
    let mut told = 0;
    for now_ns in 1_000..1_300 {
        site.shared
            .tick(now_ns, 0, Vec::new(), &Totals::default(), None);
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
    assert_eq!(
        (&state["ended"], &state["cut"]),
        (&true.into(), &"torn".into()),
        "{state}"
    );
    assert_eq!(
        (&state["made"], &state["now_ns"]),
        (&3.into(), &END_NS.into()),
        "{state}"
    );
}

#[test]
fn a_page_is_told_what_only_the_rows_of_a_recording_show() {
    let site = Site::gone();
    let mut stream = site.stream();
    assert_eq!(stream.next()["cut"], serde_json::Value::Null);
    // The same again, as nearly always.
    site.shared.replace(gone(), None);
    assert_eq!(stream.next()["cut"], serde_json::Value::Null);
    site.shared.replace(gone(), Some("torn".to_owned()));
    assert_eq!(stream.next()["cut"], "torn");
    let mut other = gone();
    other.sketch(Sketch {
        bits: SHORT_BITS,
        pieces: vec![Piece::Event(Event::Life(Life {
            pid: 7,
            tid: 9,
            at_ns: 100,
            kind: LifeKind::Began,
            name: "another".to_owned(),
        }))],
        ready: Vec::new(),
    });
    site.shared.replace(other, None);
    let state = stream.next();
    assert_eq!(
        (&state["lanes"], &state["ended"]),
        (&2.into(), &true.into()),
        "{state}"
    );
    let cut = state["cut"].as_str().unwrap_or_default();
    assert!(cut.contains("is not what is in them"), "{state}");
}

#[test]
fn a_page_is_told_that_a_recording_can_t_be_read_any_more() {
    let site = Site::gone();
    let mut stream = site.stream();
    let state = stream.next();
    assert_eq!(state["cut"], serde_json::Value::Null, "{state}");
    // All of it is known without a look at the file, each call is not.
    let is_sealed = |path| site.get(path).tile(0)[4] == 1;
    assert!(is_sealed("/api/tiles/20/0/0"), "it never changes");
    assert!(!is_sealed("/api/tiles/0/0/0"));
    let state = stream.next();
    let cut = state["cut"].as_str().unwrap_or_default();
    assert!(
        cut.contains("1 of its batches can't be shown closely"),
        "{state}"
    );
}
