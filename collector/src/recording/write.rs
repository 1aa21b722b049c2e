//! Appends events to a recording.
//!
//! Whatever happens, the file must stay readable up to the last whole batch: batches are encoded in
//! memory and written in one go, and taken back if there was no room for all of them.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::Reader;
use super::disk::Disk;
use super::encode::Encoder;
use crate::model::{End, Event, Trace};

/// Only the owner may read what a process did.
const MODE: u32 = 0o600;

/// Writes a recording.
pub struct Writer {
    path: PathBuf,
    file: File,
    /// `None` after an error: then nothing more is written.
    encoder: Option<Encoder>,
    /// From the first wish that something be on the disk.
    disk: Option<Disk>,
    /// Up to here the file is whole.
    written_bytes: u64,
}

impl Writer {
    /// Begins a recording. Another recording of that name is replaced; any other file is not.
    ///
    /// # Errors
    /// The file can't be made or written, is no plain file, is being recorded to, or holds
    /// something that is not a recording.
    pub fn create(path: impl AsRef<Path>, trace: &Trace) -> Result<Self> {
        Self::create_with(path, trace, &[])
    }

    /// The same, with notes in the header.
    ///
    /// # Errors
    /// See [`create`](Self::create).
    pub fn create_with(
        path: impl AsRef<Path>,
        trace: &Trace,
        notes: &[(&str, String)],
    ) -> Result<Self> {
        let path = path.as_ref();
        let encoder = Encoder::new(trace, notes)?;
        let file = open(path).with_context(|| format!("write recording {}", path.display()))?;
        let mut writer = Self {
            path: path.to_owned(),
            file,
            encoder: Some(encoder),
            disk: None,
            written_bytes: 0,
        };
        // The header is in the file before the first second is over.
        writer.encode(|_| Ok(()))?;
        Ok(writer)
    }

    /// Adds events, in the order in which they ended. They are in the file after the next
    /// [`flush`](Self::flush), or when there are enough for a batch.
    ///
    /// # Errors
    /// The file can't be written: it holds what was written before, and nothing more can be added.
    /// Or an event has a name of more than 256 bytes.
    pub fn append(&mut self, events: &[Event]) -> Result<()> {
        self.encode(|encoder| encoder.append(events))
    }

    /// Writes what was added so far. Called once a second, it bounds what a killed recorder loses.
    ///
    /// # Errors
    /// See [`append`](Self::append).
    pub fn flush(&mut self) -> Result<()> {
        self.encode(Encoder::flush)
    }

    /// Has what was written put on the disk, soon: it does not wait. Called once a second, it bounds what a power cut
    /// loses.
    ///
    /// # Errors
    /// The disk failed, at an earlier time.
    pub fn sync(&mut self) -> Result<()> {
        let act = || format!("write recording {} to the disk", self.path.display());
        let disk = match self.disk.take() {
            Some(disk) => disk,
            None => Disk::start(self.file.try_clone().with_context(act)?).with_context(act)?,
        };
        self.disk.insert(disk).sync().with_context(act)
    }

    /// Writes how the trace ended, and ends the recording.
    ///
    /// # Errors
    /// See [`append`](Self::append).
    pub fn finish(mut self, end: End) -> Result<()> {
        self.encode(|encoder| encoder.finish(end))
    }

    /// Bytes in the file.
    pub fn bytes_written(&self) -> u64 {
        self.written_bytes
    }

    /// Writes what `encode` adds, all of it or nothing.
    fn encode(&mut self, encode: impl FnOnce(&mut Encoder) -> Result<()>) -> Result<()> {
        let written = match self.encoder.as_mut() {
            None => Err(anyhow!("an error before this one ended it")),
            Some(encoder) => encode(encoder).and_then(|()| {
                let bytes = encoder.take_bytes();
                self.file.write_all(&bytes)?;
                Ok(bytes.len() as u64)
            }),
        };
        match written {
            Ok(bytes) => {
                self.written_bytes += bytes;
                Ok(())
            }
            Err(error) => {
                self.encoder = None;
                // Should this fail too, the reader leaves out the torn batch.
                let _ = self.file.set_len(self.written_bytes);
                Err(error).with_context(|| {
                    format!(
                        "write recording {}: its first {} bytes are whole",
                        self.path.display(),
                        self.written_bytes
                    )
                })
            }
        }
    }
}

fn open(path: &Path) -> Result<File> {
    let new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path);
    let file = match new {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => reopen(path)?,
        new => new?,
    };
    match file.try_lock() {
        // Not every file system has locks.
        Ok(()) | Err(TryLockError::Error(_)) => {}
        Err(TryLockError::WouldBlock) => bail!("another recorder is writing it"),
    }
    file.set_len(0)?;
    Ok(file)
}

/// Opens what is there already, unless that could be something its owner wants to keep.
fn reopen(path: &Path) -> Result<File> {
    // Asked before it is opened, since to open a pipe may wait for ever.
    ensure!(
        std::fs::metadata(path)?.is_file(),
        "it exists and is not a plain file"
    );
    let file = OpenOptions::new().write(true).open(path)?;
    let now = file.metadata()?;
    ensure!(now.is_file(), "it exists and is not a plain file");
    ensure!(
        now.len() == 0 || Reader::is_recording(path),
        "it exists and is not a recording: remove it, or choose another name"
    );
    file.set_permissions(Permissions::from_mode(MODE))?;
    Ok(file)
}
