//! The demo's load: steady requests, a burst now and then, and seldom a heavy one.
//!
//! Its rate is bounded by construction: who is late skips, and never catches up.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::frame::{HEAVY, LIGHT, REPLY, request};

/// One kind of load: every `every`, `at_once` requests on as many of its connections in turn.
#[derive(Clone, Copy)]
struct Plan {
    name: &'static str,
    every: Duration,
    at_once: usize,
    connections: usize,
    kind: u32,
    payload_bytes: usize,
}

/// 2,000 small requests a second; bursts of 24 that take a while to copy, four times a second; ten
/// heavy ones a second.
const PLANS: [Plan; 3] = [
    Plan {
        name: "demo-steady",
        every: Duration::from_millis(1),
        at_once: 2,
        connections: 16,
        kind: LIGHT,
        payload_bytes: 256,
    },
    Plan {
        name: "demo-bursts",
        every: Duration::from_millis(250),
        at_once: 24,
        connections: 24,
        kind: LIGHT,
        payload_bytes: 16 << 10,
    },
    Plan {
        name: "demo-heavy",
        every: Duration::from_millis(100),
        at_once: 1,
        connections: 1,
        kind: HEAVY,
        payload_bytes: 1 << 10,
    },
];

/// Loads the server on this port of loopback until it is gone: the hidden command `demo-load`.
///
/// # Errors
/// If there is no such server, or a thread can't be started.
pub fn load_main(port: u16) -> Result<()> {
    super::name_thread(c"demo-load")?;
    // A server that takes this one and no other is gone, which is how a load ends.
    let first =
        connect(port).with_context(|| format!("connect to the demo's server on port {port}"))?;
    let mut threads = Vec::new();
    for plan in PLANS {
        let connections: io::Result<_> = (0..plan.connections).map(|_| connect(port)).collect();
        let Ok(connections) = connections else { break };
        let thread = std::thread::Builder::new()
            .name(plan.name.into())
            .spawn(move || run(plan, connections))
            .with_context(|| format!("start the thread {}", plan.name))?;
        threads.push((plan.name, thread));
    }
    drop(first);
    for (name, thread) in threads {
        thread
            .join()
            .map_err(|_panic| anyhow::anyhow!("the thread {name} panicked"))?;
    }
    Ok(())
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Follows the plan until a connection fails, which is how the server says that it is gone.
fn run(plan: Plan, mut connections: Vec<TcpStream>) {
    let bytes = request(plan.kind, &vec![0x5a; plan.payload_bytes]);
    let mut next = Instant::now();
    while round(connections.iter_mut().take(plan.at_once).collect(), &bytes).is_ok() {
        connections.rotate_left(plan.at_once);
        next += plan.every;
        match next.checked_duration_since(Instant::now()) {
            Some(left) => sleep(left),
            None => next = Instant::now(),
        }
    }
}

/// Sends a request on each of the connections, then takes all the answers.
fn round(mut connections: Vec<&mut TcpStream>, bytes: &[u8]) -> io::Result<()> {
    for stream in &mut connections {
        stream.write_all(bytes)?;
    }
    for stream in &mut connections {
        stream.read_exact(&mut [0; REPLY])?;
    }
    Ok(())
}
