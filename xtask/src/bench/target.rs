//! What is traced while it is measured, and what one sample of it is.
//!
//! It must never know what the samples are compared for.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::load::Load;
use super::server::Server;
use super::tracer::{Kind, Tracer};
use super::{cpu, programs};
use crate::run;

/// After the last request, until a tracer has taken in what it was told of it.
const DRAINED: Duration = Duration::from_millis(100);

/// What is traced.
pub(super) enum Target {
    /// Calls in a loop, for that long a sample.
    Load(Load, Duration),
    /// A server, asked so often a sample.
    Redis { server: Server, requests: u32 },
}

impl Target {
    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Load(load, _) => load.pid(),
            Self::Redis { server, .. } => server.pid(),
        }
    }

    /// What a sample is.
    pub(super) fn unit(&self) -> &'static str {
        match self {
            Self::Load(..) => "ns per call",
            Self::Redis { .. } => "ns of CPU time per request, the server's and the tracer's",
        }
    }

    /// Starts the tracer, takes so many samples, and stops it.
    pub(super) fn samples(&mut self, kind: Kind, count: u16) -> Result<Vec<f64>> {
        let tracer = Tracer::start(kind, self.pid())?;
        let samples = (0..count)
            .map(|_| self.sample(tracer.pid(), kind))
            .collect();
        tracer.stop()?;
        samples
    }

    /// Prints what each of our programs takes while this is traced.
    pub(super) fn print_programs(&mut self) -> Result<()> {
        programs::print(self.pid(), || self.sample(None, Kind::Nothing).map(drop))
    }

    /// Nanoseconds per call; or of CPU time per request, that of the tracer included. With server, client and tracer on
    /// few CPUs, how long a request takes tells more of who had to wait for whom than of what tracing costs.
    fn sample(&mut self, tracer: Option<u32>, kind: Kind) -> Result<f64> {
        match self {
            Self::Load(load, length) => {
                let made = load.go(*length)?;
                Ok(made.ns as f64 / made.calls as f64)
            }
            Self::Redis { server, requests } => {
                let (server, port) = (server.pid(), server.port());
                let requests = *requests / if kind.is_slow() { 10 } else { 1 };
                let cpu = || -> Result<f64> {
                    Ok(cpu::nanos(server)? + tracer.map_or(Ok(0.0), cpu::nanos)?)
                };
                let before = cpu()?;
                let csv = run::output(
                    Command::new("redis-benchmark")
                        .args(["-h", "127.0.0.1", "-t", "get", "-c", "20", "--csv", "-p"])
                        .arg(port.to_string())
                        .arg("-n")
                        .arg(requests.to_string()),
                )?;
                ensure!(csv.contains("GET"), "redis-benchmark did nothing: {csv:?}");
                sleep(DRAINED);
                Ok((cpu()? - before) / f64::from(requests))
            }
        }
    }
}
