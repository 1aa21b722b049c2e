//! The store against a plain recomputation from the raw events.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/random.rs"]
mod random;

use random::{Numbers, thread, trace};
use waitscope::{
    model::{Call, Event, Life, LifeKind, OffCpu, OpenThread, Ready, Sum},
    store::{LEVEL_MAX, Store, TILE_BUCKETS},
};

/// The rule of docs/wire.md, word for word.
fn plain_tile(
    events: &[Event],
    level: u8,
    index: u64,
) -> (Vec<Call>, Vec<OffCpu>, Vec<(u32, Sum)>) {
    let width = 1_u64 << level;
    let (from, to) = (
        index * TILE_BUCKETS * width,
        (index + 1) * TILE_BUCKETS * width,
    );
    let overlaps = |start: u64, end: u64| start < to && end > from;
    let (mut calls, mut spans) = (Vec::new(), Vec::new());
    let mut sums = vec![Sum::default(); TILE_BUCKETS as usize];
    for event in events {
        match event {
            Event::Call(call)
                if call.duration_ns() >= width && overlaps(call.start_ns, call.end_ns) =>
            {
                calls.push(call.clone());
            }
            Event::Call(call) if (from..to).contains(&call.start_ns) => {
                sums[((call.start_ns - from) / width) as usize] += Sum {
                    calls: 1,
                    kernel_ns: call.kernel_ns,
                    blocked_ns: call.blocked_ns,
                    runnable_ns: call.runnable_ns,
                    copying_ns: call.copying_ns,
                    other_ns: call.other_ns,
                    ..Sum::default()
                };
            }
            Event::OffCpu(span)
                if span.end_ns - span.start_ns >= width && overlaps(span.start_ns, span.end_ns) =>
            {
                spans.push(span.clone());
            }
            Event::OffCpu(span) if !span.in_call && (from..to).contains(&span.start_ns) => {
                sums[((span.start_ns - from) / width) as usize] += Sum {
                    outside_blocked_ns: span.blocked_ns(),
                    outside_runnable_ns: span.runnable_ns(),
                    ..Sum::default()
                };
            }
            _ => {}
        }
    }
    let sums = (0..)
        .zip(sums)
        .filter(|(_, sum)| *sum != Sum::default())
        .collect();
    (calls, spans, sums)
}

#[test]
fn every_tile_of_every_level_is_what_the_rule_says() {
    for seed in 1..6 {
        let mut numbers = Numbers(seed * 0x9e37_79b9);
        let events = thread(&mut numbers, 7, 9_000);
        let mut store = Store::new(trace(), u64::MAX);
        store.extend(events.iter().cloned());
        let state = store.state();
        assert_eq!(state.disordered, 0);
        for level in 0..=LEVEL_MAX {
            let width = TILE_BUCKETS << level;
            let tiles = state.now_ns / width + 1;
            for _ in 0..20 {
                let index = numbers.below(tiles);
                let tile = store.tile(0, level, index).unwrap();
                let (calls, spans, sums) = plain_tile(&events, level, index);
                let facts = format!("seed {seed}, level {level}, tile {index} of {tiles}");
                assert_eq!(tile.calls, calls, "{facts}");
                assert_eq!(tile.spans, spans, "{facts}");
                assert_eq!(tile.sums, sums, "{facts}");
                assert!(
                    tile.calls.len() <= 513 && tile.spans.len() <= 513,
                    "{facts}"
                );
            }
        }
    }
}

#[test]
fn wide_tiles_are_what_the_rule_says_however_little_memory_there_is() {
    for (seed, limit) in [(1, 1 << 20), (2, 2 << 20), (3, 5 << 20)] {
        let mut numbers = Numbers(seed * 0x9e37_79b9);
        let events = thread(&mut numbers, 7, 60_000);
        let mut store = Store::new(trace(), limit);
        let (mut end, mut wide) = (0, 0);
        for batch in events.chunks(7_000) {
            store.extend(batch.iter().cloned());
            end += batch.len();
            let state = store.state();
            assert!(state.bytes <= limit, "{state:?}");
            let so_far = &events[..end];
            for level in (0..=LEVEL_MAX).rev() {
                let tiles = state.now_ns / (TILE_BUCKETS << level) + 1;
                let index = numbers.below(tiles);
                let tile = store.tile(0, level, index).unwrap();
                let (calls, spans, sums) = plain_tile(so_far, level, index);
                let before = index * (TILE_BUCKETS << level) < state.kept_ns;
                if level < state.whole_level && before {
                    continue;
                }
                let facts = format!("seed {seed}, level {level}, tile {index}, {state:?}");
                assert_eq!(tile.calls, calls, "{facts}");
                assert_eq!(tile.spans, spans, "{facts}");
                assert_eq!(tile.sums, sums, "{facts}");
                wide += usize::from(before && !(calls.is_empty() && sums.is_empty()));
            }
        }
        assert!(wide > 20, "only {wide} tiles of what was let go");
    }
}

#[test]
fn the_tiles_of_a_level_hold_every_call_once() {
    let mut numbers = Numbers(77);
    let events = thread(&mut numbers, 7, 20_000);
    let mut store = Store::new(trace(), u64::MAX);
    store.extend(events.iter().cloned());
    let all = events
        .iter()
        .filter(|event| matches!(event, Event::Call(_)))
        .count();
    for level in [24, 30, 34] {
        let tiles = store.state().now_ns / (TILE_BUCKETS << level) + 1;
        let mut exact = std::collections::BTreeSet::new();
        let mut summed = 0;
        for index in 0..tiles {
            let tile = store.tile(0, level, index).unwrap();
            exact.extend(tile.calls.iter().map(|call| call.start_ns));
            summed += tile
                .sums
                .iter()
                .map(|(_, sum)| sum.calls as usize)
                .sum::<usize>();
        }
        assert_eq!(
            exact.len() + summed,
            all,
            "level {level}: {} exact, {summed} summed",
            exact.len()
        );
    }
}

#[test]
fn a_call_comes_back_as_it_went_in_with_its_times_off_the_cpu() {
    let mut numbers = Numbers(5);
    let events = thread(&mut numbers, 7, 6_000);
    let mut store = Store::new(trace(), u64::MAX);
    store.extend(events.iter().cloned());
    let spans: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::OffCpu(span) => Some(span.clone()),
            _ => None,
        })
        .collect();
    for event in &events {
        let Event::Call(call) = event else { continue };
        if call.duration_ns() == 0 {
            continue;
        }
        let detail = store.call_at(0, call.start_ns).unwrap();
        assert_eq!(&detail.call, call);
        let inside: Vec<_> = spans
            .iter()
            .filter(|span| {
                span.start_ns >= call.start_ns && span.end_ns <= call.end_ns && span.in_call
            })
            .cloned()
            .collect();
        assert_eq!((detail.spans, detail.more), (inside, 0), "{call:?}");
    }
}

#[test]
fn a_call_comes_with_what_it_waited_for_and_found() {
    let mut numbers = Numbers(15);
    let mut store = Store::new(trace(), u64::MAX);
    let mut expected = Vec::new();
    for event in thread(&mut numbers, 7, 6_000) {
        let Event::Call(call) = &event else {
            store.extend([event]);
            continue;
        };
        let ready = |call_start_ns, fd| Ready {
            pid: 1,
            tid: 7,
            call_start_ns,
            fd: (fd % 5 > 0).then_some(fd),
            descriptor: (fd % 3 > 0).then_some(fd as u32),
            asked: (fd % 4 > 0).then_some(1),
            ready: fd as u32 % 7,
        };
        let count = if numbers.below(3) == 0 {
            numbers.below(33) as i32
        } else {
            0
        };
        let own: Vec<_> = (0..count).map(|fd| ready(call.start_ns, fd)).collect();
        // Of a call whose own record was lost.
        let stray = ready(call.start_ns.wrapping_sub(1), 9);
        store.extend((numbers.below(9) == 0).then_some(Event::Ready(stray)));
        store.extend(own.iter().copied().map(Event::Ready));
        if call.duration_ns() > 0 {
            expected.push((call.clone(), own));
        }
        store.extend([event]);
    }
    assert!(expected.len() > 3_000, "{} calls", expected.len());
    for (call, ready) in expected {
        let detail = store.call_at(0, call.start_ns).unwrap();
        assert_eq!((&detail.call, &detail.ready), (&call, &ready));
    }
}

#[test]
fn what_comes_out_of_order_is_counted_and_left_out() {
    let mut numbers = Numbers(3);
    let events = thread(&mut numbers, 7, 100);
    let mut store = Store::new(trace(), u64::MAX);
    store.extend(events.iter().cloned());
    store.extend(events.iter().take(50).cloned());
    assert_eq!(store.state().disordered, 50);
    assert_eq!(store.tile(9, 0, 0), None, "no such lane");
    assert_eq!(store.tile(0, LEVEL_MAX + 1, 0), None, "no such level");
    assert_eq!(store.tile(0, 40, u64::MAX), None, "beyond the end of time");
}

#[test]
fn memory_stays_below_the_limit_and_the_oldest_calls_go_first() {
    const LIMIT: u64 = 8 << 20;
    let mut numbers = Numbers(9);
    let mut store = Store::new(trace(), LIMIT);
    let events = thread(&mut numbers, 7, 400_000);
    for batch in events.chunks(1000) {
        store.extend(batch.iter().cloned());
        assert!(
            store.state().bytes <= LIMIT,
            "{} bytes",
            store.state().bytes
        );
    }
    let state = store.state();
    assert!(state.kept_ns > 0 && state.bytes > LIMIT / 2, "{state:?}");
    let Some(Event::Call(last)) = events.iter().rfind(|event| matches!(event, Event::Call(_)))
    else {
        panic!("no call")
    };
    assert_eq!(&store.call_at(0, last.start_ns).unwrap().call, last);
    assert!(store.call_at(0, 1000).is_none(), "the first calls are gone");
    let ends = events.iter().filter_map(|event| match event {
        Event::Call(call) => Some(call.end_ns),
        Event::OffCpu(span) => Some(span.end_ns),
        _ => None,
    });
    let told = store.lanes().iter().map(|lane| lane.last_ns).max();
    assert_eq!(told, ends.max(), "when the last that is told ended");
}

#[test]
fn a_thread_id_used_again_gets_a_lane_of_its_own() {
    let life = |kind, at_ns, name: &str| {
        Event::Life(Life {
            pid: 1,
            tid: 7,
            at_ns,
            kind,
            name: name.into(),
        })
    };
    let mut store = Store::new(trace(), u64::MAX);
    store.extend([
        life(LifeKind::Found, 0, "first"),
        life(LifeKind::Ended, 10, "first"),
        life(LifeKind::Began, 20, "second"),
        life(LifeKind::Renamed, 25, "third"),
    ]);
    let lanes = store.lanes();
    assert_eq!(lanes.len(), 2);
    assert_eq!(
        (lanes[0].name.as_str(), lanes[0].ended_ns),
        ("first", Some(10))
    );
    assert_eq!(
        (lanes[1].name.as_str(), lanes[1].began_ns),
        ("third", Some(20))
    );
}

#[test]
fn a_tile_is_sealed_only_when_nothing_can_come_into_it_any_more() {
    const MS: u64 = 1 << 20;
    let call = |start_ns, end_ns| {
        Event::Call(Call {
            start_ns,
            end_ns,
            kernel_ns: end_ns - start_ns,
            nr: 0,
            ..plain_call()
        })
    };
    let waiting = |since_ns, at_ns| OpenThread {
        pid: 1,
        tid: 7,
        at_ns,
        nr: Some(Some(232)),
        since_ns,
        fd: None,
        began_before: false,
        kernel_ns: 0,
        blocked_ns: at_ns - since_ns,
        runnable_ns: 0,
        copying_ns: 0,
        off_since_ns: Some(since_ns),
        woken_ns: None,
    };
    let mut store = Store::new(trace(), u64::MAX);
    store.extend([call(0, MS)]);
    // Tile 0 of level 12 covers the first 2 ms; the thread waits from 1.5 ms on.
    let since_ns = MS + MS / 2;
    let sealed = |store: &Store| store.tile(0, 12, 0).unwrap().sealed;
    store.advance(10 * MS, 9 * MS, vec![waiting(since_ns, 10 * MS)]);
    store.advance(20 * MS, 19 * MS, vec![waiting(since_ns, 20 * MS)]);
    assert!(!sealed(&store), "the wait will come as one piece");
    // It ended just before this look, and its record has not come yet.
    store.advance(30 * MS, 29 * MS, vec![]);
    assert!(!sealed(&store), "it may be on its way");
    store.extend([call(since_ns, 30 * MS)]);
    store.advance(40 * MS, 39 * MS, vec![]);
    assert!(sealed(&store), "all is in");
    assert!(!store.tile(0, 12, 20).unwrap().sealed, "40 ms is now");
}

fn plain_call() -> Call {
    let events = thread(&mut Numbers(1), 7, 50);
    let first = events.iter().find_map(|event| match event {
        Event::Call(call) => Some(call.clone()),
        _ => None,
    });
    Call {
        blocked_ns: 0,
        runnable_ns: 0,
        copying_ns: 0,
        ..first.unwrap()
    }
}

/// Run by hand: `cargo test --release --test store -- --ignored --nocapture`.
#[test]
#[ignore = "prints figures; takes a minute"]
fn figures_for_ten_million_calls() {
    let mut numbers = Numbers(1);
    let part = thread(&mut numbers, 7, 1_000_000);
    let span_ns = match part.last() {
        Some(Event::Call(call)) => call.end_ns,
        Some(Event::OffCpu(span)) => span.end_ns,
        _ => 0,
    } + 1;
    let mut store = Store::new(trace(), u64::MAX);
    let mut took = std::time::Duration::ZERO;
    for round in 0..10 {
        let shifted: Vec<_> = part
            .iter()
            .map(|event| shift(event, round * span_ns))
            .collect();
        let began = std::time::Instant::now();
        store.extend(shifted);
        took += began.elapsed();
    }
    let state = store.state();
    println!(
        "{} calls, {} times off the CPU: {took:?}",
        state.calls, state.offcpu
    );
    println!(
        "{:.1} bytes an event",
        state.bytes as f64 / (state.calls + state.offcpu) as f64
    );
    let mut worst = std::time::Duration::ZERO;
    for level in 0..=LEVEL_MAX {
        for index in 0..20.min(state.now_ns / (TILE_BUCKETS << level) + 1) {
            let began = std::time::Instant::now();
            store.tile(0, level, index);
            worst = worst.max(began.elapsed());
        }
    }
    println!("worst tile: {worst:?}");
}

fn shift(event: &Event, by: u64) -> Event {
    match event.clone() {
        Event::Call(mut call) => {
            call.start_ns += by;
            call.end_ns += by;
            Event::Call(call)
        }
        Event::OffCpu(mut span) => {
            span.start_ns += by;
            span.end_ns += by;
            span.woken_ns = span.woken_ns.map(|woken| woken + by);
            Event::OffCpu(span)
        }
        other => other,
    }
}
