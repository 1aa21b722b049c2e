//! A recording in a store: first at a glance, then all of it, and each part again from the file when it is looked at closely.
//!
//! The only place where recordings and the store meet. It must never hold more of a file than the store's memory allows.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use anyhow::Result;

use crate::{
    model::{Event, Sketch, Table},
    recording::{Batches, Cut, Reader},
    store::{Bring, Store},
};

/// What a first look may take of the memory, one in so many: it goes when all has been read. Meanwhile the sums of all take
/// two thirds at most.
const GLANCE_PART: u64 = 4;

/// What is counted takes so many parts of the memory. What the allocator keeps, and what is being read just now, has the
/// rest: of a hundred million calls a third.
const COUNTED: (u64, u64) = (2, 3);

/// What came of opening a recording.
#[derive(Debug)]
pub struct Opened {
    /// What it shows.
    pub store: Store,
    /// What is missing.
    pub cut: Option<Cut>,
    /// Bytes of the file, as far as it could be read.
    pub bytes: u64,
}

/// A recording of which only a glance was had.
pub struct Rest {
    reader: Reader<Sketch>,
    memory_bytes: u64,
}

/// Opens a recording in about `memory_bytes`: at once if its recorder noted beside each batch what is in it,
/// whose rows are then not read. All is in that store already; close pictures are slow in it. `progress` is told of
/// bytes: read so far, and of all.
///
/// # Errors
/// See [`Reader::open`].
pub fn open(
    file: &Path,
    memory_bytes: u64,
    progress: impl FnMut(u64, u64),
) -> Result<(Opened, Rest)> {
    let mut reader = Reader::glance(file)?;
    let memory_bytes = memory_bytes / COUNTED.1 * COUNTED.0;
    let opened = fill(&mut reader, memory_bytes / GLANCE_PART, progress)?;
    let reader = reader.again()?;
    let rest = Rest {
        reader,
        memory_bytes,
    };
    Ok((opened, rest))
}

impl Rest {
    /// Reads all rows, which shows damage that a glance does not, into another store that is quick at any zoom. It takes
    /// the place of the first, and shows the same.
    ///
    /// # Errors
    /// See [`Reader::open`].
    pub fn read(mut self, progress: impl FnMut(u64, u64)) -> Result<Opened> {
        fill(&mut self.reader, self.memory_bytes, progress)
    }
}

/// Once all were read; until then, and if they never are, there is nothing to bring.
impl Bring for Arc<OnceLock<Batches>> {
    fn events(&self, batch: u32, take: &mut dyn FnMut(Event)) -> bool {
        (self.get()).is_some_and(|batches| batches.read(batch, take).is_ok())
    }

    fn table(&self, batch: u32, take: &mut dyn FnMut(&Table<'_>)) -> bool {
        (self.get()).is_some_and(|batches| batches.table(batch, take).is_ok())
    }
}

fn fill(
    reader: &mut Reader<Sketch>,
    memory_bytes: u64,
    mut progress: impl FnMut(u64, u64),
) -> Result<Opened> {
    let batches: Arc<OnceLock<Batches>> = Arc::default();
    let bring = Box::new(batches.clone());
    let mut store = Store::shelved(reader.trace().clone(), memory_bytes, bring);
    while let Some(sketch) = reader.next_batch()? {
        store.sketch(sketch);
        progress(reader.bytes_read(), reader.bytes_total());
    }
    // Nothing was looked at closely before.
    if let Some(found) = reader.batches()? {
        let _new = batches.set(found);
    }
    Ok(Opened {
        store,
        cut: reader.cut().cloned(),
        bytes: reader.bytes_read(),
    })
}
