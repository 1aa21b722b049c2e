//! The demo's models, traced: that each makes the calls it is named for, and not the others'.

use std::{collections::BTreeMap, path::Path, process::Command, time::Duration};

use serde_json::Value;
use waitscope::demo::{Model, Server};

use super::trace::{Taken, Tracing};

/// Connections of each run.
const CONNECTIONS: usize = 4;

/// What a model's server did for so many requests.
struct Seen {
    taken: Taken,
    requests: u64,
    calls: BTreeMap<String, u64>,
}

/// One run under a closed load, traced from its first request to its last answer.
fn seen(model: Model) -> Seen {
    let program = Path::new(env!("CARGO_BIN_EXE_waitscope"));
    let server = Server::start(program, None, Some(model)).unwrap();
    let time = Duration::from_millis(100);
    let mut load = server
        .closed_load(program, None, CONNECTIONS, time)
        .unwrap();
    assert_eq!(load.line().unwrap().as_deref(), Some("ready"));
    let tracing = Tracing::attach(server.pid());
    load.tell("go").unwrap();
    let done = load.line().unwrap().unwrap();
    let taken = tracing.finish();
    let requests = done.split(' ').nth(1).unwrap().parse().unwrap();
    let mut calls = BTreeMap::new();
    for call in taken.calls() {
        *calls.entry(taken.name(call.nr)).or_default() += 1;
    }
    Seen {
        taken,
        requests,
        calls,
    }
}

impl Seen {
    fn count(&self, names: &[&str]) -> u64 {
        let counts = names.iter().map(|&name| self.calls.get(name).copied());
        counts.flatten().sum()
    }

    fn readiness(&self) -> u64 {
        self.count(&[
            "select",
            "pselect6",
            "poll",
            "ppoll",
            "epoll_wait",
            "epoll_pwait",
            "epoll_pwait2",
        ])
    }

    /// Receives that found nothing.
    fn in_vain(&self) -> u64 {
        let again = -i64::from(nix::libc::EAGAIN);
        let receives = self.taken.calls_named("recvfrom");
        receives.filter(|call| call.ret == Some(again)).count() as u64
    }

    /// How often threads slept in calls of these names.
    fn sleeps(&self, names: &[&str]) -> u64 {
        let calls = self.taken.calls();
        let calls = calls.filter(|call| names.contains(&self.taken.name(call.nr).as_str()));
        calls.map(|call| u64::from(call.sleeps)).sum()
    }

    /// One receive that brought something and one send for each request.
    fn check_transfers(&self) {
        let facts = format!("{} requests, {:?}", self.requests, self.calls);
        let received = self.count(&["recvfrom"]) - self.in_vain();
        assert_eq!(received, self.requests, "received: {facts}");
        assert_eq!(self.count(&["sendto"]), self.requests, "sent: {facts}");
    }
}

#[test]
fn models_blocking_sleeps_in_its_one_receive_a_request_and_never_asks_who_is_ready() {
    let seen = seen(Model::Blocking);
    seen.check_transfers();
    assert_eq!((seen.readiness(), seen.in_vain()), (0, 0));
    assert!(seen.sleeps(&["recvfrom"]) > 0, "{:?}", seen.calls);
}

#[test]
fn models_polling_receives_in_vain_and_sleeps_in_none_of_its_receives() {
    let seen = seen(Model::Polling);
    seen.check_transfers();
    assert_eq!(seen.readiness(), 0);
    assert!(seen.in_vain() > 0, "{:?}", seen.calls);
    assert_eq!(seen.sleeps(&["recvfrom"]), 0);
    assert!(seen.sleeps(&["nanosleep", "clock_nanosleep"]) > 0);
}

#[test]
fn models_multiplexing_sleeps_in_its_own_readiness_call_and_in_no_receive() {
    for (model, own) in [
        (Model::Select, &["select", "pselect6"][..]),
        (Model::Poll, &["poll", "ppoll"]),
        (Model::Epoll, &["epoll_wait", "epoll_pwait"]),
        (Model::EpollEdge, &["epoll_wait", "epoll_pwait"]),
    ] {
        let seen = seen(model);
        seen.check_transfers();
        let facts = format!("{model:?}: {:?}", seen.calls);
        assert_eq!(seen.readiness(), seen.count(own), "{facts}");
        assert!(seen.sleeps(own) > 0, "{facts}");
        assert_eq!(seen.sleeps(&["recvfrom"]), 0, "{facts}");
        if model == Model::EpollEdge {
            assert!(seen.in_vain() > 0, "edge drains up to EAGAIN: {facts}");
        } else {
            assert_eq!(seen.in_vain(), 0, "level is only told what is so: {facts}");
        }
    }
}

#[test]
fn models_signal_sleeps_until_a_signal_says_who_has_something() {
    let seen = seen(Model::Signal);
    seen.check_transfers();
    assert_eq!(seen.readiness(), 0);
    assert!(seen.sleeps(&["rt_sigtimedwait"]) > 0, "{:?}", seen.calls);
    assert_eq!(seen.sleeps(&["recvfrom"]), 0);
}

#[test]
fn models_uring_makes_no_transfer_call_at_all() {
    let seen = seen(Model::Uring);
    assert!(seen.requests > 0);
    assert_eq!(seen.readiness(), 0);
    assert_eq!(seen.count(&["recvfrom", "sendto", "read", "write"]), 0);
    assert!(seen.sleeps(&["io_uring_enter"]) > 0, "{:?}", seen.calls);
}

#[test]
fn models_compared_add_up_and_made_a_receive_and_a_send_for_each_request() {
    let program = env!("CARGO_BIN_EXE_waitscope");
    let args = ["demo", "--compare", "--json", "--for", "200ms"];
    let output = Command::new(program).args(args).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert_eq!(words, "", "silent in a pipe");
    let comparison: Value = serde_json::from_slice(&output.stdout).unwrap();
    let runs = comparison["runs"].as_array().unwrap();
    let which: Vec<_> = runs
        .iter()
        .map(|run| (run["model"].as_str().unwrap(), run["connections"].as_u64()))
        .collect();
    let all = [1, 10, 1_000].map(|number| [("blocking", Some(number)), ("epoll", Some(number))]);
    assert_eq!(which, all.concat());
    for run in runs {
        let number = |field: &str| {
            run[field]
                .as_u64()
                .unwrap_or_else(|| panic!("{field}: {run}"))
        };
        assert_eq!(number("lost"), 0, "{run}");
        let phases = [
            "user_ns",
            "kernel_ns",
            "blocked_ns",
            "runnable_ns",
            "copying_ns",
        ];
        let sum: u64 = phases.into_iter().map(number).sum();
        assert_eq!(sum, number("lifetime_ns"), "phases add up: {run}");
        let requests = number("requests");
        assert_eq!(number("receive_calls"), requests, "{run}");
        assert_eq!(number("send_calls"), requests, "{run}");
        if run["model"] == "blocking" {
            assert_eq!(number("readiness_calls"), 0, "{run}");
            assert_eq!(number("threads"), number("connections"), "{run}");
            assert_eq!(run["blocked_in"], "recvfrom", "{run}");
        } else {
            assert_eq!(number("ready"), requests, "{run}");
            assert_eq!(number("threads"), 1, "{run}");
        }
    }
}
