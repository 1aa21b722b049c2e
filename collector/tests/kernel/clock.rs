//! Times of a trace against the clocks as the traced program itself reads them.

use super::{child::Script, trace::Tracing};

#[test]
fn the_clock_is_boottime_and_its_anchor_to_wall_time_is_right() {
    // Each round reads both clocks, makes one call, and reads them again.
    let mut script = Script::start(
        "p = select.poll()\ndef clocks(): return [time.clock_gettime_ns(c) for c in (time.CLOCK_BOOTTIME, time.CLOCK_REALTIME)]\n\
         say('ready')\nhear()\n\
         for n in range(20):\n    a = clocks()\n    p.poll(1)\n    b = clocks()\n    say(*a, *b[::-1])\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    let rounds: Vec<_> = (0..20).map(|_| script.hear_numbers()).collect();
    let taken = tracing.finish();
    let polls: Vec<_> = taken.calls_named("poll").collect();
    assert_eq!(polls.len(), 20, "{polls:?}");
    for (poll, told) in polls.iter().zip(&rounds) {
        let [boot_before, wall_before, wall_after, boot_after] = told[..] else {
            panic!("{told:?}")
        };
        let on = |clock_ns| (clock_ns + poll.start_ns, clock_ns + poll.end_ns);
        let (start, end) = on(taken.trace.start_boot_ns);
        let facts = format!("{start} to {end} of {told:?}: {poll:?}");
        assert!(
            boot_before <= start && end <= boot_after,
            "BOOTTIME: {facts}"
        );
        // One clock is read after the other, and wall time may be set right a little all the time.
        const ANCHOR_NS: u64 = 2_000_000;
        let (start, end) = on(taken.trace.start_unix_ns);
        let facts = format!("{start} to {end} of {told:?}: {poll:?}");
        assert!(
            wall_before <= start + ANCHOR_NS && end <= wall_after + ANCHOR_NS,
            "wall time: {facts}"
        );
        let bounds_ns = wall_after - wall_before;
        assert!(
            start <= wall_before + bounds_ns + ANCHOR_NS,
            "wall time: {facts}"
        );
    }
}

#[test]
fn reading_the_clock_without_entering_the_kernel_is_no_call_that_is_missing() {
    let mut script = Script::start(
        "p = select.poll()\nsay('ready')\nhear()\np.poll(0)\n\
         for n in range(10000): time.clock_gettime_ns(time.CLOCK_MONOTONIC)\np.poll(0)\nsay('done')\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    assert_eq!(script.hear(), "done");
    let taken = tracing.finish();
    let polls: Vec<_> = taken.calls_named("poll").collect();
    let [_, after] = polls[..] else {
        panic!("two: {polls:?}")
    };
    // A clock source that the vDSO can't read would make each a call; then they are counted.
    assert!(
        after.others < 100 || after.others >= 10_000,
        "all of them or none: {after:?}"
    );
}
