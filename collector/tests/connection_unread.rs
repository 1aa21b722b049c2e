//! What was found ready on a connection and read by nobody, against a plain loop over all that happened.

#[path = "support/blank.rs"]
mod blank;
#[path = "support/random.rs"]
mod random;

use random::{Numbers, trace};
use waitscope::{
    model::{
        Arch, Call, CallKinds, Descriptor, DescriptorKind, End, Event, Gap, Life, LifeKind,
        OpenThread, Ready, Request, readiness,
    },
    store::{Store, Unsure},
};

/// `epoll_wait`, `poll`, `recvfrom`, `accept4`, `ioctl`, `splice`; `sendto`, `close`, `shutdown`, on x86-64.
const NUMBERS: [u32; 9] = [232, 7, 45, 288, 16, 275, 44, 3, 48];
const MAY_TAKE: [u32; 4] = [45, 288, 16, 275];

fn tcp(id: u32, object: u64, closed_ns: Option<u64>) -> Descriptor {
    Descriptor {
        object,
        closed_ns,
        ..blank::descriptor(1, id as i32, id)
    }
}

fn call(tid: u32, nr: u32, (start_ns, end_ns): (u64, u64), on: Option<u32>) -> Call {
    Call {
        start_ns,
        end_ns,
        kernel_ns: end_ns - start_ns,
        descriptor: on,
        ret: Some(1),
        ..blank::call(1, tid, nr)
    }
}

fn found(call: &Call, id: u32, ready: u32) -> Event {
    Event::Ready(Ready {
        pid: 1,
        tid: call.tid,
        call_start_ns: call.start_ns,
        fd: Some(id as i32),
        descriptor: Some(id),
        asked: Some(readiness::IN),
        ready,
    })
}

/// Four connections, the last two of them copies of one, and three threads that look and work.
fn life(seed: u64) -> Vec<Event> {
    let mut numbers = Numbers(seed * 0x9e37_79b9);
    let mut events: Vec<Event> = (1..5)
        .map(|id| Event::Descriptor(tcp(id, u64::from(id.min(3)), None)))
        .collect();
    let mut free_ns = [0; 3];
    let count = 40 + numbers.below(200);
    let quiet = numbers.below(6) as u32;
    let mut calls = Vec::new();
    for at in 0..count {
        let thread = numbers.below(3) as usize;
        let start_ns = free_ns[thread] + numbers.below(300);
        let end_ns = start_ns + numbers.below(500);
        free_ns[thread] = end_ns + 1;
        let nr = NUMBERS[numbers.below(9) as usize];
        let is_look = [232, 7].contains(&nr);
        let mut on = 1 + numbers.below(4) as u32;
        // From the middle on, nobody reads one of them any more.
        if at > count / 2 && on == quiet && MAY_TAKE.contains(&nr) {
            on = 9;
        }
        let one = call(
            10 + thread as u32,
            nr,
            (start_ns, end_ns),
            (!is_look).then_some(on),
        );
        let mut seen = Vec::new();
        if is_look {
            for id in 1..5 {
                let bits = [
                    0,
                    readiness::OUT,
                    readiness::IN,
                    readiness::IN | readiness::HUP,
                ];
                seen.push(found(&one, id, bits[numbers.below(4) as usize]));
            }
        }
        calls.push((end_ns, seen, one));
    }
    calls.sort_by_key(|(end_ns, ..)| *end_ns);
    for (_, seen, call) in calls {
        events.extend(seen);
        events.push(Event::Call(call));
    }
    if numbers.below(4) == 0 {
        let end_ns = numbers.below(free_ns[0]);
        let start_ns = end_ns / 2;
        events.push(Event::Gap(Gap {
            cpu: 0,
            start_ns,
            end_ns,
            lost: 3,
        }));
    }
    if numbers.below(3) == 0 {
        let closed_ns = free_ns.into_iter().max();
        events.push(Event::Descriptor(tcp(2, 2, closed_ns)));
    }
    events
}

/// By looking at all of it: when a call began and ended that found it ready, after the last that may have read.
fn plain(events: &[Event], id: u32) -> Result<Option<(u64, u64)>, Unsure> {
    let copies: &[u32] = if id >= 3 { &[3, 4] } else { &[id] };
    let calls = || {
        events.iter().filter_map(|event| match event {
            Event::Call(call) => Some(call),
            _ => None,
        })
    };
    let taken = calls().filter(|call| {
        call.descriptor.is_some_and(|on| copies.contains(&on)) && MAY_TAKE.contains(&call.nr)
    });
    let taken_ns = taken.map(|call| call.end_ns).max().unwrap_or(0);
    let finds = |call: &&Call| {
        call.start_ns >= taken_ns
            && events.iter().any(|event| match event {
                Event::Ready(ready) => {
                    (ready.tid, ready.call_start_ns) == (call.tid, call.start_ns)
                        && ready.descriptor == Some(id)
                        && ready.ready & readiness::IN != 0
                }
                _ => false,
            })
    };
    let Some(first) = calls().filter(finds).min_by_key(|call| call.end_ns) else {
        return Ok(None);
    };
    let lost = events
        .iter()
        .any(|event| matches!(event, Event::Gap(gap) if gap.end_ns > first.start_ns));
    if lost {
        return Err(Unsure);
    }
    Ok(Some((first.start_ns, first.end_ns)))
}

fn store_of(events: &[Event]) -> Store {
    let mut store = Store::new(trace(), u64::MAX);
    store.extend(events.iter().cloned());
    assert_eq!(store.state().disordered, 0);
    store
}

fn ask(store: &Store, id: u32) -> Result<Option<(u64, u64)>, Unsure> {
    let kinds = CallKinds::new(Some(Arch::X86_64));
    let watched = store.watched(id).ok_or(Unsure)?;
    let found = store.calls().unread(&kinds, &watched)?;
    Ok(found.map(|found| (found.call.start_ns, found.call.end_ns)))
}

#[test]
fn what_nobody_read_is_what_a_loop_over_all_that_happened_says() {
    let (mut told, mut nothing, mut lost) = (0, 0, 0);
    for seed in 1..400 {
        let events = life(seed);
        let store = store_of(&events);
        for id in 1..5 {
            let said = ask(&store, id);
            assert_eq!(said, plain(&events, id), "seed {seed}, {id}");
            match said {
                Ok(Some(_)) => told += 1,
                Ok(None) => nothing += 1,
                Err(Unsure) => lost += 1,
            }
        }
    }
    assert!(
        told > 200 && nothing > 200 && lost > 10,
        "{told} {nothing} {lost}"
    );
}

/// Found ready at 20 to 30, after a read, and left alone; closed at 90.
fn left() -> Vec<Event> {
    let look = call(10, 232, (20, 30), None);
    vec![
        Event::Descriptor(tcp(1, 7, None)),
        Event::Call(call(10, 45, (5, 10), Some(1))),
        found(&look, 1, readiness::IN),
        Event::Call(look),
        Event::Call(call(10, 3, (80, 90), Some(1))),
        Event::Descriptor(tcp(1, 7, Some(90))),
    ]
}

#[test]
fn nothing_is_told_where_somebody_may_have_read_it_unseen() {
    assert_eq!(ask(&store_of(&left()), 1), Ok(Some((20, 30))));
    let with = |more: Event| {
        let mut events = left();
        events.push(more);
        ask(&store_of(&events), 1)
    };
    let end = |untracked, compat| {
        Event::End(End {
            at_ns: 100,
            untracked,
            compat,
            ..End::default()
        })
    };
    assert_eq!(with(end(0, 0)), Ok(Some((20, 30))));
    assert_eq!(
        with(end(1, 0)),
        Err(Unsure),
        "a thread that was not tracked"
    );
    assert_eq!(with(end(0, 1)), Err(Unsure), "a 32-bit call");
    let ring = Descriptor {
        kind: DescriptorKind::Uring,
        ..tcp(5, 0, None)
    };
    assert_eq!(
        with(Event::Descriptor(ring.clone())),
        Err(Unsure),
        "a request of a ring"
    );
    let other = Descriptor { pid: 2, ..ring };
    assert_eq!(
        with(Event::Descriptor(other)),
        Ok(Some((20, 30))),
        "of another process"
    );
    // Of a ring that was there before, its requests may be all that is known.
    let request = |pid| {
        Event::Request(Request {
            pid,
            tid: 11,
            ring: None,
            opcode: 27,
            fd: Some(4),
            descriptor: Some(4),
            submit_ns: Some(50),
            complete_ns: Some(60),
            user_data: 0,
            ret: Some(1),
            shot: 0,
            more: false,
        })
    };
    assert_eq!(with(request(1)), Err(Unsure), "a ring that is not known");
    assert_eq!(with(request(2)), Ok(Some((20, 30))), "of another process");
    let copy = Descriptor {
        pid: 2,
        ..tcp(6, 7, None)
    };
    let read = Event::Call(Call {
        pid: 2,
        ..call(20, 45, (95, 99), Some(6))
    });
    let mut events = left();
    events.extend([Event::Descriptor(copy), read]);
    assert_eq!(
        ask(&store_of(&events), 1),
        Ok(None),
        "a copy, after this one was closed"
    );
    let file = Descriptor {
        kind: DescriptorKind::File,
        ..tcp(1, 7, Some(90))
    };
    assert_eq!(
        with(Event::Descriptor(file)),
        Err(Unsure),
        "a file is always ready"
    );
    assert_eq!(
        ask(&store_of(&left()), 2),
        Err(Unsure),
        "nothing is known of it"
    );
}

#[test]
fn a_call_under_way_may_be_reading_it() {
    let mut store = store_of(&left());
    let open = OpenThread {
        pid: 1,
        tid: 11,
        at_ns: 95,
        nr: Some(Some(45)),
        since_ns: 40,
        fd: Some(1),
        began_before: false,
        kernel_ns: 0,
        blocked_ns: 55,
        runnable_ns: 0,
        copying_ns: 0,
        off_since_ns: Some(40),
        woken_ns: None,
    };
    store.advance(95, 0, vec![open]);
    assert_eq!(ask(&store, 1), Err(Unsure));
    store.advance(
        96,
        0,
        vec![OpenThread {
            fd: Some(4),
            ..open
        }],
    );
    assert_eq!(ask(&store, 1), Ok(Some((20, 30))));
}

#[test]
fn who_read_it_may_have_been_let_go_or_have_found_no_lane() {
    // Threads whose calls end late, and one that read it long ago and is busy since.
    let look = call(10, 232, (20, 30), None);
    let mut events = vec![
        Event::Descriptor(tcp(1, 7, None)),
        found(&look, 1, readiness::IN),
        Event::Call(look),
        Event::Call(call(11, 45, (40, 45), Some(1))),
    ];
    events.extend((1..40_000).map(|at| {
        let start_ns = 100 * at;
        Event::Call(call(11, 45, (start_ns, start_ns + 50), Some(2)))
    }));
    events.push(Event::Call(call(10, 232, (4_000_000, 4_000_001), None)));
    assert_eq!(ask(&store_of(&events), 1), Ok(None));
    let mut little = Store::new(trace(), 1 << 20);
    little.extend(events);
    let kept_ns = little.state().kept_ns;
    assert!(kept_ns > 45, "all is there since {kept_ns}");
    assert_eq!(ask(&little, 1), Err(Unsure), "since {kept_ns}");

    let mut store = store_of(&left());
    store.extend((0..5_000).map(|tid| {
        Event::Life(Life {
            pid: 1,
            tid: 100 + tid,
            at_ns: 95,
            kind: LifeKind::Began,
            name: String::new(),
        })
    }));
    assert!(store.lanes_more() > 0);
    assert_eq!(ask(&store, 1), Err(Unsure), "some threads have no lane");
}
