//! The little of HTTP that asks a running waitscope how it is doing: what its page is told.
//!
//! See `docs/wire.md`. It must never become a client for anything else.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The newest state, as `/api/live` tells it.
pub(super) fn live(address: &str) -> Result<Value> {
    let rest = address
        .strip_prefix("http://")
        .context("read the address")?;
    let (host, path) = rest.split_once('/').context("read the address")?;
    let cookie = get(host, &format!("/{path}"), "", |line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("set-cookie")
            .then(|| value.split(';').next().unwrap_or_default().to_owned())
    })?;
    let state = get(
        host,
        "/api/live",
        &format!("Cookie: {cookie}\r\n"),
        |line| line.strip_prefix("data:").map(str::to_owned),
    )?;
    serde_json::from_str(&state).with_context(|| format!("read {state:?}"))
}

/// Sends one request, and returns the first line of the answer that `pick` takes.
fn get(
    host: &str,
    path: &str,
    header: &str,
    pick: impl Fn(&str) -> Option<String>,
) -> Result<String> {
    let mut stream = TcpStream::connect(host).with_context(|| format!("connect to {host}"))?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .context("limit the wait for an answer")?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\n{header}Connection: close\r\n\r\n"
    )
    .with_context(|| format!("ask {host}"))?;
    for line in BufReader::new(stream).lines() {
        if let Some(found) = pick(&line.with_context(|| format!("read what {host} answers"))?) {
            return Ok(found);
        }
    }
    bail!("read what {host} answers: not what was asked for")
}
