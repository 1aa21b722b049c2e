//! One of the two recordings, summed up in groups.
//!
//! Bounded whatever the recording: what belongs to a group that finds no room is counted.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use super::group::{CALLS, CONNECTIONS, Group, Kind, READY_DELAYS, TURNS};
use crate::model::{
    Arch, Call, CallKind, CallKinds, Descriptor, DescriptorKind, Event, Life, Trace, Turn, Turns,
    recent_map::RecentMap,
};
use crate::recording::Reader;

/// Groups of one kind; each takes some 50 kB.
const GROUPS_MAX: usize = 512;
/// Descriptors whose groups are known at one time.
const DESCRIPTORS_MAX: usize = 65_536;
/// Threads whose names are.
const THREADS_MAX: usize = 16_384;

/// What holds for a whole recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SideReport {
    /// The process it was started for.
    pub pid: u32,
    /// Its command line, unescaped.
    pub command: String,
    /// The machine's name.
    pub host: String,
    /// The kernel's release.
    pub kernel: String,
    /// The architecture.
    pub arch: String,
    /// When it began, since 1970.
    pub start_unix_ns: u64,
    /// How long it was, or if it has no end up to the last thing known.
    pub duration_ns: u64,
    /// Calls that ended.
    pub calls: u64,
    /// Records lost; without an end, at least so many.
    pub lost: u64,
    /// What is missing from the recording.
    pub cut: Option<String>,
    /// Events of groups that there was no room for.
    pub not_grouped: u64,
}

/// A recording in groups.
pub(super) struct Side {
    kinds: CallKinds,
    trace: Trace,
    /// By kind and name.
    pub(super) groups: BTreeMap<(&'static str, String), Group>,
    turns: Turns,
    ended: Vec<Turn>,
    descriptors: RecentMap<String>,
    threads: RecentMap<String>,
    pub(super) duration_ns: u64,
    calls: u64,
    lost: u64,
    cut: Option<String>,
    not_grouped: u64,
}

impl Side {
    /// Reads all of a recording.
    pub(super) fn read(mut reader: Reader, progress: &mut dyn FnMut(u64, u64)) -> Result<Self> {
        let mut side = Self::new(reader.trace());
        let bytes = reader.bytes_total();
        while let Some(events) = reader.next_batch()? {
            events.iter().for_each(|event| side.push(event));
            progress(reader.bytes_read(), bytes);
        }
        side.cut = reader.cut().map(ToString::to_string);
        Ok(side)
    }

    pub(super) fn new(trace: &Trace) -> Self {
        let kinds = CallKinds::new(Arch::from_machine(&trace.arch));
        Self {
            turns: Turns::new(kinds.clone()),
            kinds,
            trace: trace.clone(),
            groups: BTreeMap::new(),
            ended: Vec::new(),
            descriptors: RecentMap::new(DESCRIPTORS_MAX),
            threads: RecentMap::new(THREADS_MAX),
            duration_ns: 0,
            calls: 0,
            lost: 0,
            cut: None,
            not_grouped: 0,
        }
    }

    pub(super) fn push(&mut self, event: &Event) {
        let at_ns = match event {
            Event::Call(call) => {
                self.call(call);
                call.end_ns
            }
            Event::OffCpu(span) => span.end_ns,
            Event::Life(life) => {
                self.name(life);
                life.at_ns
            }
            Event::Descriptor(descriptor) => {
                self.describe(descriptor);
                0
            }
            Event::Gap(gap) => {
                self.lost = self.lost.saturating_add(gap.lost);
                gap.end_ns
            }
            Event::End(end) => {
                self.lost = end.lost;
                end.at_ns
            }
            Event::Ready(_) | Event::Request(_) | Event::Open(_) => 0,
        };
        self.duration_ns = self.duration_ns.max(at_ns);
        let mut ended = std::mem::take(&mut self.ended);
        self.turns.push(event, &mut ended);
        for turn in ended.drain(..).filter(|turn| turn.ended) {
            self.turn(&turn);
        }
        self.ended = ended;
    }

    fn group(&mut self, kind: Kind, name: &str) -> Option<&mut Group> {
        let of = |(known, _): &&(&'static str, String)| *known == kind.of;
        let key = (kind.of, name.to_owned());
        let room =
            self.groups.contains_key(&key) || self.groups.keys().filter(of).count() < GROUPS_MAX;
        if !room {
            self.not_grouped += 1;
            return None;
        }
        Some(self.groups.entry(key).or_default())
    }

    fn call(&mut self, call: &Call) {
        self.calls += 1;
        let name = self.kinds.name(call.nr);
        let (duration_ns, at_ns) = (call.duration_ns(), call.end_ns);
        if let Some(group) = self.group(CALLS, &name) {
            let values = [
                duration_ns,
                call.kernel_ns,
                call.blocked_ns,
                call.runnable_ns,
                call.copying_ns,
            ];
            group.push(at_ns, &values, duration_ns);
        }
        let Some(on) = call.descriptor.and_then(|id| self.descriptors.get(id)) else {
            return;
        };
        let on = on.clone();
        let bytes = call
            .ret
            .and_then(|ret| u64::try_from(ret).ok())
            .unwrap_or(0);
        let (received, sent) = match self.kinds.of(call.nr) {
            CallKind::Receive => (bytes, 0),
            CallKind::Send => (0, bytes),
            _ => (0, 0),
        };
        if let Some(group) = self.group(CONNECTIONS, &on) {
            let values = [
                duration_ns,
                call.blocked_ns,
                call.runnable_ns,
                call.copying_ns,
                received,
                sent,
            ];
            group.push(at_ns, &values, duration_ns);
        }
        if let Some(delay_ns) = call.ready_delay_ns
            && let Some(group) = self.group(READY_DELAYS, &on)
        {
            group.push(at_ns, &[delay_ns], delay_ns);
        }
    }

    fn turn(&mut self, turn: &Turn) {
        let name = self.threads.get(turn.tid).cloned();
        if let Some(group) = self.group(TURNS, name.as_deref().unwrap_or("?")) {
            let values = [turn.work_ns(), turn.wait_ns(), turn.lag_ns, turn.off_ns()];
            group.push(turn.end_ns, &values, turn.lag_ns);
        }
    }

    fn name(&mut self, life: &Life) {
        if let Some(name) = self.threads.get_or(life.tid, String::new) {
            name.clone_from(&life.name);
        }
    }

    fn describe(&mut self, descriptor: &Descriptor) {
        let id = descriptor.id;
        if descriptor.closed_ns.is_some() {
            // No call is told of after that but those that began before: they are few.
            self.descriptors.remove(id);
        } else if let Some(name) = self.descriptors.get_or(id, String::new) {
            *name = group_name(descriptor);
        }
    }

    pub(super) fn report(&self) -> SideReport {
        let Trace {
            pid,
            command,
            host,
            kernel,
            arch,
            start_unix_ns,
            ..
        } = self.trace.clone();
        SideReport {
            pid,
            command,
            host,
            kernel,
            arch,
            start_unix_ns,
            duration_ns: self.duration_ns,
            calls: self.calls,
            lost: self.lost,
            cut: self.cut.clone(),
            not_grouped: self.not_grouped,
        }
    }
}

/// What connections have in common that do the same: what was connected to, of both ends.
pub(crate) fn group_name(descriptor: &Descriptor) -> String {
    let Descriptor {
        kind,
        name,
        local,
        peer,
        ..
    } = descriptor;
    let word = kind.word();
    let local = local.as_deref().filter(|local| !local.is_empty());
    match kind {
        DescriptorKind::Tcp | DescriptorKind::Udp | DescriptorKind::Unix => {
            match (name.contains(" → "), local, peer) {
                (true, _, Some(peer)) => format!("{word} to {peer}"),
                (_, Some(local), Some(_)) if name.contains(" ← ") => {
                    format!("{word} accepted at {local}")
                }
                (_, Some(local), None) => format!("{word} {local}"),
                (_, None, Some(peer)) => format!("{word} to {peer}"),
                // Who connected is not known, and either address may be one that was made up for it.
                _ => word.to_owned(),
            }
        }
        _ => word.to_owned(),
    }
}
