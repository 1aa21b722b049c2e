//! Reading a recording to its end, and summing it up.
//!
//! One that is cut is summed up as far as it goes, and says so.

use anyhow::Result;

use super::{Report, Summary};
use crate::recording::Reader;

/// Sums a recording up, and tells of bytes: read so far, and of all.
///
/// # Errors
/// See [`Reader::next_batch`].
pub fn sum_up(mut reader: Reader, progress: &mut dyn FnMut(u64, u64)) -> Result<Report> {
    let mut summary = Summary::new(reader.trace());
    while let Some(events) = reader.next_batch()? {
        for event in &events {
            summary.push(event);
        }
        progress(reader.bytes_read(), reader.bytes_total());
    }
    let mut report = summary.finish();
    report.trace.cut = reader.cut().map(ToString::to_string);
    Ok(report)
}
