//! Looks at a message before Arrow may: Arrow trusts some of the numbers in it, and would panic or
//! ask for as much memory as a damaged file names.

use anyhow::{Context, Result, ensure};
use arrow_ipc::{CompressionType, FieldNode, RecordBatch};
use arrow_schema::DataType;

use super::ROWS_MAX;
use super::column::{NAME_BYTES_MAX, NAMES_MAX};
use super::set::ENTRIES_MAX;

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

/// The buffers of a column of this type, without those of the columns it is made of; `None` for a type that is never written.
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
        DataType::List(_) => vec![bits(), items(4, rows.saturating_add(1))],
        DataType::Struct(_) => vec![bits()],
        other => vec![bits(), items(other.primitive_width()?, rows)],
    })
}

/// Checks that all a batch refers to lies within its body, and bounds what it unpacks to. Returns which columns say that
/// they have anything.
///
/// # Errors
/// It does not hold together, or is larger than any we write.
pub(super) fn batch<'a>(
    batch: RecordBatch<'_>,
    types: impl Iterator<Item = &'a DataType>,
    body: &[u8],
) -> Result<Vec<usize>> {
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
    let buffers = batch.buffers().context("it has no buffers")?;
    let mut columns = Columns {
        nodes: nodes.iter(),
        buffers: buffers.iter(),
        compressed: batch.compression().is_some(),
        body,
    };
    let mut filled = Vec::new();
    for (at, data_type) in types.enumerate() {
        if columns.check(data_type, Some(rows))? {
            filled.push(at);
        }
    }
    ensure!(
        columns.nodes.next().is_none() && columns.buffers.next().is_none(),
        "it has more columns than the header names"
    );
    Ok(filled)
}

/// What is left to check of a batch: Arrow lays out a column of lists before the columns it is made of.
struct Columns<'a, N, B> {
    nodes: N,
    buffers: B,
    compressed: bool,
    body: &'a [u8],
}

impl<'a, N, B> Columns<'a, N, B>
where
    N: Iterator<Item = &'a FieldNode>,
    B: Iterator<Item = &'a arrow_ipc::Buffer>,
{
    /// Checks a column, and those it is made of. It has so many rows; those of a list have as many as they like, up to a
    /// bound. Returns whether it says that it has anything.
    fn check(&mut self, data_type: &DataType, rows: Option<usize>) -> Result<bool> {
        let node = self.nodes.next().context("a column is missing")?;
        let length = usize::try_from(node.length()).context("a column has fewer than no rows")?;
        let nulls =
            usize::try_from(node.null_count()).context("a column has fewer than no nulls")?;
        ensure!(
            rows.map_or(length <= ENTRIES_MAX, |rows| length == rows),
            "a column has another length"
        );
        ensure!(nulls <= length, "a column has more nulls than rows");
        let limits =
            limits(data_type, length).context("a column has a type that is never written")?;
        for limit in limits {
            let buffer = self.buffers.next().context("a buffer is missing")?;
            let stored = range(buffer, self.body).context("a buffer lies outside of the batch")?;
            let length = unpacked_bytes(stored, self.compressed)?;
            ensure!(
                length <= limit.bytes,
                "a buffer would unpack to {length} bytes, more than its rows need"
            );
            ensure!(
                length.is_multiple_of(limit.item),
                "a buffer has {length} bytes, which are not whole items"
            );
        }
        match data_type {
            DataType::List(item) => {
                self.check(item.data_type(), None)?;
            }
            DataType::Struct(fields) => {
                for field in fields {
                    self.check(field.data_type(), Some(length))?;
                }
            }
            _ => {}
        }
        Ok(nulls < length)
    }
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
