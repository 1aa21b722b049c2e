//! A recording as something other programs read. What they may rely on is in `docs/export.md`.
//!
//! Every format is written in constant memory, by reading the recording as often as it takes.

mod call;
mod chrome;
mod descriptor;
mod explainer;
mod findings;
mod json;
mod ndjson;
mod offcpu;
mod overview;
#[cfg(test)]
mod page_words;
mod perfetto;
mod phases;
mod range;
mod slice_args;
mod slices;
mod source;
mod table;
pub(crate) mod threads;
mod turn;
mod why;

use std::io::{BufWriter, Write};
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

pub use call::call_json;
pub(crate) use call::explained_json;
pub use descriptor::{descriptor_json, ready_json, request_json};
pub(crate) use explainer::Explainer;
pub use findings::{FindingJson, IoModelJson};
pub use offcpu::offcpu_json;
use overview::Overview;
pub use range::Range;
pub use source::{Source, Written};
pub(crate) use turn::turn_json;
pub use turn::{StallJson, StallWaker};
pub(crate) use why::{Explained, WhyJson};

use crate::model::Event;
use crate::recording::Reader;

/// The value of `format` in a JSON export.
pub const FORMAT: &str = "waitscope";
/// The version of the JSON export. A field never changes its meaning within a version.
pub const VERSION: u32 = 2;

/// What a recording can be exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object.
    Json,
    /// One JSON object a line, each with its `type`.
    Ndjson,
    /// Trace Event Format, which Perfetto, Chrome and Speedscope read.
    Chrome,
    /// The protobuf format of Perfetto.
    Perfetto,
    /// The calls, as one Parquet file.
    Parquet,
    /// The calls, as comma-separated values.
    Csv,
}

impl Format {
    /// All of them, with the words of the command line.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Json, "json"),
        (Self::Ndjson, "ndjson"),
        (Self::Chrome, "chrome"),
        (Self::Perfetto, "perfetto"),
        (Self::Parquet, "parquet"),
        (Self::Csv, "csv"),
    ];
}

impl FromStr for Format {
    type Err = anyhow::Error;

    fn from_str(word: &str) -> Result<Self> {
        match Self::ALL.iter().find(|(_, known)| *known == word) {
            Some((format, _)) => Ok(*format),
            None => {
                let words = Self::ALL.map(|(_, word)| word).join(", ");
                bail!("no export format {word:?}: there are {words}")
            }
        }
    }
}

/// What was exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Threads.
    pub threads: u64,
    /// Calls.
    pub calls: u64,
    /// Times off the CPU.
    pub offcpu: u64,
    /// Records that were lost while tracing.
    pub lost: u64,
    /// What is missing, if the recording is cut or damaged.
    pub cut: Option<String>,
}

/// Exports what is in a range of the recording that `open` opens, more than once, to `out`.
///
/// `progress` is told how many of how many bytes have been read, all readings together; an error from it ends the export.
///
/// # Errors
/// The recording can't be read, or `out` can't be written: then the [`std::io::Error`] is in the
/// chain, so that the caller can tell a broken pipe.
pub fn export(
    open: impl FnMut() -> Result<Reader>,
    format: Format,
    range: Range,
    out: impl Write + Send,
    progress: impl FnMut(u64, u64) -> Result<()>,
) -> Result<Summary> {
    let count = if format == Format::Json {
        1 + json::READINGS
    } else {
        2
    };
    read(open, range, progress, count, |first, passes| {
        let mut out = BufWriter::with_capacity(1 << 18, out);
        match format {
            Format::Json => json::write(first, passes, &mut out)?,
            Format::Ndjson => ndjson::write(first, passes, &mut out)?,
            Format::Chrome => chrome::write(first, passes, &mut out)?,
            Format::Perfetto => perfetto::write(first, passes, &mut out)?,
            Format::Parquet => table::write_parquet(first, passes, &mut out)?,
            Format::Csv => table::write_csv(first, passes, &mut out)?,
        }
        out.flush().context("write export")
    })
}

/// Exports calls, times off the CPU and turns of a range as Parquet files under `dir`, by host and hour.
///
/// # Errors
/// As those of [`export`].
pub fn export_partitions(
    open: impl FnMut() -> Result<Reader>,
    range: Range,
    dir: &Path,
    progress: impl FnMut(u64, u64) -> Result<()>,
) -> Result<Summary> {
    read(open, range, progress, 2, |first, passes| {
        table::write_partitions(first, passes, dir)
    })
}

/// Reads the recording `count` times: once to know what it is of, then as `write` asks.
fn read(
    mut open: impl FnMut() -> Result<Reader>,
    range: Range,
    mut progress: impl FnMut(u64, u64) -> Result<()>,
    count: u64,
    write: impl FnOnce(&Overview, &mut Passes<'_>) -> Result<()>,
) -> Result<Summary> {
    let mut passes = Passes {
        open: &mut open,
        progress: &mut progress,
        done: 0,
        count,
    };
    let mut first = Overview::new((passes.open)()?.trace(), range);
    let cut = passes.each(|event| {
        first.add(event);
        Ok(())
    })?;
    first.cut = cut;
    write(&first, &mut passes)?;
    Ok(first.summary())
}

/// Reads a recording over and over.
struct Passes<'a> {
    open: &'a mut dyn FnMut() -> Result<Reader>,
    progress: &'a mut dyn FnMut(u64, u64) -> Result<()>,
    /// Readings that are over.
    done: u64,
    /// Readings there will be.
    count: u64,
}

impl Passes<'_> {
    /// Hands over every event of the recording, and says what is missing from it.
    fn each(&mut self, mut take: impl FnMut(&Event) -> Result<()>) -> Result<Option<String>> {
        let mut reader = (self.open)()?;
        let bytes = reader.bytes_total();
        while let Some(events) = reader.next_batch()? {
            for event in &events {
                take(event)?;
            }
            let read = bytes
                .saturating_mul(self.done)
                .saturating_add(reader.bytes_read());
            (self.progress)(read, bytes.saturating_mul(self.count))?;
        }
        self.done += 1;
        (self.progress)(
            bytes.saturating_mul(self.done),
            bytes.saturating_mul(self.count),
        )?;
        Ok(reader.cut().map(ToString::to_string))
    }
}
