//! One column of a batch being filled, and the same column read back, for each type there is.
//!
//! Nothing here may know what a column means.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow_array::builder::{BooleanBuilder, PrimitiveBuilder};
use arrow_array::types::{ArrowPrimitiveType, Int16Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, PrimitiveArray, StringArray,
};
use arrow_schema::DataType;

/// Different names in one dictionary, at most: the keys are 16 bits wide.
pub(super) const NAMES_MAX: usize = 16_384;
/// Bytes of one name, at most. The kernel's names have 16, and command names at most 255.
pub(super) const NAME_BYTES_MAX: usize = 4_096;

/// The type of a column: how its cells are collected and how they are read back.
pub(super) trait Column {
    /// A cell that is not empty.
    type Cell<'a>;
    /// Collects the cells of a batch.
    type Fill: Default;
    /// The cells of a batch that was read.
    type Cells;

    /// Arrow's name for the type.
    fn data_type() -> DataType;
    /// Appends a cell.
    fn push(fill: &mut Self::Fill, cell: Option<Self::Cell<'_>>);
    /// Takes what was collected.
    fn take(fill: &mut Self::Fill) -> Result<ArrayRef>;
    /// Takes a column of a batch that was read.
    fn cells(array: &ArrayRef) -> Result<Self::Cells>;
    /// The cell in this row; `None` if it is empty or there is no such row.
    fn get(cells: &Self::Cells, row: usize) -> Option<Self::Cell<'_>>;
}

/// A column of numbers.
pub(super) struct Number<T>(PhantomData<T>);

impl<T: ArrowPrimitiveType> Column for Number<T> {
    type Cell<'a> = T::Native;
    type Fill = PrimitiveBuilder<T>;
    type Cells = PrimitiveArray<T>;

    fn data_type() -> DataType {
        T::DATA_TYPE
    }

    fn push(fill: &mut Self::Fill, cell: Option<T::Native>) {
        fill.append_option(cell);
    }

    fn take(fill: &mut Self::Fill) -> Result<ArrayRef> {
        Ok(Arc::new(fill.finish()))
    }

    fn cells(array: &ArrayRef) -> Result<Self::Cells> {
        downcast(array)
    }

    fn get(cells: &Self::Cells, row: usize) -> Option<T::Native> {
        (row < cells.len() && cells.is_valid(row)).then(|| cells.value(row))
    }
}

/// A column of yes and no.
pub(super) struct Flag;

impl Column for Flag {
    type Cell<'a> = bool;
    type Fill = BooleanBuilder;
    type Cells = BooleanArray;

    fn data_type() -> DataType {
        DataType::Boolean
    }

    fn push(fill: &mut Self::Fill, cell: Option<bool>) {
        fill.append_option(cell);
    }

    fn take(fill: &mut Self::Fill) -> Result<ArrayRef> {
        Ok(Arc::new(fill.finish()))
    }

    fn cells(array: &ArrayRef) -> Result<Self::Cells> {
        downcast(array)
    }

    fn get(cells: &Self::Cells, row: usize) -> Option<bool> {
        (row < cells.len() && cells.is_valid(row)).then(|| cells.value(row))
    }
}

/// A column of text of which little differs from row to row.
pub(super) struct Text;

/// The names seen so far, which stay the same from batch to batch so that they are written once,
/// and the keys of this batch.
#[derive(Default)]
pub(super) struct TextFill {
    keys: PrimitiveBuilder<Int16Type>,
    names: Vec<String>,
    by_name: HashMap<String, i16>,
    /// Keys lately used, found by a hash of two bytes: one hash of the whole name costs as much as
    /// writing it.
    recent: [Option<i16>; 16],
    /// `names` as Arrow wants them, until another name comes.
    array: Option<Arc<StringArray>>,
}

impl TextFill {
    fn key(&mut self, name: &str) -> i16 {
        let bytes = name.as_bytes();
        let mark = |at: Option<&u8>| at.copied().unwrap_or(0);
        let slot = usize::from(mark(bytes.first()) ^ mark(bytes.last()).rotate_left(2)) ^ bytes.len();
        let slot = slot % self.recent.len();
        if let Some(&Some(key)) = self.recent.get(slot)
            && usize::try_from(key).ok().and_then(|key| self.names.get(key)).is_some_and(|known| known == name)
        {
            return key;
        }
        let key = match self.by_name.get(name) {
            Some(&key) => key,
            None => {
                // Names are at most NAMES_MAX when a batch begins, and a batch is closed before
                // it could bring more than the keys can count.
                let key = i16::try_from(self.names.len()).unwrap_or(i16::MAX);
                self.names.push(name.to_owned());
                self.by_name.insert(name.to_owned(), key);
                self.array = None;
                key
            }
        };
        if let Some(recent) = self.recent.get_mut(slot) {
            *recent = Some(key);
        }
        key
    }

    /// Whether the batch must be closed before another row comes.
    pub(super) fn is_full(&self) -> bool {
        self.names.len() >= NAMES_MAX
    }
}

impl Column for Text {
    type Cell<'a> = &'a str;
    type Fill = TextFill;
    type Cells = DictionaryArray<Int16Type>;

    fn data_type() -> DataType {
        DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8))
    }

    fn push(fill: &mut TextFill, cell: Option<&str>) {
        let key = cell.map(|name| fill.key(name));
        fill.keys.append_option(key);
    }

    fn take(fill: &mut TextFill) -> Result<ArrayRef> {
        let names = fill
            .array
            .get_or_insert_with(|| Arc::new(StringArray::from_iter_values(&fill.names)))
            .clone();
        let array = DictionaryArray::try_new(fill.keys.finish(), names)?;
        if fill.is_full() {
            *fill = TextFill::default();
        }
        Ok(Arc::new(array))
    }

    fn cells(array: &ArrayRef) -> Result<Self::Cells> {
        let cells: Self::Cells = downcast(array)?;
        if cells.values().as_any().downcast_ref::<StringArray>().is_none() {
            bail!("a dictionary does not hold text");
        }
        Ok(cells)
    }

    fn get(cells: &Self::Cells, row: usize) -> Option<&str> {
        if row >= cells.len() {
            return None;
        }
        let key = cells.key(row)?;
        let names = cells.values().as_any().downcast_ref::<StringArray>()?;
        (key < names.len() && names.is_valid(key)).then(|| names.value(key))
    }
}

fn downcast<A: Array + Clone + 'static>(array: &ArrayRef) -> Result<A> {
    let array = array.as_any().downcast_ref::<A>();
    Ok(array.context("a column has another type than the header says")?.clone())
}
