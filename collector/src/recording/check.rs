//! Looks at a message before Arrow may: Arrow trusts some of the numbers in it, and would panic or
//! ask for as much memory as a damaged file names.

use anyhow::{Context, Result, ensure};
use arrow_ipc::{CompressionType, RecordBatch};
use arrow_schema::DataType;

use super::ROWS_MAX;
use super::column::{NAME_BYTES_MAX, NAMES_MAX};

/// Buffers are padded to a multiple of this, and sometimes by a whole one.
const PADDING: usize = 64;
/// The length that stands before each compressed buffer.
const PREFIX: usize = 8;
/// The length that says: what follows is not compressed.
const NOT_COMPRESSED: i64 = -1;

/// The most that the buffers of a column of this type may hold; `None` for one we never write.
fn limits(data_type: &DataType, rows: usize) -> Option<Vec<usize>> {
    let bits = rows.div_ceil(8);
    let width = |bytes: usize| Some(vec![bits, rows.saturating_mul(bytes)]);
    match data_type {
        DataType::Boolean => Some(vec![bits, bits]),
        DataType::Utf8 => Some(vec![
            bits,
            rows.saturating_add(1).saturating_mul(4),
            NAMES_MAX * NAME_BYTES_MAX / 4,
        ]),
        DataType::Dictionary(keys, _) => width(keys.primitive_width()?),
        other => width(other.primitive_width()?),
    }
}

/// Checks that all a batch refers to lies within its body, and bounds what it unpacks to.
///
/// # Errors
/// It does not hold together, or is larger than any we write.
pub(super) fn batch<'a>(
    batch: RecordBatch<'_>,
    types: impl ExactSizeIterator<Item = &'a DataType>,
    body: &[u8],
) -> Result<()> {
    let rows = usize::try_from(batch.length()).context("it has fewer than no rows")?;
    ensure!(rows <= ROWS_MAX, "it has {rows} rows, more than any batch we write");
    if let Some(compression) = batch.compression() {
        ensure!(compression.codec() == CompressionType::ZSTD, "it is compressed in an unknown way");
    }
    ensure!(batch.variadicBufferCounts().is_none_or(|counts| counts.is_empty()), "it has buffers of no column");
    let nodes = batch.nodes().context("it has no columns")?;
    let mut buffers = batch.buffers().context("it has no buffers")?.iter();
    ensure!(nodes.len() == types.len(), "it has {} columns instead of {}", nodes.len(), types.len());
    for (node, data_type) in nodes.iter().zip(types) {
        let nulls = usize::try_from(node.null_count()).context("a column has fewer than no nulls")?;
        ensure!(usize::try_from(node.length()).ok() == Some(rows), "a column has another length");
        ensure!(nulls <= rows, "a column has more nulls than rows");
        for limit in limits(data_type, rows).context("a column has a type that is never written")? {
            let buffer = buffers.next().context("a buffer is missing")?;
            let stored = range(buffer, body).context("a buffer lies outside of the batch")?;
            unpacked(stored, batch.compression().is_some(), limit.saturating_add(PADDING))?;
        }
    }
    ensure!(buffers.next().is_none(), "it has buffers of no column");
    Ok(())
}

fn range<'a>(buffer: &arrow_ipc::Buffer, body: &'a [u8]) -> Option<&'a [u8]> {
    let from = usize::try_from(buffer.offset()).ok()?;
    let to = from.checked_add(usize::try_from(buffer.length()).ok()?)?;
    body.get(from..to)
}

fn unpacked(stored: &[u8], compressed: bool, limit: usize) -> Result<()> {
    if !compressed || stored.is_empty() {
        return Ok(());
    }
    let prefix = stored.first_chunk::<PREFIX>().context("a compressed buffer has no length")?;
    let length = i64::from_le_bytes(*prefix);
    if length == NOT_COMPRESSED {
        return Ok(());
    }
    let length = usize::try_from(length).context("a compressed buffer has a length below zero")?;
    ensure!(length <= limit, "a buffer would unpack to {length} bytes, more than its rows need");
    Ok(())
}
