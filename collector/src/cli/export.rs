//! `export`: a recording as something other programs read.

use std::{
    fs::File,
    io::{self, IsTerminal as _},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Exit, args::ExportFormat, say::say};
use crate::{
    attach::drop_all,
    export::{self, Format, Range, Source},
    text::{count, escape},
};

/// `waitscope export`
pub(super) fn export(
    file: &Path,
    format: ExportFormat,
    range: Range,
    output: Option<&Path>,
) -> Result<Exit> {
    drop_all()?;
    let format = match format {
        ExportFormat::Json => Format::Json,
        ExportFormat::Ndjson => Format::Ndjson,
        ExportFormat::Chrome => Format::Chrome,
        ExportFormat::Perfetto => Format::Perfetto,
        ExportFormat::Parquet => Format::Parquet,
        ExportFormat::Csv => Format::Csv,
    };
    if format == Format::Parquet && output.is_none() {
        bail!("export parquet: it needs -o FILE.parquet, or -o DIR for files by host and hour");
    }
    let bar = progress(0, "exporting");
    let tell = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
        Ok(())
    };
    let written = Source::open(file)?.written()?;
    let open = || written.reader();
    let summary = match output {
        None => export::export(open, format, range, io::stdout(), tell)?,
        Some(path) => {
            let act = || format!("write {}", path.display());
            if format == Format::Parquet && is_directory(path) {
                export::export_partitions(open, range, path, tell).with_context(act)?
            } else {
                let out = File::create(path).with_context(act)?;
                export::export(open, format, range, out, tell).with_context(act)?
            }
        }
    };
    bar.finish_and_clear();
    if let Some(cut) = &summary.cut {
        say(format_args!(
            "waitscope: {}: {}",
            escape(&file.to_string_lossy()),
            escape(cut)
        ));
    }
    if let Some(path) = output {
        say(format_args!(
            "wrote {} calls and {} times off the CPU of {} threads to {}",
            count(summary.calls),
            count(summary.offcpu),
            count(summary.threads),
            escape(&path.to_string_lossy())
        ));
    }
    Ok(Exit::Done)
}

/// Whether Parquet files go under this path, or into it: `.parquet` is a file, unless it is there as a directory.
fn is_directory(path: &Path) -> bool {
    path.is_dir()
        || path
            .extension()
            .is_none_or(|extension| extension != "parquet")
}

/// A bar on a terminal, nothing in a pipe.
pub(super) fn progress(total: u64, what: &'static str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}");
    let bar = ProgressBar::new(total).with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
