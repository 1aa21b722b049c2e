//! The Trace Event Format, which Perfetto, Chrome and Speedscope read.
//!
//! Slices are pairs of begin and end with times printed from whole numbers: with a duration beside
//! the start, floating point makes neighbours overlap. An end says again what the begin said: Speedscope ends no slice
//! on the word of one that says less.

use std::collections::HashMap;
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
        open: HashMap::new(),
    };
    drawing.names(first)?;
    let mut slices = Slices::new(first);
    passes.each(|event| match event {
        Event::Gap(gap) if first.held.holds(event) => drawing.gap(gap),
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
    /// What the ends to come must say: of each thread in a slice, for each that it is in. A call and a phase, at most.
    open: HashMap<ThreadId, Vec<Vec<u8>>>,
}

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
            Mark::Call(name, args) => self.begin(thread, at_ns, "call", name, Some(args)),
            Mark::Phase { phase, span, .. } => {
                let args = span.filter(|_| phase == Phase::Blocked).map(OffArgs::new);
                self.begin(thread, at_ns, "phase", phase.word(), args)
            }
            Mark::OffCpu { phase, span, .. } => {
                let args = Some(OffArgs::new(span));
                self.begin(thread, at_ns, "offcpu", phase.word(), args)
            }
            Mark::End => self.end(thread, at_ns),
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

    fn begin(
        &mut self,
        thread: ThreadId,
        at_ns: u64,
        category: &str,
        name: &str,
        args: Option<impl Serialize>,
    ) -> Result<()> {
        let mut said = Vec::new();
        write!(said, ",\"cat\":\"{category}\",\"name\":").context("write export")?;
        put(&mut said, &name)?;
        if let Some(args) = args {
            write!(said, ",\"args\":").context("write export")?;
            put(&mut said, &args)?;
        }
        self.mark('B', thread, at_ns, &said)?;
        self.open.entry(thread).or_default().push(said);
        Ok(())
    }

    fn end(&mut self, thread: ThreadId, at_ns: u64) -> Result<()> {
        let open = self.open.get_mut(&thread);
        let said = open.and_then(Vec::pop).unwrap_or_default();
        if self.open.get(&thread).is_some_and(Vec::is_empty) {
            self.open.remove(&thread);
        }
        self.mark('E', thread, at_ns, &said)
    }

    fn mark(&mut self, ph: char, (pid, tid): ThreadId, at_ns: u64, said: &[u8]) -> Result<()> {
        self.comma()?;
        write!(
            self.out,
            "{{\"ph\":\"{ph}\",\"pid\":{pid},\"tid\":{tid},\"ts\":"
        )
        .and_then(|()| write_micros(self.out, at_ns))
        .and_then(|()| self.out.write_all(said))
        .and_then(|()| self.out.write_all(b"}"))
        .context("write export")
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
