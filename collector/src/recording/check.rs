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

/// A buffer of a column: it holds whole items of so many bytes, and no more bytes than the limit.
struct Limit {
    item: usize,
    bytes: usize,
}

/// The buffers of a column of this type; `None` for a type that is never written.
fn limits(data_type: &DataType, rows: usize) -> Option<Vec<Limit>> {
    let items = |item: usize, count: usize| Limit {
        item,
        bytes: item.saturating_mul(count).saturating_add(PADDING),
    };
    let bits = || items(1, rows.div_ceil(8));
    Some(match data_type {
        DataType::Boolean => vec![bits(), bits()],
        DataType::Utf8 => {
            vec![
                bits(),
                items(4, rows.saturating_add(1)),
                items(1, NAMES_MAX * NAME_BYTES_MAX),
            ]
        }
        DataType::Dictionary(keys, _) => vec![bits(), items(keys.primitive_width()?, rows)],
        other => vec![bits(), items(other.primitive_width()?, rows)],
    })
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
    ensure!(
        rows <= ROWS_MAX,
        "it has {rows} rows, more than any batch we write"
    );
    if let Some(compression) = batch.compression() {
        ensure!(
            compression.codec() == CompressionType::ZSTD,
            "it is compressed in an unknown way"
        );
    }
    ensure!(
        batch
            .variadicBufferCounts()
            .is_none_or(|counts| counts.is_empty()),
        "it has buffers of no column"
    );
    let nodes = batch.nodes().context("it has no columns")?;
    let mut buffers = batch.buffers().context("it has no buffers")?.iter();
    ensure!(
        nodes.len() == types.len(),
        "it has {} columns instead of {}",
        nodes.len(),
        types.len()
    );
    for (node, data_type) in nodes.iter().zip(types) {
        let nulls =
            usize::try_from(node.null_count()).context("a column has fewer than no nulls")?;
        ensure!(
            usize::try_from(node.length()).ok() == Some(rows),
            "a column has another length"
        );
        ensure!(nulls <= rows, "a column has more nulls than rows");
        for limit in limits(data_type, rows).context("a column has a type that is never written")? {
            let buffer = buffers.next().context("a buffer is missing")?;
            let stored = range(buffer, body).context("a buffer lies outside of the batch")?;
            let length = unpacked_bytes(stored, batch.compression().is_some())?;
            ensure!(
                length <= limit.bytes,
                "a buffer would unpack to {length} bytes, more than its rows need"
            );
            ensure!(
                length.is_multiple_of(limit.item),
                "a buffer has {length} bytes, which are not whole items"
            );
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

/// Bytes of a buffer once it is unpacked, as it says itself. Arrow holds it to that.
fn unpacked_bytes(stored: &[u8], compressed: bool) -> Result<usize> {
    if !compressed || stored.is_empty() {
        return Ok(stored.len());
    }
    let (prefix, rest) = stored
        .split_first_chunk::<PREFIX>()
        .context("a compressed buffer has no length")?;
    match i64::from_le_bytes(*prefix) {
        NOT_COMPRESSED => Ok(rest.len()),
        length => usize::try_from(length).context("a compressed buffer has a length below zero"),
    }
}
