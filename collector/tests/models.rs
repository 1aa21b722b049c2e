//! The demo's servers, one for each model of I/O, as the product starts them: that each answers rightly, and
//! that each goes when its input ends. No root.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use waitscope::demo::{Model, Process, Server};

/// Generous: what is waited for takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_waitscope"))
}

/// A server of this model; `None` if this machine has not what it is made of.
fn start(model: Model) -> Option<Server> {
    match Server::start(program(), None, Some(model)) {
        Ok(server) => Some(server),
        Err(error) if model == Model::Uring && format!("{error:#}").contains("can't run here") => {
            assert!(
                std::env::var_os("WAITSCOPE_REQUIRE_ALL").is_none(),
                "{error:#}"
            );
            eprintln!("SKIPPED: no io_uring here: {error:#}");
            None
        }
        Err(error) => panic!("{model:?}: {error:#}"),
    }
}

fn running() -> impl Iterator<Item = (Model, Server)> {
    Model::ALL
        .into_iter()
        .filter_map(|model| Some((model, start(model)?)))
}

/// Has so many connections ask for a moment; each answer is held against what it must be.
fn ask(server: &Server, connections: usize) -> u64 {
    let time = Duration::from_millis(200);
    let mut load: Process = server
        .closed_load(program(), None, connections, time)
        .unwrap();
    assert_eq!(load.line().unwrap().as_deref(), Some("ready"));
    load.tell("go").unwrap();
    let done = load.line().unwrap().unwrap();
    let words: Vec<&str> = done.split(' ').collect();
    let ["done", requests, _nanos] = words[..] else {
        panic!("not how a load is done: {done}")
    };
    requests.parse().unwrap()
}

#[test]
fn each_model_answers_each_of_many_connections_rightly() {
    for (model, server) in running() {
        for connections in [1, 40] {
            let requests = ask(&server, connections);
            assert!(
                requests >= connections as u64,
                "{model:?} answered {requests} requests on {connections} connections"
            );
        }
    }
}

#[test]
fn each_model_serves_the_others_while_one_client_says_half_a_request_and_one_speaks_nonsense() {
    for (model, server) in running() {
        let connect = || {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream
        };
        let (mut half, mut nonsense) = (connect(), connect());
        half.write_all(&[0; 3]).unwrap();
        nonsense.write_all(&[0xff; 8]).unwrap();
        let left = nonsense.read(&mut [0; 1]).unwrap_or(0);
        assert_eq!(left, 0, "{model:?} should have hung up");
        ask(&server, 3);
        // A request of no bytes: the rest of it, and a second one in one piece with that.
        half.write_all(&[0; 5 + 8]).unwrap();
        let mut answers = [0; 16];
        half.read_exact(&mut answers).unwrap();
        assert_eq!(answers[..8], answers[8..], "{model:?}");
    }
}

#[test]
fn each_model_ends_with_its_input_although_clients_are_connected_and_leaves_nothing() {
    for (model, server) in running() {
        let _silent = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
        let pid = server.pid();
        let began = Instant::now();
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
        assert_eq!(name.trim_end(), format!("demo-{}", model.word()));
        // Ended by force, it would take two seconds.
        drop(server);
        assert!(
            !Path::new(&format!("/proc/{pid}")).exists(),
            "{model:?} is still there"
        );
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{model:?} did not end by itself"
        );
    }
}

#[test]
fn blocking_has_a_thread_for_each_connection_and_the_others_have_one_in_all() {
    for (model, server) in running() {
        let clients: Vec<TcpStream> = (0..5)
            .map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap())
            .collect();
        // One that accepts and one that waits for the end, beside those of the connections.
        let expected = if model == Model::Blocking {
            clients.len() + 2
        } else {
            1
        };
        let deadline = Instant::now() + PATIENCE;
        let threads = || {
            let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid()));
            tasks.unwrap().count()
        };
        while threads() != expected {
            assert!(
                Instant::now() < deadline,
                "{model:?} has {} threads, not {expected}",
                threads()
            );
            sleep(Duration::from_millis(10));
        }
    }
}
