//! What a store hands over of all that it was told, against what it was told.

#[path = "support/blank.rs"]
mod blank;
#[path = "support/random.rs"]
mod random;

use std::convert::Infallible;

use random::{Numbers, thread, trace};
use waitscope::{
    model::{Descriptor, Event, Gap, Life, LifeKind, Ready, Request},
    store::Store,
};

const LANES: u32 = 4;

fn end_ns(event: &Event) -> u64 {
    match event {
        Event::Call(call) => call.end_ns,
        Event::OffCpu(span) => span.end_ns,
        Event::Gap(gap) => gap.end_ns,
        Event::Life(life) => life.at_ns,
        _ => 0,
    }
}

fn life(tid: u32, at_ns: u64) -> Event {
    Event::Life(Life {
        pid: 1,
        tid,
        at_ns,
        kind: LifeKind::Found,
        name: format!("thread {tid}"),
    })
}

/// Threads at work, in the order in which things end: with what calls found, and beside them descriptors, requests and losses. Each
/// with when it was told.
fn told(numbers: &mut Numbers, count: usize) -> Vec<(u64, Event)> {
    let mut all: Vec<(u64, Event)> = Vec::new();
    for tid in 10..10 + LANES {
        let mut events = thread(numbers, tid, count);
        // No thread leaves the CPU for no time: of one that did, nothing tells whether a call that ended then came before it.
        events
            .retain(|event| !matches!(event, Event::OffCpu(span) if span.start_ns == span.end_ns));
        all.extend(events.into_iter().map(|event| (end_ns(&event), event)));
    }
    all.sort_by_key(|(at_ns, _)| *at_ns);
    let mut told: Vec<(u64, Event)> = (10..10 + LANES).map(|tid| (0, life(tid, 0))).collect();
    for (at, (at_ns, event)) in all.into_iter().enumerate() {
        if let Event::Call(call) = &event {
            for fd in 0..numbers.below(3) as i32 {
                let ready = Ready {
                    pid: 1,
                    tid: call.tid,
                    call_start_ns: call.start_ns,
                    fd: Some(fd),
                    descriptor: Some(fd as u32),
                    asked: Some(1),
                    ready: 1,
                };
                told.push((at_ns, Event::Ready(ready)));
            }
        }
        told.push((at_ns, event));
        let id = at as u32;
        match numbers.below(12) {
            0 => told.push((at_ns, Event::Descriptor(descriptor(id)))),
            1 => told.push((at_ns, Event::Request(request(id, at_ns)))),
            2 => {
                let (start_ns, end_ns) = (at_ns / 2, at_ns);
                told.push((
                    at_ns,
                    Event::Gap(Gap {
                        cpu: 1,
                        start_ns,
                        end_ns,
                        lost: 2,
                    }),
                ));
            }
            _ => {}
        }
    }
    told
}

fn descriptor(id: u32) -> Descriptor {
    blank::descriptor(1, 7, id)
}

fn request(id: u32, at_ns: u64) -> Request {
    Request {
        pid: 1,
        tid: 10,
        ring: Some(3),
        opcode: 27,
        fd: Some(7),
        descriptor: Some(id),
        submit_ns: Some(at_ns),
        complete_ns: Some(at_ns),
        user_data: u64::from(id),
        ret: Some(1),
        shot: 0,
        more: false,
    }
}

fn handed(store: &Store) -> Vec<Event> {
    let mut all = Vec::new();
    let each = |events: Vec<Event>| {
        all.extend(events);
        Ok::<(), Infallible>(())
    };
    store.around().each(each).unwrap();
    all
}

/// As text, which has an order.
fn sorted<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<String> {
    let mut all: Vec<String> = events.map(|event| format!("{event:?}")).collect();
    all.sort_unstable();
    all
}

#[test]
fn all_that_a_store_was_told_is_handed_over_in_the_order_in_which_it_ended() {
    for seed in 1..4 {
        // More than are handed over at a time.
        let told = told(&mut Numbers(seed * 31), 8_000);
        let mut store = Store::new(trace(), u64::MAX);
        store.extend(told.iter().map(|(_, event)| event.clone()));
        assert_eq!((store.state().disordered, store.state().held_ns), (0, 0));
        let handed = handed(&store);
        assert_eq!(
            sorted(handed.iter()),
            sorted(told.iter().map(|(_, event)| event)),
            "seed {seed}"
        );
        let ends: Vec<u64> = handed.iter().map(end_ns).filter(|ns| *ns > 0).collect();
        assert!(ends.is_sorted(), "seed {seed}");
        // What a call found comes before it, with nothing of the thread in between.
        for (at, event) in handed.iter().enumerate() {
            if let Event::Ready(ready) = event {
                let call = handed[at..].iter().find_map(|event| match event {
                    Event::Call(call) if call.tid == ready.tid => Some(call),
                    _ => None,
                });
                assert_eq!(call.unwrap().start_ns, ready.call_start_ns);
            }
        }
        // A store that is told the same shows the same.
        let mut again = Store::new(trace(), u64::MAX);
        again.extend(handed);
        assert_eq!(again.state().calls, store.state().calls);
        assert_eq!(again.tile(0, 20, 0), store.tile(0, 20, 0));
    }
}

#[test]
fn of_what_was_let_go_nothing_is_handed_over_and_of_the_rest_all_with_who_was_there() {
    let told = told(&mut Numbers(77), 40_000);
    let mut store = Store::new(trace(), 4 << 20);
    for part in told.chunks(1_000) {
        store.extend(part.iter().map(|(_, event)| event.clone()));
    }
    let held_ns = store.state().held_ns;
    assert!(held_ns > 0 && held_ns < store.state().now_ns, "{held_ns}");
    let handed = handed(&store);
    let timed = |event: &&Event| !matches!(event, Event::Life(_) | Event::Descriptor(_));
    let after = told.iter().filter(|(at_ns, _)| *at_ns > held_ns);
    let wanted = sorted(after.map(|(_, event)| event).filter(timed));
    assert!(wanted.len() > 1_000, "{}", wanted.len());
    assert_eq!(sorted(handed.iter().filter(timed)), wanted);
    let lives = handed
        .iter()
        .filter(|event| matches!(event, Event::Life(_)));
    let found: Vec<Event> = (10..10 + LANES).map(|tid| life(tid, held_ns)).collect();
    assert_eq!(sorted(lives), sorted(found.iter()));
    let known = handed
        .iter()
        .filter(|event| matches!(event, Event::Descriptor(_)));
    let all = told
        .iter()
        .filter(|(_, event)| matches!(event, Event::Descriptor(_)));
    assert_eq!(
        sorted(known),
        sorted(all.map(|(_, event)| event)),
        "descriptors that are open are known"
    );
}

#[test]
fn what_was_open_is_known_though_it_was_told_long_before_and_is_closed_after() {
    let mut store = Store::new(trace(), u64::MAX);
    let closed = |id, opened_ns, closed_ns| {
        Event::Descriptor(Descriptor {
            opened_ns,
            closed_ns: Some(closed_ns),
            ..descriptor(id)
        })
    };
    let at = |at_ns: u64| life(10, at_ns);
    store.extend([at(1), Event::Descriptor(descriptor(1))]);
    // So many words that the first ones are let go.
    store.extend((2..50_000).flat_map(|id| [at(id), Event::Descriptor(descriptor(id as u32))]));
    let late_ns = 60_000;
    let held_ns = store.state().held_ns;
    assert!(held_ns > 1 && held_ns < late_ns, "{held_ns}");
    store.extend([
        at(late_ns),
        closed(1, None, late_ns),
        closed(60_001, Some(held_ns + 1), late_ns),
    ]);
    assert_eq!(store.state().held_ns, held_ns);
    let handed = handed(&store);
    let of = |id: u32| -> Vec<Option<u64>> {
        let words = handed.iter().filter_map(|event| match event {
            Event::Descriptor(word) if word.id == id => Some(word.closed_ns),
            _ => None,
        });
        words.collect()
    };
    assert_eq!(of(1), [None, Some(late_ns)]);
    assert_eq!(of(60_001), [Some(late_ns)], "it was opened since");
}
