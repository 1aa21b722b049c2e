//! A recording's file, held open to be exported as often as is asked: it is the same file, whatever has its name by now.
//!
//! It must never read on where another reading stands, nor beyond what was written when an export began.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use crate::recording::Reader;

/// Bytes read at a time.
const AHEAD_BYTES: usize = 1 << 18;

/// A recording's file. It may still be written.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    file: Arc<File>,
}

/// What was written of it at one moment.
#[derive(Clone, Debug)]
pub struct Written {
    source: Source,
    length_bytes: u64,
}

impl Source {
    /// Opens the file.
    ///
    /// # Errors
    /// It can't be opened, or is no plain file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = plain_file(path).with_context(|| act(path))?;
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(file),
        })
    }

    /// A file that is open already, by any name.
    pub(crate) fn of(file: File, name: &str) -> Self {
        Self {
            path: name.into(),
            file: Arc::new(file),
        }
    }

    /// As much of it as is written by now: all readings of one export must find the same.
    ///
    /// # Errors
    /// The file can't be asked.
    pub fn written(&self) -> Result<Written> {
        let metadata = self.file.metadata();
        let length_bytes = metadata.with_context(|| act(&self.path))?.len();
        Ok(Written {
            source: self.clone(),
            length_bytes,
        })
    }

    /// The name it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn act(path: &Path) -> String {
    format!("read recording {}", path.display())
}

fn plain_file(path: &Path) -> Result<File> {
    // Asked before it is opened, since to open a pipe may wait for ever.
    ensure!(std::fs::metadata(path)?.is_file(), "it is not a plain file");
    Ok(File::open(path)?)
}

impl Written {
    /// Reads it from its beginning.
    ///
    /// # Errors
    /// See [`Reader::open`].
    pub fn reader(&self) -> Result<Reader> {
        let part = Part {
            file: Arc::clone(&self.source.file),
            at: 0,
            end: self.length_bytes,
        };
        let input = BufReader::with_capacity(AHEAD_BYTES, part);
        Reader::new(input, self.length_bytes).with_context(|| act(&self.source.path))
    }
}

/// The bytes of a file up to an end, read without moving where others read.
struct Part {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Part {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = left.min(into.len());
        let read = self
            .file
            .read_at(into.get_mut(..most).unwrap_or_default(), self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
