//! Listening, the number of connections, and their end.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    time::{Duration, Instant},
};

use waitscope::serve::Server;

use crate::{
    client::{Answer, PATIENCE},
    site::{Site, runtime},
};

#[test]
fn gone_browsers_leave_room_for_others() {
    let site = Site::live();
    // More than there is room for, one after the other.
    for _ in 0..200 {
        site.stream().next();
    }
    assert_eq!(site.get("/api/trace").status, 200);
}

#[test]
fn the_sixty_fifth_connection_waits_for_room() {
    let site = Site::live();
    let mut silent: Vec<_> = (0..64).map(|_| site.connect()).collect();
    let mut late = site.connect();
    late.write_all(site.head("GET", "/api/trace", &site.host(), &[]).as_bytes())
        .unwrap();
    late.set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let error = late.read(&mut [0; 1]).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{error}"
    );
    late.set_read_timeout(Some(PATIENCE)).unwrap();
    silent.pop();
    assert_eq!(Answer::read(&mut late, false).refused(), 403);
}

#[test]
fn shutdown_cuts_open_streams_and_idle_connections() {
    let mut site = Site::live();
    let mut stream = site.stream();
    stream.next();
    let mut idle = site.connect();
    idle.write_all(
        site.head(
            "GET",
            "/api/trace",
            &site.host(),
            &[("Cookie", &site.cookie)],
        )
        .as_bytes(),
    )
    .unwrap();
    idle.read_exact(&mut [0; 16]).unwrap();
    let silent = site.connect();
    let began = Instant::now();
    site.end().unwrap();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "shutdown took {took:?}");
    drop((idle, silent, stream));
    TcpStream::connect(site.address).unwrap_err();
}

#[test]
fn a_taken_port_is_told_with_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = bind(address).unwrap_err();
    assert!(
        error.contains(&address.to_string()) && error.contains("--listen 127.0.0.1:0"),
        "{error}"
    );
}

#[test]
fn other_addresses_than_loopback_are_refused() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:127.0.0.1]:0"] {
        let error = bind(address.parse().unwrap()).unwrap_err();
        assert!(
            error.contains(address) && error.contains("--listen 127.0.0.1:0"),
            "{error}"
        );
    }
    assert!(
        bind("127.0.0.2:0".parse().unwrap())
            .unwrap()
            .starts_with("http://127.0.0.2:")
    );
}

/// The page's address, or the error as the program prints it.
fn bind(address: SocketAddr) -> Result<String, String> {
    let bound = runtime()
        .block_on(Server::bind(address))
        .map_err(|error| format!("{error:#}"))?;
    Ok(bound.address())
}
