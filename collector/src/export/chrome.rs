//! The Trace Event Format, which Perfetto, Chrome and Speedscope read.
//!
//! Slices are pairs of begin and end with times printed from whole numbers: with a duration beside
//! the start, floating point makes neighbours overlap.

use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use super::json::put;
use super::overview::Overview;
use super::phases::Phase;
use super::slice_args::OffArgs;
use super::slices::{Mark, Slices, ThreadId};
use super::{FORMAT, Passes, VERSION};
use crate::model::{Event, Gap};

/// Writes the whole export.
pub(super) fn write(first: &Overview, passes: &mut Passes<'_>, out: &mut impl Write) -> Result<()> {
    write!(out, "{{\"displayTimeUnit\":\"ns\",\"otherData\":").context("write export")?;
    put(
        out,
        &json!({ "format": FORMAT, "version": VERSION, "trace": first.trace_json() }),
    )?;
    write!(out, ",\n\"traceEvents\":[").context("write export")?;
    let mut drawing = Drawing {
        out,
        empty: true,
        pid: first.trace.pid,
    };
    drawing.names(first)?;
    let mut slices = Slices::new(first);
    passes.each(|event| match event {
        Event::Gap(gap) => drawing.gap(gap),
        event => slices.event(event, &mut |thread, at_ns, mark| {
            drawing.draw(thread, at_ns, mark)
        }),
    })?;
    slices.finish(&mut |thread, at_ns, mark| drawing.draw(thread, at_ns, mark))?;
    writeln!(drawing.out, "\n]}}").context("write export")
}

struct Drawing<'a, W> {
    out: &'a mut W,
    empty: bool,
    /// The process that loss is shown at.
    pid: u32,
}

/// An end has nothing to say.
const NO_ARGS: Option<()> = None;

impl<W: Write> Drawing<'_, W> {
    fn names(&mut self, first: &Overview) -> Result<()> {
        for thread in first.threads.all() {
            if let Some(name) = &thread.name {
                self.comma()?;
                let args = json!({ "name": name });
                put(
                    self.out,
                    &json!({ "ph": "M", "name": "thread_name", "pid": thread.pid, "tid": thread.tid, "args": args }),
                )?;
            }
        }
        for (pid, name) in first.processes() {
            let Some(name) = name else { continue };
            self.comma()?;
            put(
                self.out,
                &json!({ "ph": "M", "name": "process_name", "pid": pid, "args": { "name": name } }),
            )?;
        }
        Ok(())
    }

    fn draw(&mut self, thread: ThreadId, at_ns: u64, mark: Mark<'_>) -> Result<()> {
        match mark {
            Mark::Call(name, args) => {
                self.mark('B', thread, at_ns, Some(("call", name)), Some(args))
            }
            Mark::Phase { phase, span, .. } => {
                let args = span.filter(|_| phase == Phase::Blocked).map(OffArgs::new);
                self.mark('B', thread, at_ns, Some(("phase", phase.word())), args)
            }
            Mark::OffCpu { phase, span, .. } => {
                let args = Some(OffArgs::new(span));
                self.mark('B', thread, at_ns, Some(("offcpu", phase.word())), args)
            }
            Mark::End => self.mark('E', thread, at_ns, None, NO_ARGS),
        }
    }

    /// Loss is of a CPU and not of a thread: an asynchronous slice, which no thread contains.
    fn gap(&mut self, gap: &Gap) -> Result<()> {
        let Gap {
            cpu,
            start_ns,
            end_ns,
            lost,
        } = *gap;
        let pid = self.pid;
        for (ph, at) in [('b', start_ns), ('e', end_ns.max(start_ns))] {
            self.comma()?;
            write!(self.out, "{{\"ph\":\"{ph}\",\"cat\":\"lost\",\"name\":\"records lost\",\"id\":{cpu},\"pid\":{pid},\"tid\":{pid},\"ts\":")
                .and_then(|()| write_micros(self.out, at))
                .and_then(|()| write!(self.out, ",\"args\":{{\"cpu\":{cpu},\"lost\":{lost}}}}}"))
                .context("write export")?;
        }
        Ok(())
    }

    fn mark(
        &mut self,
        ph: char,
        (pid, tid): ThreadId,
        at_ns: u64,
        what: Option<(&str, &str)>,
        args: Option<impl Serialize>,
    ) -> Result<()> {
        self.comma()?;
        write!(
            self.out,
            "{{\"ph\":\"{ph}\",\"pid\":{pid},\"tid\":{tid},\"ts\":"
        )
        .and_then(|()| write_micros(self.out, at_ns))
        .context("write export")?;
        if let Some((category, name)) = what {
            write!(self.out, ",\"cat\":\"{category}\",\"name\":").context("write export")?;
            put(self.out, &name)?;
        }
        if let Some(args) = args {
            write!(self.out, ",\"args\":").context("write export")?;
            put(self.out, &args)?;
        }
        self.out.write_all(b"}").context("write export")
    }

    fn comma(&mut self) -> Result<()> {
        let between: &[u8] = if self.empty { b"\n" } else { b",\n" };
        self.empty = false;
        self.out.write_all(between).context("write export")
    }
}

/// Microseconds, printed from whole nanoseconds.
fn write_micros(out: &mut impl Write, nanos: u64) -> std::io::Result<()> {
    write!(out, "{}.{:03}", nanos / 1_000, nanos % 1_000)
}
