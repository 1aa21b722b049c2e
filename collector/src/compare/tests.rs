//! That a comparison says what its numbers say, and nothing else.

use super::*;

/// A run in which nothing happened but requests.
pub(super) fn run(model: &'static str, connections: u64) -> Run {
    Run {
        model,
        connections,
        requests: 1_000,
        duration_ns: 1_000_000_000,
        calls: 2_000,
        readiness_calls: 0,
        ready: 0,
        receive_calls: 1_000,
        send_calls: 1_000,
        blocked_in: Some("recvfrom".to_owned()),
        offcpu: 1_000,
        threads: connections,
        lifetime_ns: 1_000_000,
        user_ns: Some(100_000),
        kernel_ns: 100_000,
        blocked_ns: 700_000,
        runnable_ns: 50_000,
        copying_ns: 50_000,
        memory_bytes: Some(8_192 * connections),
        lost: 0,
        by_call: Vec::new(),
    }
}

/// Runs with 1, 10 and 1,000 connections, in which multiplexing answered so many times as many requests in
/// the same time.
fn runs(factors: [f64; 3]) -> Vec<Run> {
    let numbers = [1, 10, 1_000].into_iter().zip(factors);
    let pairs = numbers.flat_map(|(connections, factor)| {
        let blocking = run("blocking", connections);
        let requests = (blocking.requests as f64 * factor) as u64;
        let epoll = Run {
            requests,
            readiness_calls: requests / connections.min(50),
            ready: requests,
            receive_calls: requests,
            send_calls: requests,
            calls: 2 * requests + requests / connections.min(50),
            blocked_in: Some("epoll_wait".to_owned()),
            threads: 1,
            memory_bytes: Some(512 * connections),
            ..run("epoll", connections)
        };
        [blocking, epoll]
    });
    pairs.collect()
}

fn comparison(factors: [f64; 3]) -> Comparison {
    let runs = runs(factors);
    Comparison {
        format: FORMAT,
        version: VERSION,
        host: "host".to_owned(),
        kernel: "6.18".to_owned(),
        arch: "x86_64".to_owned(),
        cpus: 2,
        for_ns: 2_000_000_000,
        request_bytes: 64,
        pays: Pays::of(&runs),
        runs,
        left_out: Vec::new(),
    }
}

/// The text with its lines joined.
fn words(comparison: &Comparison) -> String {
    let text = comparison.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn multiplexing_pays_from_the_least_number_from_which_on_it_is_always_better() {
    for (factors, from) in [
        ([0.7, 0.9, 1.5], Some(1_000)),
        ([0.7, 1.2, 1.5], Some(10)),
        ([1.2, 1.2, 1.5], Some(1)),
        ([1.2, 1.2, 1.0], None),
        ([1.2, 0.9, 1.5], Some(1_000)),
        // No more than two runs of the same may differ by.
        ([0.7, 1.04, 1.5], Some(1_000)),
    ] {
        assert_eq!(Pays::of(&runs(factors)).requests_from, from, "{factors:?}");
    }
}

#[test]
fn the_words_follow_the_numbers() {
    let paid = words(&comparison([0.7, 1.2, 1.5]));
    for expected in [
        "With 1 connection blocking made 1.00 and multiplexing 2.00 (each wait found 1.00 ready).",
        "With 1,000 connections blocking made 1.00 and multiplexing 1.02 (each wait found 50.00 ready).",
        "of it 1.00 a request with 1 became 0.0200 with 1,000.",
        "the 1,000 threads of blocking slept 70.0% of the time, mostly in recvfrom",
        "By requests a second, it paid from 10 connections on, and not yet with 1 \
         (700 against 1,000; 1,200 against 1,000; 1,500 against 1,000).",
    ] {
        assert!(
            paid.contains(expected),
            "not in the words: {expected}\n{paid}"
        );
    }
    let never = words(&comparison([0.7, 0.8, 0.9]));
    assert!(
        never.contains("By requests a second, it did not pay up to 1,000 connections"),
        "{never}"
    );
}

#[test]
fn what_is_not_known_is_not_compared() {
    let mut runs = runs([1.0, 1.0, 1.0]);
    for run in &mut runs {
        (run.user_ns, run.memory_bytes, run.lost) = (None, None, 7);
    }
    let pays = Pays::of(&runs);
    assert_eq!((pays.cpu_from, pays.memory_from), (None, None));
    let text = Comparison {
        pays,
        runs,
        left_out: vec![1_000],
        ..comparison([1.0; 3])
    }
    .to_string();
    assert!(text.contains("records lost"), "{text}");
    assert!(text.contains("1,000 connections were left out"), "{text}");
}

#[test]
fn a_comparison_fits_80_columns_whatever_its_numbers() {
    let mut wide = comparison([1.0; 3]);
    for run in &mut wide.runs {
        run.requests = 9_999_999;
        run.blocked_in = Some("a_call_of_a_very_long_name".to_owned());
        run.offcpu = u64::MAX >> 20;
        run.lost = 999_999_999;
    }
    wide.kernel = "x".repeat(200);
    wide.left_out = vec![1_000];
    for line in wide.to_string().lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
