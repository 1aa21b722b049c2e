//! The protobuf format of [Perfetto](https://ui.perfetto.dev), with all that it can show of a trace.
//!
//! A call and its phases are slices of its thread, as in the Trace Event Format. Beside those: an arrow from the thread
//! that made a wake-up to the one it woke, requests of `io_uring`s, how busy each loop was, and what was lost. Nothing
//! here may grow with the number of calls.

mod fields;
mod packets;
mod protobuf;
mod says;
mod tracks;
mod utilisation;

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;

use self::fields::event::{BEGIN, COUNTER, END, INSTANT};
use self::packets::{Packets, Point, Value};
use self::tracks::Tracks;
use self::utilisation::Utilisation;
use super::Passes;
use super::overview::Overview;
use super::phases::Phase;
use super::range::Range;
use super::slices::{Mark, Slices, ThreadId};
use crate::model::{Context, Descriptor, Event, Gap, OffCpu, Request, operation_name};

/// Writes the whole export.
pub(super) fn write(first: &Overview, passes: &mut Passes<'_>, out: &mut impl Write) -> Result<()> {
    let trace = &first.trace;
    let mut packets = Packets::begin(out, trace.start_boot_ns, trace.start_unix_ns)?;
    let mut utilisation = Utilisation::new(first.arch, first.last_ns);
    let mut drawing = Drawing {
        tracks: Tracks::begin(first, &mut packets)?,
        packets,
        end_ns: first.end_ns(),
        range: first.held.range,
        part_ns: utilisation.part_ns(),
        descriptors: &first.descriptors,
        flows: 0,
    };
    drawing.trace(first)?;
    let mut slices = Slices::new(first);
    passes.each(|event| {
        utilisation.push(event, &mut |thread, at_ns, percent| {
            drawing.utilisation(thread, at_ns, percent)
        })?;
        match event {
            Event::Gap(gap) if first.held.holds(event) => drawing.gap(gap),
            Event::Request(request) if first.held.holds(event) => drawing.request(request),
            event => slices.event(event, &mut |thread, at_ns, mark| {
                drawing.draw(thread, at_ns, mark)
            }),
        }
    })?;
    slices.finish(&mut |thread, at_ns, mark| drawing.draw(thread, at_ns, mark))?;
    utilisation.finish(&mut |thread, at_ns, percent| drawing.utilisation(thread, at_ns, percent))
}

struct Drawing<'a, W> {
    packets: Packets<W>,
    tracks: Tracks,
    end_ns: u64,
    range: Range,
    /// How long what is told of a loop's utilisation holds.
    part_ns: u64,
    descriptors: &'a BTreeMap<u32, Descriptor>,
    /// Arrows so far: each has a number.
    flows: u64,
}

const NOTHING: [(&str, Value<'static>); 0] = [];

impl<W: Write> Drawing<'_, W> {
    /// What is known of the whole trace, at its start, or that of the range: whether it is all there, too.
    fn trace(&mut self, first: &Overview) -> Result<()> {
        let Some(track) = self.tracks.process(first.trace.pid, &mut self.packets)? else {
            return Ok(());
        };
        let point = Point {
            what: Some(("trace", "trace")),
            ..Point::new(track, self.range.from_ns, INSTANT)
        };
        self.packets.point(point, says::of_trace(first))
    }

    fn draw(&mut self, thread: ThreadId, at_ns: u64, mark: Mark<'_>) -> Result<()> {
        let Some(track) = self.tracks.thread(thread, &mut self.packets)? else {
            return Ok(());
        };
        let begin = Point::new(track, at_ns, BEGIN);
        match mark {
            Mark::Call(name, args) => {
                let what = Some(("call", name));
                self.packets
                    .point(Point { what, ..begin }, says::of_call(&args))
            }
            Mark::Phase { phase, span, woken } => {
                let flow_to = self.wakeup(woken)?;
                let what = Some(("phase", phase.word()));
                let span = span.filter(|_| phase == Phase::Blocked);
                self.packets.point(
                    Point {
                        what,
                        flow_to,
                        ..begin
                    },
                    span.map(says::of_span).into_iter().flatten(),
                )
            }
            Mark::OffCpu { phase, span, woken } => {
                let flow_to = self.wakeup(woken)?;
                let what = Some(("offcpu", phase.word()));
                self.packets.point(
                    Point {
                        what,
                        flow_to,
                        ..begin
                    },
                    says::of_span(span),
                )
            }
            Mark::End => self.packets.point(Point::new(track, at_ns, END), NOTHING),
        }
    }

    /// An instant on the thread that ended a sleep, if it is one of the trace and did so itself: an arrow begins there.
    fn wakeup(&mut self, woken: Option<&OffCpu>) -> Result<Option<u64>> {
        let Some((span, waker)) = woken.and_then(|span| Some((span, span.waker?))) else {
            return Ok(None);
        };
        let (Some(track), Some(woken_ns)) = (
            self.tracks.known_thread((waker.pid, waker.tid)),
            span.woken_ns,
        ) else {
            return Ok(None);
        };
        if waker.context != Context::Task {
            return Ok(None);
        }
        self.flows += 1;
        let point = Point {
            what: Some(("wakeup", "wakes")),
            flow_from: Some(self.flows),
            ..Point::new(track, woken_ns, INSTANT)
        };
        self.packets
            .point(point, [("tid", Value::Uint(span.tid.into()))])?;
        Ok(Some(self.flows))
    }

    /// Requests of one process overlap, so each is on a track where nothing else is then.
    fn request(&mut self, request: &Request) -> Result<()> {
        let end_ns = request.complete_ns.unwrap_or(self.end_ns);
        // How long a later shot took is not known.
        let submit_ns = match request.shot {
            0 => request.submit_ns.unwrap_or(0),
            _ => end_ns,
        };
        let Some((track, start_ns, end_ns)) =
            self.tracks
                .request(request.pid, submit_ns, end_ns, &mut self.packets)?
        else {
            return Ok(());
        };
        let name = operation_name(request.opcode);
        let descriptor = request.descriptor.and_then(|id| self.descriptors.get(&id));
        let point = Point {
            what: Some(("request", &name)),
            ..Point::new(track, start_ns, BEGIN)
        };
        self.packets
            .point(point, says::of_request(request, start_ns, descriptor))?;
        self.packets.point(Point::new(track, end_ns, END), NOTHING)
    }

    fn gap(&mut self, gap: &Gap) -> Result<()> {
        let Gap {
            cpu,
            start_ns,
            end_ns,
            lost,
        } = *gap;
        let (track, start_ns, end_ns) =
            self.tracks.loss(cpu, start_ns, end_ns, &mut self.packets)?;
        let point = Point {
            what: Some(("lost", "records lost")),
            ..Point::new(track, start_ns, BEGIN)
        };
        let says = [
            ("cpu", Value::Uint(cpu.into())),
            ("lost", Value::Uint(lost)),
        ];
        self.packets.point(point, says)?;
        self.packets.point(Point::new(track, end_ns, END), NOTHING)
    }

    fn utilisation(&mut self, thread: ThreadId, at_ns: u64, percent: f64) -> Result<()> {
        if !self
            .range
            .touches(at_ns, at_ns.saturating_add(self.part_ns))
        {
            return Ok(());
        }
        let Some(track) = self.tracks.utilisation(thread, &mut self.packets)? else {
            return Ok(());
        };
        let count = Some(percent);
        let point = Point::new(track, at_ns, COUNTER);
        self.packets.point(Point { count, ..point }, NOTHING)
    }
}
