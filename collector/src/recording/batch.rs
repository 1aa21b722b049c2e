//! One batch of a recording: decoded whole, in short or as columns, as it comes or again later.
//!
//! What is read again was read before; a file may have changed since, and no more than its bytes are trusted.

use std::collections::HashMap;
use std::fs::File;
use std::io::Cursor;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use arrow_array::ArrayRef;
use arrow_ipc::reader::RecordBatchDecoder;
use arrow_ipc::{Message, root_as_message};
use arrow_schema::SchemaRef;

use super::frame::{Frame, Frames, Source};
use super::note;
use super::schema::Cells;
use super::sketch::sketch;
use super::table::table;
use super::{check, row};
use crate::model::{Event, Piece, SHORT_BITS, Sketch, Table};

/// The dictionaries that hold for a batch.
pub(super) type Names = HashMap<i64, ArrayRef>;

/// What a batch becomes.
pub trait Decoded: Sized + Send + 'static {
    /// There is more of it in the file.
    #[doc(hidden)]
    const IN_SHORT: bool;

    /// Of these rows.
    #[doc(hidden)]
    fn of(cells: &Rows<'_>) -> Result<Self>;

    /// Of what its message says beside the rows, if that is enough.
    #[doc(hidden)]
    fn noted(message: Message<'_>) -> Option<Self>;

    /// The last of it says how the trace ended.
    #[doc(hidden)]
    fn is_end(&self) -> bool;
}

/// The rows of a batch.
pub struct Rows<'a> {
    cells: &'a Cells,
    rows: usize,
    /// For how long a call is short, see [`Sketch`].
    bits: u8,
}

impl Rows<'_> {
    /// Hands over their events, in order.
    fn each(&self, take: &mut dyn FnMut(Event)) -> Result<()> {
        let mut of_row = Vec::new();
        for at in 0..self.rows {
            row::events(self.cells, at, &mut of_row)?;
            of_row.drain(..).for_each(&mut *take);
        }
        Ok(())
    }
}

impl Decoded for Vec<Event> {
    const IN_SHORT: bool = false;

    fn of(batch: &Rows<'_>) -> Result<Self> {
        let mut events = Self::with_capacity(batch.rows);
        batch.each(&mut |event| events.push(event))?;
        Ok(events)
    }

    fn noted(_: Message<'_>) -> Option<Self> {
        None
    }

    fn is_end(&self) -> bool {
        matches!(self.last(), Some(Event::End(_)))
    }
}

impl Decoded for Sketch {
    const IN_SHORT: bool = true;

    fn of(batch: &Rows<'_>) -> Result<Self> {
        sketch(batch.cells, batch.rows, batch.bits)
    }

    fn noted(message: Message<'_>) -> Option<Self> {
        note::read(message)
    }

    fn is_end(&self) -> bool {
        matches!(self.pieces.last(), Some(Piece::Event(Event::End(_))))
    }
}

/// A batch with all it takes to decode it.
pub(super) struct Batch {
    pub(super) metadata: Vec<u8>,
    pub(super) body: arrow_buffer::Buffer,
    pub(super) schema: SchemaRef,
    pub(super) known: Arc<[usize]>,
    pub(super) names: Arc<Names>,
}

impl Batch {
    /// Decodes it. `bits` says how long a call is short.
    ///
    /// # Errors
    /// It is damaged.
    pub(super) fn decode<D: Decoded>(&self, bits: u8) -> Result<D> {
        self.rows(bits, D::of)
    }

    fn rows<T>(&self, bits: u8, read: impl FnOnce(&Rows<'_>) -> Result<T>) -> Result<T> {
        let Ok(message) = root_as_message(&self.metadata) else {
            bail!("a message is damaged");
        };
        let batch = message
            .header_as_record_batch()
            .context("a batch is damaged")?;
        let types = self.schema.fields().iter().map(|field| field.data_type());
        let filled = check::batch(batch, types, &self.body).context("a batch is damaged")?;
        // Nearly half of all columns are empty in nearly every batch: those are not unpacked.
        let filled: Vec<usize> = (filled.into_iter())
            .filter(|at| self.known.contains(at))
            .collect();
        let (schema, version) = (self.schema.clone(), message.version());
        let batch = RecordBatchDecoder::try_new(&self.body, batch, schema, &self.names, &version)
            .and_then(|decoder| decoder.with_projection(Some(&filled)).read_record_batch())
            .context("a batch is damaged")?;
        let cells = Cells::new(&batch, &filled).context("a batch is damaged")?;
        read(&Rows {
            cells: &cells,
            rows: batch.num_rows(),
            bits,
        })
    }
}

/// Where a batch is in the file, and what holds for it.
pub(super) struct Place {
    pub(super) start_bytes: u64,
    pub(super) end_bytes: u64,
    pub(super) names: Arc<Names>,
}

/// Reads batches again, in any order.
pub struct Batches {
    file: File,
    schema: SchemaRef,
    known: Arc<[usize]>,
    places: Vec<Place>,
}

impl Batches {
    pub(super) fn new(
        file: File,
        schema: SchemaRef,
        known: Arc<[usize]>,
        places: Vec<Place>,
    ) -> Self {
        Self {
            file,
            schema,
            known,
            places,
        }
    }

    /// Hands over the events of the batch that was read as this one, counted from 0. They are never all in memory.
    ///
    /// # Errors
    /// There is none, or the file is not as it was; some may have been handed over then.
    pub fn read(&self, number: u32, take: &mut dyn FnMut(Event)) -> Result<()> {
        self.batch(number)?.rows(SHORT_BITS, |rows| rows.each(take))
    }

    /// Hands over its columns.
    ///
    /// # Errors
    /// There is none, or the file is not as it was: nothing was handed over then.
    pub fn table(&self, number: u32, take: &mut dyn FnMut(&Table<'_>)) -> Result<()> {
        self.batch(number)?.rows(SHORT_BITS, |rows| {
            take(&table(rows.cells, rows.rows)?);
            Ok(())
        })
    }

    fn batch(&self, number: u32) -> Result<Batch> {
        let place = self.places.get(number as usize);
        let place = place.with_context(|| format!("there is no batch {number}"))?;
        let length = place.end_bytes.saturating_sub(place.start_bytes);
        // Of what was read before as one message.
        let mut bytes = vec![0; usize::try_from(length)?];
        self.file.read_exact_at(&mut bytes, place.start_bytes)?;
        let mut frames = Frames::new(Source::Other(Box::new(Cursor::new(bytes))), length);
        let Frame::Message {
            metadata,
            body_bytes,
        } = frames.next()?
        else {
            bail!("no batch is where one was");
        };
        let body = frames.body(body_bytes)?;
        let message = root_as_message(&metadata).ok();
        let is_batch = message.and_then(|message| message.header_as_record_batch());
        ensure!(is_batch.is_some(), "no batch is where one was");
        Ok(Batch {
            metadata,
            body,
            schema: self.schema.clone(),
            known: self.known.clone(),
            names: place.names.clone(),
        })
    }
}
