//! One connection along time against plain loops over all calls, with the words of docs/wire.md.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/random.rs"]
mod random;

use std::collections::BTreeMap;

use random::{Numbers, on_the_cpu, store_of, thread, trace};
use serde_json::{Value, json};
use waitscope::{
    export::call_json,
    model::{Arch, Call, CallKinds, Copying, Event, Trace},
    store::{CONNECTION_BUCKETS_MAX, Connection, Flow, Store, Use, UseKind},
};

const LANES: u32 = 4;
const DESCRIPTORS: u32 = 5;
/// `read`, `recvfrom`, `recvmmsg`; `write`, `sendto`, `sendmmsg`; `poll`, `close`, by their numbers on x86-64.
const NUMBERS: [u32; 8] = [0, 45, 299, 1, 44, 307, 7, 3];

fn is_receive(nr: u32) -> bool {
    [0, 45, 299].contains(&nr)
}

/// Bytes, and no count of messages.
fn bytes(call: &Call) -> u64 {
    match call.nr {
        299 | 307 => 0,
        _ => call.ret.map_or(0, |ret| ret.max(0) as u64),
    }
}

fn read_ns(call: &Call) -> Option<u64> {
    match call.copying {
        Copying::Seen(at) | Copying::Inferred(at) if is_receive(call.nr) => Some(at),
        _ => None,
    }
}

fn arrived_ns(call: &Call) -> Option<u64> {
    let read_ns = read_ns(call)?;
    match (call.copying, call.ready_delay_ns?) {
        (_, 0) => Some(read_ns),
        (Copying::Seen(at), delay) => at.checked_sub(delay),
        (_, delay) => call.start_ns.checked_sub(delay),
    }
}

/// As a kernel tells it: what comes for a socket later is read later, whoever reads. Of some it is not known.
fn tell_delays(numbers: &mut Numbers, calls: &mut [&mut Call]) {
    calls.sort_by_key(|call| call.start_ns);
    let mut last_ns = BTreeMap::new();
    for call in calls {
        call.ready_delay_ns = None;
        let (Some(read_ns), Some(id)) = (read_ns(call), call.descriptor) else {
            continue;
        };
        let from_ns = match call.copying {
            Copying::Seen(at) => at,
            _ => call.start_ns,
        };
        let last_ns = last_ns.entry(id).or_insert(0);
        if from_ns < *last_ns || numbers.below(3) == 0 {
            continue;
        }
        // Now and then the same data is read again (`MSG_PEEK`), and much of it came just now.
        let came_ns = match numbers.below(6) {
            0 => *last_ns,
            1 | 2 => from_ns.saturating_sub(numbers.below(2_000)).max(*last_ns),
            _ => *last_ns + numbers.below(from_ns - *last_ns + 1),
        };
        call.ready_delay_ns = Some(from_ns - came_ns);
        *last_ns = if came_ns == from_ns { read_ns } else { came_ns };
    }
}

/// Some threads at work on some connections, and all calls with the lane of each.
fn store(seed: u64) -> (Store, Vec<(u32, Call)>) {
    let mut numbers = Numbers(seed * 0x9e37_79b9);
    let mut lanes: Vec<Vec<Event>> = (0..LANES)
        .map(|lane| thread(&mut numbers, 10 + lane, 1_000))
        .collect();
    let calls = lanes.iter_mut().flatten().filter_map(|event| match event {
        Event::Call(call) => Some(call),
        _ => None,
    });
    let mut calls: Vec<&mut Call> = calls.collect();
    for call in &mut calls {
        call.nr = NUMBERS[numbers.below(8) as usize];
        call.descriptor =
            (numbers.below(8) > 0).then(|| numbers.below(u64::from(DESCRIPTORS)) as u32);
    }
    tell_delays(&mut numbers, &mut calls);
    store_of(lanes)
}

/// What of one stretch of time lies in another.
fn common_ns((a, b): (u64, u64), (c, d): (u64, u64)) -> u64 {
    b.min(d).saturating_sub(a.max(c))
}

/// What calls do in a bucket: all of it, by looking at each.
fn flow<'a>(calls: impl Iterator<Item = &'a Call>, bucket: (u64, u64)) -> Flow {
    let mut flow = Flow::default();
    let inside = |ns: u64| u64::from((bucket.0..bucket.1).contains(&ns));
    for call in calls {
        let begins = inside(call.start_ns);
        if let Some(read_ns) = read_ns(call) {
            let reads = inside(read_ns);
            flow.receives += reads;
            flow.received_bytes += reads * bytes(call);
            flow.reading_ns += common_ns((read_ns, call.end_ns), bucket);
            match arrived_ns(call) {
                Some(arrived_ns) => {
                    flow.arrivals += inside(arrived_ns);
                    flow.waiting_ns += common_ns((arrived_ns, read_ns), bucket);
                }
                None => flow.unknown += reads,
            }
        } else if is_receive(call.nr) {
            flow.empty += begins;
        } else if [1, 44, 307].contains(&call.nr) {
            flow.sends += begins;
            flow.sent_bytes += begins * bytes(call);
            flow.sending_ns += common_ns((call.start_ns, call.end_ns), bucket);
        } else {
            flow.others += begins;
        }
    }
    flow
}

/// What it takes of the connection's time.
fn range_ns(call: &Call) -> (u64, u64) {
    let from_ns = arrived_ns(call).or(read_ns(call));
    (from_ns.unwrap_or(call.start_ns), call.end_ns)
}

/// The words of docs/wire.md, but that there may be too many calls.
fn plain(calls: &[(u32, Call)], id: u32, from_ns: u64, to_ns: u64, buckets: u64) -> Connection {
    let width_ns = (to_ns - from_ns).div_ceil(buckets);
    let own = || calls.iter().filter(|(_, call)| call.descriptor == Some(id));
    let is_wide = |call: &Call| range_ns(call).1 - range_ns(call).0 >= width_ns;
    let touches = |call: &Call| {
        let (begin_ns, end_ns) = range_ns(call);
        begin_ns < to_ns && (end_ns > from_ns || begin_ns == from_ns)
    };
    let kinds = CallKinds::new(Some(Arch::X86_64));
    let mut told: Vec<(u32, Use)> = own()
        .filter(|(_, call)| is_wide(call) && touches(call))
        .map(|(lane, call)| (*lane, Use::new(&kinds, call.clone())))
        .collect();
    told.sort_by_key(|(lane, used)| (used.call.start_ns, *lane));
    let narrow: Vec<&Call> = own()
        .map(|(_, call)| call)
        .filter(|call| !is_wide(call))
        .collect();
    let mut flows = Vec::new();
    for bucket in 0..(to_ns - from_ns).div_ceil(width_ns) {
        let begin_ns = from_ns + bucket * width_ns;
        let range = (begin_ns, to_ns.min(begin_ns + width_ns));
        flows.push((bucket as u32, flow(narrow.iter().copied(), range)));
    }
    flows.retain(|(_, flow)| *flow != Flow::default());
    Connection {
        width_ns,
        calls: Some(told),
        buckets: flows,
        is_cut: false,
    }
}

/// Asks the same of many stores, of many stretches of time.
fn each(mut check: impl FnMut(&Store, &[(u32, Call)], (u32, u64, u64, u64), &str)) {
    for seed in 1..7 {
        let (store, calls) = store(seed);
        let mut numbers = Numbers(seed + 100);
        for _ in 0..40 {
            let id = numbers.below(u64::from(DESCRIPTORS)) as u32;
            // At the very edges of calls, a bit beside them, or anywhere.
            let mut time = || {
                let (_, call) = &calls[numbers.below(calls.len() as u64) as usize];
                let edges = [
                    call.start_ns,
                    call.end_ns,
                    range_ns(call).0,
                    call.end_ns + 7,
                    numbers.below(store.state().now_ns),
                ];
                edges[numbers.below(5) as usize]
            };
            let (one, other) = (time(), time());
            let (from_ns, mut to_ns) = (one.min(other), one.max(other) + 1);
            if numbers.below(3) == 0 {
                to_ns = from_ns + 1 + numbers.below(100_000);
            }
            let most = [8, 500][numbers.below(2) as usize];
            let buckets = 1 + numbers.below(most);
            let facts = format!("seed {seed}, {id}, {from_ns} to {to_ns}, {buckets} buckets");
            check(&store, &calls, (id, from_ns, to_ns, buckets), &facts);
        }
    }
}

fn ask(store: &Store, (id, from_ns, to_ns, buckets): (u32, u64, u64, u64)) -> Connection {
    let kinds = CallKinds::new(Some(Arch::X86_64));
    let calls = store.calls();
    calls.connection(&kinds, id, from_ns, to_ns, buckets)
}

#[test]
fn what_a_connection_did_is_what_a_loop_over_all_calls_says_to_the_nanosecond() {
    let (mut summed, mut told, mut waited) = (0, 0, 0);
    each(|store, calls, asked, facts| {
        let connection = ask(store, asked);
        let (id, from_ns, to_ns, buckets) = asked;
        assert_eq!(
            connection,
            plain(calls, id, from_ns, to_ns, buckets),
            "{facts}"
        );
        summed += connection.buckets.len();
        told += connection.calls.unwrap().len();
        waited += connection
            .buckets
            .iter()
            .filter(|(_, flow)| flow.waiting_ns > 0)
            .count();
    });
    assert!(
        summed > 1_000 && told > 1_000 && waited > 1_000,
        "{summed} {told} {waited}"
    );
}

#[test]
fn data_that_came_before_the_end_and_was_read_long_after_it_waits_up_to_the_end() {
    let mut late = 0;
    each(|store, calls, asked, facts| {
        let (id, from_ns, to_ns, _) = asked;
        let after = calls.iter().filter(|(_, call)| {
            call.descriptor == Some(id)
                && call.start_ns >= to_ns
                && arrived_ns(call).is_some_and(|ns| ns < to_ns)
        });
        for (lane, call) in after {
            let width_ns = to_ns - from_ns;
            if call.end_ns - range_ns(call).0 < width_ns {
                continue;
            }
            let connection = ask(store, (id, from_ns, to_ns, 1));
            let found = connection.calls.unwrap();
            let found = found
                .iter()
                .any(|(of, used)| of == lane && used.call == *call);
            assert!(found, "{facts}: {call:?}");
            late += 1;
        }
    });
    assert!(late > 20, "{late}");
}

/// What the JSON export says of a call, in the words of the connection's lane.
fn exported(trace: &Trace, lane: u32, call: &Call) -> Value {
    let json = call_json(trace, call);
    let number = |name: &str| json.get(name).and_then(Value::as_u64);
    let name = json["call"].as_str().unwrap();
    let kind = match name {
        "read" | "recvfrom" | "recvmmsg" => "receive",
        "write" | "sendto" | "sendmmsg" => "send",
        _ => "other",
    };
    let copy_ns = number("copy_start_ns").filter(|_| kind == "receive");
    let inferred = json["copying"] == "inferred";
    let start_ns = number("start_ns").unwrap();
    let arrived_ns = copy_ns.zip(number("ready_delay_ns"));
    let arrived_ns = arrived_ns.map(|(copy_ns, delay_ns)| match delay_ns {
        0 => copy_ns,
        _ if inferred => start_ns - delay_ns,
        _ => copy_ns - delay_ns,
    });
    json!([lane, kind, start_ns, number("end_ns"), copy_ns, arrived_ns])
}

#[test]
fn calls_told_by_themselves_are_those_of_the_json_export() {
    let mut told = 0;
    each(|store, _, asked, facts| {
        for (lane, used) in ask(store, asked).calls.unwrap() {
            let kind = match used.kind {
                UseKind::Receive => "receive",
                UseKind::Send => "send",
                UseKind::Other => "other",
            };
            let Call {
                start_ns, end_ns, ..
            } = used.call;
            let said = json!([
                lane,
                kind,
                start_ns,
                end_ns,
                used.read_ns(),
                used.arrived_ns()
            ]);
            let known = store.call_at(lane, start_ns).unwrap().call;
            // At the very end of a call the next one may begin.
            if known.start_ns == start_ns && known.end_ns == end_ns {
                assert_eq!(said, exported(store.trace(), lane, &known), "{facts}");
                told += 1;
            }
        }
    });
    assert!(told > 1_000, "{told}");
}

#[test]
fn of_more_calls_than_are_told_all_are_summed() {
    // Threads that receive at the same time, each longer than a bucket.
    let mut store = Store::new(trace(), u64::MAX);
    let mut calls = Vec::new();
    for lane in 0..4_u32 {
        for at in 0..3_000_u64 {
            let start_ns = at * 100 + u64::from(lane) * 2;
            let call = Call {
                copying: Copying::Seen(start_ns + 10),
                kernel_ns: 10,
                copying_ns: 80,
                ready_delay_ns: Some(if at % 3 == 0 { 15 } else { 0 }),
                descriptor: Some(1),
                ret: Some(10),
                start_ns,
                end_ns: start_ns + 90,
                ..like(10 + lane)
            };
            calls.push((lane, call.clone()));
            store.extend([Event::Call(call)]);
        }
    }
    let asked = (1, 0, 300_000, CONNECTION_BUCKETS_MAX);
    let connection = ask(&store, (1, 50_000, 60_000, 1_000));
    assert_eq!(connection, plain(&calls, 1, 50_000, 60_000, 1_000));
    assert!(connection.calls.unwrap().len() > 150);

    let connection = ask(&store, (1, 0, 300_000, 10_000));
    assert_eq!(connection.calls, None);
    let width_ns = 300_000_u64.div_ceil(asked.3);
    assert_eq!(
        connection.width_ns, width_ns,
        "no more buckets than there may be"
    );
    let mut left = calls.iter().map(|(_, call)| call).collect::<Vec<_>>();
    for (bucket, told) in &connection.buckets {
        let begin_ns = u64::from(*bucket) * width_ns;
        let range = (begin_ns, (begin_ns + width_ns).min(300_000));
        assert_eq!(*told, flow(left.iter().copied(), range), "bucket {bucket}");
        left.retain(|call| call.end_ns > begin_ns);
    }
    let receives: u64 = connection
        .buckets
        .iter()
        .map(|(_, flow)| flow.receives)
        .sum();
    assert_eq!(receives, 12_000);
}

fn like(tid: u32) -> Call {
    let mut numbers = Numbers(5);
    let events = thread(&mut numbers, tid, 20);
    let calls = events.into_iter().find_map(|event| match event {
        Event::Call(call) => Some(call),
        _ => None,
    });
    Call {
        nr: 0,
        ..on_the_cpu(calls.unwrap())
    }
}

#[test]
fn how_far_is_looked_for_who_read_it_is_bounded_and_told() {
    let mut store = Store::new(trace(), u64::MAX);
    // More chunks of calls on another connection than are looked at: one of each thread, and more of the first.
    let on_another = |tid: u32, start_ns: u64| {
        Event::Call(Call {
            descriptor: Some(2),
            copying: Copying::None,
            ready_delay_ns: None,
            kernel_ns: 1,
            copying_ns: 0,
            start_ns,
            end_ns: start_ns + 1,
            ..like(tid)
        })
    };
    store.extend((1..5_000).map(|at| on_another(10, at * 10)));
    store.extend((1..4_096).map(|tid| on_another(10 + tid, 30_000)));
    assert_eq!(store.lanes().len(), 4_096);
    let kinds = CallKinds::new(Some(Arch::X86_64));
    let near = (store.calls()).connection(&kinds, 1, 35_000, 35_010, 4);
    assert!(!near.is_cut, "to the end of the trace");
    let far = store.calls().connection(&kinds, 1, 0, 10, 4);
    assert!(far.is_cut && far.buckets.is_empty(), "{far:?}");
}

#[test]
fn numbers_that_no_kernel_makes_do_no_harm() {
    let mut numbers = Numbers(3);
    let mut store = Store::new(trace(), u64::MAX);
    store.extend(thread(&mut numbers, 10, 3_000));
    let mut last = like(10);
    last.start_ns = store.state().now_ns;
    last.end_ns = u64::MAX - 1;
    last.kernel_ns = last.end_ns - last.start_ns;
    last.copying_ns = 0;
    last.copying = Copying::Seen(last.start_ns);
    last.descriptor = Some(1);
    last.ret = Some(i64::MAX);
    store.extend([Event::Call(last)]);
    let kinds = CallKinds::new(None);
    for (from_ns, to_ns, buckets) in [
        (0, u64::MAX, 1),
        (0, u64::MAX, 4_096),
        (u64::MAX - 1, u64::MAX, 7),
        (u64::MAX, u64::MAX, 7),
        (9, 3, 0),
        (0, 1, u64::MAX),
    ] {
        let known = ask(&store, (1, from_ns, to_ns, buckets));
        assert!(known.buckets.len() as u64 <= CONNECTION_BUCKETS_MAX);
        // Of a machine whose calls have no names, none is known to receive.
        let unknown = store.calls().connection(&kinds, 1, from_ns, to_ns, buckets);
        let other = |(_, used): &(u32, Use)| used.kind == UseKind::Other;
        assert!(unknown.calls.unwrap().iter().all(other));
    }
}
