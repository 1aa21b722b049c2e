//! A recording in a store: all of it at a glance, and each part again from the file when it is looked at closely.
//!
//! The only place where recordings and the store meet. It must never hold more of a file than the store's memory allows.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use anyhow::Result;

use crate::{
    recording::{Batches, Cut, Reader},
    store::Store,
};

/// What came of opening a recording.
#[derive(Debug)]
pub struct Opened {
    /// What it shows.
    pub store: Store,
    /// What is missing.
    pub cut: Option<Cut>,
    /// Bytes that were read.
    pub bytes: u64,
}

/// Opens a recording in a store of about `memory_bytes`. `progress` is told of bytes: read so far, and of all.
///
/// # Errors
/// See [`Reader::open`].
pub fn open(file: &Path, memory_bytes: u64, mut progress: impl FnMut(u64, u64)) -> Result<Opened> {
    let mut reader = Reader::sketch(file)?;
    let batches: Arc<OnceLock<Batches>> = Arc::default();
    let found = batches.clone();
    let bring = move |number| found.get()?.read(number).ok();
    let mut store = Store::shelved(reader.trace().clone(), memory_bytes, Box::new(bring));
    while let Some(sketch) = reader.next_batch()? {
        store.sketch(sketch);
        progress(reader.bytes_read(), reader.bytes_total());
    }
    // Nothing was looked at closely before.
    if let Some(found) = reader.batches() {
        let _new = batches.set(found);
    }
    Ok(Opened {
        store,
        cut: reader.cut().cloned(),
        bytes: reader.bytes_read(),
    })
}
