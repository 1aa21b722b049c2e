//! A table as comma-separated values. A cell that is not known is empty; controls in text are written out, for this may end
//! on a terminal.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::Write;

use anyhow::{Context, Result};
use csv::{ErrorKind, Writer};

use super::column::{Cell, Column};
use crate::text::escape;

/// A table being written.
pub(super) struct Table<R, W: Write> {
    columns: Vec<Column<R>>,
    out: Writer<W>,
    number: String,
}

impl<R, W: Write> Table<R, W> {
    /// Begins with the names of the columns.
    pub(super) fn begin(columns: Vec<Column<R>>, out: W) -> Result<Self> {
        let mut out = Writer::from_writer(out);
        out.write_record(columns.iter().map(|column| column.name))
            .map_err(own)?;
        Ok(Self {
            columns,
            out,
            number: String::new(),
        })
    }

    pub(super) fn push(&mut self, row: &R) -> Result<()> {
        let Self {
            columns,
            out,
            number,
        } = self;
        for column in columns.iter() {
            let text = match &column.cell {
                Cell::Text(get) => get(row).map_or("".into(), escape),
                Cell::SameText(text) => escape(text),
                Cell::Bool(get) => shown(number, get(row)),
                Cell::U32(get) => shown(number, get(row)),
                Cell::U64(get) => shown(number, get(row)),
                Cell::I32(get) => shown(number, get(row)),
                Cell::I64(get) | Cell::Time(get) => shown(number, get(row)),
                Cell::Same(value) => shown(number, Some(*value)),
            };
            out.write_field(&*text).map_err(own)?;
        }
        out.write_record(None::<&[u8]>).map_err(own)
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.out.flush().context("write export")
    }
}

/// A value in digits, in this room; nothing if it is not known.
fn shown(room: &mut String, value: Option<impl Display>) -> Cow<'_, str> {
    room.clear();
    if let Some(value) = value {
        // Writing to a string can't fail.
        let _ = write!(room, "{value}");
    }
    Cow::Borrowed(room)
}

/// Back to the error of the writer, so that a broken pipe is known as one.
fn own(error: csv::Error) -> anyhow::Error {
    let error = match error.into_kind() {
        ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    };
    anyhow::Error::new(error).context("write export")
}
