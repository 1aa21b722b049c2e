//! The column that holds what a readiness call waited for and found: a list of descriptors in one cell.
//!
//! A row for each descriptor cost as much time as a call, and twice its bytes. Nothing here may hold more entries than a
//! reader must be able to hold.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int32Type, UInt32Type};
use arrow_array::{Array, ArrayRef, ListArray, PrimitiveArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Fields};

use super::column::{Bits, Column, Number, NumberFill, take_vec};

/// Entries in a cell, at most: more than the kernel side tells of.
pub(super) const SET_MAX: usize = 64;
/// Entries in a batch, at most.
pub(super) const ENTRIES_MAX: usize = 65_536;

/// One descriptor of a set. What each means is said at [`Ready`](crate::model::Ready).
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) fd: Option<i32>,
    pub(super) descriptor: Option<u32>,
    pub(super) asked: Option<u32>,
    pub(super) ready: u32,
}

/// A column of such lists.
pub(super) struct Set;

/// The cells so far: where the entries of each row begin, and the entries of all rows.
#[derive(Default)]
pub(super) struct SetFill {
    starts: Vec<i32>,
    valid: Bits,
    entries: usize,
    fd: NumberFill<Int32Type>,
    descriptor: NumberFill<UInt32Type>,
    asked: NumberFill<UInt32Type>,
    ready: NumberFill<UInt32Type>,
}

impl SetFill {
    /// Whether the batch must be closed before another row comes.
    pub(super) fn is_full(&self) -> bool {
        self.entries + SET_MAX > ENTRIES_MAX
    }

    /// Rows up to this one begin where the entries end so far.
    fn begin(&mut self, row: usize) {
        // At most ENTRIES_MAX.
        let at = i32::try_from(self.entries).unwrap_or(i32::MAX);
        self.starts.resize(row + 1, at);
    }
}

/// The cells of a batch that was read.
pub(super) struct SetCells {
    list: ListArray,
    fd: PrimitiveArray<Int32Type>,
    descriptor: PrimitiveArray<UInt32Type>,
    asked: PrimitiveArray<UInt32Type>,
    ready: PrimitiveArray<UInt32Type>,
}

fn fields() -> Fields {
    let field = |name: &str, of| Field::new(name, of, true);
    Fields::from(vec![
        field("fd", DataType::Int32),
        field("descriptor", DataType::UInt32),
        field("asked", DataType::UInt32),
        field("ready", DataType::UInt32),
    ])
}

fn item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(fields()), true))
}

impl Column for Set {
    type Cell<'a> = Cow<'a, [Entry]>;
    type Fill = SetFill;
    type Cells = SetCells;

    fn data_type() -> DataType {
        DataType::List(item())
    }

    fn put(fill: &mut SetFill, row: usize, cell: Cow<'_, [Entry]>) {
        fill.begin(row);
        fill.valid.set(row);
        for entry in cell.iter() {
            let (at, entry) = (fill.entries, *entry);
            if let Some(fd) = entry.fd {
                fill.fd.put(at, fd);
            }
            if let Some(descriptor) = entry.descriptor {
                fill.descriptor.put(at, descriptor);
            }
            if let Some(asked) = entry.asked {
                fill.asked.put(at, asked);
            }
            fill.ready.put(at, entry.ready);
            fill.entries += 1;
        }
    }

    fn take(fill: &mut SetFill, rows: usize) -> Result<ArrayRef> {
        fill.begin(rows);
        let entries = std::mem::take(&mut fill.entries);
        let starts = take_vec(&mut fill.starts);
        let numbers: Vec<ArrayRef> = vec![
            Arc::new(fill.fd.take(entries)?),
            Arc::new(fill.descriptor.take(entries)?),
            Arc::new(fill.asked.take(entries)?),
            Arc::new(fill.ready.take(entries)?),
        ];
        let entries = StructArray::try_new_with_length(fields(), numbers, None, entries)?;
        Ok(Arc::new(ListArray::try_new(
            item(),
            OffsetBuffer::new(ScalarBuffer::from(starts)),
            Arc::new(entries),
            Some(NullBuffer::new(fill.valid.take(rows))),
        )?))
    }

    fn cells(array: &ArrayRef) -> Result<SetCells> {
        const OTHER: &str = "a column has another type than the header says";
        let list = array.as_list_opt::<i32>().context(OTHER)?.clone();
        let entries = list.values().as_struct_opt().context(OTHER)?;
        let [fd, descriptor, asked, ready] = entries.columns() else {
            anyhow::bail!(OTHER);
        };
        // Its offsets were held to that as it was read.
        ensure!(
            entries.len() <= ENTRIES_MAX,
            "lists have {} entries, more than any batch we write",
            entries.len()
        );
        Ok(SetCells {
            fd: Number::<Int32Type>::cells(fd)?,
            descriptor: Number::<UInt32Type>::cells(descriptor)?,
            asked: Number::<UInt32Type>::cells(asked)?,
            ready: Number::<UInt32Type>::cells(ready)?,
            list,
        })
    }

    fn get(cells: &SetCells, row: usize) -> Option<Cow<'_, [Entry]>> {
        if row >= cells.list.len() || cells.list.is_null(row) {
            return None;
        }
        let starts = cells.list.value_offsets();
        let start = usize::try_from(*starts.get(row)?).ok()?;
        let end = usize::try_from(*starts.get(row + 1)?).ok()?;
        let entry = |at| Entry {
            fd: get::<Int32Type>(&cells.fd, at),
            descriptor: get::<UInt32Type>(&cells.descriptor, at),
            asked: get::<UInt32Type>(&cells.asked, at),
            ready: get::<UInt32Type>(&cells.ready, at).unwrap_or(0),
        };
        Some((start..end.min(ENTRIES_MAX)).map(entry).collect())
    }
}

fn get<T: ArrowPrimitiveType>(cells: &PrimitiveArray<T>, at: usize) -> Option<T::Native> {
    Number::<T>::get(cells, at)
}
