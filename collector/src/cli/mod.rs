//! The command line: one file a subcommand. Only here is anything printed, and only `main`
//! ends the program, but for a second Ctrl-C.

mod args;
mod compare;
mod diff;
mod doctor;
mod export;
mod flight;
mod held;
mod keeping;
mod open;
mod page;
mod quantity;
mod report;
mod say;
mod signals;
mod trace;

use anyhow::Result;
use clap::{CommandFactory as _, Parser as _, error::ErrorKind};

use args::{Cli, Command};

use crate::{attach::Unsupported, demo};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Not permitted or not supported here. (2, wrong usage, is clap's.)
    Unsupported = 3,
}

/// Does what was typed, and says what went wrong.
pub fn run() -> Exit {
    let command = Cli::parse().command;
    if let Some(fault) = command.fault() {
        Cli::command()
            .error(ErrorKind::MissingRequiredArgument, fault)
            .exit();
    }
    act(command).unwrap_or_else(|error| {
        if !is_broken_pipe(&error) {
            say::complain(&error);
        }
        exit_of(&error)
    })
}

fn act(command: Command) -> Result<Exit> {
    match command {
        Command::Attach {
            target,
            tracing,
            page,
            record,
        } => trace::attach(&target, &tracing, &page, record.as_deref()),
        Command::Run {
            tracing,
            page,
            record,
            command,
        } => trace::run(&command, &tracing, &page, record.as_deref()),
        Command::Record {
            target,
            tracing,
            output,
        } => trace::record(&target, &tracing, &output),
        Command::Demo {
            tracing,
            compare: true,
            json,
            ..
        } => compare::compare(tracing.duration, json),
        Command::Demo {
            tracing,
            page,
            record,
            model,
            ..
        } => trace::demo(model, &tracing, &page, record.as_deref()),
        Command::Open {
            file,
            against,
            page,
        } => open::open(&file, against.as_deref(), &page),
        Command::Export {
            file,
            format,
            span,
            output,
        } => export::export(&file, format, span.range(), output.as_deref()),
        Command::Diff { a, b, json } => diff::diff(&a, &b, json),
        Command::Report { file, json } => report::report(&file, json),
        Command::Doctor { json } => doctor::doctor(json),
        Command::DemoServer { model } => demo::serve_main(model).map(|()| Exit::Done),
        Command::DemoLoad { port } => demo::load_main(port).map(|()| Exit::Done),
        Command::DemoClosedLoad {
            port,
            connections,
            time,
        } => demo::closed_load_main(port, connections, time).map(|()| Exit::Done),
        Command::RunChild { parent, command } => held::run_child(parent, &command),
    }
}

/// The exit code that an error stands for.
fn exit_of(error: &anyhow::Error) -> Exit {
    if is_broken_pipe(error) {
        // Whoever read has read enough.
        Exit::Done
    } else if error.chain().any(|cause| cause.is::<Unsupported>()) {
        Exit::Unsupported
    } else {
        Exit::Failed
    }
}

/// Whether an error is a reader gone, as in `| head`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
