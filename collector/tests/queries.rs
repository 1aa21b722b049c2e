//! The store's answers to questions against plain loops over the events.

#[path = "support/random.rs"]
mod random;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use random::{Numbers, store_of, thread, trace};
use waitscope::{
    model::{Call, Event, Sum},
    store::{Filter, Latency, Row, Store, TOTALS_MAX},
};

const LANES: u32 = 5;

/// Some lanes, and all calls with the lane of each.
fn store(seed: u64) -> (Store, Vec<(u32, Call)>) {
    let mut numbers = Numbers(seed * 0x9e37_79b9);
    let lanes = (0..LANES).map(|lane| {
        let count = 2_000 + numbers.below(6_000) as usize;
        thread(&mut numbers, 10 + lane, count)
    });
    store_of(lanes.collect())
}

/// Sometimes wide, sometimes so narrow that nothing matches.
fn filter(numbers: &mut Numbers, calls: &[(u32, Call)]) -> Filter {
    let some = |numbers: &mut Numbers| &calls[numbers.below(calls.len() as u64) as usize].1;
    let mut filter = Filter::default();
    if numbers.below(2) == 0 {
        let (one, other) = (some(numbers).start_ns, some(numbers).start_ns);
        (filter.from_ns, filter.to_ns) = (one.min(other), one.max(other));
    }
    if numbers.below(2) == 0 {
        filter.least_ns = some(numbers).duration_ns();
    }
    if numbers.below(3) == 0 {
        filter.most_ns = some(numbers).duration_ns();
    }
    filter.lane = (numbers.below(3) == 0).then(|| numbers.below(LANES.into()) as u32);
    filter.nr = (numbers.below(4) == 0).then(|| some(numbers).nr);
    filter.descriptor = (numbers.below(3) == 0).then(|| numbers.below(10) as u32);
    filter.failed = (numbers.below(3) == 0).then(|| numbers.below(2) == 0);
    filter
}

/// The words of docs/wire.md.
fn is_wanted(filter: &Filter, lane: u32, call: &Call) -> bool {
    call.start_ns >= filter.from_ns
        && call.start_ns < filter.to_ns
        && call.duration_ns() >= filter.least_ns
        && call.duration_ns() <= filter.most_ns
        && (filter.lane.is_none() || filter.lane == Some(lane))
        && (filter.nr.is_none() || filter.nr == Some(call.nr))
        && (filter.descriptor.is_none() || filter.descriptor == call.descriptor)
        && (filter.failed.is_none() || filter.failed == call.ret.map(|ret| ret < 0))
}

/// Asks the same of many stores with many filters.
fn each(mut check: impl FnMut(&Store, &Filter, Vec<(u32, Call)>, &mut Numbers)) {
    let mut found = [0; 2];
    for seed in 1..5 {
        let (store, calls) = store(seed);
        let mut numbers = Numbers(seed + 100);
        for _ in 0..60 {
            let filter = filter(&mut numbers, &calls);
            let wanted: Vec<_> = (calls.iter())
                .filter(|(lane, call)| is_wanted(&filter, *lane, call))
                .cloned()
                .collect();
            found[usize::from(!wanted.is_empty())] += 1;
            check(&store, &filter, wanted, &mut numbers);
        }
    }
    assert!(
        found.iter().all(|&count| count > 10),
        "nothing, something: {found:?}"
    );
}

fn sum<'a>(calls: impl Iterator<Item = &'a Call>) -> Sum {
    let mut sum = Sum::default();
    for call in calls {
        sum += Sum {
            calls: 1,
            kernel_ns: call.kernel_ns,
            blocked_ns: call.blocked_ns,
            runnable_ns: call.runnable_ns,
            copying_ns: call.copying_ns,
            other_ns: call.other_ns,
            ..Sum::default()
        };
    }
    sum
}

#[test]
fn totals_are_sums_of_the_calls_and_their_parts_add_up() {
    each(|store, filter, wanted, _| {
        let totals = store.calls().totals(filter);
        let facts = format!("{filter:?}: {} calls", wanted.len());
        assert_eq!(
            totals.all,
            sum(wanted.iter().map(|(_, call)| call)),
            "{facts}"
        );
        for lane in 0..LANES {
            let own = wanted
                .iter()
                .filter(|(of, _)| *of == lane)
                .map(|(_, call)| call);
            let told = totals.lanes.iter().find(|(of, _)| *of == lane);
            assert_eq!(
                told.map_or(Sum::default(), |(_, sum)| *sum),
                sum(own),
                "{facts}"
            );
        }
        let mut parts = totals.other_descriptors;
        for (id, told) in &totals.descriptors {
            let own = wanted.iter().filter(|(_, call)| call.descriptor == *id);
            assert_eq!(
                *told,
                sum(own.map(|(_, call)| call)),
                "{facts}, descriptor {id:?}"
            );
            parts += *told;
        }
        assert_eq!(parts, totals.all, "{facts}");
        let times = totals
            .descriptors
            .iter()
            .map(|(_, sum)| Reverse(sum.calls_ns()));
        assert!(times.is_sorted(), "{facts}");
    });
}

#[test]
fn descriptors_beyond_the_bound_are_one_sum() {
    let (_, calls) = store(1);
    let mut store = Store::new(trace(), u64::MAX);
    let calls: Vec<_> = (0..)
        .zip(calls.into_iter().filter(|(lane, _)| *lane == 0))
        .collect();
    let count = calls.len();
    assert!(count > TOTALS_MAX, "{count} calls");
    store.extend(calls.into_iter().map(|(descriptor, (_, call))| {
        let descriptor = Some(descriptor);
        Event::Call(Call { descriptor, ..call })
    }));
    let totals = store.calls().totals(&Filter::default());
    assert_eq!(totals.descriptors.len(), TOTALS_MAX);
    assert_eq!(totals.other_descriptors.calls as usize, count - TOTALS_MAX);
}

#[test]
fn a_latency_is_in_the_slot_whose_bounds_hold_it() {
    each(|store, filter, wanted, _| {
        let mut left: Vec<u64> = wanted.iter().map(|(_, call)| call.duration_ns()).collect();
        for (slot, count) in store.calls().latency(filter).slots() {
            let (first, last) = Latency::bounds_ns(slot);
            let before = left.len();
            left.retain(|duration| !(first..=last).contains(duration));
            assert_eq!(
                (before - left.len()) as u64,
                count,
                "{filter:?}, {first} to {last}"
            );
        }
        assert!(left.is_empty(), "{filter:?}: {left:?}");
    });
}

#[test]
fn a_heatmap_counts_every_call_once_where_it_belongs() {
    each(|store, filter, wanted, numbers| {
        let columns = 1 + numbers.below(60);
        let (width_ns, cells) = store.calls().heatmap(filter, columns);
        let mut plain = BTreeMap::new();
        for (_, call) in &wanted {
            let column = (call.start_ns - filter.from_ns) / width_ns;
            assert!(column < columns, "{filter:?}: column {column} of {columns}");
            let row = (0..)
                .find(|row| call.duration_ns() <= Row::bounds_ns(*row).1)
                .unwrap();
            *plain.entry((column as u32, row)).or_insert(0) += 1;
        }
        let cells: BTreeMap<_, _> = cells
            .into_iter()
            .map(|(column, row, count)| ((column, row), count))
            .collect();
        assert_eq!(
            cells, plain,
            "{filter:?}, {columns} columns of {width_ns} ns"
        );
    });
}

#[test]
fn the_longest_calls_are_the_first_of_all_sorted_by_length() {
    each(|store, filter, mut wanted, numbers| {
        wanted.sort_by_key(|(lane, call)| (Reverse(call.duration_ns()), call.start_ns, *lane));
        let count = numbers.below(40) as usize;
        wanted.truncate(count);
        let durations = |calls: &[(u32, Call)]| -> Vec<_> {
            calls
                .iter()
                .map(|(lane, call)| (call.duration_ns(), call.start_ns, *lane))
                .collect()
        };
        let longest = store.calls().longest(filter, count);
        assert_eq!(
            durations(&longest),
            durations(&wanted),
            "{filter:?}, {count}"
        );
        assert!(
            longest
                .iter()
                .all(|(lane, call)| is_wanted(filter, *lane, call)),
            "{filter:?}"
        );
    });
}

#[test]
fn going_to_the_next_match_and_to_the_one_before_finds_the_nearest() {
    each(|store, filter, wanted, numbers| {
        for _ in 0..5 {
            let at_ns = match wanted.get(numbers.below(wanted.len() as u64 + 1) as usize) {
                Some((_, call)) => call.start_ns,
                None => numbers.below(store.state().now_ns),
            };
            let after = wanted.iter().filter(|(_, call)| call.start_ns > at_ns);
            let after = after.min_by_key(|(lane, call)| (call.start_ns, *lane));
            let before = wanted.iter().filter(|(_, call)| call.start_ns < at_ns);
            let before = before.max_by_key(|(lane, call)| (call.start_ns, Reverse(*lane)));
            let place =
                |found: Option<&(u32, Call)>| found.map(|(lane, call)| (*lane, call.start_ns));
            let next = store.calls().next_call(filter, at_ns);
            let previous = store.calls().previous_call(filter, at_ns);
            assert_eq!(
                place(next.as_ref()),
                place(after),
                "after {at_ns}, {filter:?}"
            );
            assert_eq!(
                place(previous.as_ref()),
                place(before),
                "before {at_ns}, {filter:?}"
            );
            for (lane, call) in next.iter().chain(&previous) {
                assert!(is_wanted(filter, *lane, call), "{filter:?}: {call:?}");
            }
        }
    });
    let (store, _) = store(1);
    assert_eq!(store.calls().next_call(&Filter::default(), u64::MAX), None);
    assert_eq!(store.calls().previous_call(&Filter::default(), 0), None);
}

#[test]
fn an_answer_is_of_the_moment_it_was_asked_for_whatever_comes_and_goes_meanwhile() {
    let mut numbers = Numbers(77);
    let events = thread(&mut numbers, 10, 20_000);
    let half = events.len() / 2;
    // So little memory that what comes later drives out what was there.
    let mut store = Store::new(trace(), 1 << 20);
    store.extend(events[..half].iter().cloned());
    let (filter, then) = (Filter::default(), store.calls());
    let (totals, longest) = (then.totals(&filter), then.longest(&filter, 10));
    assert!(totals.all.calls > 1_000, "{totals:?}");
    store.extend(events[half..].iter().cloned());
    assert!(store.state().kept_ns > 0, "something was driven out");
    assert_ne!(store.calls().totals(&filter), totals);
    assert_eq!(then.totals(&filter), totals);
    assert_eq!(then.longest(&filter, 10), longest);
}
