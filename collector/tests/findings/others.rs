//! The other findings: each with a thread of which it must be told, and ones that come close.

use waitscope::model::{Descriptor, DescriptorKind, Timeout, readiness as bit};

use super::story::*;

const LEVEL: Option<u32> = Some(bit::IN);

fn check(name: &str, story: &Story, words: &[&str]) {
    assert_eq!(story.words(), words, "{name}: {:?}", story.found());
}

#[test]
fn reading_again_and_again_in_vain_is_a_storm() {
    let storm = |between: fn(&mut Story, usize)| {
        let mut story = Story::new();
        story.tcp(1, 8);
        for at in 0..500 {
            story.on(RECVFROM, 1, 8, EAGAIN);
            between(&mut story, at);
        }
        story
    };
    let story = storm(|_, _| {});
    check("storm", &story, &["again_storm"]);
    assert_eq!(
        story.found()[0].to_string(),
        "thread redis-server 4711 read from tcp 127.0.0.1:6379 ← 127.0.0.1:50001 (fd 8) in vain: \
         EAGAIN 500 times in 500 µs, and nobody asked in between whether it is ready"
    );
    let asks = storm(|story, at| {
        if at % 50 == 0 {
            story.finds(&[]);
        }
    });
    check("asks", &asks, &[]);
    // One thread waits for all, as in a runtime that moves tasks from thread to thread.
    let elsewhere = storm(|story, _| {
        story.go_on(PID + 1).finds(&[]);
        story.go_on(PID);
    });
    check("elsewhere", &elsewhere, &[]);
}

#[test]
fn a_storm_is_told_only_without_loss() {
    let mut story = Story::new();
    story.tcp(1, 8);
    for at in 0..500 {
        story.on(RECVFROM, 1, 8, EAGAIN);
        if at == 250 {
            story.gap();
        }
    }
    check("gap", &story, &[]);
}

#[test]
fn reading_to_the_end_is_not_receiving_in_vain() {
    let loops = |in_vain: usize| {
        let mut story = Story::new();
        story.tcp(1, 8);
        for _ in 0..1_000 {
            story.sleeps(1_000, &[ready(1, LEVEL, bit::IN)]);
            story.on(READ, 1, 8, 100);
            for _ in 0..in_vain {
                story.on(READ, 1, 8, EAGAIN);
            }
        }
        story
    };
    check("edge-triggered", &loops(1), &[]);
    check("in vain", &loops(4), &["mostly_again"]);
}

/// Threads that are all woken for each connection, of which so many get something.
fn herd(times: usize, threads: u32, winners: u32, apart_ns: u64) -> Story {
    let mut story = Story::new();
    story.open(listener(1, 3));
    for _ in 0..times {
        story.pass(1_000_000);
        let woken = story.now;
        for tid in PID..PID + threads {
            let wake = woken + u64::from(tid - PID) * apart_ns;
            story
                .go_on(tid)
                .waits(EPOLL_WAIT, &[ready(1, LEVEL, bit::IN)], |call| {
                    asleep(call, 500);
                    call.last_wake_ns = Some(wake);
                });
        }
        for tid in PID..PID + threads {
            let got = tid < PID + winners;
            story
                .go_on(tid)
                .on(ACCEPT4, 1, 3, if got { 20 } else { EAGAIN });
        }
    }
    story
}

#[test]
fn threads_woken_together_of_which_one_gets_something_are_a_herd() {
    let story = herd(30, 4, 1, 1_000);
    check("herd", &story, &["herd"]);
    let text = story.found()[0].to_string();
    // The first shows that the descriptor is shared.
    assert!(
        text.contains("29 times in 28.") && text.ends_with("87 of 116 wake-ups got nothing"),
        "{text}"
    );
    check("all get something", &herd(30, 4, 4, 1_000), &[]);
    check("two threads", &herd(30, 2, 1, 1_000), &[]);
    check("now and then", &herd(5, 4, 1, 1_000), &[]);
    check("woken apart", &herd(30, 4, 1, 200_000), &[]);
}

/// Threads that are all woken for each connection, of which one at a time returns, and the others sleep on.
fn herd_that_sleeps_on(times: u32, threads: u32) -> Story {
    let mut story = Story::new();
    story.open(listener(1, 3));
    let mut sleeps = vec![0; threads as usize];
    for time in 0..times {
        story.pass(1_000_000);
        let woken = story.now;
        for tid in PID..PID + threads {
            let wake = woken + u64::from(tid - PID) * 1_000;
            story.go_on(tid).woken_in_call(wake);
            sleeps[(tid - PID) as usize] += 1;
        }
        let winner = time % threads;
        let slept = std::mem::take(&mut sleeps[winner as usize]);
        story
            .go_on(PID + winner)
            .waits(EPOLL_WAIT, &[ready(1, LEVEL, bit::IN)], |call| {
                asleep(call, 500);
                call.sleeps = slept;
                call.last_wake_ns = Some(woken + u64::from(winner) * 1_000);
            });
        story.on(ACCEPT4, 1, 3, 20);
    }
    story
}

#[test]
fn threads_that_sleep_on_after_being_woken_for_nothing_are_a_herd_that_is_inferred() {
    let story = herd_that_sleeps_on(40, 4);
    check("herd", &story, &["herd"]);
    let found = &story.found()[0];
    assert!(found.inferred, "{found:?}");
    let numbers: std::collections::BTreeMap<_, _> = found.what.numbers().into_iter().collect();
    // Of each event one got something. What the last few events left asleep has not come to light.
    let (herds, woken, nothing) = (numbers["herds"], numbers["woken"], numbers["nothing"]);
    assert!((20..=40).contains(&herds), "{numbers:?}");
    assert!(woken <= 4 * herds && woken >= 3 * herds, "{numbers:?}");
    assert_eq!(nothing, woken - herds, "{numbers:?}");
    check("two threads", &herd_that_sleeps_on(40, 2), &[]);
}

#[test]
fn a_herd_is_told_of_a_descriptor_that_is_closed_by_now_and_of_many_more_than_are_watched_at_a_time()
 {
    let mut story = Story::new();
    for id in 1..5_000 {
        story.open(listener(id, 3));
        // Of the last one only there are enough.
        let times = if id == 4_999 { 15 } else { 2 };
        for _ in 0..times {
            story.pass(1_000_000);
            let wake = story.now;
            for tid in PID..PID + 4 {
                story
                    .go_on(tid)
                    .waits(EPOLL_WAIT, &[ready(id, LEVEL, bit::IN)], |call| {
                        asleep(call, 500);
                        call.last_wake_ns = Some(wake);
                    });
            }
            for tid in PID..PID + 4 {
                let ret = if tid == PID { 20 } else { EAGAIN };
                story.go_on(tid).on(ACCEPT4, id, 3, ret);
            }
        }
        let closed_ns = Some(story.now);
        story.open(Descriptor {
            closed_ns,
            ..listener(id, 3)
        });
    }
    // The three that were late each time are told of, too.
    let again = "mostly_again";
    check("the last of many", &story, &[again, again, again, "herd"]);
}

/// A thread that looks, and then does something else for so long.
fn looking(times: usize, between_ns: u64, finds: bool) -> Story {
    let mut story = Story::new();
    story.open(descriptor(1, 8, DescriptorKind::Unix));
    for _ in 0..times {
        let entries: &[_] = if finds {
            &[ready(1, Some(bit::IN | bit::ET), bit::IN)]
        } else {
            &[]
        };
        story.waits(EPOLL_WAIT, entries, |call| call.timeout = Timeout::Zero);
        if finds {
            story.on(READ, 1, 8, 100);
        }
        story.pass(between_ns);
    }
    story
}

#[test]
fn a_thread_that_only_looks_polls() {
    let story = looking(1_000_000, 500, false);
    check("polling", &story, &["busy_polling"]);
    let text = story.found()[0].to_string();
    assert!(
        text.contains("looked 1,000,000 times in 1.") && text.contains("spent 100.0% of that"),
        "{text}"
    );
    check("works in between", &looking(100_000, 20_000, false), &[]);
    check("finds something", &looking(500_000, 500, true), &[]);
    check("short", &looking(50_000, 500, false), &[]);
}

/// An event loop that makes a call of this number each so many turns, and sleeps so long in it.
fn loop_with(nr: u32, every: usize, blocked_ns: u64) -> Story {
    let mut story = Story::new();
    story.tcp(1, 8);
    story.open(descriptor(2, 9, DescriptorKind::File));
    for turn in 1..=1_000 {
        story.sleeps(200_000, &[ready(1, LEVEL, bit::IN)]);
        story.on(READ, 1, 8, 100);
        if turn % every == 0 {
            story.call(nr, |call| {
                asleep(call, blocked_ns);
                if nr == FDATASYNC {
                    (call.descriptor, call.fd) = (Some(2), Some(9));
                }
            });
        }
    }
    story.finds(&[]);
    story
}

#[test]
fn a_call_that_sleeps_long_inside_an_event_loop_is_told() {
    let story = loop_with(FDATASYNC, 100, 30_000_000);
    check("fdatasync", &story, &["blocking_in_loop"]);
    assert_eq!(
        story.found()[0].to_string(),
        "thread redis-server 4711 blocked its event loop in fdatasync on file (fd 9): 10 times, \
         for 300 ms in all and up to 30.0 ms"
    );
    check(
        "often",
        &loop_with(FDATASYNC, 1, 2_000_000),
        &["blocking_in_loop"],
    );
    check("short", &loop_with(FDATASYNC, 100, 2_000_000), &[]);
    check(
        "a lock",
        &loop_with(FUTEX, 100, 30_000_000),
        &["blocking_in_loop"],
    );
    // A pool's thread parks as often as it waits for descriptors.
    check("parked", &loop_with(FUTEX, 2, 30_000_000), &[]);
}

#[test]
fn what_a_thread_does_around_its_loop_or_without_one_does_not_block_a_loop() {
    let mut around = Story::new();
    around.call(FDATASYNC, |call| asleep(call, 50_000_000));
    for _ in 0..200 {
        around.sleeps(1_000, &[]);
    }
    around.call(FUTEX, |call| asleep(call, 500_000_000));
    check("around", &around, &[]);
    // `poll` on one descriptor is but a read with a timeout.
    let mut alone = Story::new();
    alone.tcp(1, 8);
    for _ in 0..200 {
        alone.waits(POLL, &[ready(1, LEVEL, bit::IN)], |call| {
            asleep(call, 1_000)
        });
        alone.on(READ, 1, 8, 100);
        alone.call(FDATASYNC, |call| asleep(call, 30_000_000));
    }
    check("one descriptor", &alone, &[]);
}

#[test]
fn waiting_for_a_cpu_is_not_waiting_for_descriptors() {
    let waiting = |runnable_ns, blocked_ns, user_ns| {
        let mut story = Story::new();
        for _ in 0..200 {
            story.pass(user_ns).waits(EPOLL_WAIT, &[], |call| {
                asleep(call, blocked_ns);
                call.runnable_ns = runnable_ns;
            });
        }
        story
    };
    let story = waiting(188_300, 8_700, 10_000);
    check("redis", &story, &["run_queue"]);
    assert_eq!(
        story.found()[0].to_string(),
        "thread redis-server 4711 waited for a CPU rather than for I/O: in 200 readiness calls \
         37.6 ms for a CPU, 1.74 ms for descriptors"
    );
    check("mostly asleep", &waiting(100_000, 110_000, 0), &[]);
    check("hardly at all", &waiting(4_000, 1_000, 0), &[]);
    check("busy", &waiting(100_000, 1_000, 5_000_000), &[]);
}

#[test]
fn data_that_lies_long_while_the_thread_works_little_is_read_late() {
    let reading = |late_ns, work_ns| {
        let mut story = Story::new();
        story.tcp(1, 8).pass(1_000_000_000);
        for at in 0..2_000 {
            story.pass(work_ns).call(READ, |call| {
                (call.descriptor, call.fd, call.ret) = (Some(1), Some(8), Some(100));
                call.ready_delay_ns = Some(if at % 50 == 0 { late_ns } else { 10_000 });
            });
        }
        story
    };
    let story = reading(40_000_000, 50_000);
    check("late", &story, &["late_reading"]);
    let found = &story.found()[0];
    assert_eq!(found.end_ns - found.start_ns, 40_000_000);
    check("soon enough", &reading(4_000_000, 50_000), &[]);
    check("much work", &reading(40_000_000, 5_000_000), &[]);
}

/// Reads of so many bytes into a buffer of this size.
fn reads(in_a_row: usize, size: u64, got: i64) -> Story {
    let mut story = Story::new();
    story.tcp(1, 8);
    for _ in 0..4_000 / in_a_row {
        story.sleeps(1_000, &[ready(1, LEVEL, bit::IN)]);
        for _ in 0..in_a_row {
            story.call(READ, |call| {
                (call.descriptor, call.fd) = (Some(1), Some(8));
                (call.requested, call.ret) = (Some(size), Some(got));
            });
        }
    }
    story
}

#[test]
fn filling_a_tiny_buffer_again_and_again_is_told() {
    check("bytes", &reads(40, 1, 1), &["tiny_reads"]);
    check("a header and a body", &reads(2, 16, 16), &[]);
    check("large enough", &reads(40, 4_096, 4_096), &[]);
    check("not filled", &reads(40, 64, 63), &[]);
}

/// A loop that asks for so many events and gets one of several connections each time.
fn batches(asked: u64, threads: u32, works: bool) -> Story {
    let mut story = Story::new();
    story.open(descriptor(9, EPFD, DescriptorKind::Epoll));
    story.tcp(1, 8).tcp(2, 10);
    for turn in 0..4_000 {
        let id = 1 + turn % 2;
        story.go_on(PID + turn / 2 % threads);
        story.waits(EPOLL_WAIT, &[ready(id, LEVEL, bit::IN)], |call| {
            call.requested = Some(asked);
            call.descriptor = Some(9);
        });
        if works {
            story.on(READ, id, 6 + 2 * id as i32, 100);
        }
    }
    story
}

#[test]
fn taking_one_event_at_a_time_where_there_are_more_is_told() {
    let story = batches(1, 1, true);
    check("one at a time", &story, &["small_batches"]);
    let text = story.found()[0].to_string();
    assert!(
        text.contains("takes at most 1 of what is ready from epoll (fd 5): after 3,999 of 4,000"),
        "{text}"
    );
    check("room for more", &batches(64, 1, true), &[]);
    check("shared", &batches(1, 3, true), &[]);
    // That is spinning.
    check("no work", &batches(1, 1, false), &["spin", "spin"]);
}
