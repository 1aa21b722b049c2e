//! A report's sums are those of the events, and add up to the nanosecond.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod support;

use std::collections::BTreeMap;

use support::honest::{PID, end_of, honest, linked};
use support::{any_events, trace};
use waitscope::model::{Call, Context, End, Event, Gap, Request};
use waitscope::reading::Reading;
use waitscope::recording::{Reader, Writer};
use waitscope::report::{Growing, Report, Summary, ThreadReport, report};

fn sum_up(events: &[Event], end: Option<End>) -> Report {
    let mut summary = Summary::new(&trace());
    events.iter().for_each(|event| summary.push(event));
    if let Some(end) = end {
        summary.push(&Event::End(end));
    }
    summary.finish()
}

fn calls(events: &[Event]) -> impl Iterator<Item = &Call> {
    events.iter().filter_map(|event| match event {
        Event::Call(call) => Some(call),
        _ => None,
    })
}

/// All phases of a thread, which must be its life.
fn phases_ns(thread: &ThreadReport) -> u64 {
    thread.user_ns.unwrap_or(0)
        + thread.kernel_ns
        + thread.blocked_ns
        + thread.runnable_ns
        + thread.copying_ns
        + thread.other_ns
        + thread.unknown_ns
}

/// On the CPU outside calls: what lies between the calls and times off the CPU of a thread, but for
/// calls that were not recorded.
fn user_ns(events: &[Event], tid: u32) -> u64 {
    let mut busy: Vec<(u64, u64)> = Vec::new();
    let mut other = 0;
    for event in events {
        match event {
            Event::Call(call) if call.tid == tid => {
                busy.push((call.start_ns, call.end_ns));
                other += call.other_ns;
            }
            Event::OffCpu(span) if span.tid == tid && !span.in_call => {
                busy.push((span.start_ns, span.end_ns))
            }
            Event::Open(open) if open.tid == tid => {
                let since = if open.nr.is_some() {
                    open.since_ns
                } else {
                    open.off_since_ns.unwrap()
                };
                busy.push((since, open.at_ns));
            }
            _ => {}
        }
    }
    busy.sort_unstable();
    let mut at = 0;
    let mut user = 0;
    for (start, end) in busy {
        user += start - at;
        at = end;
    }
    user - other
}

#[test]
fn a_threads_phases_are_its_life() {
    for seed in 1..6 {
        let events = honest(seed, 500);
        let end = end_of(&events);
        let report = sum_up(&events, Some(end));
        assert_eq!(report.threads.len(), 4);
        for thread in &report.threads {
            let facts = format!("seed {seed}: {thread:?}");
            assert_eq!(thread.lifetime_ns, end.at_ns, "{facts}");
            assert_eq!(phases_ns(thread), thread.lifetime_ns, "{facts}");
            assert_eq!(
                thread.user_ns,
                Some(user_ns(&events, thread.tid)),
                "{facts}"
            );
        }
        assert_eq!(report.calls, 2_000);
    }
}

#[test]
fn where_records_were_lost_user_time_is_not_known() {
    let mut events = honest(1, 100);
    let end = end_of(&events);
    events.push(Event::Gap(Gap {
        cpu: 1,
        start_ns: 5,
        end_ns: 9,
        lost: 7,
    }));
    let report = sum_up(&events, Some(End { lost: 7, ..end }));
    for thread in &report.threads {
        assert_eq!(
            (thread.user_ns, phases_ns(thread)),
            (None, thread.lifetime_ns),
            "{thread:?}"
        );
        assert_eq!(
            thread.unknown_ns,
            user_ns(&events, thread.tid),
            "{thread:?}"
        );
    }
    assert_eq!(
        (report.trace.lost, report.gaps, report.longest_gaps.len()),
        (7, 1, 1)
    );
    assert!(report.to_string().contains("7 RECORDS LOST"), "{report}");
    let without_end = sum_up(&honest(1, 100), None);
    assert!(
        without_end
            .threads
            .iter()
            .all(|thread| thread.user_ns.is_none())
    );
}

#[test]
fn sums_by_call_are_those_of_the_calls() {
    let events = honest(2, 1_000);
    let report = sum_up(&events, Some(end_of(&events)));
    let mut left: BTreeMap<u32, Vec<&Call>> = BTreeMap::new();
    for call in calls(&events) {
        left.entry(call.nr).or_default().push(call);
    }
    for (nr, name) in [
        (0, "read"),
        (1, "write"),
        (45, "recvfrom"),
        (232, "epoll_wait"),
    ] {
        let calls = left.remove(&nr).unwrap();
        let found = report
            .by_call
            .iter()
            .find(|call| call.call == name)
            .unwrap();
        let sum = |of: fn(&Call) -> u64| calls.iter().map(|call| of(call)).sum::<u64>();
        assert_eq!(found.count, calls.len() as u64);
        assert_eq!(found.total_ns, sum(Call::duration_ns));
        assert_eq!(
            (
                found.kernel_ns,
                found.blocked_ns,
                found.runnable_ns,
                found.copying_ns
            ),
            (
                sum(|c| c.kernel_ns),
                sum(|c| c.blocked_ns),
                sum(|c| c.runnable_ns),
                sum(|c| c.copying_ns)
            )
        );
        let failed = |ret| calls.iter().filter(|call| call.ret == Some(ret)).count() as u64;
        assert_eq!(
            found.errors,
            BTreeMap::from([("EAGAIN".to_owned(), failed(-11))])
        );
        assert_eq!(found.interrupted, failed(-512));

        let mut durations: Vec<u64> = calls.iter().map(|call| call.duration_ns()).collect();
        durations.sort_unstable();
        let near = |found: u64, at: usize| {
            let exact = durations[at];
            assert!(
                found.abs_diff(exact) <= exact / 100 + 1,
                "{name}: {found} instead of {exact}"
            );
        };
        near(found.p50_ns, durations.len().div_ceil(2) - 1);
        near(found.p99_ns, (durations.len() * 99).div_ceil(100) - 1);
        assert_eq!(found.max_ns, *durations.last().unwrap());
    }
    assert!(left.is_empty());
}

#[test]
fn the_longest_waits_and_the_wakers_are_told() {
    let events = honest(3, 300);
    let report = sum_up(&events, Some(end_of(&events)));
    let mut off: Vec<u64> = calls(&events)
        .map(|call| call.blocked_ns + call.runnable_ns)
        .collect();
    off.sort_unstable_by_key(|nanos| std::cmp::Reverse(*nanos));
    let told: Vec<u64> = report
        .longest_waits
        .iter()
        .map(|call| call["blocked_ns"].as_u64().unwrap() + call["runnable_ns"].as_u64().unwrap())
        .collect();
    assert_eq!(told, off[..5]);

    let woken = |context| {
        let spans = events.iter().filter(|event| match event {
            Event::OffCpu(span) => span.waker.is_some_and(|waker| waker.context == context),
            _ => false,
        });
        spans.count() as u64
    };
    for (context, word) in Context::ALL {
        let found = report
            .wakers
            .iter()
            .find(|waker| waker.context == word)
            .unwrap();
        assert_eq!(found.wakeups, woken(context), "{word}");
        // Whom an interrupt interrupted has nothing to do with it.
        assert_eq!(found.name.is_some(), context == Context::Task);
    }
}

#[test]
fn a_report_fits_a_screen_and_obeys_nobody() {
    for (seed, events) in [(1, honest(1, 50)), (2, any_events(2, 20_000))] {
        let text = sum_up(&events, Some(end_of(&honest(1, 50)))).to_string();
        assert!(
            text.lines().count() <= 60,
            "seed {seed}: {} lines",
            text.lines().count()
        );
        let bad = text
            .chars()
            .find(|letter| letter.is_control() && *letter != '\n' || *letter == '\u{202e}');
        assert_eq!(bad, None, "seed {seed}: {text}");
        assert!(
            text.starts_with("redis-server *:6379 \\u{1b}[31m (pid 4321) on here"),
            "{text}"
        );
    }
}

#[test]
fn a_chain_of_wake_ups_is_told_in_words_that_obey_nobody() {
    let told = (1..20).filter(|&seed| {
        let mut events = linked(seed, 100);
        for event in &mut events {
            if let Event::Life(life) = event {
                life.name = "a\u{1b}[2J".into();
            }
        }
        let text = sum_up(&events, Some(end_of(&events))).to_string();
        let lines: Vec<&str> = text.lines().collect();
        let bad = text
            .chars()
            .find(|letter| letter.is_control() && *letter != '\n');
        assert_eq!(bad, None, "{text}");
        let Some(at) = lines
            .iter()
            .position(|line| line.starts_with("↳ woken by "))
        else {
            return false;
        };
        // It stands below the wait that it explains, which is the last one shown, and takes three lines at most.
        let end = at + lines[at..].iter().position(|line| line.is_empty()).unwrap();
        let chain = lines[at..end].concat();
        assert!(end - at <= 3 && chain.contains(", itself "), "{text}");
        assert!(chain.contains("a\\u{1b}[2J 432"), "{text}");
        assert!(lines[at..end].iter().all(|line| line.chars().count() <= 80));
        true
    });
    assert!(told.count() > 3);
}

#[test]
fn a_report_of_a_recording_is_that_of_its_events() {
    let events = honest(4, 200);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.arrows");
    let mut writer = Writer::create(&path, &trace()).unwrap();
    writer.append(&events).unwrap();
    writer.flush().unwrap();
    let cut = report(Reader::open(&path).unwrap()).unwrap();
    assert!(cut.trace.cut.is_some() && cut.to_string().contains("!! the recording is whole up to"));
    writer.finish(end_of(&events)).unwrap();
    let whole = report(Reader::open(&path).unwrap()).unwrap();
    assert_eq!(whole, sum_up(&events, Some(end_of(&events))));
    assert_eq!(whole.trace.pid, PID);
    let json = serde_json::to_value(&whole).unwrap();
    assert_eq!(
        (&json["format"], &json["version"]),
        (&"waitscope-report".into(), &1.into())
    );
}

#[test]
fn a_descriptor_that_only_requests_worked_on_is_listed_with_how_often_they_were_complete() {
    let mut events = any_events(78, 4_000);
    events.retain(|event| !matches!(event, Event::Call(_)));
    for event in &mut events {
        if let Event::Request(request) = event {
            request.descriptor = request.descriptor.map(|id| id % 50);
        }
    }
    let complete = |id: u32| {
        let on = events.iter().filter(|event| {
            matches!(event, Event::Request(one) if one.descriptor == Some(id) && one.complete_ns.is_some())
        });
        on.count() as u64
    };
    let report = sum_up(&events, None);
    let listed: Vec<(u32, u64)> = (report.descriptors.iter())
        .map(|one| (one.id, one.requests))
        .collect();
    let mut wanted: Vec<(u32, u64)> = (0..50).map(|id| (id, complete(id))).collect();
    wanted.retain(|(_, requests)| *requests > 0);
    wanted.sort_by_key(|(id, requests)| (std::cmp::Reverse(*requests), *id));
    assert!(wanted.len() > 10, "{wanted:?}");
    assert_eq!(listed, wanted);
}

#[test]
fn what_was_done_on_descriptors_sums_to_the_calls_on_them() {
    // More than are listed; and numbers that no descriptor was told of.
    let mut events = any_events(77, 60_000);
    for event in &mut events {
        if let Event::Call(call) = event {
            call.descriptor = call.descriptor.map(|id| id % 3_000);
            call.blocked_ns %= 1 << 40;
            call.ready_delay_ns = call.ready_delay_ns.map(|delay_ns| delay_ns % (1 << 40));
        }
    }
    let report = sum_up(&events, None);
    let on = |id: Option<u32>| calls(&events).filter(move |call| call.descriptor == id);
    let known = calls(&events).filter(|call| call.descriptor.is_some());
    let listed: u64 = report.descriptors.iter().map(|one| one.calls).sum();
    let not_listed = report.calls_of_descriptors_not_listed;
    assert_eq!(
        (listed + not_listed, report.descriptors.len()),
        (known.count() as u64, 1_000),
        "{not_listed} not listed"
    );
    assert!(not_listed > 0);
    for one in &report.descriptors {
        let of = || on(Some(one.id));
        let delays = || of().filter_map(|call| call.ready_delay_ns);
        assert_eq!(one.calls, of().count() as u64, "{one:?}");
        assert_eq!(
            one.waits,
            of().filter(|call| call.sleeps > 0).count() as u64
        );
        let blocked_ns: u64 = of().map(|call| call.blocked_ns).sum();
        assert_eq!(one.blocked_ns, blocked_ns, "{one:?}");
        assert_eq!(one.delays, delays().count() as u64, "{one:?}");
        assert_eq!(one.ready_delay_ns, delays().sum::<u64>(), "{one:?}");
        assert_eq!(one.ready_delay_max_ns, delays().max().unwrap_or(0));
    }
    let delays: Vec<u64> = calls(&events)
        .filter_map(|call| call.ready_delay_ns)
        .collect();
    let delay = report.ready_delay.expect("some are known");
    assert_eq!(delay.count, delays.len() as u64);
    assert_eq!(Some(delay.max_ns), delays.iter().copied().max());
}

#[test]
fn requests_are_summed_by_operation_and_timed_only_where_both_ends_were_seen() {
    let request = |opcode, submit_ns, complete_ns, ret, shot| {
        Event::Request(Request {
            pid: PID,
            tid: PID,
            ring: None,
            opcode,
            fd: None,
            descriptor: None,
            submit_ns,
            complete_ns,
            user_data: 0,
            ret,
            shot,
            more: false,
        })
    };
    const ACCEPT: u32 = 13;
    const RECV: u32 = 27;
    let events = [
        request(RECV, Some(100), Some(400), Some(5), 0),
        request(RECV, Some(200), Some(300), Some(-104), 0),
        request(RECV, None, Some(900), Some(5), 0),
        request(RECV, Some(800), None, None, 0),
        request(ACCEPT, Some(100), Some(200), Some(7), 0),
        request(ACCEPT, Some(100), Some(5_000), Some(8), 1),
    ];
    let report = sum_up(&events, None);
    let [recv, accept] = &report.requests[..] else {
        panic!("{:?}", report.requests)
    };
    assert_eq!((recv.operation.as_str(), recv.complete), ("recv", 3));
    assert_eq!((recv.under_way, recv.timed, recv.total_ns), (1, 2, 400));
    assert_eq!((recv.p50_ns, recv.max_ns), (100, 300));
    assert_eq!(recv.errors.get("ECONNRESET"), Some(&1), "{recv:?}");
    assert_eq!((accept.complete, accept.timed), (2, 1), "{accept:?}");
    assert_eq!(accept.max_ns, 100, "the second time says nothing");
}

#[test]
fn a_report_asked_for_on_the_way_is_that_of_so_far_and_changes_nothing() {
    for seed in 0..20 {
        let (honest, any) = (honest(seed, 400), any_events(seed, 400));
        for events in [honest, any] {
            let growing = Growing::new(&trace());
            for (number, piece) in events.chunks(37).enumerate() {
                growing.push(piece);
                let so_far = &events[..events.len().min((number + 1) * 37)];
                assert_eq!(growing.report(), sum_up(so_far, None), "seed {seed}");
            }
        }
    }
}

#[test]
fn a_recording_that_is_read_apart_gives_the_same_report_and_is_read_to_its_end() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = Writer::create(file.path(), &trace()).unwrap();
    writer.append(&honest(3, 300)).unwrap();
    writer.finish(end_of(&honest(3, 300))).unwrap();
    let reading = Reading::default();
    assert!(reading.done().is_none());
    assert_eq!(reading.progress(), (0, 0));
    let reader = Reader::open(file.path()).unwrap();
    reading.run(|progress| waitscope::report::sum_up(reader, progress));
    let expected = report(Reader::open(file.path()).unwrap()).unwrap();
    let done = reading.done().unwrap().as_ref().unwrap();
    assert_eq!(**done, expected);
    let (read, all) = reading.progress();
    assert!(read > 0 && read <= all, "{read} of {all}");
}
