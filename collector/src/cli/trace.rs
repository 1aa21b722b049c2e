//! `attach`, `run`, `record` and `demo`: find the target, begin, drop all rights, and only then open
//! files, start threads and listen.

use std::{
    io::IsTerminal as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    Exit,
    args::{Page, Tracing},
    flight::Flying,
    held::{Held, Started},
    page,
    say::{complain, say},
    signals::EndSignals,
};
use crate::{
    attach::{Options, Session, Target, drop_all, invoking_user},
    demo::{Demo, Model},
    drain::{Outcome, Sinks, drain},
    export::Source,
    hands::Takers,
    model::{Condition, Trace},
    recording::{Flight, Flown, Recorder},
    report::Growing,
    serve::{Bound, Exports, Reports, Server, Shared},
    store::Store,
    text::{self, escape},
};

/// `waitscope attach`
pub(super) fn attach(
    target: &str,
    tracing: &Tracing,
    page: &Page,
    record: Option<&Path>,
) -> Result<Exit> {
    let target = Target::find(target)?;
    Plan {
        tracing,
        page: Some(page),
        record,
        held: None,
    }
    .trace(target)
}

/// `waitscope record`
pub(super) fn record(target: &str, tracing: &Tracing, output: &Path) -> Result<Exit> {
    let target = Target::find(target)?;
    Plan {
        tracing,
        page: None,
        record: Some(output),
        held: None,
    }
    .trace(target)
}

/// `waitscope demo`
pub(super) fn demo(
    model: Option<Model>,
    tracing: &Tracing,
    page: &Page,
    record: Option<&Path>,
) -> Result<Exit> {
    let program = std::env::current_exe().context("find waitscope itself")?;
    let demo = Demo::start(&program, invoking_user(), model)?;
    let target = Target::by_pid(demo.pid())?;
    let exit = Plan {
        tracing,
        page: Some(page),
        record,
        held: None,
    }
    .trace(target);
    drop(demo);
    exit
}

/// `waitscope run`
pub(super) fn run(
    command: &[String],
    tracing: &Tracing,
    page: &Page,
    record: Option<&Path>,
) -> Result<Exit> {
    let held = match Held::start(command)? {
        Started::Held(held) => held,
        Started::Failed(exit) => return Ok(exit),
    };
    let target = Target::by_pid(held.pid())?;
    Plan {
        tracing,
        page: Some(page),
        record,
        held: Some(held),
    }
    .trace(target)
}

/// What to do with a target.
struct Plan<'a> {
    tracing: &'a Tracing,
    page: Option<&'a Page>,
    record: Option<&'a Path>,
    /// The target, if it is ours and waits to be let go.
    held: Option<Held>,
}

impl Plan<'_> {
    /// Everything from an unarmed kernel to the summary.
    fn trace(mut self, target: Target) -> Result<Exit> {
        let (tracing, pid) = (self.tracing, target.pid());
        let options = Options {
            follow: tracing.follow,
            verbose: tracing.verbose,
            detail: tracing.detail.into(),
        };
        let session =
            Session::begin(target, options).with_context(|| format!("attach to process {pid}"))?;
        drop_all()?;
        let signals = EndSignals::catch()?;
        let trace = session.trace().clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("start the server's loop")?;
        let summary = Growing::new(&trace);
        let (shared, bound) = match self.page {
            None => (None, None),
            Some(page) => {
                let store = Store::new(trace.clone(), page.memory << 20);
                let bound = runtime.block_on(Server::bind(page.listen))?;
                let reports = Reports::of_live(summary.clone());
                let shared = Shared::live(store, "attach", reports);
                (Some(shared), Some(bound))
            }
        };
        // Last of what may fail, for it empties the recording that was there.
        let rotation = tracing.keeping.rotation();
        let plan = tracing.flying.plan(self.record);
        // A flight recorder stands in for a recording.
        let writer = self
            .record
            .filter(|_| plan.is_none())
            .map(|path| Recorder::create(path, &trace, rotation))
            .transpose()?;
        let exports = exports(self.record, writer.as_ref(), plan.is_some())?;
        let shared = shared.map(|shared| Arc::new(shared.exporting(exports)));
        let flight = plan.map(|plan| Flight::new(plan, &trace)).transpose()?;
        let name = text::shorten(&trace.command, 60);
        say(format_args!("tracing process {pid} ({name})"));
        if let Some(writer) = &writer {
            say(format_args!(
                "recording to {}",
                escape(&writer.file().to_string_lossy())
            ));
        }
        if tracing.verbose {
            env_logger::Builder::new()
                .filter_level(log::LevelFilter::Trace)
                .init();
        }
        if let Some(held) = &mut self.held {
            held.release()?;
        }
        let asked = Arc::new(AtomicU8::new(0));
        let tell = |error: &anyhow::Error| complain(error);
        let sinks = Sinks {
            summary,
            takers: Takers {
                shared: shared.clone(),
                writer,
                flight,
                tell,
            },
            signals: Arc::clone(&asked),
            verbose: tracing.verbose,
        };
        runtime.block_on(async {
            catch_user_signals(&self.tracing.flying, &asked)?;
            self.supervise(session, sinks, shared.zip(bound), signals, &trace)
                .await
        })
    }

    /// Drains on a thread of its own, serves on this one, and ends both in order.
    async fn supervise(
        mut self,
        session: Session,
        sinks: Sinks,
        server: Option<(Arc<Shared>, Bound)>,
        mut signals: EndSignals,
        trace: &Trace,
    ) -> Result<Exit> {
        let stop = Arc::new(AtomicBool::new(false));
        let (draining, duration) = (Arc::clone(&stop), self.tracing.duration);
        let mut drained =
            tokio::task::spawn_blocking(move || drain(session, sinks, duration, &draining));
        let (end_server, server_ended) = tokio::sync::oneshot::channel::<()>();
        let server = server.map(|(shared, bound)| {
            page::announce(&bound.address());
            tokio::spawn(bound.serve(shared, async move {
                let _ = server_ended.await;
            }))
        });
        if std::io::stderr().is_terminal() {
            say("Ctrl-C ends it");
        }
        let outcome = tokio::select! {
            outcome = &mut drained => outcome,
            () = signals.first() => {
                stop.store(true, Ordering::Relaxed);
                drained.await
            }
        };
        let outcome = outcome.context("drain the kernel's records")??;
        self.sum_up(&outcome, trace);
        if let Some(server) = server {
            if !signals.have_come() {
                say(format_args!(
                    "{}; the page stays until Ctrl-C",
                    self.why_it_ended(&outcome)
                ));
                signals.first().await;
            }
            let _ = end_server.send(());
            server.await.context("end the server")??;
        }
        Ok(if outcome.recorded {
            Exit::Done
        } else {
            Exit::Failed
        })
    }

    fn why_it_ended(&mut self, outcome: &Outcome) -> String {
        if !outcome.target_ended {
            return "the time is over".into();
        }
        let ended = self.held.as_mut().and_then(Held::ended);
        ended.map_or_else(|| "the process ended".into(), |ended| ended.to_string())
    }

    fn sum_up(&self, outcome: &Outcome, trace: &Trace) {
        say(format_args!("\n{}", outcome.report.to_string().trim_end()));
        if outcome.unsound > 0 {
            say(format_args!(
                "{} records contradicted themselves and were left out: please report it",
                outcome.unsound
            ));
        }
        if let Some(flown) = &outcome.flown {
            say_flown(flown);
        }
        if let Some(path) = outcome.file.as_deref().filter(|_| outcome.recorded) {
            let (path, pid) = (path.display().to_string(), trace.pid);
            let length = text::nanos(outcome.end.at_ns);
            say(format_args!(
                "recorded {length} of process {pid}: waitscope open {}",
                escape(&path)
            ));
        }
    }
}

/// What of a live trace can be exported: the file that all of it is written to, if it is.
fn exports(record: Option<&Path>, writer: Option<&Recorder>, flies: bool) -> Result<Exports> {
    Ok(match writer {
        _ if flies => Exports::flown(),
        None => Exports::unrecorded(),
        Some(writer) if record != Some(writer.file()) => Exports::rotated(),
        Some(writer) => Exports::growing(Source::open(writer.file())?),
    })
}

/// From now on, each signal that a trigger waits for sets its bit.
fn catch_user_signals(flying: &Flying, asked: &Arc<AtomicU8>) -> Result<()> {
    for rule in &flying.trigger {
        let Condition::Signal(number) = rule.condition else {
            continue;
        };
        let kind = if number == 1 {
            SignalKind::user_defined1()
        } else {
            SignalKind::user_defined2()
        };
        let mut signals = signal(kind).with_context(|| format!("catch SIGUSR{number}"))?;
        let asked = Arc::clone(asked);
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                asked.fetch_or(number, Ordering::Relaxed);
            }
        });
    }
    Ok(())
}

/// What a flight recorder did.
fn say_flown(flown: &Flown) {
    let Flown {
        captures,
        passed_over,
        shortest,
    } = flown;
    for capture in captures {
        let (from_ns, to_ns) = capture.holds;
        let (from, to) = (text::nanos(from_ns), text::nanos(to_ns));
        let what = if capture.removed {
            "removed for later ones".to_owned()
        } else {
            format!("waitscope open {}", escape(&capture.path.to_string_lossy()))
        };
        say(format_args!(
            "captured {from} to {to} for {}: {what}",
            escape(&capture.fired.to_string())
        ));
    }
    if captures.is_empty() {
        say(format_args!("no trigger fired, and nothing was captured"));
    }
    if *passed_over > 0 {
        say(format_args!(
            "{passed_over} more times a trigger held during a capture or its cool-down"
        ));
    }
    if let Some(shortest) = shortest {
        say(format_args!(
            "for want of memory the window was as short as {}: --flight-memory gives it more",
            text::nanos(u64::try_from(shortest.as_nanos()).unwrap_or(u64::MAX))
        ));
    }
}
