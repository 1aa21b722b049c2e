//! Packets of a trace for Perfetto, and the names that they refer to.
//!
//! All packets are of one sequence. A name is written once, before it is first used; what a name may be is bounded by
//! the tables it comes from, and beyond [`NAMES_MAX`] by there being no more of them. Times may go back from one packet
//! to the next: Perfetto sorts them, those of one instant in the order in which they stand.

use std::collections::HashMap;
use std::io::Write;

use anyhow::{Context, Result};

use super::fields::{annotation, clock, defaults, event, interned, packet, trace};
use super::protobuf::Message;

/// Names of one kind that are kept, at most. Nothing honest comes near.
const NAMES_MAX: usize = 1 << 19;
/// What is written instead of one more.
const NO_ROOM: &str = "one of too many names";
const SEQUENCE: u64 = 1;

/// The names of one kind.
#[derive(Default)]
struct Names(HashMap<String, u64>);

/// What an annotation says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Bool(bool),
    Uint(u64),
    Int(i64),
    Text(&'a str),
}

/// Writes the packets.
pub(super) struct Packets<W> {
    out: W,
    start_boot_ns: u64,
    packet: Message,
    /// Names that the packet being written uses for the first time.
    fresh: Message,
    event: Message,
    categories: Names,
    names: Names,
    annotations: Names,
    texts: Names,
}

/// An event on a track.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point<'a> {
    pub(super) track: u64,
    /// Since the start of the trace.
    pub(super) at_ns: u64,
    pub(super) kind: u64,
    /// Category and name.
    pub(super) what: Option<(&'a str, &'a str)>,
    /// An arrow begins here.
    pub(super) flow_from: Option<u64>,
    /// An arrow ends here.
    pub(super) flow_to: Option<u64>,
    pub(super) count: Option<f64>,
}

impl Point<'_> {
    pub(super) fn new(track: u64, at_ns: u64, kind: u64) -> Self {
        Self {
            track,
            at_ns,
            kind,
            what: None,
            flow_from: None,
            flow_to: None,
            count: None,
        }
    }
}

impl<W: Write> Packets<W> {
    /// Begins with the clock, and what wall time its start was.
    pub(super) fn begin(out: W, start_boot_ns: u64, start_unix_ns: u64) -> Result<Self> {
        let mut packets = Self {
            out,
            start_boot_ns,
            packet: Message::default(),
            fresh: Message::default(),
            event: Message::default(),
            categories: Names::default(),
            names: Names::default(),
            annotations: Names::default(),
            texts: Names::default(),
        };
        packets.plain(|message| {
            message.uint(packet::SEQUENCE_FLAGS, packet::STATE_CLEARED);
            message.message(packet::DEFAULTS, |message| {
                message.uint(defaults::TIMESTAMP_CLOCK_ID, clock::BOOTTIME);
            });
        })?;
        packets.plain(|message| {
            message.message(packet::CLOCK_SNAPSHOT, |message| {
                for (id, at_ns) in [
                    (clock::BOOTTIME, start_boot_ns),
                    (clock::REALTIME, start_unix_ns),
                ] {
                    message.message(clock::CLOCKS, |message| {
                        message.uint(clock::ID, id);
                        message.uint(clock::TIMESTAMP, at_ns);
                    });
                }
                message.uint(clock::PRIMARY, clock::BOOTTIME);
            });
        })?;
        Ok(packets)
    }

    /// A description of a track.
    pub(super) fn track(&mut self, describe: impl FnOnce(&mut Message)) -> Result<()> {
        self.plain(|message| message.message(packet::TRACK_DESCRIPTOR, describe))
    }

    /// An event, with what it says.
    pub(super) fn point<'v>(
        &mut self,
        point: Point<'_>,
        says: impl IntoIterator<Item = (&'static str, Value<'v>)>,
    ) -> Result<()> {
        let Point {
            track,
            at_ns,
            kind,
            what,
            flow_from,
            flow_to,
            count,
        } = point;
        let Self { fresh, event, .. } = self;
        fresh.clear();
        event.clear();
        event.uint(event::TYPE, kind);
        event.uint(event::TRACK_UUID, track);
        if let Some((category, name)) = what {
            let category = self.categories.iid(category, interned::CATEGORIES, fresh);
            event.uint(event::CATEGORY_IIDS, category);
            let name = self.names.iid(name, interned::EVENT_NAMES, fresh);
            event.uint(event::NAME_IID, name);
        }
        for (name, value) in says {
            let name = self
                .annotations
                .iid(name, interned::ANNOTATION_NAMES, fresh);
            let text = match value {
                Value::Text(text) => self.texts.iid(text, interned::ANNOTATION_TEXTS, fresh),
                _ => 0,
            };
            event.message(event::ANNOTATIONS, |message| {
                message.uint(annotation::NAME_IID, name);
                match value {
                    Value::Bool(value) => message.uint(annotation::BOOL, value.into()),
                    Value::Uint(value) => message.uint(annotation::UINT, value),
                    Value::Int(value) => message.int(annotation::INT, value),
                    Value::Text(_) => message.uint(annotation::TEXT_IID, text),
                }
            });
        }
        if let Some(count) = count {
            event.double(event::DOUBLE_COUNTER_VALUE, count);
        }
        if let Some(flow) = flow_from {
            event.fixed64(event::FLOW_IDS, flow);
        }
        if let Some(flow) = flow_to {
            event.fixed64(event::TERMINATING_FLOW_IDS, flow);
        }
        let at_ns = self.start_boot_ns.saturating_add(at_ns);
        self.packet.clear();
        self.packet.message(trace::PACKET, |message| {
            message.uint(packet::TIMESTAMP, at_ns);
            message.uint(packet::SEQUENCE_ID, SEQUENCE);
            message.uint(packet::SEQUENCE_FLAGS, packet::NEEDS_STATE);
            if !self.fresh.bytes().is_empty() {
                message.bytes_of(packet::INTERNED_DATA, &self.fresh);
            }
            message.bytes_of(packet::TRACK_EVENT, &self.event);
        });
        self.send()
    }

    /// A packet without a time.
    fn plain(&mut self, write: impl FnOnce(&mut Message)) -> Result<()> {
        self.packet.clear();
        self.packet.message(trace::PACKET, |message| {
            message.uint(packet::SEQUENCE_ID, SEQUENCE);
            write(message);
        });
        self.send()
    }

    fn send(&mut self) -> Result<()> {
        self.out
            .write_all(self.packet.bytes())
            .context("write export")
    }
}

impl Names {
    /// The number of this name; if it is new, it is written to `fresh` as one of this field.
    fn iid(&mut self, name: &str, field: u32, fresh: &mut Message) -> u64 {
        if let Some(&iid) = self.0.get(name) {
            return iid;
        }
        if self.0.len() >= NAMES_MAX && name != NO_ROOM {
            return self.iid(NO_ROOM, field, fresh);
        }
        let iid = self.0.len() as u64 + 1;
        self.0.insert(name.to_owned(), iid);
        fresh.message(field, |message| {
            message.uint(interned::IID, iid);
            message.text(interned::NAME, name);
        });
        iid
    }
}
