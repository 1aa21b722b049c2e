//! Servers of somebody else's that are traced: each started on a free port of loopback, and interrupted when it is
//! dropped.
//!
//! They must keep nothing, and write only below our own directory.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::dir;
use super::tracer::interrupt;

/// What a client asks nginx for, again and again on one connection.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// For a server to listen, and for it to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server at work.
pub(super) struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// `redis-server`
    pub(super) fn redis() -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--port",
        ]);
        Self::start(command.arg(port.to_string()), port)
    }

    /// `nginx`, one process that answers by itself.
    pub(super) fn nginx() -> Result<Self> {
        let port = free_port()?;
        let place = dir().join("nginx");
        std::fs::create_dir_all(&place).context("make a directory for nginx")?;
        let path = place.display();
        let config = format!(
            "daemon off; master_process off; error_log {path}/error.log; pid {path}/pid;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log {path}/access.log; keepalive_requests 1000000; client_body_temp_path {path}/b;\n\
             proxy_temp_path {path}/p; fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u;\n\
             scgi_temp_path {path}/s; server {{ listen 127.0.0.1:{port}; return 200 \"well\\n\"; }} }}\n"
        );
        let file = place.join("nginx.conf");
        std::fs::write(&file, config).context("write nginx.conf")?;
        Self::start(Command::new("nginx").arg("-c").arg(file), port)
    }

    fn start(command: &mut Command, port: u16) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let command = command.current_dir(dir()).stdout(Stdio::null());
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        let server = Self { child, port };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if Instant::now() > deadline {
                bail!("start {name}: it does not listen on port {port}");
            }
            sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Lets so many clients ask an nginx for its page, each on one connection, for that long. Joining one says how
    /// often it was answered.
    pub(super) fn ask(&self, clients: u32, length: Duration) -> Vec<JoinHandle<Result<u64>>> {
        let (port, until) = (self.port, Instant::now() + length);
        (0..clients)
            .map(|_| spawn(move || client(port, until)))
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It keeps nothing: however it ends is well.
        let _stopped = interrupt(&mut self.child);
    }
}

/// Free a moment ago; if someone else takes it meanwhile, the server ends and says so.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    Ok(address.context("find a free port")?.port())
}

fn client(port: u16, until: Instant) -> Result<u64> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("connect to nginx")?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .context("limit the wait for an answer")?;
    let mut answers = BufReader::new(stream.try_clone().context("read nginx's answers")?);
    let mut answered = 0;
    while Instant::now() < until {
        stream.write_all(REQUEST).context("ask nginx")?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            ensure!(
                answers
                    .read_line(&mut line)
                    .context("read nginx's answer")?
                    > 0,
                "nginx hung up"
            );
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value
                    .trim()
                    .parse()
                    .context("read the length of nginx's answer")?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        answers
            .read_exact(&mut body)
            .context("read nginx's answer")?;
        answered += 1;
    }
    Ok(answered)
}
