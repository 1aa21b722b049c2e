//! Appends events to a recording.
//!
//! Whatever happens, the file must stay readable up to the last whole batch: a batch is encoded in
//! memory and written in one go, and taken back if there was no room for all of it.

use std::borrow::Cow;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_ipc::{CompressionType, MetadataVersion};
use arrow_schema::SchemaRef;

use super::schema::{Fill, schema};
use super::set::{Entry, SET_MAX};
use super::{ROWS_MAX, Reader, row};
use crate::model::{Arch, End, Event, Trace, call_name, operation_name};

/// Numbers in [`row`]s are small and many are the same: a higher level costs half as much time
/// again and saves nothing, a lower one saves no time (docs/recording.md).
const ZSTD_LEVEL: i32 = 1;
/// Rows in a batch. What compression has at hand fits the CPU's cache: four times as many rows take
/// a twentieth more room and no less time.
const BATCH_ROWS: usize = 16_384;
const _: () = assert!(BATCH_ROWS <= ROWS_MAX);
/// Only the owner may read what a process did.
const MODE: u32 = 0o600;
/// Buffers of a small batch would be mostly padding with Arrow's usual 64.
const ALIGNMENT_BYTES: usize = 8;

/// A number that has a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Call(u32),
    Operation(u32),
}

/// Writes a recording.
pub struct Writer {
    path: PathBuf,
    file: File,
    schema: SchemaRef,
    /// Encodes into memory. `None` after an error: then nothing more is written.
    encoder: Option<StreamWriter<Vec<u8>>>,
    fill: Fill,
    /// The set being added; kept for its room.
    set: Vec<Entry>,
    /// Up to here the file is whole.
    written_bytes: u64,
    arch: Option<Arch>,
    /// The name of the syscall or operation written last: mostly the next one has it too.
    name: Option<(Named, Cow<'static, str>)>,
}

impl Writer {
    /// Begins a recording. Another recording of that name is replaced; any other file is not.
    ///
    /// # Errors
    /// The file can't be made or written, is no plain file, is being recorded to, or holds
    /// something that is not a recording.
    pub fn create(path: impl AsRef<Path>, trace: &Trace) -> Result<Self> {
        let path = path.as_ref();
        let schema = SchemaRef::new(schema(trace));
        let options = IpcWriteOptions::try_new(ALIGNMENT_BYTES, false, MetadataVersion::V5)?
            .try_with_compression(Some(CompressionType::ZSTD))?
            .try_with_compression_level(Some(ZSTD_LEVEL))?;
        let encoder = StreamWriter::try_new_with_options(Vec::new(), &schema, options)?;
        let file = open(path).with_context(|| format!("write recording {}", path.display()))?;
        let mut writer = Self {
            path: path.to_owned(),
            file,
            schema,
            encoder: Some(encoder),
            fill: Fill::default(),
            set: Vec::new(),
            written_bytes: 0,
            arch: Arch::from_machine(&trace.arch),
            name: None,
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
        row::push(event, name, &mut self.fill)
            .with_context(|| format!("write recording {}", self.path.display()))?;
        self.flush_if_full()
    }

    /// Adds what one readiness call waited for as one row.
    fn push_set(&mut self, set: &[Event]) -> Result<()> {
        let mut of = None;
        self.set.clear();
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

    /// Writes what was added so far. Called once a second, it bounds what a killed recorder loses.
    ///
    /// # Errors
    /// See [`append`](Self::append).
    pub fn flush(&mut self) -> Result<()> {
        if self.fill.rows() == 0 {
            return Ok(());
        }
        let batch = self.fill.take(&self.schema)?;
        self.encode(|encoder| Ok(encoder.write(&batch)?))
    }

    /// Writes how the trace ended, and ends the recording.
    ///
    /// # Errors
    /// See [`append`](Self::append).
    pub fn finish(mut self, end: End) -> Result<()> {
        self.push(&Event::End(end))?;
        self.flush()?;
        self.encode(|encoder| Ok(encoder.finish()?))
    }

    /// Bytes in the file.
    pub fn bytes_written(&self) -> u64 {
        self.written_bytes
    }

    /// Writes what `encode` adds, all of it or nothing.
    fn encode(
        &mut self,
        encode: impl FnOnce(&mut StreamWriter<Vec<u8>>) -> Result<()>,
    ) -> Result<()> {
        let written = match self.encoder.as_mut() {
            None => Err(anyhow!("an error before this one ended it")),
            Some(encoder) => encode(encoder).and_then(|()| {
                let bytes = std::mem::take(encoder.get_mut());
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

/// Both tell of a descriptor that the same readiness call waited for.
fn are_of_one_set(one: &Event, next: &Event) -> bool {
    let (Event::Ready(one), Event::Ready(next)) = (one, next) else {
        return false;
    };
    (one.pid, one.tid, one.call_start_ns) == (next.pid, next.tid, next.call_start_ns)
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
