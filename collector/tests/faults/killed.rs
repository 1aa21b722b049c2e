//! A recorder that is killed at any moment loses its last second, and nothing before.

use std::{thread, time::Duration};

use nix::{
    sys::signal::Signal,
    time::{ClockId, clock_gettime},
};
use waitscope::recording::Reader;

use crate::{
    product::{Product, waitscope},
    script::Script,
};

/// Calls every millisecond or two.
const STEADY: &str = "say('ready')\nwhile True: time.sleep(0.001)\n";
/// At a time, and how often each.
const RECORDERS: u64 = 5;
const ROUNDS: u64 = 10;
/// The last second, and what a machine that others use takes to get round to it.
const LOST_MAX_NS: u64 = 1_500_000_000;

#[test]
fn fifty_killed_recorders_have_lost_no_more_than_their_last_second() {
    let recorders: Vec<_> = (0..RECORDERS)
        .map(|seed| thread::spawn(move || kill_some(seed)))
        .collect();
    let lost: Vec<u64> = recorders
        .into_iter()
        .flat_map(|recorder| recorder.join().unwrap())
        .collect();
    assert_eq!(lost.len() as u64, RECORDERS * ROUNDS);
    assert!(lost.iter().all(|&ns| ns < LOST_MAX_NS), "{lost:?}");
}

/// How much each has lost.
fn kill_some(seed: u64) -> Vec<u64> {
    let script = Script::start(STEADY);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("killed");
    let mut lost = Vec::new();
    for round in 0..ROUNDS {
        let mut product = Product::start(&mut waitscope(&format!(
            "record {} -o {}",
            script.pid(),
            file.display()
        )));
        product.says("recording to");
        // Spread over more than a second, after the first: like a random moment, and the same each time.
        let milliseconds = 1_500 + (seed * ROUNDS + round) * 7_919 % 1_300;
        thread::sleep(Duration::from_millis(milliseconds));
        product.signal(Signal::SIGKILL);
        let now: Duration = clock_gettime(ClockId::CLOCK_BOOTTIME).unwrap().into();
        assert_eq!(product.end().code, -9);
        let mut reader = Reader::open(&file).unwrap();
        let killed_ns = u64::try_from(now.as_nanos()).unwrap() - reader.trace().start_boot_ns;
        let mut last_ns = 0;
        while let Some(events) = reader.next_batch().unwrap() {
            for event in events {
                if let waitscope::model::Event::Call(call) = event {
                    last_ns = last_ns.max(call.end_ns);
                }
            }
        }
        assert!(reader.cut().is_some() && last_ns > 0, "{:?}", reader.cut());
        lost.push(killed_ns.saturating_sub(last_ns));
    }
    lost
}
