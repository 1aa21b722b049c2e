//! The Trace Event Format, which Perfetto, Chrome and Speedscope read.
//!
//! Slices are pairs of begin and end with times printed from whole numbers: with a duration beside
//! the start, floating point makes neighbours overlap. On each thread they are ordered and nested,
//! whatever the recording holds.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use super::json::{WakerJson, name, put, timeout_fields};
use super::overview::Overview;
use super::phases::{Extent, Phase, pieces};
use super::{FORMAT, Passes, VERSION};
use crate::model::{Arch, Call, Copying, Descriptor, Event, Gap, OffCpu, OpenThread};
use crate::text;

/// Threads drawn, at most.
const LANES_MAX: usize = 1 << 18;
/// Times off the CPU that wait for the call they are in, at most: of one thread, and of all.
const PENDING_MAX: usize = 4_096;
const PENDING_ALL_MAX: usize = 1 << 19;

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
        arch: first.arch,
        pid: first.trace.pid,
        lanes: HashMap::new(),
        pending: 0,
        descriptors: &first.descriptors,
    };
    drawing.names(first)?;
    passes.each(|event| drawing.event(event))?;
    drawing.finish()?;
    writeln!(drawing.out, "\n]}}").context("write export")
}

/// One thread as far as it has been drawn.
#[derive(Default)]
struct Lane {
    pid: u32,
    /// Nothing may be drawn before this.
    drawn_ns: u64,
    /// Times off the CPU in a call that has not ended yet.
    pending: Vec<OffCpu>,
}

struct Drawing<'a, W> {
    out: &'a mut W,
    empty: bool,
    arch: Option<Arch>,
    lanes: HashMap<u32, Lane>,
    /// Times off the CPU that are pending, of all threads.
    pending: usize,
    /// The process that loss is shown at.
    pid: u32,
    descriptors: &'a BTreeMap<u32, Descriptor>,
}

/// What a call's slice says beside its extent, with the names of the JSON export. To keep a file
/// that Perfetto loads, what is zero or false is left out.
#[derive(Default, Serialize)]
struct CallArgs {
    #[serde(skip_serializing_if = "is_default")]
    open: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    fd: Option<i32>,
    /// The name of what stood behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready_delay_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ret: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<&'static str>,
    kernel_ns: u64,
    #[serde(skip_serializing_if = "is_default")]
    blocked_ns: u64,
    #[serde(skip_serializing_if = "is_default")]
    runnable_ns: u64,
    #[serde(skip_serializing_if = "is_default")]
    copying_ns: u64,
    #[serde(skip_serializing_if = "is_default")]
    copying_inferred: bool,
    #[serde(skip_serializing_if = "is_default")]
    sleeps: u32,
    #[serde(skip_serializing_if = "is_default")]
    preemptions: u32,
    #[serde(skip_serializing_if = "is_default")]
    interrupted: bool,
    #[serde(skip_serializing_if = "is_default")]
    check: bool,
    #[serde(skip_serializing_if = "is_default")]
    began_before: bool,
    #[serde(skip_serializing_if = "is_default")]
    killed: bool,
    #[serde(skip_serializing_if = "is_default")]
    continues: bool,
    #[serde(skip_serializing_if = "is_default")]
    unseen: bool,
    #[serde(skip_serializing_if = "is_default")]
    others: u32,
    #[serde(skip_serializing_if = "is_default")]
    other_ns: u64,
    /// Not all of the times off the CPU in this call are known: its phases are not all drawn.
    #[serde(skip_serializing_if = "is_default")]
    phases_incomplete: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl From<&Call> for CallArgs {
    fn from(call: &Call) -> Self {
        let (timeout_ns, timeout) = timeout_fields(call.timeout);
        Self {
            open: false,
            fd: call.fd,
            descriptor: None,
            ready_delay_ns: call.ready_delay_ns,
            requested: call.requested,
            ret: call.ret,
            error: call.ret.and_then(text::error_name),
            timeout_ns,
            timeout,
            kernel_ns: call.kernel_ns,
            blocked_ns: call.blocked_ns,
            runnable_ns: call.runnable_ns,
            copying_ns: call.copying_ns,
            copying_inferred: matches!(call.copying, Copying::Inferred(_)),
            sleeps: call.sleeps,
            preemptions: call.preemptions,
            interrupted: call.ret.is_some_and(text::restarts),
            check: call.is_check(),
            began_before: call.began_before,
            killed: call.killed,
            continues: call.continues,
            unseen: call.unseen,
            others: call.others,
            other_ns: call.other_ns,
            phases_incomplete: false,
        }
    }
}

impl From<&OpenThread> for CallArgs {
    fn from(open: &OpenThread) -> Self {
        Self {
            open: true,
            fd: open.fd,
            kernel_ns: open.kernel_ns,
            blocked_ns: open.blocked_ns,
            runnable_ns: open.runnable_ns,
            copying_ns: open.copying_ns,
            began_before: open.began_before,
            ..Self::default()
        }
    }
}

#[derive(Serialize)]
struct OffArgs<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    waker: Option<WakerJson<'a>>,
    state: u32,
}

impl<'a> OffArgs<'a> {
    fn new(span: &'a OffCpu) -> Self {
        let waker = span
            .waker
            .map(|waker| WakerJson::new(waker, Some(&span.waker_comm)));
        Self {
            waker,
            state: span.state,
        }
    }
}

/// An end, and instants, have nothing to say.
const NO_ARGS: Option<()> = None;

impl<W: Write> Drawing<'_, W> {
    fn names(&mut self, first: &Overview) -> Result<()> {
        let mut processes = BTreeSet::new();
        for thread in first.threads.all() {
            processes.insert(thread.pid);
            if let Some(name) = &thread.name {
                self.comma()?;
                let args = json!({ "name": name });
                put(
                    self.out,
                    &json!({ "ph": "M", "name": "thread_name", "pid": thread.pid, "tid": thread.tid, "args": args }),
                )?;
            }
        }
        for pid in processes {
            let mut threads = first.threads.all().iter();
            let leader = threads
                .find(|thread| thread.tid == pid)
                .and_then(|thread| thread.name.as_ref());
            let name = if pid == self.pid {
                Some(&first.trace.command)
            } else {
                leader
            };
            let Some(name) = name else { continue };
            self.comma()?;
            put(
                self.out,
                &json!({ "ph": "M", "name": "process_name", "pid": pid, "args": { "name": name } }),
            )?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Call(call) => self.call(call),
            Event::OffCpu(span) => self.span(span),
            Event::Gap(gap) => self.gap(gap),
            Event::Open(open) => self.open(open),
            // A thread's name stands at the top. Its end shows in that nothing follows.
            Event::Life(_)
            | Event::Descriptor(_)
            | Event::Ready(_)
            | Event::Request(_)
            | Event::End(_) => Ok(()),
        }
    }

    /// The thread's lane; `None` if there are too many.
    fn lane(&mut self, pid: u32, tid: u32) -> Option<&mut Lane> {
        if self.lanes.len() >= LANES_MAX && !self.lanes.contains_key(&tid) {
            return None;
        }
        let lane = self.lanes.entry(tid).or_default();
        lane.pid = pid;
        Some(lane)
    }

    fn span(&mut self, span: &OffCpu) -> Result<()> {
        let room = self.pending < PENDING_ALL_MAX;
        let Some(lane) = self.lane(span.pid, span.tid) else {
            return Ok(());
        };
        if !span.in_call {
            return self.off_cpu(span);
        }
        // One left out shows: the call's phases don't add up then.
        if room && lane.pending.len() < PENDING_MAX {
            lane.pending.push(span.clone());
            self.pending += 1;
        }
        Ok(())
    }

    /// The pending times off the CPU that lie in a call which began then. Others are of calls that
    /// were lost, and are drawn as they are.
    fn take_pending(&mut self, tid: u32, since_ns: u64) -> Result<Vec<OffCpu>> {
        let Some(lane) = self.lanes.get_mut(&tid) else {
            return Ok(Vec::new());
        };
        let spans = std::mem::take(&mut lane.pending);
        self.pending -= spans.len();
        let (inside, outside): (Vec<_>, Vec<_>) = spans
            .into_iter()
            .partition(|span| span.start_ns >= since_ns);
        for span in outside {
            self.off_cpu(&span)?;
        }
        Ok(inside)
    }

    fn call(&mut self, call: &Call) -> Result<()> {
        if self.lane(call.pid, call.tid).is_none() {
            return Ok(());
        }
        let spans = self.take_pending(call.tid, call.start_ns)?;
        let name = name(self.arch, call.nr);
        self.nest(
            (call.pid, call.tid),
            &name,
            &Extent::from(call),
            &spans,
            CallArgs {
                descriptor: self.name_of(call.descriptor),
                ..call.into()
            },
        )
    }

    fn name_of(&self, descriptor: Option<u32>) -> Option<String> {
        let descriptor = self.descriptors.get(&descriptor?)?;
        Some(descriptor.name.clone()).filter(|name| !name.is_empty())
    }

    fn open(&mut self, open: &OpenThread) -> Result<()> {
        let Some(lane) = self.lane(open.pid, open.tid) else {
            return Ok(());
        };
        let since = if open.nr.is_some() {
            open.since_ns
        } else {
            lane.drawn_ns
        };
        let mut spans = self.take_pending(open.tid, since)?;
        // The time off the CPU that has not ended yet.
        if let Some(start_ns) = open.off_since_ns {
            spans.push(OffCpu {
                pid: open.pid,
                tid: open.tid,
                cpu: 0,
                start_ns,
                // A preempted thread counts as woken when it left.
                woken_ns: Some(open.woken_ns.unwrap_or(open.at_ns)),
                end_ns: open.at_ns,
                times: 1,
                unseen: false,
                in_call: open.nr.is_some(),
                state: 0,
                waker: None,
                waker_comm: String::new(),
            });
        }
        let Some(nr) = open.nr else {
            return spans.iter().try_for_each(|span| self.off_cpu(span));
        };
        let call = nr.map_or_else(|| "unknown call".into(), |nr| name(self.arch, nr));
        self.nest(
            (open.pid, open.tid),
            &call,
            &Extent::from(open),
            &spans,
            open.into(),
        )
    }

    /// A call with its phases in it.
    fn nest(
        &mut self,
        thread: (u32, u32),
        name: &str,
        extent: &Extent,
        spans: &[OffCpu],
        args: CallArgs,
    ) -> Result<()> {
        let (pieces, complete) = pieces(extent, spans);
        let (start, end) = self.advance(thread.1, extent.start_ns, extent.end_ns);
        self.mark(
            'B',
            thread,
            start,
            Some(("call", name)),
            Some(CallArgs {
                phases_incomplete: !complete,
                ..args
            }),
        )?;
        for piece in pieces {
            let from = piece.start_ns.clamp(start, end);
            let to = piece.end_ns.clamp(start, end);
            if from < to {
                let args = piece.span.and_then(|at| spans.get(at));
                let args = args
                    .filter(|_| piece.phase == Phase::Blocked)
                    .map(OffArgs::new);
                self.mark('B', thread, from, Some(("phase", piece.phase.word())), args)?;
                self.mark('E', thread, to, None, NO_ARGS)?;
            }
        }
        self.mark('E', thread, end, None, NO_ARGS)
    }

    /// A time off the CPU outside calls, or in one that was lost.
    fn off_cpu(&mut self, span: &OffCpu) -> Result<()> {
        let thread = (span.pid, span.tid);
        let woken = span.woken_ns.unwrap_or(span.start_ns);
        for (phase, from, to) in [
            (Phase::Blocked, span.start_ns, woken),
            (Phase::Runnable, woken, span.end_ns),
        ] {
            let (from, to) = self.advance(span.tid, from, to);
            if from < to {
                self.mark(
                    'B',
                    thread,
                    from,
                    Some(("offcpu", phase.word())),
                    Some(OffArgs::new(span)),
                )?;
                self.mark('E', thread, to, None, NO_ARGS)?;
            }
        }
        Ok(())
    }

    /// Where the next slice of this thread may be drawn: nothing honest is changed by this.
    fn advance(&mut self, tid: u32, start_ns: u64, end_ns: u64) -> (u64, u64) {
        let Some(lane) = self.lanes.get_mut(&tid) else {
            return (start_ns, end_ns.max(start_ns));
        };
        let start = start_ns.max(lane.drawn_ns);
        let end = end_ns.max(start);
        lane.drawn_ns = end;
        (start, end)
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

    /// What was pending when the recording ended.
    fn finish(&mut self) -> Result<()> {
        let mut tids: Vec<u32> = self.lanes.keys().copied().collect();
        tids.sort_unstable();
        for tid in tids {
            for span in self.take_pending(tid, 0)? {
                self.off_cpu(&span)?;
            }
        }
        Ok(())
    }

    fn mark(
        &mut self,
        ph: char,
        (pid, tid): (u32, u32),
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
