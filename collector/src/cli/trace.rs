//! `attach`, `run`, `record` and `demo`: find the target, begin, drop all rights, and only then open
//! files, start threads and listen.

use std::{
    io::{IsTerminal as _, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use super::{
    Exit,
    args::{Page, Tracing},
    page,
    signals::{EndSignals, flag, raise},
};
use crate::{
    attach::{Options, Session, Target, drop_all, invoking_user},
    demo::Demo,
    drain::{Outcome, Sinks, drain},
    model::Trace,
    recording::Writer,
    serve::{Bound, Server, Shared},
    store::Store,
    text::{self, escape},
};

/// `waitscope attach`
pub(super) fn attach(
    target: &str,
    tracing: &Tracing,
    page: &Page,
    record: Option<PathBuf>,
) -> Result<Exit> {
    let target = Target::find(target)?;
    trace(target, tracing, Some(page), record)
}

/// `waitscope record`
pub(super) fn record(target: &str, tracing: &Tracing, output: PathBuf) -> Result<Exit> {
    let target = Target::find(target)?;
    trace(target, tracing, None, Some(output))
}

/// `waitscope demo`
pub(super) fn demo(tracing: &Tracing, page: &Page, record: Option<PathBuf>) -> Result<Exit> {
    let program = std::env::current_exe().context("find the program itself")?;
    let demo = Demo::start(&program, invoking_user())?;
    let target = Target::by_pid(demo.pid())?;
    let exit = trace(target, tracing, Some(page), record);
    drop(demo);
    exit
}

/// `waitscope run`
pub(super) fn run(
    command: Vec<String>,
    tracing: &Tracing,
    page: &Page,
    record: Option<PathBuf>,
) -> Result<Exit> {
    let mut held = Held::start(&command)?;
    let target = Target::by_pid(held.child.id())?;
    let release = held.release.take();
    let exit = trace_held(target, tracing, Some(page), record, release);
    held.end();
    exit
}

/// The program of `run`, held before its first instruction.
struct Held {
    child: Child,
    /// Closed to let it go.
    release: Option<std::process::ChildStdin>,
}

impl Held {
    /// Starts this very program again, which waits for its standard input to say a word and then becomes
    /// the program asked for.
    fn start(command: &[String]) -> Result<Self> {
        let program = std::env::current_exe().context("find the program itself")?;
        let mut child = Command::new(program)
            .arg("run-child")
            .arg("--")
            .args(command)
            .stdin(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", escape(&command.join(" "))))?;
        let release = child.stdin.take();
        Ok(Self { child, release })
    }

    /// Ends it, if it has not ended by itself.
    fn end(mut self) {
        if let Ok(None) = self.child.try_wait() {
            let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        }
        let _ = self.child.wait();
    }
}

/// The other side of `Held`.
pub(super) fn run_child(command: &[String]) -> Result<Exit> {
    let [program, args @ ..] = command else {
        bail!("run: no program given")
    };
    let mut word = String::new();
    std::io::stdin()
        .read_line(&mut word)
        .context("wait to be traced")?;
    let error = Command::new(program)
        .args(args)
        .stdin(terminal_or_nothing())
        .exec();
    Err(error).with_context(|| format!("run {}", escape(program)))
}

/// The pipe that held the program is no input for it.
fn terminal_or_nothing() -> Stdio {
    std::fs::File::open("/dev/tty").map_or_else(|_| Stdio::null(), Stdio::from)
}

fn trace(
    target: Target,
    tracing: &Tracing,
    page: Option<&Page>,
    record: Option<PathBuf>,
) -> Result<Exit> {
    trace_held(target, tracing, page, record, None)
}

/// Everything from an unarmed kernel to the summary. `release` lets a held target go, once it is traced.
fn trace_held(
    target: Target,
    tracing: &Tracing,
    page: Option<&Page>,
    record: Option<PathBuf>,
    release: Option<std::process::ChildStdin>,
) -> Result<Exit> {
    let pid = target.pid();
    let command = target.command().to_owned();
    let options = Options {
        follow: tracing.follow,
        verbose: tracing.verbose,
    };
    let session = Session::begin(target, options)?;
    drop_all()?;
    let trace = session.trace().clone();
    let writer = record
        .as_deref()
        .map(|path| Writer::create(path, &trace))
        .transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the server's loop")?;
    let (shared, bound) = match page {
        None => (None, None),
        Some(page) => {
            let store = Store::new(trace.clone(), page.memory << 20);
            let bound = runtime.block_on(Server::bind(page.listen))?;
            (Some(Arc::new(Shared::live(store, "attach"))), Some(bound))
        }
    };
    eprintln!(
        "tracing process {pid} ({})",
        text::shorten(&escape(&command), 60)
    );
    if let Some(path) = &record {
        eprintln!("recording to {}", path.display());
    }
    if tracing.verbose {
        env_logger::Builder::new()
            .filter_level(log::LevelFilter::Trace)
            .init();
    }
    if let Some(mut release) = release {
        release.write_all(b"go\n").context("let the program go")?;
    }
    let sinks = Sinks {
        shared: shared.clone(),
        writer,
        verbose: tracing.verbose,
    };
    runtime.block_on(supervise(
        session,
        sinks,
        shared,
        bound,
        tracing.duration,
        &trace,
        record.as_deref(),
    ))
}

/// Drains on a thread of its own, serves on this one, and ends both in order.
async fn supervise(
    session: Session,
    sinks: Sinks,
    shared: Option<Arc<Shared>>,
    bound: Option<Bound>,
    duration: Option<Duration>,
    trace: &Trace,
    record: Option<&Path>,
) -> Result<Exit> {
    let mut signals = EndSignals::catch()?;
    let stop = flag();
    let draining = Arc::clone(&stop);
    let mut drained =
        tokio::task::spawn_blocking(move || drain(session, sinks, duration, &draining));
    let has_page = bound.is_some();
    let (end_server, server_ended) = tokio::sync::oneshot::channel::<()>();
    let server = bound.zip(shared).map(|(bound, shared)| {
        page::announce(&bound.address());
        tokio::spawn(bound.serve(shared, async move {
            let _ = server_ended.await;
        }))
    });
    if std::io::stderr().is_terminal() {
        eprintln!("Ctrl-C ends it");
    }
    let mut asked = false;
    let outcome = loop {
        tokio::select! {
            outcome = &mut drained => break outcome,
            () = signals.next(), if !asked => {
                asked = true;
                raise(&stop);
            }
        }
    };
    let outcome = outcome.context("drain the kernel's records")??;
    let ended_by_itself = !asked;
    print_summary(&outcome, trace, record);
    if has_page && ended_by_itself {
        let why = if outcome.target_ended {
            "the process ended"
        } else {
            "the time is over"
        };
        eprintln!("{why}; the page stays until Ctrl-C");
        signals.next().await;
    }
    let _ = end_server.send(());
    if let Some(server) = server {
        server.await.context("end the server")??;
    }
    match outcome.recording {
        Ok(()) => Ok(Exit::Done),
        Err(error) => Err(error),
    }
}

fn print_summary(outcome: &Outcome, trace: &Trace, record: Option<&Path>) {
    eprint!("\n{}", outcome.report);
    if outcome.unsound > 0 {
        eprintln!(
            "{} records contradicted themselves and were left out: please report it",
            outcome.unsound
        );
    }
    if let (Some(path), Ok(())) = (record, &outcome.recording) {
        eprintln!(
            "recorded {} of process {}: waitscope open {}",
            text::nanos(outcome.end.at_ns),
            trace.pid,
            path.display()
        );
    }
}
