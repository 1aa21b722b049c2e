//! A recording opened in little memory answers as one that is all in memory does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::fs;

use random::{Numbers, on_the_cpu, thread, trace};
use tempfile::NamedTempFile;
use waitscope::{
    model::{Arch, Call, CallKinds, End, Event, GLANCE_BITS, Life, LifeKind, Piece, Ready},
    opened::{self, Opened},
    recording::{Reader, Writer},
    store::{Draft, Filter, LEVEL_MAX, Store, TILE_BUCKETS},
};

const LANES: u32 = 5;
/// Far less than all of it takes.
const LITTLE: u64 = 1 << 20;

fn end_ns(event: &Event) -> u64 {
    match event {
        Event::Call(call) => call.end_ns,
        Event::OffCpu(span) => span.end_ns,
        Event::Life(life) => life.at_ns,
        _ => 0,
    }
}

/// Short calls one after another, and what some found, until the longer ones begin again.
fn busy(numbers: &mut Numbers, like: &Call, count: u64) -> Vec<Event> {
    let mut events = Vec::new();
    let mut now_ns = like.end_ns;
    for _ in 0..count {
        let start_ns = now_ns + numbers.below(3_000);
        let (kernel_ns, copying_ns) = (numbers.below(2_000), numbers.below(500));
        now_ns = start_ns + kernel_ns + copying_ns;
        let call = Call {
            start_ns,
            end_ns: now_ns,
            kernel_ns,
            copying_ns,
            copying: waitscope::model::Copying::None,
            other_ns: numbers.below(100),
            ..on_the_cpu(like.clone())
        };
        for fd in 0..numbers.below(4) as i32 {
            events.push(Event::Ready(Ready {
                pid: call.pid,
                tid: call.tid,
                call_start_ns: start_ns,
                fd: Some(fd),
                descriptor: Some(fd as u32),
                asked: Some(1),
                ready: 1,
            }));
        }
        events.push(Event::Call(call));
    }
    events
}

/// Threads that run at the same time, two of them with the same number one after the other.
fn events(numbers: &mut Numbers) -> Vec<Event> {
    let mut all = Vec::new();
    for lane in 0..LANES {
        let count = 1_000 + numbers.below(2_000) as usize;
        let mut events = thread(numbers, 10 + lane, count);
        let last = events.iter().rev().find_map(|event| match event {
            Event::Call(call) => Some(call.clone()),
            _ => None,
        });
        let mut last = last.unwrap();
        // A time off the CPU may follow it.
        last.end_ns = events.iter().map(end_ns).max().unwrap();
        events.extend(busy(numbers, &last, 4_000));
        all.push(events);
    }
    // The last lane is a thread that has the first one's number after that ended.
    let after_ns = all[0].iter().map(end_ns).max().unwrap() + 1;
    let life = |kind, at_ns| {
        Event::Life(Life {
            pid: 1,
            tid: 10,
            at_ns,
            kind,
            name: "again".into(),
        })
    };
    all[0].push(life(LifeKind::Ended, after_ns));
    all[0].push(life(LifeKind::Began, after_ns));
    let mut again = busy(
        numbers,
        &Call {
            end_ns: after_ns,
            ..first_call(&all[0])
        },
        3_000,
    );
    all[0].append(&mut again);
    // In the order in which things ended; what a call found stays before it.
    let mut sorted: Vec<(u64, usize, usize, Event)> = Vec::new();
    for (lane, events) in all.into_iter().enumerate() {
        let mut at_ns = 0;
        let mut timed: Vec<(u64, Event)> = Vec::new();
        for event in events.into_iter().rev() {
            let own = end_ns(&event);
            at_ns = if own == 0 { at_ns } else { own };
            timed.push((at_ns, event));
        }
        timed.reverse();
        for (at, (at_ns, event)) in timed.into_iter().enumerate() {
            sorted.push((at_ns, lane, at, event));
        }
    }
    sorted.sort_by_key(|(at_ns, lane, at, _)| (*at_ns, *lane, *at));
    sorted.into_iter().map(|(.., event)| event).collect()
}

fn first_call(events: &[Event]) -> Call {
    let call = events.iter().find_map(|event| match event {
        Event::Call(call) => Some(call.clone()),
        _ => None,
    });
    call.unwrap()
}

/// Writes events in batches of any size.
fn record(numbers: &mut Numbers, events: &[Event]) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    let mut writer = Writer::create(file.path(), &trace()).unwrap();
    let mut rest = events;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.len().min(numbers.below(900) as usize + 1));
        writer.append(now).unwrap();
        writer.flush().unwrap();
        rest = later;
    }
    let at_ns = events.iter().map(end_ns).max().unwrap();
    let end = End {
        at_ns,
        ..End::default()
    };
    writer.finish(end).unwrap();
    file
}

fn whole(file: &NamedTempFile) -> Store {
    let mut reader = Reader::open(file.path()).unwrap();
    let mut store = Store::new(reader.trace().clone(), u64::MAX);
    while let Some(events) = reader.next_batch().unwrap() {
        store.extend(events);
    }
    store
}

#[test]
fn a_recording_in_little_memory_answers_as_one_that_is_all_in_memory() {
    for seed in 1..4 {
        let mut numbers = Numbers(seed * 0x9e37_79b9);
        let events = events(&mut numbers);
        let file = record(&mut numbers, &events);
        let all = whole(&file);
        let (Opened { store, cut, .. }, rest) =
            opened::open(file.path(), LITTLE, |_, _| {}).unwrap();
        assert_eq!(cut, None);
        answers_alike(
            &store,
            &all,
            &events,
            &mut numbers,
            4,
            &format!("seed {seed}, at a glance"),
        );
        let Opened { store, cut, .. } = rest.read(|_, _| {}).unwrap();
        assert_eq!(cut, None);
        answers_alike(
            &store,
            &all,
            &events,
            &mut numbers,
            30,
            &format!("seed {seed}"),
        );
    }
}

/// Compares all that can be asked of a store with what one says that has all in memory, so many tiles of each lane and
/// level among it.
fn answers_alike(
    store: &Store,
    all: &Store,
    events: &[Event],
    numbers: &mut Numbers,
    looks: u64,
    of: &str,
) {
    let (wanted, state) = (all.state(), store.state());
    let told = |state: &waitscope::store::State| {
        (
            state.calls,
            state.offcpu,
            state.disordered,
            state.now_ns,
            state.end,
        )
    };
    assert_eq!(told(&state), told(&wanted), "{of}");
    assert_eq!(state.disordered, 0, "{of}");
    assert_eq!(store.lanes(), all.lanes(), "{of}");
    assert!(
        wanted.bytes > 2 * LITTLE,
        "all of it takes {}",
        wanted.bytes
    );

    let mut exact: BTreeMap<u8, usize> = BTreeMap::new();
    for level in 0..=LEVEL_MAX {
        let tiles = state.now_ns / (TILE_BUCKETS << level) + 1;
        for number in 0..looks {
            // Half of them where calls are.
            let at_ns = match number % 2 {
                0 => end_ns(&events[numbers.below(events.len() as u64) as usize]),
                _ => numbers.below(state.now_ns),
            };
            let index = (at_ns / (TILE_BUCKETS << level)).min(tiles - 1);
            // All lanes together, and one by itself.
            let drafts = (0..=LANES).map(|lane| store.draft(lane, level, index).unwrap());
            let tiles = Draft::tiles(drafts.collect());
            let alone = numbers.below(u64::from(LANES) + 1) as u32;
            let facts = format!("{of}, lane {alone} by itself, level {level}, tile {index}");
            assert_eq!(
                store.tile(alone, level, index).as_ref(),
                tiles.get(alone as usize),
                "{facts}"
            );
            for (lane, tile) in (0..).zip(tiles) {
                let facts = format!("{of}, lane {lane}, level {level}, tile {index}");
                assert_eq!(tile, all.tile(lane, level, index).unwrap(), "{facts}");
                *exact.entry(level).or_default() += tile.calls.len() + tile.sums.len();
            }
        }
    }
    assert!(exact.values().all(|count| *count > 0), "{exact:?}");

    let mut found = 0;
    for _ in 0..10 * looks {
        let lane = numbers.below(u64::from(LANES) + 1) as u32;
        let at_ns = end_ns(&events[numbers.below(events.len() as u64) as usize]);
        let detail = store.call_at(lane, at_ns);
        assert_eq!(detail, all.call_at(lane, at_ns), "{of}, {lane} {at_ns}");
        found += detail.map_or(0, |detail| detail.ready.len());
    }
    assert!(found > 0, "no call that is looked at found anything");

    let (calls, wanted) = (store.calls(), all.calls());
    for filter in [
        Filter::default(),
        Filter {
            from_ns: state.now_ns / 3,
            to_ns: state.now_ns / 2,
            descriptor: Some(3),
            ..Filter::default()
        },
        Filter {
            least_ns: 1_000,
            lane: Some(1),
            failed: Some(true),
            ..Filter::default()
        },
    ] {
        let facts = format!("{of}, {filter:?}");
        assert_eq!(calls.totals(&filter), wanted.totals(&filter), "{facts}");
        assert_eq!(calls.latency(&filter), wanted.latency(&filter), "{facts}");
        assert_eq!(
            calls.heatmap(&filter, 50),
            wanted.heatmap(&filter, 50),
            "{facts}"
        );
        assert_eq!(
            calls.longest(&filter, 20),
            wanted.longest(&filter, 20),
            "{facts}"
        );
        for part in 0..10 {
            let at_ns = state.now_ns / 10 * part;
            if let Some(id) = filter.descriptor {
                let kinds = CallKinds::new(Some(Arch::X86_64));
                let to_ns = at_ns + state.now_ns / (1 + part * part);
                let mut told = calls.connection(&kinds, id, at_ns, to_ns, 100);
                let wanted = wanted.connection(&kinds, id, at_ns, to_ns, 100);
                // Of a file it is not looked as far ahead.
                told.is_cut &= wanted.is_cut;
                assert_eq!(told, wanted, "{facts}");
            }
            let next = calls.next_call(&filter, at_ns);
            assert_eq!(next, wanted.next_call(&filter, at_ns), "{facts}");
            let previous = calls.previous_call(&filter, at_ns);
            assert_eq!(previous, wanted.previous_call(&filter, at_ns), "{facts}");
        }
    }
    let state = store.state();
    assert_eq!(state.unread, 0, "{of}");
    // One batch more than is wanted may be held, and one that is looked at.
    assert!(state.bytes < 2 * LITTLE, "it takes {} bytes", state.bytes);
}

#[test]
fn most_of_a_recording_need_not_be_read_for_a_first_look() {
    let mut numbers = Numbers(9);
    let events = events(&mut numbers);
    let file = NamedTempFile::new().unwrap();
    let mut writer = Writer::create(file.path(), &trace()).unwrap();
    writer.append(&events).unwrap();
    writer.finish(End::default()).unwrap();
    let (mut glance, mut rows) = (
        Reader::glance(file.path()).unwrap(),
        Reader::sketch(file.path()).unwrap(),
    );
    let (mut batches, mut pieces, mut of_rows) = (0, 0, 0);
    while let Some(sketch) = glance.next_batch().unwrap() {
        let read = rows.next_batch().unwrap().unwrap();
        assert!(read.bits < sketch.bits, "{} and {}", read.bits, sketch.bits);
        batches += 1;
        pieces += sketch.pieces.len();
        of_rows += read.pieces.len();
    }
    assert!(batches > 1, "{batches} batches");
    let noted = glance.noted();
    assert!(2 * noted > batches, "{noted} of {batches} batches");
    assert_eq!(glance.cut(), None);
    assert!(
        10 * pieces < events.len(),
        "{pieces} pieces of {} events",
        events.len()
    );
    assert!(
        pieces < of_rows,
        "{pieces} at a glance, {of_rows} of the rows"
    );
}

/// Many threads, each of which makes a short call now and then.
fn sparse(numbers: &mut Numbers) -> Vec<Event> {
    let like = first_call(&events(numbers));
    let mut events: Vec<Event> = (0..64)
        .flat_map(|tid| {
            let mut now_ns = numbers.below(400_000);
            let calls: Vec<Event> = (0..600)
                .map(|_| {
                    let start_ns = now_ns + numbers.below(400_000);
                    let blocked_ns = numbers.below(60_000);
                    now_ns = start_ns + blocked_ns + like.kernel_ns;
                    Event::Call(Call {
                        tid: 1_000 + tid,
                        start_ns,
                        end_ns: now_ns,
                        blocked_ns,
                        runnable_ns: 0,
                        copying_ns: 0,
                        copying: waitscope::model::Copying::None,
                        ..like.clone()
                    })
                })
                .collect();
            calls
        })
        .collect();
    events.sort_by_key(end_ns);
    events
}

#[test]
fn many_threads_that_do_little_are_noted_in_wider_buckets_and_look_the_same() {
    let mut numbers = Numbers(21);
    let events = sparse(&mut numbers);
    let file = NamedTempFile::new().unwrap();
    let mut writer = Writer::create(file.path(), &trace()).unwrap();
    writer.append(&events).unwrap();
    let at_ns = events.iter().map(end_ns).max().unwrap();
    let end = End {
        at_ns,
        ..End::default()
    };
    writer.finish(end).unwrap();
    let mut glance = Reader::glance(file.path()).unwrap();
    let (mut batches, mut bits) = (0, 0);
    while let Some(sketch) = glance.next_batch().unwrap() {
        batches += 1;
        bits = bits.max(sketch.bits);
    }
    let noted = glance.noted();
    assert!(noted + 1 >= batches, "{noted} of {batches} batches");
    assert!(
        bits > GLANCE_BITS,
        "as fine as ever: {bits} bits, of {batches} batches"
    );

    let (Opened { store, .. }, _) = opened::open(file.path(), 64 << 20, |_, _| {}).unwrap();
    let all = whole(&file);
    assert_eq!(store.lanes(), all.lanes());
    for level in (bits - 4..=LEVEL_MAX).step_by(2) {
        let tiles = at_ns / (TILE_BUCKETS << level) + 1;
        for index in 0..tiles {
            for lane in 0..64 {
                assert_eq!(
                    store.tile(lane, level, index).unwrap(),
                    all.tile(lane, level, index).unwrap(),
                    "lane {lane}, level {level}, tile {index}"
                );
            }
        }
    }
    assert_eq!(store.state().unread, 0);
}

#[test]
fn a_glance_at_a_cut_recording_says_of_it_what_its_rows_say() {
    let mut numbers = Numbers(13);
    let events = events(&mut numbers);
    let file = record(&mut numbers, &events);
    let bytes = fs::read(file.path()).unwrap();
    let header = Reader::open(file.path()).unwrap().bytes_read();
    let mut calls = Vec::new();
    for part in 1..30 {
        let length = header + (bytes.len() as u64 - header) * part / 30 + numbers.below(9);
        let cut_off = NamedTempFile::new().unwrap();
        fs::write(cut_off.path(), &bytes[..length as usize]).unwrap();
        let (glance, rest) = opened::open(cut_off.path(), LITTLE, |_, _| {}).unwrap();
        let rows = rest.read(|_, _| {}).unwrap();
        assert!(rows.cut.is_some(), "cut at byte {length}");
        assert_eq!(glance.cut, rows.cut, "cut at byte {length}");
        let told = |store: &Store| (store.state().calls, store.lanes());
        assert_eq!(
            told(&glance.store),
            told(&rows.store),
            "cut at byte {length}"
        );
        calls.push(rows.store.state().calls);
    }
    assert!(calls.is_sorted() && calls[0] < calls[28], "{calls:?}");
}

#[test]
fn what_can_t_be_read_again_is_counted() {
    let mut numbers = Numbers(7);
    let events = events(&mut numbers);
    let file = record(&mut numbers, &events);
    let (Opened { store, .. }, _) = opened::open(file.path(), LITTLE, |_, _| {}).unwrap();
    let all = store.calls().totals(&Filter::default()).all.calls;
    assert_eq!(u64::from(all), store.state().calls);

    let (Opened { store, .. }, _) = opened::open(file.path(), LITTLE, |_, _| {}).unwrap();
    let bytes = fs::read(file.path()).unwrap();
    // In place, as another program would that writes to the same file.
    let cut = fs::OpenOptions::new()
        .write(true)
        .open(file.path())
        .unwrap();
    cut.set_len(bytes.len() as u64 / 2).unwrap();
    let left = store.calls().totals(&Filter::default()).all.calls;
    let state = store.state();
    assert!(left < all, "{left} of {all} calls are in half a file");
    assert!(state.unread > 0, "{state:?}");
}

#[test]
fn another_file_of_the_same_name_is_not_taken_for_it() {
    let mut numbers = Numbers(5);
    let events = events(&mut numbers);
    let file = record(&mut numbers, &events);
    let (Opened { store, .. }, _) = opened::open(file.path(), LITTLE, |_, _| {}).unwrap();
    let other = record(&mut numbers, &events[..10]);
    fs::rename(other.path(), file.path()).unwrap();
    let calls = store.calls().totals(&Filter::default()).all.calls;
    let state = store.state();
    assert_eq!((u64::from(calls), state.unread), (state.calls, 0));
}

#[test]
fn a_store_that_brings_nothing_counts_what_it_can_t_show() {
    let mut numbers = Numbers(3);
    let events = events(&mut numbers);
    let file = record(&mut numbers, &events);
    let mut reader = Reader::sketch(file.path()).unwrap();
    let mut store = Store::new(trace(), u64::MAX);
    let mut short = 0;
    while let Some(sketch) = reader.next_batch().unwrap() {
        short += sketch
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::Run(run) => u64::from(run.series.count),
                Piece::Spans(spans) => u64::from(spans.count),
                Piece::Off(_) => 1,
                Piece::Event(_) => 0,
            })
            .sum::<u64>();
        store.sketch(sketch);
    }
    assert!(short > 1_000, "{short}");
    assert!(store.state().disordered >= short, "{:?}", store.state());
    assert_eq!(store.state().calls, whole(&file).state().calls);
}

#[test]
fn what_contradicts_the_order_is_refused_and_counted_or_shown() {
    let mut numbers = Numbers(11);
    let mut events = events(&mut numbers);
    // Every hundredth comes later than it should.
    for at in (0..events.len() - 200).step_by(100) {
        events.swap(at, at + 150);
    }
    let file = record(&mut numbers, &events);
    let all = whole(&file);
    let (glance, rest) = opened::open(file.path(), LITTLE, |_, _| {}).unwrap();
    assert_eq!(glance.store.state().calls, all.state().calls);
    let Opened { store, .. } = rest.read(|_, _| {}).unwrap();
    let shown = |store: &Store| -> u64 { store.lanes().iter().map(|lane| lane.calls).sum() };
    let (wanted, state) = (all.state(), store.state());
    assert!(wanted.disordered > 0, "{wanted:?}");
    assert_eq!(state.calls, wanted.calls);
    // Short calls that follow a refused one may be refused with it.
    assert!(shown(&store) <= shown(&all));
    // What is not shown is counted; times off the CPU between refused calls are refused with them.
    assert!(
        shown(&all) - shown(&store) <= state.disordered - wanted.disordered,
        "{state:?}, in memory {wanted:?}"
    );
    let close = store.calls().totals(&Filter::default()).all.calls;
    let unread = store.state().unread;
    assert!(
        u64::from(close) == shown(&store) || unread > 0,
        "{close} of {} calls are there when looked at closely",
        shown(&store)
    );
}

#[test]
fn a_recording_of_random_numbers_is_summed_alike_and_what_can_t_be_shown_closely_is_told() {
    // Out of order, which no recorder writes.
    let path = format!("{}/tests/data/version-2.arrows", env!("CARGO_MANIFEST_DIR"));
    let mut reader = Reader::open(&path).unwrap();
    let mut all = Store::new(reader.trace().clone(), u64::MAX);
    while let Some(events) = reader.next_batch().unwrap() {
        all.extend(events);
    }
    let (Opened { store, .. }, _) = opened::open(path.as_ref(), LITTLE, |_, _| {}).unwrap();
    let (wanted, state) = (all.state(), store.state());
    assert!(wanted.disordered > 0, "{wanted:?}");
    assert_eq!(
        (state.calls, state.disordered),
        (wanted.calls, wanted.disordered)
    );
    // A call that found something makes its lane, and says its process, before the call does: in memory only.
    let busy = |store: &Store| -> Vec<(u32, u64)> {
        let lanes = store.lanes().into_iter().filter(|lane| lane.calls > 0);
        lanes.map(|lane| (lane.tid, lane.calls)).collect()
    };
    assert_eq!(busy(&store), busy(&all));
    assert!(!busy(&all).is_empty());
    let totals = |store: &Store| store.calls().totals(&Filter::default()).all;
    assert!(
        totals(&store) == totals(&all) || store.unread() > 0,
        "{:?}, in memory {:?}",
        totals(&store),
        totals(&all)
    );
}
