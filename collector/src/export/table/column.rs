//! A column of a table: its name, and how its cell is read from a row. Both come from one line, whatever is written.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, TimestampNanosecondArray, UInt32Array,
    UInt64Array,
};
use arrow_schema::{DataType, Field, TimeUnit};

/// A column of rows `R`.
pub(super) struct Column<R> {
    pub(super) name: &'static str,
    pub(super) cell: Cell<R>,
}

/// How a cell is read: `None` is not known.
pub(super) enum Cell<R> {
    Bool(fn(&R) -> Option<bool>),
    U32(fn(&R) -> Option<u32>),
    U64(fn(&R) -> Option<u64>),
    I32(fn(&R) -> Option<i32>),
    I64(fn(&R) -> Option<i64>),
    Text(fn(&R) -> Option<&str>),
    /// Nanoseconds since 1970.
    Time(fn(&R) -> Option<i64>),
    /// The same in each row.
    Same(u64),
    SameText(Arc<str>),
}

// By hand: derived, they would ask as much of the rows.
impl<R> Clone for Column<R> {
    fn clone(&self) -> Self {
        let cell = match &self.cell {
            Cell::Bool(get) => Cell::Bool(*get),
            Cell::U32(get) => Cell::U32(*get),
            Cell::U64(get) => Cell::U64(*get),
            Cell::I32(get) => Cell::I32(*get),
            Cell::I64(get) => Cell::I64(*get),
            Cell::Text(get) => Cell::Text(*get),
            Cell::Time(get) => Cell::Time(*get),
            Cell::Same(value) => Cell::Same(*value),
            Cell::SameText(text) => Cell::SameText(Arc::clone(text)),
        };
        Self {
            name: self.name,
            cell,
        }
    }
}

impl<R> Column<R> {
    pub(super) fn bool(name: &'static str, get: fn(&R) -> Option<bool>) -> Self {
        let cell = Cell::Bool(get);
        Self { name, cell }
    }

    pub(super) fn u32(name: &'static str, get: fn(&R) -> Option<u32>) -> Self {
        let cell = Cell::U32(get);
        Self { name, cell }
    }

    pub(super) fn u64(name: &'static str, get: fn(&R) -> Option<u64>) -> Self {
        let cell = Cell::U64(get);
        Self { name, cell }
    }

    pub(super) fn i32(name: &'static str, get: fn(&R) -> Option<i32>) -> Self {
        let cell = Cell::I32(get);
        Self { name, cell }
    }

    pub(super) fn i64(name: &'static str, get: fn(&R) -> Option<i64>) -> Self {
        let cell = Cell::I64(get);
        Self { name, cell }
    }

    pub(super) fn text(name: &'static str, get: fn(&R) -> Option<&str>) -> Self {
        let cell = Cell::Text(get);
        Self { name, cell }
    }

    pub(super) fn time(name: &'static str, get: fn(&R) -> Option<i64>) -> Self {
        let cell = Cell::Time(get);
        Self { name, cell }
    }

    pub(super) fn same(name: &'static str, value: u64) -> Self {
        let cell = Cell::Same(value);
        Self { name, cell }
    }

    pub(super) fn same_text(name: &'static str, text: &str) -> Self {
        let cell = Cell::SameText(text.into());
        Self { name, cell }
    }

    /// Whether hardly two rows have the same in it: times and durations.
    pub(super) fn is_varied(&self) -> bool {
        matches!(self.cell, Cell::U64(_) | Cell::Time(_))
    }

    pub(super) fn field(&self) -> Field {
        let kind = match self.cell {
            Cell::Bool(_) => DataType::Boolean,
            Cell::U32(_) => DataType::UInt32,
            Cell::U64(_) | Cell::Same(_) => DataType::UInt64,
            Cell::I32(_) => DataType::Int32,
            Cell::I64(_) => DataType::Int64,
            Cell::Text(_) | Cell::SameText(_) => DataType::Utf8,
            Cell::Time(_) => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        };
        Field::new(self.name, kind, true)
    }

    /// Its cells of these rows.
    pub(super) fn array(&self, rows: &[R]) -> ArrayRef {
        match &self.cell {
            Cell::Bool(get) => Arc::new(rows.iter().map(get).collect::<BooleanArray>()),
            Cell::U32(get) => Arc::new(rows.iter().map(get).collect::<UInt32Array>()),
            Cell::U64(get) => Arc::new(rows.iter().map(get).collect::<UInt64Array>()),
            Cell::I32(get) => Arc::new(rows.iter().map(get).collect::<Int32Array>()),
            Cell::I64(get) => Arc::new(rows.iter().map(get).collect::<Int64Array>()),
            Cell::Text(get) => texts(rows.iter().map(get)),
            Cell::Time(get) => {
                let times: TimestampNanosecondArray = rows.iter().map(get).collect();
                Arc::new(times.with_timezone("UTC"))
            }
            Cell::Same(value) => Arc::new(UInt64Array::from_value(*value, rows.len())),
            Cell::SameText(text) => texts(rows.iter().map(|_| Some(&**text))),
        }
    }
}

fn texts<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut texts = StringBuilder::new();
    cells.for_each(|text| texts.append_option(text));
    Arc::new(texts.finish())
}
