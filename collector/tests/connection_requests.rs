//! Requests of `io_uring`s along a connection against plain loops over all of them, the JSON export, and the words of docs/wire.md.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/blank.rs"]
mod blank;
#[path = "support/random.rs"]
mod random;

use random::{Numbers, trace};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use waitscope::{
    export::{Format, Range, export},
    model::{End, Event, Request},
    opened,
    recording::{Reader, Writer},
    store::{Along, Asks, CONNECTION_BUCKETS_MAX, Store, UseKind, request_kind},
};

const DESCRIPTORS: u64 = 4;
const NOW_NS: u64 = 1_000_000;
/// `recv`, `send`, `read`, `writev`, `accept`, `poll_add`, one that nobody knows.
const OPERATIONS: [u32; 7] = [27, 26, 22, 2, 13, 6, 999];

fn is_receive(request: &Request) -> bool {
    [22, 27].contains(&request.opcode)
}

fn is_send(request: &Request) -> bool {
    [2, 26].contains(&request.opcode)
}

/// Many requests, in the order in which they were complete, as a recorder tells them.
fn requests(numbers: &mut Numbers, count: u64) -> Vec<Request> {
    let mut all: Vec<Request> = (0..count)
        .map(|user_data| {
            let submit_ns = numbers.below(NOW_NS);
            let length_ns = match numbers.below(4) {
                0 => 0,
                1 => numbers.below(300_000),
                _ => numbers.below(3_000),
            };
            let is_over = numbers.below(20) > 0;
            let complete_ns = (submit_ns + length_ns).min(NOW_NS);
            Request {
                pid: 1,
                tid: 10 + numbers.below(3) as u32,
                ring: Some(4),
                opcode: OPERATIONS[numbers.below(7) as usize],
                fd: Some(7),
                descriptor: (numbers.below(6) > 0).then(|| numbers.below(DESCRIPTORS) as u32),
                submit_ns: (numbers.below(9) > 0).then_some(submit_ns),
                complete_ns: is_over.then_some(complete_ns),
                user_data,
                ret: is_over.then(|| numbers.below(3_000) as i32 - 200),
                shot: u32::from(numbers.below(9) == 0),
                more: false,
            }
        })
        .collect();
    all.sort_by_key(|request| request.complete_ns.unwrap_or(u64::MAX));
    all
}

/// When it is drawn; by the words of docs/wire.md.
fn range_ns(request: &Request) -> Option<(u64, u64)> {
    let first = request.submit_ns.filter(|_| request.shot == 0);
    let end_ns = request.complete_ns.or(first.map(|_| NOW_NS))?;
    Some((first.unwrap_or(end_ns), end_ns))
}

fn asks<'a>(requests: impl Iterator<Item = &'a Request>, (from_ns, to_ns): (u64, u64)) -> Asks {
    let mut asks = Asks::default();
    for request in requests {
        let Some((begin_ns, end_ns)) = range_ns(request) else {
            continue;
        };
        let ns = end_ns.min(to_ns).saturating_sub(begin_ns.max(from_ns));
        let is_over = request
            .complete_ns
            .is_some_and(|ns| (from_ns..to_ns).contains(&ns));
        let bytes = if is_over {
            request.ret.unwrap().max(0) as u64
        } else {
            0
        };
        asks.complete += u64::from(is_over);
        if is_send(request) {
            asks.sending_ns += ns;
            asks.sent_bytes += bytes;
        } else {
            asks.waiting_ns += ns;
            asks.received_bytes += if is_receive(request) { bytes } else { 0 };
        }
    }
    asks
}

fn plain(all: &[Request], id: u32, from_ns: u64, to_ns: u64, buckets: u64) -> Along {
    let width_ns = (to_ns - from_ns).div_ceil(buckets);
    let own = || all.iter().filter(|request| request.descriptor == Some(id));
    let is_wide = |request: &Request| range_ns(request).is_some_and(|(a, b)| b - a >= width_ns);
    let mut told: Vec<Request> = own()
        .filter(|request| {
            is_wide(request) && range_ns(request).is_some_and(|(a, b)| a < to_ns && b >= from_ns)
        })
        .copied()
        .collect();
    told.sort_by_key(|request| (request.submit_ns, request.complete_ns));
    let buckets = (0..(to_ns - from_ns).div_ceil(width_ns)).map(|bucket| {
        let begin_ns = from_ns + bucket * width_ns;
        let range = (begin_ns, to_ns.min(begin_ns + width_ns));
        (
            bucket as u32,
            asks(own().filter(|request| !is_wide(request)), range),
        )
    });
    Along {
        width_ns,
        told: Some(told),
        buckets: buckets
            .filter(|(_, asks)| *asks != Asks::default())
            .collect(),
        kept_ns: 0,
    }
}

/// Stretches at edges of requests or anywhere, and what is to be told of them.
fn stretches(all: &[Request], seed: u64) -> Vec<(u32, u64, u64, u64)> {
    let mut numbers = Numbers(seed);
    let mut stretches = Vec::new();
    while stretches.len() < 60 {
        let mut time = || {
            let request = &all[numbers.below(all.len() as u64) as usize];
            let edges = [
                request.submit_ns,
                request.complete_ns,
                Some(numbers.below(NOW_NS)),
            ];
            edges[numbers.below(3) as usize].unwrap_or(7)
        };
        let (one, other) = (time(), time());
        let most = [8, 500][numbers.below(2) as usize];
        let buckets = 1 + numbers.below(most);
        let id = numbers.below(DESCRIPTORS) as u32;
        stretches.push((id, one.min(other), one.max(other) + 1, buckets));
    }
    stretches
}

fn store_of(all: &[Request]) -> Store {
    let mut store = Store::new(trace(), u64::MAX);
    store.extend(all.iter().copied().map(Event::Request));
    store
}

#[test]
fn what_requests_did_is_what_a_loop_over_all_of_them_says_to_the_nanosecond() {
    let (mut told, mut summed) = (0, 0);
    for seed in 1..5 {
        let all = requests(&mut Numbers(seed * 77), 2_000);
        let known = store_of(&all).requests();
        for (id, from_ns, to_ns, buckets) in stretches(&all, seed) {
            let along = known.along(id, from_ns, to_ns, buckets, NOW_NS);
            let facts = format!("seed {seed}, {id}, {from_ns} to {to_ns}, {buckets}");
            assert_eq!(along, plain(&all, id, from_ns, to_ns, buckets), "{facts}");
            told += along.told.unwrap().len();
            summed += along.buckets.len();
        }
    }
    assert!(told > 1_000 && summed > 1_000, "{told} {summed}");
}

#[test]
fn requests_told_by_themselves_are_those_of_the_json_export_of_a_file_that_was_read() {
    let all = requests(&mut Numbers(5), 1_000);
    let file = NamedTempFile::new().unwrap();
    let mut writer = Writer::create(file.path(), &trace()).unwrap();
    let known = |id: u32| Event::Descriptor(blank::descriptor(1, 7, id));
    let events: Vec<Event> = (0..DESCRIPTORS as u32)
        .map(known)
        .chain(all.iter().copied().map(Event::Request))
        .collect();
    writer.append(&events).unwrap();
    writer
        .finish(End {
            at_ns: NOW_NS,
            ..End::default()
        })
        .unwrap();
    let mut bytes = Vec::new();
    let open = || Reader::open(file.path());
    export(open, Format::Json, Range::default(), &mut bytes, |_, _| {
        Ok(())
    })
    .unwrap();
    let exported: Value = serde_json::from_slice(&bytes).unwrap();
    let exported = exported["requests"].as_array().unwrap();
    let (_, rest) = opened::open(file.path(), 1 << 20, |_, _| {}).unwrap();
    let known = rest.read(|_, _| {}).unwrap().store.requests();
    let mut count = 0;
    for id in 0..DESCRIPTORS as u32 {
        let told = known.along(id, 0, NOW_NS + 1, CONNECTION_BUCKETS_MAX, NOW_NS);
        let width_ns = told.width_ns;
        let mut told: Vec<String> = told
            .told
            .unwrap()
            .iter()
            .map(|one| waitscope::export::request_json(one).to_string())
            .collect();
        let number = |json: &Value, name: &str| json.get(name).and_then(Value::as_u64);
        let mut wanted: Vec<String> = exported
            .iter()
            .filter(|json| {
                let is_first = json.get("shot").is_none_or(|shot| *shot == json!(0));
                let submit_ns = number(json, "submit_ns").filter(|_| is_first);
                let end_ns = number(json, "complete_ns").unwrap_or(NOW_NS);
                number(json, "descriptor") == Some(u64::from(id))
                    && submit_ns.is_some_and(|ns| end_ns - ns >= width_ns)
            })
            .map(Value::to_string)
            .collect();
        told.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(told, wanted, "descriptor {id}");
        count += told.len();
    }
    assert!(count > 300, "{count}");
}

#[test]
fn of_more_requests_than_are_told_all_are_summed_and_of_more_than_are_kept_the_last_are_told() {
    let mut store = Store::new(trace(), u64::MAX);
    // Four under way at any time, each longer than a bucket.
    let one = |at: u64| Request {
        descriptor: Some(1),
        opcode: 27,
        submit_ns: Some(at * 5),
        complete_ns: Some(at * 5 + 20),
        ret: Some(3),
        shot: 0,
        ..requests(&mut Numbers(3), 1)[0]
    };
    store.extend((0..8_000).map(one).map(Event::Request));
    let along = store.requests().along(1, 0, 40_000, 10_000, 40_000);
    assert_eq!((along.told, along.kept_ns), (None, 0));
    let mut whole = Asks::default();
    for (_, asks) in along.buckets {
        whole += asks;
    }
    // The last ones are complete after the end, which cuts 5, 10 and 15 ns off them.
    let (complete, waiting_ns) = (7_996, 8_000 * 20 - 30);
    assert_eq!(
        (whole.complete, whole.received_bytes, whole.waiting_ns),
        (complete, complete * 3, waiting_ns)
    );

    store.extend((8_000..140_000).map(one).map(Event::Request));
    let along = store.requests().along(1, 0, 800_000, 1, 800_000);
    assert!(along.kept_ns > 0, "some were let go");
    let (_, asks) = along.buckets[0];
    let gone = (along.kept_ns - 20) / 5 + 1;
    assert_eq!(asks.complete, 140_000 - gone, "and all after that are told");
}

#[test]
fn operations_move_what_their_names_say() {
    for (opcode, kind) in [
        (27, UseKind::Receive),
        (4, UseKind::Receive),
        (47, UseKind::Send),
        (30, UseKind::Other),
    ] {
        assert_eq!(request_kind(opcode), kind, "{opcode}");
    }
}
