//! One column of a batch being filled, and the same column read back, for each type there is.
//!
//! Nothing here may know what a column means.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow_array::types::{ArrowPrimitiveType, Int16Type};
use arrow_array::{Array, ArrayRef, BooleanArray, DictionaryArray, PrimitiveArray, StringArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::DataType;

/// Different names in one dictionary, at most: the keys are 16 bits wide.
pub(super) const NAMES_MAX: usize = 16_384;
/// Bytes of one name, at most: the kernel's have 16, and thrice that as text; the model keeps those of descriptors
/// below this. Small, since a damaged file may name its longest one in every row.
pub(super) const NAME_BYTES_MAX: usize = 256;

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
    /// Puts a cell into a row. Rows come in ascending order; those left out are empty.
    fn put(fill: &mut Self::Fill, row: usize, cell: Self::Cell<'_>);
    /// Takes what was collected, as a column of so many rows.
    fn take(fill: &mut Self::Fill, rows: usize) -> Result<ArrayRef>;
    /// Takes a column of a batch that was read.
    fn cells(array: &ArrayRef) -> Result<Self::Cells>;
    /// The cell in this row; `None` if it is empty or there is no such row.
    fn get(cells: &Self::Cells, row: usize) -> Option<Self::Cell<'_>>;
}

/// One bit a row, as far as the last one set.
#[derive(Default)]
pub(super) struct Bits(Vec<u8>);

impl Bits {
    #[inline(always)]
    pub(super) fn set(&mut self, row: usize) {
        let at = row / 8;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        if let Some(byte) = self.0.get_mut(at) {
            *byte |= 1 << (row % 8);
        }
    }

    pub(super) fn take(&mut self, rows: usize) -> BooleanBuffer {
        let mut bytes = take_vec(&mut self.0);
        bytes.resize(rows.div_ceil(8), 0);
        BooleanBuffer::new(bytes.into(), 0, rows)
    }
}

/// Takes a vector and leaves one that has room for as much: the next batch is like this one.
pub(super) fn take_vec<T>(vec: &mut Vec<T>) -> Vec<T> {
    let room = vec.len();
    std::mem::replace(vec, Vec::with_capacity(room))
}

/// A column of numbers.
pub(super) struct Number<T>(PhantomData<T>);

/// The cells so far. Most columns are empty in most rows, so an empty cell costs nothing until one
/// that is not follows it: with Arrow's own builders a row took half as long again.
pub(super) struct NumberFill<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    valid: Bits,
}

impl<T: ArrowPrimitiveType> Default for NumberFill<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            valid: Bits::default(),
        }
    }
}

impl<T: ArrowPrimitiveType> NumberFill<T> {
    // Some thirty times a call: where it was not inlined, as chance had it, a row took a fifth longer.
    #[inline(always)]
    pub(super) fn put(&mut self, row: usize, cell: T::Native) {
        if self.values.len() < row {
            self.values.resize(row, T::default_value());
        }
        self.values.push(cell);
        self.valid.set(row);
    }

    pub(super) fn take(&mut self, rows: usize) -> Result<PrimitiveArray<T>> {
        let mut values = take_vec(&mut self.values);
        values.resize(rows, T::default_value());
        let valid = NullBuffer::new(self.valid.take(rows));
        let valid = (valid.null_count() > 0).then_some(valid);
        Ok(PrimitiveArray::try_new(values.into(), valid)?)
    }
}

impl<T: ArrowPrimitiveType> Column for Number<T> {
    type Cell<'a> = T::Native;
    type Fill = NumberFill<T>;
    type Cells = PrimitiveArray<T>;

    fn data_type() -> DataType {
        T::DATA_TYPE
    }

    #[inline(always)]
    fn put(fill: &mut Self::Fill, row: usize, cell: T::Native) {
        fill.put(row, cell);
    }

    fn take(fill: &mut Self::Fill, rows: usize) -> Result<ArrayRef> {
        Ok(Arc::new(fill.take(rows)?))
    }

    fn cells(array: &ArrayRef) -> Result<Self::Cells> {
        downcast(array)
    }

    #[inline(always)]
    fn get(cells: &Self::Cells, row: usize) -> Option<T::Native> {
        // Arrow's own `is_valid` and `value` are calls each, fifty times a row.
        let value = *cells.values().get(row)?;
        let is_there = cells.nulls().is_none_or(|nulls| nulls.is_valid(row));
        is_there.then_some(value)
    }
}

/// A column of yes and no.
pub(super) struct Flag;

/// The cells so far.
#[derive(Default)]
pub(super) struct FlagFill {
    values: Bits,
    valid: Bits,
}

impl Column for Flag {
    type Cell<'a> = bool;
    type Fill = FlagFill;
    type Cells = BooleanArray;

    fn data_type() -> DataType {
        DataType::Boolean
    }

    #[inline(always)]
    fn put(fill: &mut FlagFill, row: usize, cell: bool) {
        if cell {
            fill.values.set(row);
        }
        fill.valid.set(row);
    }

    fn take(fill: &mut FlagFill, rows: usize) -> Result<ArrayRef> {
        let valid = NullBuffer::new(fill.valid.take(rows));
        Ok(Arc::new(BooleanArray::new(
            fill.values.take(rows),
            Some(valid),
        )))
    }

    fn cells(array: &ArrayRef) -> Result<Self::Cells> {
        downcast(array)
    }

    #[inline(always)]
    fn get(cells: &Self::Cells, row: usize) -> Option<bool> {
        let is_there = row < cells.len() && cells.nulls().is_none_or(|nulls| nulls.is_valid(row));
        is_there.then(|| cells.values().value(row))
    }
}

/// A column of text of which little differs from row to row.
pub(super) struct Text;

/// The names seen so far, which stay the same from batch to batch so that they are written once,
/// and the keys of this batch.
#[derive(Default)]
pub(super) struct TextFill {
    keys: NumberFill<Int16Type>,
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
        let slot =
            usize::from(mark(bytes.first()) ^ mark(bytes.last()).rotate_left(2)) ^ bytes.len();
        let slot = slot % self.recent.len();
        if let Some(&Some(key)) = self.recent.get(slot)
            && usize::try_from(key)
                .ok()
                .and_then(|key| self.names.get(key))
                .is_some_and(|known| known == name)
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
    type Cells = TextCells;

    fn data_type() -> DataType {
        DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8))
    }

    fn put(fill: &mut TextFill, row: usize, cell: &str) {
        let key = fill.key(cell);
        fill.keys.put(row, key);
    }

    fn take(fill: &mut TextFill, rows: usize) -> Result<ArrayRef> {
        let names = fill
            .array
            .get_or_insert_with(|| Arc::new(StringArray::from_iter_values(&fill.names)))
            .clone();
        let array = DictionaryArray::try_new(fill.keys.take(rows)?, names)?;
        if fill.is_full() {
            *fill = TextFill::default();
        }
        Ok(Arc::new(array))
    }

    fn cells(array: &ArrayRef) -> Result<TextCells> {
        let cells: DictionaryArray<Int16Type> = downcast(array)?;
        let names = cells.values().as_any().downcast_ref::<StringArray>();
        let names = names.context("a dictionary does not hold text")?.clone();
        Ok(TextCells {
            keys: cells.keys().clone(),
            names,
        })
    }

    #[inline(always)]
    fn get(cells: &TextCells, row: usize) -> Option<&str> {
        let key = usize::try_from(Number::<Int16Type>::get(&cells.keys, row)?).ok()?;
        let names = &cells.names;
        let is_there = key < names.len() && names.nulls().is_none_or(|nulls| nulls.is_valid(key));
        is_there.then(|| names.value(key))
    }
}

/// The cells of a batch that was read, apart: to ask Arrow's own dictionary for a name is four calls that are not known
/// before, five times a row.
pub(super) struct TextCells {
    pub(super) keys: PrimitiveArray<Int16Type>,
    pub(super) names: StringArray,
}

fn downcast<A: Array + Clone + 'static>(array: &ArrayRef) -> Result<A> {
    let array = array.as_any().downcast_ref::<A>();
    Ok(array
        .context("a column has another type than the header says")?
        .clone())
}
