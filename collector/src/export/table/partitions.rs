//! A table as Parquet files of one host and hour each, named as Hive does: `calls/host=web1/hour=2026-11-24T18/….parquet`.
//!
//! A row is in the hour in which it ended, UTC, for rows come in that order: one file is open at a time, and an hour never
//! goes back. The name of a file says the trace, so that exports of many go into one directory, and of one, twice, do not double it.

use std::fs::{File, create_dir_all};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};

use super::super::overview::Overview;
use super::column::Column;
use super::{of_trace, parquet};

const HOUR_NS: u64 = 3_600_000_000_000;
/// What Hive calls a host that is not known.
const NO_HOST: &str = "__HIVE_DEFAULT_PARTITION__";

/// The files of one table.
pub(super) struct Partitions<'a, R> {
    dir: PathBuf,
    first: &'a Overview,
    columns: fn() -> Vec<Column<R>>,
    open: Option<(u64, parquet::Table<R, BufWriter<File>>)>,
}

impl<'a, R> Partitions<'a, R> {
    pub(super) fn new(
        dir: &Path,
        table: &str,
        first: &'a Overview,
        columns: fn() -> Vec<Column<R>>,
    ) -> Self {
        let host = format!("host={}", host_name(&first.trace.host));
        Self {
            dir: dir.join(table).join(host),
            first,
            columns,
            open: None,
        }
    }

    /// A row that ended then.
    pub(super) fn push(&mut self, end_ns: u64, row: R) -> Result<()> {
        let unix_ns = self.first.trace.start_unix_ns.saturating_add(end_ns);
        let hour = unix_ns / HOUR_NS;
        let table = match &mut self.open {
            Some((open, table)) if hour <= *open => table,
            _ => self.next(hour)?,
        };
        table.push(row)
    }

    fn next(&mut self, hour: u64) -> Result<&mut parquet::Table<R, BufWriter<File>>> {
        if let Some((_, table)) = self.open.take() {
            table.finish()?;
        }
        let dir = self.dir.join(format!("hour={}", hour_name(hour)));
        create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
        let trace = &self.first.trace;
        let path = dir.join(format!("{}-{}.parquet", trace.start_unix_ns, trace.pid));
        let file = File::create(&path).with_context(|| format!("write {}", path.display()))?;
        let columns = [of_trace(self.first), (self.columns)()].concat();
        let table = parquet::Table::begin(columns, BufWriter::new(file), self.first)?;
        Ok(&mut self.open.insert((hour, table)).1)
    }

    pub(super) fn finish(self) -> Result<()> {
        self.open.map_or(Ok(()), |(_, table)| table.finish())
    }
}

/// As a part of a path: letters, digits, and what else names of hosts have; the rest as Hive writes it.
fn host_name(host: &str) -> String {
    if host.is_empty() {
        return NO_HOST.to_owned();
    }
    let mut name = String::new();
    for byte in host.bytes() {
        if byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_')
            || byte == b'.' && !name.is_empty()
        {
            name.push(byte.into());
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

/// `2026-11-24T18` of an hour since 1970.
fn hour_name(hour: u64) -> String {
    let begin = UNIX_EPOCH + Duration::from_secs(hour * 3_600);
    let mut name = humantime::format_rfc3339_seconds(begin).to_string();
    name.truncate("2026-11-24T18".len());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `date -u -d @SECONDS`.
    #[test]
    fn an_hour_is_named_as_date_does() {
        for (seconds, name) in [
            (0, "1970-01-01T00"),
            (951_782_399, "2000-02-28T23"),
            (951_868_799, "2000-02-29T23"),
            (951_868_800, "2000-03-01T00"),
            (1_735_689_599, "2024-12-31T23"),
            (1_735_689_600, "2025-01-01T00"),
            (4_107_542_400, "2100-03-01T00"),
            (18_446_744_073, "2554-07-21T23"),
        ] {
            assert_eq!(hour_name(seconds / 3_600), name);
        }
    }

    #[test]
    fn a_host_never_leaves_its_directory() {
        for (host, name) in [
            ("web-1.example", "web-1.example"),
            ("..", "%2E."),
            ("../x y", "%2E.%2Fx%20y"),
            ("", NO_HOST),
        ] {
            assert_eq!(host_name(host), name);
        }
    }
}
