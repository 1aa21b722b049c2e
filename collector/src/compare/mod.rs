//! Two models of I/O under the same load, side by side: what each did for a request, and from how many
//! connections on one of them pays.
//!
//! It holds numbers that were measured and words that follow from them. It must never say what the numbers do
//! not: what the textbooks claim is told apart from what was seen.
//! `waitscope demo --compare --json` prints [`Comparison`]: its fields are a promise to programs.

mod bars;
mod measure;
mod table;
mod words;

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

pub use measure::{Load, Measure};

use crate::report::CallReport;

/// The value of `format` in `waitscope demo --compare --json`.
pub const FORMAT: &str = "waitscope-compare";
/// Its version. A field never changes its meaning within a version.
pub const VERSION: u32 = 1;

/// Less of a difference, in percent, is none: two runs of the same differ by as much.
const MARGIN_PERCENT: u64 = 5;

/// Two models under the same loads. Times are nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// [`FORMAT`].
    pub format: &'static str,
    /// [`VERSION`].
    pub version: u32,
    /// The machine's name.
    pub host: String,
    /// The kernel's release.
    pub kernel: String,
    /// The architecture.
    pub arch: String,
    /// CPUs that the server, its load and waitscope shared.
    pub cpus: u64,
    /// How long each run asked.
    pub for_ns: u64,
    /// Bytes of a request.
    pub request_bytes: u64,
    /// The runs, by number of connections, of each number the blocking one first.
    pub runs: Vec<Run>,
    /// Numbers of connections that this system has not enough descriptors for.
    pub left_out: Vec<u64>,
    /// From how many connections on multiplexing pays.
    pub pays: Pays,
}

/// One model with one number of connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// `blocking` or `epoll`.
    pub model: &'static str,
    /// Connections, each with one request under way at a time.
    pub connections: u64,
    /// Requests answered.
    pub requests: u64,
    /// From the first request to the last answer.
    pub duration_ns: u64,
    /// All calls that ended, those that were not recorded among them.
    pub calls: u64,
    /// Calls that waited until some descriptor was ready.
    pub readiness_calls: u64,
    /// Descriptors that these found ready.
    pub ready: u64,
    /// Calls that moved bytes from the kernel.
    pub receive_calls: u64,
    /// Calls that moved bytes to the kernel.
    pub send_calls: u64,
    /// The call in which the threads were blocked longest, if they were in any.
    pub blocked_in: Option<String>,
    /// Times that a thread left the CPU and got it back.
    pub offcpu: u64,
    /// Threads that made a call that ended.
    pub threads: u64,
    /// Their time in the trace, all together: what the phases below are parts of.
    pub lifetime_ns: u64,
    /// On the CPU outside calls. `None` if records were lost.
    pub user_ns: Option<u64>,
    /// On the CPU in calls, not copying; calls that were not recorded among them.
    pub kernel_ns: u64,
    /// Asleep.
    pub blocked_ns: u64,
    /// Wanting the CPU.
    pub runnable_ns: u64,
    /// On the CPU, copying.
    pub copying_ns: u64,
    /// Memory that the process has gained with its connections. `None` if that could not be read.
    pub memory_bytes: Option<u64>,
    /// Records that were lost: if any, counts and sums are too small.
    pub lost: u64,
    /// By name of the call, the one that took longest in all first.
    pub by_call: Vec<CallReport>,
}

/// From how many of the measured numbers of connections on multiplexing was better by more than 5 %, in
/// each larger one too. `None` is from none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pays {
    /// By requests in a second.
    pub requests_from: Option<u64>,
    /// By time on the CPU for a request.
    pub cpu_from: Option<u64>,
    /// By memory for a connection.
    pub memory_from: Option<u64>,
}

impl Comparison {
    /// The runs that there are of each number of connections: blocking, multiplexing.
    fn pairs(&self) -> impl DoubleEndedIterator<Item = (&Run, &Run)> {
        pairs(&self.runs)
    }
}

/// See [`Comparison::pairs`].
fn pairs(runs: &[Run]) -> impl DoubleEndedIterator<Item = (&Run, &Run)> {
    runs.chunks_exact(2).filter_map(|pair| match pair {
        [blocking, multiplexing] if blocking.connections == multiplexing.connections => {
            Some((blocking, multiplexing))
        }
        _ => None,
    })
}

impl Pays {
    /// From what was measured, in the order of [`Comparison::runs`].
    pub fn of(runs: &[Run]) -> Self {
        Self {
            requests_from: from(runs, |blocking, multiplexing| {
                let more = multiplexing.requests_per_second();
                Some(exceeds(more, blocking.requests_per_second()))
            }),
            cpu_from: from(runs, |blocking, multiplexing| {
                Some(exceeds(blocking.cpu_ns()?, multiplexing.cpu_ns()?))
            }),
            memory_from: from(runs, |blocking, multiplexing| {
                Some(exceeds(blocking.memory()?, multiplexing.memory()?))
            }),
        }
    }
}

/// The least number of connections from which on it holds in all runs.
fn from(runs: &[Run], holds: impl Fn(&Run, &Run) -> Option<bool>) -> Option<u64> {
    let from_the_most = pairs(runs).rev();
    from_the_most
        .take_while(|(blocking, multiplexing)| holds(blocking, multiplexing) == Some(true))
        .last()
        .map(|(blocking, _)| blocking.connections)
}

/// Whether it is larger by more than [`MARGIN_PERCENT`].
fn exceeds(larger: f64, than: f64) -> bool {
    larger * 100.0 > than * (100 + MARGIN_PERCENT) as f64
}

impl Run {
    fn requests_per_second(&self) -> f64 {
        self.requests as f64 * 1e9 / self.duration_ns.max(1) as f64
    }

    /// So many of something for each request.
    fn per_request(&self, number: u64) -> f64 {
        number as f64 / self.requests.max(1) as f64
    }

    /// Calls that it took to wait for a request and to receive it.
    fn calls_to_receive(&self) -> f64 {
        self.per_request(self.readiness_calls + self.receive_calls)
    }

    /// Descriptors that a readiness call found, if there was one.
    fn ready_per_wait(&self) -> Option<f64> {
        (self.readiness_calls > 0).then(|| self.ready as f64 / self.readiness_calls as f64)
    }

    /// On the CPU, for each request. Not known if records were lost.
    fn cpu_ns(&self) -> Option<f64> {
        let on_cpu = self.user_ns? + self.kernel_ns + self.copying_ns;
        Some(self.per_request(on_cpu))
    }

    /// Memory for each connection.
    fn memory(&self) -> Option<f64> {
        Some(self.memory_bytes? as f64 / self.connections.max(1) as f64)
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        table::write(self, f)?;
        bars::write(self, f)?;
        words::write(self, f)
    }
}

#[cfg(test)]
mod tests;
