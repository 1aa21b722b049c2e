//! The store against a plain recomputation from the raw events.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use waitscope::{
    model::{
        Call, Context, Copying, Event, Life, LifeKind, OffCpu, OpenThread, Timeout, Trace, Waker,
    },
    store::{LEVEL_MAX, Store, Sum, TILE_BUCKETS},
};

/// Numbers that look random and are the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Mostly small, now and then huge.
    fn span(&mut self) -> u64 {
        let widest = if self.below(50) == 0 { 36 } else { 16 };
        let bits = self.below(widest);
        self.below(1 << (bits + 1))
    }
}

fn trace() -> Trace {
    Trace {
        pid: 1,
        command: "test".into(),
        host: "host".into(),
        kernel: "6.1".into(),
        arch: "x86_64".into(),
        start_boot_ns: 0,
        start_unix_ns: 0,
        backend: "tp_btf".into(),
        follow: false,
    }
}

fn waker(numbers: &mut Numbers) -> Waker {
    Waker {
        tid: numbers.below(5) as u32,
        pid: 3,
        context: Context::SoftIrq,
    }
}

/// A thread's life: calls with times off the CPU in them, and times off the CPU between them.
fn thread(numbers: &mut Numbers, tid: u32, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    let mut now_ns = 0;
    for _ in 0..count {
        now_ns += numbers.span();
        if numbers.below(5) == 0 {
            let span = off_cpu(numbers, tid, now_ns, false);
            now_ns = span.end_ns;
            events.push(Event::OffCpu(span));
            continue;
        }
        let start_ns = now_ns;
        let mut kernel_ns = numbers.span();
        now_ns += kernel_ns;
        let (mut blocked_ns, mut runnable_ns, mut sleeps, mut preemptions) = (0, 0, 0, 0);
        let mut first_sleep_ns = None;
        for _ in 0..numbers.below(3) {
            let span = off_cpu(numbers, tid, now_ns, true);
            blocked_ns += span.blocked_ns();
            runnable_ns += span.runnable_ns();
            if span.woken_ns.is_some() {
                sleeps += span.times;
                first_sleep_ns = first_sleep_ns.or(Some(span.start_ns));
            } else {
                preemptions += span.times;
            }
            let more_ns = numbers.span();
            now_ns = span.end_ns + more_ns;
            kernel_ns += more_ns;
            events.push(Event::OffCpu(span));
        }
        let copying_ns = numbers.span();
        let copy_ns = now_ns;
        now_ns += copying_ns;
        events.push(Event::Call(Call {
            pid: 1,
            tid,
            cpu: numbers.below(64) as u16,
            nr: numbers.below(400) as u32,
            start_ns,
            end_ns: now_ns,
            kernel_ns,
            blocked_ns,
            runnable_ns,
            copying_ns,
            copying: [
                Copying::None,
                Copying::Seen(copy_ns),
                Copying::Inferred(copy_ns),
            ][numbers.below(3) as usize],
            sleeps,
            preemptions,
            first_sleep_ns,
            last_wake_ns: first_sleep_ns.map(|at| at + 1),
            waker: first_sleep_ns.map(|_| waker(numbers)),
            fd: (numbers.below(2) == 0).then(|| numbers.below(100) as i32 - 1),
            descriptor: (numbers.below(2) == 0).then(|| numbers.below(9) as u32),
            ready_delay_ns: (numbers.below(2) == 0).then(|| numbers.span()),
            requested: (numbers.below(2) == 0).then(|| numbers.span()),
            timeout: match numbers.below(5) {
                0 => Timeout::Unknown,
                1 => Timeout::Infinite,
                2 => Timeout::Zero,
                _ => Timeout::Nanos(numbers.span()),
            },
            ret: (numbers.below(9) > 0).then(|| numbers.span() as i64 - 600),
            began_before: numbers.below(100) == 0,
            killed: numbers.below(100) == 0,
            continues: numbers.below(100) == 0,
            unseen: numbers.below(100) == 0,
            others: numbers.below(4) as u32,
            other_ns: numbers.span(),
        }));
    }
    events
}

fn off_cpu(numbers: &mut Numbers, tid: u32, start_ns: u64, in_call: bool) -> OffCpu {
    let slept = numbers.below(3) > 0;
    let woken_ns = start_ns + numbers.span();
    let end_ns = woken_ns + numbers.span();
    OffCpu {
        pid: 1,
        tid,
        cpu: 1,
        start_ns,
        woken_ns: slept.then_some(woken_ns),
        end_ns,
        times: 1 + numbers.below(3) as u32,
        unseen: numbers.below(3) == 0,
        in_call,
        state: u32::from(slept),
        waker: slept.then(|| waker(numbers)),
        waker_comm: if slept {
            format!("waker {}", numbers.below(3))
        } else {
            String::new()
        },
    }
}

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
