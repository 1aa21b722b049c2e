//! `demo --compare`: two of the demo's models, traced under the same loads, one after the other.
//!
//! ```text
//!  for each run:  start the server ─ connect, each answered once ─ attach ─ go … done ─ detach ─ end both
//! ```
//!
//! Each run attaches anew, so rights are kept until the last one has. Up to then, this thread is the only
//! one, no file is opened, and all that is listened to are processes of our own. Nothing is traced but
//! servers that wait for their load, and nothing of its beginning or end is in a run's numbers.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::Path,
    thread::available_parallelism,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::resource::{Resource, getrlimit, setrlimit},
};
use procfs::process::Process as Proc;

use super::{Exit, say::say, signals::HeldSignals};
use crate::{
    attach::{Options, Session, Target, drop_all, invoking_user},
    compare::{Comparison, FORMAT, Load, Measure, Pays, Run, VERSION},
    demo::{Model, Process, REQUEST_BYTES, SPARE_DESCRIPTORS, Server},
    model::Trace,
    text::count,
};

/// Of each number, a run for each model, in this order.
const CONNECTIONS: [u64; 3] = [1, 10, 1_000];
const MODELS: [Model; 2] = [Model::Blocking, Model::Epoll];
/// How long a run asks, unless told: the sums of two such runs differ by a few per cent.
const USUAL: Duration = Duration::from_secs(2);
/// How long a thousand connections may take to be made, and a run beyond its time to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long records may stay in the ring, and how long a signal may go unheard.
const DRAIN_EVERY: Duration = Duration::from_millis(10);
/// Records taken in one go.
const BATCH_RECORDS: usize = 16_384;

/// `waitscope demo --compare`
pub(super) fn compare(time: Option<Duration>, json: bool) -> Result<Exit> {
    let program = std::env::current_exe().context("find waitscope itself")?;
    let time = time.unwrap_or(USUAL);
    let (possible, left_out) = with_enough_descriptors()?;
    let plan = possible.iter();
    let plan = plan.flat_map(|&connections| MODELS.map(|model| (model, connections)));
    let plan: Vec<_> = plan.collect();
    let mut runner = Runner {
        program: &program,
        time,
        signals: HeldSignals::hold()?,
    };
    let bar = progress(plan.len());
    let (mut runs, mut trace) = (Vec::new(), None);
    for (number, &(model, connections)) in plan.iter().enumerate() {
        let last = number + 1 == plan.len();
        let noun = if connections == 1 {
            "connection"
        } else {
            "connections"
        };
        let which = format!("{} with {} {noun}", model.word(), count(connections));
        bar.set_message(which.clone());
        let run = runner.run(model, connections, last);
        let run = run.with_context(|| format!("compare {which}"))?;
        let Some((run, of)) = run else {
            bar.finish_and_clear();
            say("ended before all was measured: nothing to compare");
            return Ok(Exit::Failed);
        };
        runs.push(run);
        trace = Some(of);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let Trace {
        host, kernel, arch, ..
    } = trace.context("compare: no number of connections is possible here")?;
    write(
        &Comparison {
            format: FORMAT,
            version: VERSION,
            host,
            kernel,
            arch,
            cpus: available_parallelism().map_or(1, |cpus| cpus.get() as u64),
            for_ns: nanos(time),
            request_bytes: REQUEST_BYTES as u64,
            pays: Pays::of(&runs),
            runs,
            left_out,
        },
        json,
    )?;
    Ok(Exit::Done)
}

fn write(comparison: &Comparison, json: bool) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = if json {
        serde_json::to_writer_pretty(&mut out, comparison)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        write!(out, "{comparison}")
    };
    written.context("write the comparison")
}

/// What all runs have in common.
struct Runner<'a> {
    program: &'a Path,
    time: Duration,
    signals: HeldSignals,
}

impl Runner<'_> {
    /// One run, and the trace it was taken from. `None` if it was asked to end.
    fn run(&mut self, model: Model, connections: u64, last: bool) -> Result<Option<(Run, Trace)>> {
        let server = Server::start(self.program, invoking_user(), Some(model))?;
        // The first client ever makes a process touch what it never did before: that is no connection's.
        let Some(first) = self.ready(&server, 1)? else {
            return Ok(None);
        };
        drop(first);
        let empty = memory(server.pid());
        let Some(mut load) = self.ready(&server, connections)? else {
            return Ok(None);
        };
        let full = memory(server.pid());
        let target = Target::by_pid(server.pid())?;
        let session = Session::begin(target, Options::default())?;
        if last {
            drop_all()?;
        }
        let trace = session.trace().clone();
        load.tell("go")?;
        let Some((measure, done)) = self.drain(session, &mut load)? else {
            return Ok(None);
        };
        let done: Option<(u64, u64)> = done
            .strip_prefix("done ")
            .and_then(|done| done.split_once(' '))
            .and_then(|(requests, nanos)| Some((requests.parse().ok()?, nanos.parse().ok()?)));
        let (requests, duration_ns) = done.context("the load does not say how much it asked")?;
        let load = Load {
            model: model.word(),
            connections,
            requests,
            duration_ns,
            memory_bytes: empty
                .zip(full)
                .map(|(empty, full)| full.saturating_sub(empty)),
        };
        Ok(Some((measure.finish(&load), trace)))
    }

    /// A load of which each connection was answered once. `None` if asked to end.
    fn ready(&mut self, server: &Server, connections: u64) -> Result<Option<Process>> {
        let connections = usize::try_from(connections).context("count the connections")?;
        let mut load = server.closed_load(self.program, invoking_user(), connections, self.time)?;
        match self.next_line(&mut load)?.as_deref() {
            Some("ready") => Ok(Some(load)),
            Some(other) => bail!("the load should be ready and says {other:?}"),
            None => Ok(None),
        }
    }

    /// Drains until the load says that it is done, and gives what it says. `None` if asked to end.
    fn drain(
        &mut self,
        mut session: Session,
        load: &mut Process,
    ) -> Result<Option<(Measure, String)>> {
        let mut measure = Measure::new(session.trace());
        let mut events = Vec::new();
        let deadline = Instant::now() + self.time + PATIENCE;
        let done = loop {
            session.wait(DRAIN_EVERY)?;
            while !session.drain(&mut events, BATCH_RECORDS) {
                events.drain(..).for_each(|event| measure.push(&event));
            }
            events.drain(..).for_each(|event| measure.push(&event));
            if self.signals.have_come()? {
                return Ok(None);
            }
            if says_something(load, PollTimeout::ZERO)? {
                break load.line()?.ok_or_else(|| load.why_it_ended())?;
            }
            if Instant::now() > deadline {
                bail!("the load should be over and is not");
            }
        };
        session.finish(&mut events)?;
        events.iter().for_each(|event| measure.push(event));
        Ok(Some((measure, done)))
    }

    /// The load's next line. `None` if asked to end.
    fn next_line(&mut self, load: &mut Process) -> Result<Option<String>> {
        let deadline = Instant::now() + PATIENCE;
        let patience = PollTimeout::try_from(DRAIN_EVERY).context("wait for the load")?;
        while !says_something(load, patience)? {
            if self.signals.have_come()? {
                return Ok(None);
            }
            if Instant::now() > deadline {
                bail!("the load should be ready after {PATIENCE:?} and is not");
            }
        }
        let line = load.line()?.ok_or_else(|| load.why_it_ended())?;
        Ok(Some(line))
    }
}

fn says_something(load: &Process, patience: PollTimeout) -> Result<bool> {
    let mut fds = [PollFd::new(load.output(), PollFlags::POLLIN)];
    match poll(&mut fds, patience) {
        Ok(ready) => Ok(ready > 0),
        Err(nix::errno::Errno::EINTR) => Ok(false),
        Err(error) => Err(anyhow!(error).context("wait for the load")),
    }
}

/// What the process has of the machine's memory.
fn memory(pid: u32) -> Option<u64> {
    let status = Proc::new(pid.cast_signed()).ok()?.status().ok()?;
    Some(status.vmrss? << 10)
}

/// Which numbers of connections this system has descriptors for, and which not. Whoever is started from now
/// on may have as many as the largest needs.
fn with_enough_descriptors() -> Result<(Vec<u64>, Vec<u64>)> {
    let limit = "allow for a thousand connections' descriptors";
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).context(limit)?;
    let needs = |connections: u64| connections + SPARE_DESCRIPTORS;
    let (possible, left_out): (Vec<u64>, Vec<u64>) = CONNECTIONS
        .into_iter()
        .partition(|&connections| needs(connections) <= hard);
    let most = possible.iter().copied().map(needs).max().unwrap_or(0);
    if soft < most {
        setrlimit(Resource::RLIMIT_NOFILE, most, hard).context(limit)?;
    }
    Ok((possible, left_out))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A bar on a terminal, nothing in a pipe.
fn progress(runs: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{pos}/{len} {wide_bar} {msg}");
    let bar = ProgressBar::new(runs as u64);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
