//! The page's server: its port, its secret, its browsers.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    product::{Product, end_of, waitscope},
    script::{BUSY, Script, WAITING},
};

#[test]
fn a_port_that_is_taken_is_named_with_a_way_out() {
    let script = Script::start(WAITING);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    end_of(&format!("attach {} --listen {address}", script.pid())).failed(
        1,
        &format!(
            "listen on {address}: the port is taken, perhaps by another waitscope; `--listen 127.0.0.1:0` takes a free one"
        ),
    );
}

#[test]
fn a_port_that_is_taken_leaves_the_old_recording_as_it_was() {
    let script = Script::start(WAITING);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trace");
    end_of(&format!(
        "record {} --for 50ms -o {}",
        script.pid(),
        file.display()
    ))
    .said(0, "recorded");
    let before = std::fs::read(&file).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, pid) = (taken.local_addr().unwrap(), script.pid());
    let ended = end_of(&format!(
        "attach {pid} --listen {address} --record {}",
        file.display()
    ));
    ended.said(1, "the port is taken");
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn the_secret_is_printed_once_and_on_standard_output_only() {
    let script = Script::start(WAITING);
    let words = format!("attach {} --verbose --listen 127.0.0.1:0", script.pid());
    let mut product = Product::start(&mut waitscope(&words));
    let address = product.address();
    let (_, secret) = address.split_once("token=").unwrap();
    let ended = product.interrupt();
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, format!("{address}\n").as_str()),
        "{ended:?}"
    );
    assert!(
        secret.len() >= 32 && !ended.stderr.contains(secret),
        "{ended:?}"
    );
}

/// Speaks HTTP by hand, for a browser would hang up in order.
pub(crate) fn get(address: &str, path: &str, header: &str) -> TcpStream {
    ask("GET", address, path, header)
}

/// Asks for a capture as the page does, and returns the status.
pub(crate) fn wish(address: &str, cookie: &str) -> String {
    let host = address.split('/').nth(2).unwrap();
    let headers = format!("{cookie}Origin: http://{host}\r\nConnection: close\r\n");
    let mut text = String::new();
    let mut stream = ask("POST", address, "/api/capture", &headers);
    stream.read_to_string(&mut text).unwrap();
    text.split(' ').nth(1).unwrap().to_owned()
}

fn ask(method: &str, address: &str, path: &str, header: &str) -> TcpStream {
    let host = address.split('/').nth(2).unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{header}\r\n"
    )
    .unwrap();
    stream
}

/// The header that the page's address is exchanged for.
pub(crate) fn cookie(address: &str) -> String {
    let path = &address[address.rfind('/').unwrap()..];
    let mut stream = get(address, path, "Connection: close\r\n");
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let mut lines = text.lines();
    let cookie = lines.find_map(|line| line.strip_prefix("set-cookie: "));
    format!("Cookie: {}\r\n", cookie.unwrap().split(';').next().unwrap())
}

#[test]
fn browsers_that_go_away_in_the_middle_and_nonsense_disturb_nobody() {
    let mut script = Script::start(BUSY);
    let mut product = Product::start(&mut waitscope(&format!(
        "attach {} --listen 127.0.0.1:0",
        script.pid()
    )));
    let address = product.address();
    script.tell("go");
    let mut answer = [0; 1024];
    let cookie = cookie(&address);
    for _ in 0..20 {
        let mut stream = get(&address, "/api/live", &cookie);
        assert!(
            stream.read(&mut answer).unwrap() > 0,
            "the stream of events begins"
        );
        drop(stream);
        let mut stream = TcpStream::connect(address.split('/').nth(2).unwrap()).unwrap();
        // It may have been hung up on before all of it was written.
        let _ = stream.write_all(&[0xff; 4096]);
    }
    let mut stream = get(&address, "/", &cookie);
    let length = stream.read(&mut answer).unwrap();
    assert!(
        answer[..length].starts_with(b"HTTP/1.1 200"),
        "{:?}",
        String::from_utf8_lossy(&answer[..length])
    );
    assert_eq!(product.interrupt().code, 0);
}
