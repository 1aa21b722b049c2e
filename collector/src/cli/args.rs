//! What was typed. It must never act on it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    flight::Flying,
    keeping::Keeping,
    quantity::{duration, moment},
};
use crate::{attach, export::Range};

use crate::demo::Model;

/// Shows where a running process waits and where it copies, on a timeline in the browser.
#[derive(Debug, Parser)]
#[command(
    name = "waitscope",
    version,
    after_help = "Examples:\n  \
        sudo waitscope attach redis-server          the live page of a running server\n  \
        sudo waitscope attach 4711 --for 30s        for half a minute\n  \
        sudo waitscope run -- ./server --port 80    from a program's first instruction\n  \
        sudo waitscope record 4711 -o trace.waitscope --for 10s\n  \
        waitscope open trace.waitscope              the page on a recording\n  \
        waitscope export trace.waitscope --format chrome -o trace.json\n  \
        waitscope doctor                            what this kernel and user allow\n\n\
        Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not permitted or not supported here."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the live page of a running process
    #[command(after_help = "Examples:\n  sudo waitscope attach redis-server\n  \
        sudo waitscope attach 4711 --follow --record trace.waitscope\n  \
        sudo waitscope attach 4711 --flight 30s --trigger 'turn > 50ms' --trigger page\n\n\
        With --flight nothing is written until a trigger fires; then a capture is, of the time before and\n\
        after, called like --record's FILE (or flight.waitscope) with the time.\n\
        The address of the page is printed on standard output, everything else on standard error.\n\
        Ctrl-C ends the trace with a summary; the process goes on. A second Ctrl-C ends at once.")]
    Attach {
        /// Its PID, here or inside its container, or a name that only one process has
        #[arg(value_name = "PID|NAME")]
        target: String,
        #[command(flatten)]
        tracing: Tracing,
        #[command(flatten)]
        page: Page,
        /// Keep the trace in this file, too
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
    },
    /// Start a program and show its live page, from its first instruction
    #[command(
        after_help = "Example:\n  sudo waitscope run --for 1m -- python3 server.py\n\n\
        The program runs as the user who called sudo, not as root: waitscope needs rights to trace,\n\
        the program does not. It has waitscope's standard input, output and terminal, its trace begins\n\
        at its execve, and it ends with waitscope."
    )]
    Run {
        #[command(flatten)]
        tracing: Tracing,
        #[command(flatten)]
        page: Page,
        /// Keep the trace in this file, too
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
        /// The program and its arguments
        #[arg(required = true, last = true, value_name = "CMD")]
        command: Vec<String>,
    },
    /// Keep the trace of a running process in a file, without a page
    #[command(
        after_help = "Example:\n  sudo waitscope record redis-server -o redis.waitscope --for 10s\n\n\
        Ctrl-C ends the recording in order; the process goes on. The file belongs to the user who called\n\
        sudo. A recording of the same name is replaced, any other file is not.\n\n\
        A server that runs for days, in files of ten minutes of which the last six are kept:\n  \
        sudo waitscope record redis-server -o redis.waitscope --rotate-every 10m --keep 6\n\
        They are called redis-20260102T030405.678Z.waitscope, and each opens by itself."
    )]
    Record {
        /// Its PID, here or inside its container, or a name that only one process has
        #[arg(value_name = "PID|NAME")]
        target: String,
        #[command(flatten)]
        tracing: Tracing,
        /// The file to keep it in
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Show the page on a recording
    #[command(after_help = "Examples:\n  waitscope open trace.waitscope\n  \
        waitscope open after.waitscope --against before.waitscope\n\n\
        One that was cut off opens too, and says what is missing.")]
    Open {
        /// The recording
        file: PathBuf,
        /// A recording from before, to compare it with: what `waitscope diff BEFORE FILE` says, on the page
        #[arg(long, value_name = "BEFORE")]
        against: Option<PathBuf>,
        #[command(flatten)]
        page: Page,
    },
    /// Turn a recording, or a part of it, into JSON or a format of another tool
    #[command(after_help = "Examples:\n  \
        waitscope export t.waitscope --format perfetto -o t.pftrace   then open it in https://ui.perfetto.dev\n  \
        waitscope export t.waitscope --format ndjson | head\n  \
        waitscope export t.waitscope --from 2s --to 2s500ms -o half.json      what there was in half a second\n  \
        waitscope export t.waitscope --format parquet -o calls.parquet\n  \
        waitscope export t.waitscope --format parquet -o lake/        many recordings in one directory, see docs/sql.md")]
    Export {
        /// The recording
        file: PathBuf,
        /// The format
        #[arg(long, value_enum, default_value_t = ExportFormat::Json)]
        format: ExportFormat,
        #[command(flatten)]
        span: Span,
        /// Where to write it [default: standard output]. Parquet needs it: a file if it ends in .parquet, else a directory
        #[arg(short, long, value_name = "FILE|DIR")]
        output: Option<PathBuf>,
    },
    /// Say in words and numbers what a recording shows
    Report {
        /// The recording
        file: PathBuf,
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Say what changed between two recordings, and whether it is more than noise
    #[command(after_help = "Examples:\n  \
        waitscope diff before.waitscope after.waitscope\n  \
        waitscope diff before.waitscope after.waitscope --json | jq '.groups[] | select(.of == \"turn\")'\n\n\
        What a number wavers by within each recording tells noise from a change, so each must have something to\n\
        show for some seconds, under the same load.")]
    Diff {
        /// The recording from before
        a: PathBuf,
        /// The recording from after
        b: PathBuf,
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Say what this kernel and user allow, what is missing, and how to get it
    Doctor {
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Trace a small server under a steady load: the tour
    #[command(after_help = "Examples:\n  \
        sudo waitscope demo                     an event loop, a worker and a ticker\n  \
        sudo waitscope demo --model blocking    the same load on a thread for each connection\n  \
        sudo waitscope demo --model uring       and on io_uring\n  \
        sudo waitscope demo --compare           threads and multiplexing side by side, in numbers\n  \
        sudo waitscope demo --compare --for 5s --json\n\n\
        A comparison runs a load on each of two models with 1, 10 and 1,000 connections, for --for each\n\
        (2s unless told), and prints one table and what it shows. Its load asks as fast as it is answered:\n\
        it takes all of two CPUs for that time.")]
    Demo {
        #[command(flatten)]
        tracing: Tracing,
        #[command(flatten)]
        page: Page,
        /// Keep the trace in this file, too
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
        /// A server of this model of I/O instead of the demo's own
        #[arg(long, value_enum)]
        model: Option<Model>,
        /// Compare blocking threads with multiplexing, without a page
        #[arg(long, conflicts_with_all = ["model", "record", "listen", "memory", "follow", "verbose"])]
        compare: bool,
        /// The comparison as JSON, for programs
        #[arg(long, requires = "compare")]
        json: bool,
    },
    /// The demo's server, started by it
    #[command(hide = true)]
    DemoServer {
        /// One of a model
        #[arg(long, value_enum)]
        model: Option<Model>,
    },
    /// The demo's load, started by it
    #[command(hide = true)]
    DemoLoad {
        /// The server's port
        port: u16,
    },
    /// A load that asks as fast as it is answered, started by a comparison
    #[command(hide = true)]
    DemoClosedLoad {
        /// The server's port
        port: u16,
        /// How many
        #[arg(long)]
        connections: usize,
        /// How long it asks
        #[arg(long = "for", value_parser = duration)]
        time: Duration,
    },
    /// Waits until it is traced, then becomes the program; started by `run`
    #[command(hide = true)]
    RunChild {
        /// The process that started it
        parent: u32,
        /// The program and its arguments
        #[arg(required = true, last = true)]
        command: Vec<String>,
    },
}

impl Command {
    /// What is wrong with it that no part of it can tell by itself.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Attach {
                tracing, record, ..
            }
            | Self::Run {
                tracing, record, ..
            }
            | Self::Demo {
                tracing, record, ..
            } => {
                let records = record.is_some() && tracing.flying.flight.is_none();
                tracing.keeping.fault(records)
            }
            Self::Export { span, .. } if span.range().is_empty() => {
                Some("--from must be before --to: nothing can be in between")
            }
            Self::Record { tracing, .. } if tracing.flying.heeds_page() => {
                Some("--trigger page needs a page, and record has none: use attach or run")
            }
            Self::Record { tracing, .. } => tracing.keeping.fault(tracing.flying.flight.is_none()),
            _ => None,
        }
    }
}

/// How to trace.
#[derive(Clone, Debug, Args)]
pub(crate) struct Tracing {
    /// Trace children that the process starts from now on, too, until the last has ended
    #[arg(long)]
    pub(crate) follow: bool,
    /// End the trace after this time: 500ms, 10s, 5m
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// How much to record: less is cheaper
    #[arg(long, value_enum, default_value_t = Detail::All)]
    pub(crate) detail: Detail,
    /// Show what the kernel side logs, on standard error
    #[arg(long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) keeping: Keeping,
    #[command(flatten)]
    pub(crate) flying: Flying,
}

/// How much to record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Detail {
    /// Calls with their phases, and times off the CPU
    Phases,
    /// And what stands behind descriptors, and how long data lay unread
    Names,
    /// And what readiness calls were asked for and found
    All,
}

impl From<Detail> for attach::Detail {
    fn from(typed: Detail) -> Self {
        match typed {
            Detail::Phases => Self::Phases,
            Detail::Names => Self::Names,
            Detail::All => Self::All,
        }
    }
}

/// How to show it.
#[derive(Clone, Debug, Args)]
pub(crate) struct Page {
    /// Where the page is served, on this machine only; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7117")]
    pub(crate) listen: SocketAddr,
    /// Memory for the page's data, in MiB. Beyond it a live trace lets the oldest calls go; of a recording they are read again
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(16..=65_536))]
    pub(crate) memory: u64,
}

/// Of which part of a recording.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Span {
    /// Only what ended at this time of the trace or later: 2s, 2s500ms, 2500000001ns
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) from: Option<u64>,
    /// Only what began before this time of the trace
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) to: Option<u64>,
}

impl Span {
    /// What it means.
    pub(crate) fn range(self) -> Range {
        Range {
            from_ns: self.from.unwrap_or(0),
            to_ns: self.to,
        }
    }
}

/// What a recording is turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One JSON document, see docs/export.md
    Json,
    /// The same, one object a line
    Ndjson,
    /// Trace Event Format, for ui.perfetto.dev, chrome://tracing and Speedscope
    Chrome,
    /// Perfetto's own format, for ui.perfetto.dev: with arrows, loops and requests
    Perfetto,
    /// Calls for DuckDB, ClickHouse and others: a file, or a directory by host and hour
    Parquet,
    /// Calls as comma-separated values
    Csv,
}
