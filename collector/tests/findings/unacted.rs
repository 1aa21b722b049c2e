//! Spinning, what is never read, and hang-ups that nobody acts on; and what only looks like it.

use waitscope::model::{Descriptor, DescriptorKind, End, Event, Ready, Timeout, readiness as bit};

use super::story::*;

const LEVEL: Option<u32> = Some(bit::IN);
const EDGE: Option<u32> = Some(bit::IN | bit::ET);

/// A loop that finds descriptor 1, a connection, ready so many times without sleeping.
fn spinning(times: usize, entry: Ready) -> Story {
    let mut story = Story::new();
    story.tcp(1, 8);
    for _ in 0..times {
        story.pass(1_000).finds(&[entry]);
    }
    story
}

#[test]
fn a_descriptor_that_keeps_a_loop_awake_and_is_never_read_is_spinning() {
    let mut story = spinning(1_205, ready(1, LEVEL, bit::IN));
    let found = story.found();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        found[0].to_string(),
        "thread redis-server 4711 spun on tcp 127.0.0.1:6379 ← 127.0.0.1:50001 (fd 8): \
         ready 1,204 times in 2.40 ms and never read"
    );
    // From the first return to the last one.
    assert_eq!(
        (found[0].start_ns, found[0].end_ns, found[0].times),
        (3_000, 2_411_000, 1)
    );
    story.on(READ, 1, 8, 10).finds(&[]);
    let text = story.found()[0].to_string();
    assert!(text.ends_with("and not read until then"), "{text}");
}

#[test]
fn a_loop_that_reads_now_and_then_does_not_spin() {
    let mut story = Story::new();
    story.tcp(1, 8);
    for turn in 0..5_000 {
        story.pass(1_000).finds(&[ready(1, LEVEL, bit::IN)]);
        if turn % 90 == 0 {
            story.on(READ, 1, 8, 10);
        }
    }
    assert!(story.words().is_empty(), "{:?}", story.found());
}

#[test]
fn it_does_not_matter_which_thread_or_which_copy_reads() {
    for copy in [1, 2] {
        let mut story = spinning(1, ready(1, LEVEL, bit::IN));
        // `dup` made a second number for the same socket.
        let twin = descriptor(1, 8, DescriptorKind::Tcp);
        story.open(Descriptor {
            id: 2,
            fd: 9,
            ..twin
        });
        for _ in 0..5_000 {
            story.go_on(PID).finds(&[ready(1, LEVEL, bit::IN)]);
            story.go_on(PID + 1).on(READ, copy, 7 + copy as i32, 10);
        }
        assert!(story.words().is_empty(), "{copy}: {:?}", story.found());
    }
    // Nor whether the descriptor's id is known in the call.
    let mut story = spinning(1, ready(1, LEVEL, bit::IN));
    for _ in 0..5_000 {
        story.finds(&[ready(1, LEVEL, bit::IN)]);
        story.call(READ, |call| call.fd = Some(8));
    }
    assert!(story.words().is_empty(), "{:?}", story.found());
}

#[test]
fn what_waits_wakes_or_is_busy_does_not_spin() {
    // It slept, so the descriptor was not ready in between.
    let mut slept = Story::new();
    slept.tcp(1, 8);
    for _ in 0..5_000 {
        slept.sleeps(5_000, &[ready(1, LEVEL, bit::IN)]);
    }
    // An edge is told once for each time that something came.
    let edges = spinning(5_000, ready(1, EDGE, bit::IN));
    // A look is no wait that is cut short.
    let mut looks = Story::new();
    looks.tcp(1, 8);
    for _ in 0..5_000 {
        looks.waits(EPOLL_WAIT, &[ready(1, LEVEL, bit::IN)], |call| {
            call.timeout = Timeout::Zero;
        });
    }
    // Busy with another connection all the time.
    let mut busy = Story::new();
    busy.tcp(1, 8).tcp(2, 9);
    for _ in 0..5_000 {
        let both = [ready(1, LEVEL, bit::IN), ready(2, LEVEL, bit::IN)];
        busy.pass(1_000).finds(&both).on(READ, 2, 9, 10);
    }
    for (name, story) in [
        ("slept", slept),
        ("edges", edges),
        ("looks", looks),
        ("busy", busy),
    ] {
        assert!(story.words().is_empty(), "{name}: {:?}", story.found());
    }
}

#[test]
fn what_can_be_taken_without_a_recorded_call_is_not_called_unread() {
    // Calls that were not recorded may have been a splice.
    let mut splices = Story::new();
    splices.tcp(1, 8);
    for _ in 0..5_000 {
        splices.waits(EPOLL_WAIT, &[ready(1, LEVEL, bit::IN)], |call| {
            call.others = 1;
        });
    }
    // A ring reads without calls.
    let mut ring = spinning(5_000, ready(1, LEVEL, bit::IN));
    ring.open(descriptor(2, 9, DescriptorKind::Uring));
    // So does memory shared with the kernel, behind who knows what.
    let mut unknown = Story::new();
    unknown.open(descriptor(1, 8, DescriptorKind::Socket));
    for _ in 0..5_000 {
        unknown.finds(&[ready(1, LEVEL, bit::IN)]);
    }
    for (name, story) in [("splices", splices), ("ring", ring), ("unknown", unknown)] {
        assert!(story.words().is_empty(), "{name}: {:?}", story.found());
    }
    // Now and then such a call only makes the number smaller.
    let mut some = Story::new();
    some.tcp(1, 8);
    for turn in 0..1_001 {
        some.waits(EPOLL_WAIT, &[ready(1, LEVEL, bit::IN)], |call| {
            call.others = u32::from(turn % 10 == 1);
        });
    }
    let text = some.found()[0].to_string();
    assert!(
        text.contains("ready at least 900 times") && text.ends_with("and not read"),
        "{text}"
    );
}

#[test]
fn nothing_is_called_unread_where_records_were_lost() {
    let mut story = spinning(600, ready(1, LEVEL, bit::IN));
    story.gap();
    assert!(story.words().is_empty(), "{:?}", story.found());
    // What comes after stands on its own.
    for _ in 0..600 {
        story.finds(&[ready(1, LEVEL, bit::IN)]);
    }
    assert_eq!(story.words(), ["spin"]);
    // Threads that were not tracked may have read.
    story.events.push(Event::End(End {
        at_ns: story.now,
        made: 9,
        lost: 0,
        untracked: 1,
        compat: 0,
        unseen: 0,
    }));
    assert!(story.words().is_empty(), "{:?}", story.found());
}

#[test]
fn a_loss_told_late_takes_back_what_it_touches() {
    let mut story = spinning(600, ready(1, LEVEL, bit::IN));
    story.on(READ, 1, 8, 10).finds(&[]);
    assert_eq!(story.words(), ["spin"]);
    let mut earlier = story.events.clone();
    story.events.push(Event::Gap(waitscope::model::Gap {
        cpu: 1,
        start_ns: 5_000,
        end_ns: 6_000,
        lost: 1,
    }));
    assert!(story.words().is_empty(), "{:?}", story.found());
    earlier.push(Event::Gap(waitscope::model::Gap {
        cpu: 1,
        start_ns: story.now + 1,
        end_ns: story.now + 2,
        lost: 1,
    }));
    story.events = earlier;
    assert_eq!(story.words(), ["spin"]);
}

#[test]
fn the_same_number_is_not_the_same_descriptor() {
    let mut story = Story::new();
    for id in 1..200 {
        // Each connection is found ready once or twice, and closed with no call that is recorded.
        story.tcp(id, 8);
        for _ in 0..50 {
            story.finds(&[ready(id, LEVEL, bit::IN)]);
        }
        story.open(Descriptor {
            closed_ns: Some(story.now),
            ..descriptor(id, 8, DescriptorKind::Tcp)
        });
    }
    assert!(story.words().is_empty(), "{:?}", story.found());
}

#[test]
fn data_that_keeps_coming_and_is_left_for_over_a_second_is_never_read() {
    let edges = |kind, entry: Ready, turns, apart| {
        let mut story = Story::new();
        story.open(descriptor(1, 8, kind));
        for _ in 0..turns {
            story.sleeps(apart, &[entry]);
        }
        story
    };
    let entry = ready(1, EDGE, bit::IN);
    let story = edges(DescriptorKind::Unix, entry, 41, 50_000_000);
    assert_eq!(
        story.found()[0].to_string(),
        "thread redis-server 4711 left unix (fd 8) alone: ready 40 times in 2.00 s and never read"
    );
    // Too short, too seldom; and an edge-triggered eventfd wakes a loop without being read.
    for (kind, turns, apart) in [
        (DescriptorKind::Unix, 40, 10_000_000),
        (DescriptorKind::Unix, 15, 500_000_000),
        (DescriptorKind::Eventfd, 5_000, 1_000_000),
    ] {
        let story = edges(kind, entry, turns, apart);
        assert!(story.words().is_empty(), "{kind:?}: {:?}", story.found());
    }
    // Room to write is nothing to read.
    let room = ready(1, EDGE, bit::OUT);
    let story = edges(DescriptorKind::Unix, room, 41, 50_000_000);
    assert!(story.words().is_empty(), "{:?}", story.found());
}

#[test]
fn a_hang_up_that_was_not_asked_for_and_is_not_acted_on_is_told() {
    let story = spinning(18, ready(1, Some(0), bit::HUP | bit::ERR));
    assert_eq!(
        story.found()[0].to_string(),
        "thread redis-server 4711 ignored an error and a hang-up of tcp 127.0.0.1:6379 ← \
         127.0.0.1:50001 (fd 8): reported 17 times in 34.0 µs, not asked for, and never acted on"
    );
    // Fewer; one that came with data that was asked for; one of which it is not known what was asked for.
    for (times, entry) in [
        (10, ready(1, Some(0), bit::HUP)),
        (50, ready(1, LEVEL, bit::HUP | bit::IN)),
        (50, ready(1, None, bit::HUP)),
    ] {
        let story = spinning(times, entry);
        assert!(story.words().is_empty(), "{entry:?}: {:?}", story.found());
    }
    // Closed in time.
    let mut closed = spinning(3, ready(1, Some(0), bit::HUP));
    closed.open(Descriptor {
        closed_ns: Some(closed.now),
        ..descriptor(1, 8, DescriptorKind::Tcp)
    });
    for _ in 0..50 {
        closed.finds(&[]);
    }
    assert!(closed.words().is_empty(), "{:?}", closed.found());
}

#[test]
fn a_loop_with_two_sets_is_watched_in_each() {
    let mut story = Story::new();
    story.tcp(1, 8);
    for _ in 0..200 {
        story.finds(&[ready(1, LEVEL, bit::IN)]);
        story.waits(EPOLL_WAIT, &[], |call| call.fd = Some(6));
    }
    assert_eq!(story.words(), ["spin"]);
}
