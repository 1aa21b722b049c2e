//! A batch's sketch beside its rows: in the metadata of its message, which other readers pass over.
//!
//! With it a recording opens without its rows being read. It is no part of the format: whoever does not know its form, or
//! finds it damaged, reads the rows, and they alone are believed where the two differ. It must never cost a recording
//! more than a small part of its size.

use anyhow::{Context as _, Result, ensure};
use arrow_ipc::{KeyValue, KeyValueArgs, Message, MessageBuilder, RecordBatchBuilder};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use flatbuffers::FlatBufferBuilder;
use zstd::bulk::{Compressor, decompress};

use super::ROWS_MAX;
use super::column::NAME_BYTES_MAX;
use super::set::ENTRIES_MAX;
use crate::model::{
    Event, GLANCE_BITS, GLANCE_BITS_MAX, Off, Piece, Ready, Run, Sketch, Sketcher, id_map::IdMap,
};

/// Another form has another number; a field that is added to an event makes another form.
const KEY: &str = "waitscope.glance.1";
/// A note that would take more than one in so many bytes of its batch is made coarser, and at last left out: then there
/// is not much that is short.
const PART: usize = 12;
/// By so many bits each time.
const COARSER_BITS: u8 = 2;
/// Of numbers that are alike.
const ZSTD_LEVEL: i32 = 3;
/// A sketch that is larger is not written, nor read.
const UNPACKED_BYTES_MAX: usize = 1 << 20;

/// Sketches the events of a batch as they are recorded.
pub(super) struct Noting {
    sketcher: Sketcher,
    /// What readiness calls found that did not end yet.
    waiting: IdMap<u32, Vec<Ready>>,
    pack: Compressor<'static>,
}

impl Noting {
    pub(super) fn new() -> Result<Self> {
        let mut pack = Compressor::new(ZSTD_LEVEL)?;
        // What is damaged must not be believed.
        pack.include_checksum(true)?;
        Ok(Self {
            sketcher: Sketcher::new(GLANCE_BITS),
            waiting: IdMap::default(),
            pack,
        })
    }

    /// Adds an event.
    pub(super) fn push(&mut self, event: &Event) {
        match event {
            Event::Call(call) => {
                if let Some(found) = self.waiting.get_mut(&call.tid) {
                    found.clear();
                }
                match Run::of_call(call, GLANCE_BITS) {
                    Some(run) => self.sketcher.run(run),
                    None => self.sketcher.event(event.clone()),
                }
            }
            Event::OffCpu(span) => match span.end_ns.checked_sub(span.start_ns) {
                Some(length_ns) if length_ns >> GLANCE_BITS == 0 => {
                    self.sketcher.off(Off::from(span));
                }
                _ => self.sketcher.event(event.clone()),
            },
            Event::Ready(_) => self.found(std::slice::from_ref(event)),
            // No picture has them.
            Event::Request(_) => {}
            Event::Life(_)
            | Event::Descriptor(_)
            | Event::Gap(_)
            | Event::Open(_)
            | Event::End(_) => self.sketcher.event(event.clone()),
        }
    }

    /// Adds what one readiness call waited for, or a part of it.
    pub(super) fn found(&mut self, set: &[Event]) {
        let mut ready = set.iter().filter_map(|event| match event {
            Event::Ready(ready) => Some(*ready),
            _ => None,
        });
        if let Some(first) = ready.next() {
            let waiting = self.waiting.entry(first.tid).or_default();
            waiting.push(first);
            waiting.extend(ready);
        }
    }

    /// Puts a sketch of what came since the last into the message of its batch, which has a body of so many bytes: in
    /// wider buckets if it would be large, and not at all if that does not make it small.
    ///
    /// # Errors
    /// The message is none of a batch.
    pub(super) fn put(&mut self, message: &mut Vec<u8>, body_bytes: usize) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let mut sketch = Sketch {
            bits: GLANCE_BITS,
            pieces: self.sketcher.take(),
            ready: waiting.into_values().flatten().collect(),
        };
        loop {
            let bytes = postcard::to_allocvec(&sketch)?;
            if bytes.len() <= UNPACKED_BYTES_MAX {
                let text = BASE64.encode(self.pack.compress(&bytes)?);
                if text.len() <= body_bytes / PART {
                    *message = with(message, &text)?;
                    return Ok(());
                }
            }
            let bits = sketch.bits + COARSER_BITS;
            if bits > GLANCE_BITS_MAX {
                return Ok(());
            }
            let pieces = sketch.pieces.len();
            sketch = sketch.coarser(bits);
            // What is long does not get fewer by that: to try again would only take time.
            if sketch.pieces.len() > pieces / 4 * 3 {
                return Ok(());
            }
        }
    }
}

/// The same message of a batch, with a note.
fn with(message: &[u8], note: &str) -> Result<Vec<u8>> {
    let room = message.len() + note.len();
    let message = arrow_ipc::root_as_message(message)?;
    let batch = message
        .header_as_record_batch()
        .context("not the message of a batch")?;
    let mut built = FlatBufferBuilder::with_capacity(room);
    let nodes: Vec<_> = batch
        .nodes()
        .context("no columns")?
        .iter()
        .copied()
        .collect();
    let nodes = built.create_vector(&nodes);
    let buffers: Vec<_> = batch
        .buffers()
        .context("no buffers")?
        .iter()
        .copied()
        .collect();
    let buffers = built.create_vector(&buffers);
    let compression = batch.compression().map(|compression| {
        let mut copy = arrow_ipc::BodyCompressionBuilder::new(&mut built);
        copy.add_codec(compression.codec());
        copy.add_method(compression.method());
        copy.finish()
    });
    let mut copy = RecordBatchBuilder::new(&mut built);
    copy.add_length(batch.length());
    copy.add_nodes(nodes);
    copy.add_buffers(buffers);
    if let Some(compression) = compression {
        copy.add_compression(compression);
    }
    let header = copy.finish().as_union_value();
    let (key, value) = (built.create_string(KEY), built.create_string(note));
    let note = KeyValueArgs {
        key: Some(key),
        value: Some(value),
    };
    let note = KeyValue::create(&mut built, &note);
    let notes = built.create_vector(&[note]);
    let mut copy = MessageBuilder::new(&mut built);
    copy.add_version(message.version());
    copy.add_header_type(message.header_type());
    copy.add_bodyLength(message.bodyLength());
    copy.add_header(header);
    copy.add_custom_metadata(notes);
    let root = copy.finish();
    built.finish(root, None);
    Ok(built.finished_data().to_vec())
}

/// The sketch in the message of a batch; `None` if there is none in a form that is known.
pub(super) fn read(message: Message<'_>) -> Option<Sketch> {
    let notes = message.custom_metadata()?;
    let note = notes.iter().find(|note| note.key() == Some(KEY))?.value()?;
    unpack(note).ok()
}

fn unpack(note: &str) -> Result<Sketch> {
    let packed = BASE64.decode(note)?;
    sketch_of_bytes(&decompress(&packed, UNPACKED_BYTES_MAX)?)
}

/// The sketch that a note holds, once it is unpacked. A fuzz target begins here, behind the checksum.
///
/// # Errors
/// It is none, or larger or other than any that a batch may have.
#[doc(hidden)]
pub fn sketch_of_bytes(bytes: &[u8]) -> Result<Sketch> {
    let sketch: Sketch = postcard::from_bytes(bytes)?;
    ensure!(
        (GLANCE_BITS..=GLANCE_BITS_MAX).contains(&sketch.bits),
        "another width"
    );
    ensure!(
        sketch.pieces.len() <= ROWS_MAX && sketch.ready.len() <= ENTRIES_MAX,
        "more than a batch has"
    );
    ensure!(sketch.pieces.iter().all(is_sound), "no row could say that");
    Ok(sketch)
}

/// Nothing larger than what rows can say is kept of a note either.
fn is_sound(piece: &Piece) -> bool {
    let is_short = |name: &String| name.len() <= NAME_BYTES_MAX;
    match piece {
        Piece::Run(run) => run.series.is_sound(),
        Piece::Spans(spans) => spans.is_sound(),
        Piece::Event(Event::Life(life)) => is_short(&life.name),
        Piece::Event(Event::OffCpu(span)) => is_short(&span.waker_comm),
        Piece::Event(Event::Descriptor(known)) => {
            let ends = [&known.local, &known.peer];
            is_short(&known.name) && ends.into_iter().flatten().all(is_short)
        }
        Piece::Off(_) | Piece::Event(_) => true,
    }
}

#[cfg(test)]
mod tests;
