//! A table as one Parquet file, written a batch of rows at a time.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::super::overview::Overview;
use super::super::{FORMAT, VERSION};
use super::column::Column;

/// Rows that are made columns at once.
const BATCH_ROWS: usize = 8_192;
/// Rows of one row group, which is held in memory, encoded.
const GROUP_ROWS: usize = 1 << 18;

/// A file being written.
pub(super) struct Table<R, W: Write + Send> {
    columns: Vec<Column<R>>,
    schema: SchemaRef,
    rows: Vec<R>,
    out: ArrowWriter<W>,
}

impl<R, W: Write + Send> Table<R, W> {
    pub(super) fn begin(columns: Vec<Column<R>>, out: W, first: &Overview) -> Result<Self> {
        let fields: Vec<_> = columns.iter().map(Column::field).collect();
        let schema = Arc::new(Schema::new(fields));
        let trace = serde_json::to_string(&first.trace_json()).context("write export")?;
        let said = [
            ("format", FORMAT.to_owned()),
            ("version", VERSION.to_string()),
            ("trace", trace),
        ];
        let said = said.map(|(key, value)| KeyValue::new(key.to_owned(), value));
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_key_value_metadata(Some(said.into()));
        for column in columns.iter().filter(|column| column.is_varied()) {
            let path = ColumnPath::from(column.name);
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
        let properties = properties.build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties));
        Ok(Self {
            columns,
            schema,
            rows: Vec::with_capacity(BATCH_ROWS),
            out: writer.map_err(own)?,
        })
    }

    pub(super) fn push(&mut self, row: R) -> Result<()> {
        self.rows.push(row);
        if self.rows.len() < BATCH_ROWS {
            return Ok(());
        }
        self.batch()
    }

    fn batch(&mut self) -> Result<()> {
        let arrays = self.columns.iter().map(|column| column.array(&self.rows));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays.collect());
        self.rows.clear();
        self.out.write(&batch.context("write export")?).map_err(own)
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.batch()?;
        self.out.finish().map_err(own)?;
        self.out.inner_mut().flush().context("write export")
    }
}

/// Back to the error of the writer, so that a broken pipe is known as one.
fn own(error: ParquetError) -> anyhow::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<std::io::Error>() {
            Ok(error) => anyhow::Error::new(*error),
            Err(error) => anyhow::anyhow!(error),
        },
        error => anyhow::Error::new(error),
    }
    .context("write export")
}
