//! A recording in one file, or in several that follow one another, each of them complete.
//!
//! Nothing here may stop a trace: what can't be written is an error for who asked, and the files before stay as they
//! are.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};

use super::Writer;
use crate::model::{End, Event, Known, Trace};

/// When a file is enough, and the next begins. Looked at whenever the recording is flushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Once it has so many bytes.
    pub size_bytes: Option<u64>,
    /// Once it covers so much time.
    pub every: Option<Duration>,
    /// Files that are kept; older ones of this recording are removed.
    pub keep: Option<usize>,
}

impl Rotation {
    fn is_wanted(self) -> bool {
        self.size_bytes.is_some() || self.every.is_some()
    }
}

/// Writes a recording, as one file or as several.
pub struct Recorder {
    path: PathBuf,
    trace: Trace,
    rotation: Rotation,
    writer: Writer,
    known: Known,
    /// The sums as this file began.
    began: End,
    /// Those that are complete, oldest first.
    complete: VecDeque<PathBuf>,
    file: PathBuf,
    bytes_before: u64,
}

impl Recorder {
    /// Begins a recording. With a rotation, the time stands in the name of each file.
    ///
    /// # Errors
    /// See [`Writer::create`].
    pub fn create(path: impl AsRef<Path>, trace: &Trace, rotation: Rotation) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let file = if rotation.is_wanted() {
            name_at(&path, trace, 0)
        } else {
            path.clone()
        };
        Ok(Self {
            writer: Writer::create(&file, trace)?,
            path,
            trace: trace.clone(),
            rotation,
            known: Known::default(),
            began: End::default(),
            complete: VecDeque::new(),
            file,
            bytes_before: 0,
        })
    }

    /// The file that is being written.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Adds events, see [`Writer::append`].
    ///
    /// # Errors
    /// See [`Writer::append`].
    pub fn append(&mut self, events: &[Event]) -> Result<()> {
        if self.rotation.is_wanted() {
            events.iter().for_each(|event| self.known.push(event));
        }
        self.writer.append(events)
    }

    /// Writes what was added so far, has it put on the disk, and begins the next file if this one is enough. The sums
    /// are those of the trace so far.
    ///
    /// # Errors
    /// See [`Writer::append`]; or the next file can't be made.
    pub fn flush(&mut self, so_far: End) -> Result<()> {
        self.writer.flush()?;
        self.writer.sync()?;
        let Rotation {
            size_bytes, every, ..
        } = self.rotation;
        let age = Duration::from_nanos(so_far.at_ns.saturating_sub(self.began.at_ns));
        if size_bytes.is_some_and(|most| self.writer.bytes_written() >= most)
            || every.is_some_and(|most| age >= most)
        {
            self.next_file(so_far)?;
        }
        Ok(())
    }

    fn next_file(&mut self, so_far: End) -> Result<()> {
        let file = name_at(&self.path, &self.trace, so_far.at_ns);
        let next = Writer::create(&file, &self.trace)?;
        let before = std::mem::replace(&mut self.writer, next);
        self.bytes_before += before.bytes_written();
        before.finish(since(so_far, self.began))?;
        self.began = so_far;
        self.complete
            .push_back(std::mem::replace(&mut self.file, file));
        self.writer.append(&self.known.events(so_far.at_ns))?;
        // The one being written is one of them.
        while let Some(keep) = self.rotation.keep
            && self.complete.len() >= keep.max(1)
            && let Some(oldest) = self.complete.pop_front()
        {
            std::fs::remove_file(&oldest)
                .with_context(|| format!("remove old recording {}", oldest.display()))?;
        }
        Ok(())
    }

    /// Bytes in all files, those removed among them.
    pub fn bytes_written(&self) -> u64 {
        self.bytes_before + self.writer.bytes_written()
    }

    /// Writes how the trace ended, and ends the recording.
    ///
    /// # Errors
    /// See [`Writer::append`].
    pub fn finish(self, end: End) -> Result<()> {
        self.writer.finish(since(end, self.began))
    }
}

/// The sums of a part of a trace. The time is the trace's.
pub(super) fn since(end: End, began: End) -> End {
    End {
        at_ns: end.at_ns,
        made: end.made.saturating_sub(began.made),
        lost: end.lost.saturating_sub(began.lost),
        untracked: end.untracked.saturating_sub(began.untracked),
        compat: end.compat.saturating_sub(began.compat),
        unseen: end.unseen.saturating_sub(began.unseen),
    }
}

/// `trace.arrows` to `trace-20261124T190512.123Z.arrows`: sorted by name, files are sorted by time.
pub(super) fn name_at(path: &Path, trace: &Trace, at_ns: u64) -> PathBuf {
    let unix = Duration::from_nanos(trace.start_unix_ns.saturating_add(at_ns));
    let when = humantime::format_rfc3339_millis(UNIX_EPOCH + unix).to_string();
    let when: String = when.chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{when}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}
