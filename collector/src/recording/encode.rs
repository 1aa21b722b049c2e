//! Events to the bytes of a recording, in memory.
//!
//! Nothing here may know where the bytes go: to a file, or into a flight recorder's window.

use std::borrow::Cow;

use anyhow::Result;
use arrow_array::RecordBatch;
use arrow_ipc::writer::{
    DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions, write_message,
};
use arrow_ipc::{CompressionType, MetadataVersion};
use arrow_schema::SchemaRef;

use super::note::Noting;
use super::schema::{Fill, schema};
use super::set::{Entry, SET_MAX};
use super::{ROWS_MAX, row};
use crate::model::{Arch, End, Event, Trace, call_name, operation_name};

/// Numbers in [`row`]s are small and many are the same: a higher level costs half as much time
/// again and saves nothing, a lower one saves no time (docs/recording.md).
const ZSTD_LEVEL: i32 = 1;
/// Rows in a batch. What compression has at hand fits the CPU's cache: four times as many rows take
/// a twentieth more room and no less time.
const BATCH_ROWS: usize = 16_384;
const _: () = assert!(BATCH_ROWS <= ROWS_MAX);
/// Buffers of a small batch would be mostly padding with Arrow's usual 64.
const ALIGNMENT_BYTES: usize = 8;

/// After which nothing follows.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// A number that has a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Call(u32),
    Operation(u32),
}

/// An Arrow IPC stream, and what it is made with.
struct Messages {
    bytes: Vec<u8>,
    options: IpcWriteOptions,
    names: DictionaryTracker,
    context: IpcWriteContext,
}

impl Messages {
    fn begin(schema: &SchemaRef, options: IpcWriteOptions) -> Result<Self> {
        let (mut bytes, mut names) = (Vec::new(), DictionaryTracker::new(false));
        let header = IpcDataGenerator::default()
            .schema_to_bytes_with_dictionary_tracker(schema, &mut names, &options);
        write_message(&mut bytes, header, &options)?;
        Ok(Self {
            bytes,
            options,
            names,
            context: IpcWriteContext::default(),
        })
    }

    /// Adds a batch, and beside it what it is in short.
    fn write(&mut self, batch: &RecordBatch, noting: &mut Noting) -> Result<()> {
        let (names, mut batch) = IpcDataGenerator::default().encode(
            batch,
            &mut self.names,
            &self.options,
            &mut self.context,
        )?;
        for names in names {
            write_message(&mut self.bytes, names, &self.options)?;
        }
        noting.put(&mut batch.ipc_message, batch.arrow_data.len())?;
        write_message(&mut self.bytes, batch, &self.options)?;
        Ok(())
    }
}

/// Encodes a recording.
pub(super) struct Encoder {
    schema: SchemaRef,
    messages: Messages,
    fill: Fill,
    noting: Noting,
    /// The set being added; kept for its room.
    set: Vec<Entry>,
    arch: Option<Arch>,
    /// The name of the syscall or operation written last: mostly the next one has it too.
    name: Option<(Named, Cow<'static, str>)>,
}

impl Encoder {
    /// Begins with the header, in which notes may stand beside what is known of the trace.
    pub(super) fn new(trace: &Trace, notes: &[(&str, String)]) -> Result<Self> {
        let schema = SchemaRef::new(schema(trace, notes));
        let options = IpcWriteOptions::try_new(ALIGNMENT_BYTES, false, MetadataVersion::V5)?
            .try_with_compression(Some(CompressionType::ZSTD))?
            .try_with_compression_level(Some(ZSTD_LEVEL))?;
        Ok(Self {
            messages: Messages::begin(&schema, options)?,
            schema,
            fill: Fill::default(),
            noting: Noting::new()?,
            set: Vec::new(),
            arch: Arch::from_machine(&trace.arch),
            name: None,
        })
    }

    /// The bytes so far: the header or whole batches.
    pub(super) fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.messages.bytes)
    }

    /// Adds events, in the order in which they ended.
    ///
    /// # Errors
    /// An event has a name of more than 256 bytes.
    pub(super) fn append(&mut self, events: &[Event]) -> Result<()> {
        for set in events.chunk_by(are_of_one_set) {
            match set {
                [event] => self.push(event)?,
                set => set
                    .chunks(SET_MAX)
                    .try_for_each(|part| self.push_set(part))?,
            }
        }
        Ok(())
    }

    fn push(&mut self, event: &Event) -> Result<()> {
        self.noting.push(event);
        let named = match event {
            Event::Call(call) => Some(Named::Call(call.nr)),
            Event::Open(open) => open.nr.flatten().map(Named::Call),
            Event::Request(request) => Some(Named::Operation(request.opcode)),
            Event::OffCpu(_)
            | Event::Life(_)
            | Event::Descriptor(_)
            | Event::Ready(_)
            | Event::Gap(_)
            | Event::End(_) => None,
        };
        if let Some(named) = named
            && self.name.as_ref().is_none_or(|(known, _)| *known != named)
        {
            self.name = self.name_of(named).map(|name| (named, name));
        }
        let name = named.and(self.name.as_ref()).map(|(_, name)| name.as_ref());
        row::push(event, name, &mut self.fill)?;
        self.flush_if_full()
    }

    /// Adds what one readiness call waited for as one row.
    fn push_set(&mut self, set: &[Event]) -> Result<()> {
        let mut of = None;
        self.set.clear();
        self.noting.found(set);
        for event in set {
            if let Event::Ready(ready) = event {
                of = Some(*ready);
                self.set.push(row::entry(*ready));
            }
        }
        if let Some(of) = of {
            row::push_set(of, &self.set, &mut self.fill);
        }
        self.flush_if_full()
    }

    fn flush_if_full(&mut self) -> Result<()> {
        if self.fill.rows() >= BATCH_ROWS || self.fill.is_full() {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn name_of(&self, named: Named) -> Option<Cow<'static, str>> {
        match named {
            Named::Call(nr) => self.arch.map(|arch| call_name(arch, nr)),
            Named::Operation(opcode) => Some(operation_name(opcode)),
        }
    }

    /// Makes a batch of what was added so far.
    pub(super) fn flush(&mut self) -> Result<()> {
        if self.fill.rows() == 0 {
            return Ok(());
        }
        let batch = self.fill.take(&self.schema)?;
        self.messages.write(&batch, &mut self.noting)
    }

    /// Adds how the trace ended, and the mark after which nothing follows.
    pub(super) fn finish(&mut self, end: End) -> Result<()> {
        self.push(&Event::End(end))?;
        self.flush()?;
        self.messages.bytes.extend_from_slice(&END);
        Ok(())
    }
}

/// Both tell of a descriptor that the same readiness call waited for.
fn are_of_one_set(one: &Event, next: &Event) -> bool {
    let (Event::Ready(one), Event::Ready(next)) = (one, next) else {
        return false;
    };
    (one.pid, one.tid, one.call_start_ns) == (next.pid, next.tid, next.call_start_ns)
}
