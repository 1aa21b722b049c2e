//! Columns of small numbers, with a way out for large ones.
//!
//! Nearly every duration fits 32 bits of nanoseconds (4.29 s), and most of a column far fewer; one that does not costs an
//! entry in a side table instead of doubling every column.

use std::collections::BTreeMap;

/// A column of numbers that are mostly small.
#[derive(Clone, Debug, Default)]
pub(super) struct Small {
    values: Values,
    /// What stands for the largest number that `values` can hold, by index.
    large: BTreeMap<u32, u64>,
}

/// As narrow as is worth it once no more come, see [`Small::shrink`].
#[derive(Clone, Debug)]
enum Values {
    Bytes(Vec<u8>),
    Halves(Vec<u16>),
    Words(Vec<u32>),
}

impl Default for Values {
    fn default() -> Self {
        Self::Words(Vec::new())
    }
}

/// Of an entry in the side table: key, value, and the tree's own share.
const LARGE_BYTES: usize = 24;

impl Small {
    /// All of these, in as little room as they can take: no more will come.
    pub(super) fn of(values: impl Iterator<Item = u64>) -> Self {
        let mut column = Self::default();
        let words = values.enumerate().map(|(at, value)| match value {
            small if small < u32::MAX.into() => small as u32,
            _ => {
                column.large.insert(at as u32, value);
                u32::MAX
            }
        });
        let words = words.collect();
        column.values = Values::Words(words);
        column.shrink();
        column
    }

    pub(super) fn push(&mut self, value: u64) {
        let Values::Words(values) = &mut self.values else {
            self.widen();
            return self.push(value);
        };
        match u32::try_from(value) {
            Ok(small) if small != u32::MAX => values.push(small),
            _ => {
                self.large.insert(values.len() as u32, value);
                values.push(u32::MAX);
            }
        }
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> u64 {
        let (value, most) = match &self.values {
            Values::Bytes(values) => (values.get(index).map(|&value| value.into()), u8::MAX.into()),
            Values::Halves(values) => (
                values.get(index).map(|&value| value.into()),
                u16::MAX.into(),
            ),
            Values::Words(values) => (values.get(index).copied(), u32::MAX),
        };
        match value {
            Some(value) if value == most => {
                let large = self.large.get(&(index as u32));
                large.copied().unwrap_or(most.into())
            }
            Some(value) => value.into(),
            None => 0,
        }
    }

    /// Takes as little room as it can.
    fn shrink(&mut self) {
        let Values::Words(words) = &mut self.values else {
            return;
        };
        let beyond = |most: u32| words.iter().filter(|&&word| word >= most).count();
        let bytes = words.len() + beyond(u8::MAX.into()) * LARGE_BYTES;
        let halves = words.len() * 2 + beyond(u16::MAX.into()) * LARGE_BYTES;
        let whole = words.len() * 4 + self.large.len() * LARGE_BYTES;
        if whole <= bytes.min(halves) {
            words.shrink_to_fit();
        } else if bytes <= halves {
            self.values = Values::Bytes(narrow(words, &mut self.large, u8::MAX));
        } else {
            self.values = Values::Halves(narrow(words, &mut self.large, u16::MAX));
        }
    }

    /// More come: they are held as they are until the next time there is room to be saved.
    fn widen(&mut self) {
        let count = match &self.values {
            Values::Words(_) => return,
            Values::Bytes(values) => values.len(),
            Values::Halves(values) => values.len(),
        };
        let mut wide = Self::default();
        (0..count).for_each(|at| wide.push(self.get(at)));
        *self = wide;
    }

    pub(super) fn bytes(&self) -> usize {
        let values = match &self.values {
            Values::Bytes(values) => values.capacity(),
            Values::Halves(values) => values.capacity() * 2,
            Values::Words(values) => values.capacity() * 4,
        };
        values + self.large.len() * LARGE_BYTES
    }
}

/// The same numbers in fewer bits, those too large for them in the side table.
fn narrow<T: Copy + TryFrom<u32> + Into<u64>>(
    words: &[u32],
    large: &mut BTreeMap<u32, u64>,
    most: T,
) -> Vec<T> {
    let mut at = 0_u32..;
    let narrow = words.iter().map(|&word| {
        let at = at.next().unwrap_or(u32::MAX);
        match T::try_from(word) {
            Ok(small) if u64::from(word) < most.into() => small,
            _ => {
                large.entry(at).or_insert_with(|| word.into());
                most
            }
        }
    });
    narrow.collect()
}

/// A column with few different values.
#[derive(Clone, Debug)]
pub(super) struct Few<T> {
    indexes: Vec<u8>,
    values: Vec<T>,
    /// What stands for 255, by index.
    more: BTreeMap<u32, T>,
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self {
            indexes: Vec::new(),
            values: Vec::new(),
            more: BTreeMap::new(),
        }
    }
}

impl<T: Clone + PartialEq> Few<T> {
    /// With room for so many.
    pub(super) fn with_room(count: usize) -> Self {
        Self {
            indexes: Vec::with_capacity(count),
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, value: T) {
        self.push_like(|known| *known == value, || value.clone());
    }

    /// Adds the value that `is` knows, made only if it is not here yet.
    pub(super) fn push_like(&mut self, is: impl Fn(&T) -> bool, make: impl FnOnce() -> T) {
        // Most are like the one before.
        let last = self.indexes.last().map(|&index| usize::from(index));
        let again = last.filter(|&last| self.values.get(last).is_some_and(&is));
        let index = match again.or_else(|| self.values.iter().position(is)) {
            Some(index) => index as u8,
            None if self.values.len() < usize::from(u8::MAX) => {
                self.values.push(make());
                (self.values.len() - 1) as u8
            }
            None => {
                self.more.insert(self.indexes.len() as u32, make());
                u8::MAX
            }
        };
        self.indexes.push(index);
    }

    pub(super) fn get(&self, index: usize) -> Option<&T> {
        match *self.indexes.get(index)? {
            u8::MAX => self.more.get(&(index as u32)),
            known => self.values.get(usize::from(known)),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let value = size_of::<T>() + 32;
        self.indexes.capacity() + self.values.capacity() * value + self.more.len() * (value + 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_come_back_as_they_went_in() {
        let mut column = Small::default();
        let values = [
            0,
            1,
            u64::from(u32::MAX) - 1,
            u64::from(u32::MAX),
            1 << 40,
            u64::MAX,
            7,
        ];
        values.iter().for_each(|&value| column.push(value));
        let back = |column: &Small| -> Vec<u64> {
            (0..values.len()).map(|index| column.get(index)).collect()
        };
        assert_eq!(back(&column), values);
        column.shrink();
        assert_eq!(back(&column), values);
    }

    #[test]
    fn a_column_that_is_shrunk_holds_the_same_in_less_room() {
        for (most, few, width) in [(254, 255, 1), (60_000, 70_000, 2), (1 << 30, u64::MAX, 4)] {
            let mut values: Vec<u64> = (0..10_000).map(|at| at * 7 % (most + 1)).collect();
            values[50] = few;
            values[51] = u64::from(u32::MAX);
            values[52] = 0xffff;
            values[53] = 0xff;
            let mut column = Small::default();
            values.iter().for_each(|&value| column.push(value));
            column.shrink();
            let back = |column: &Small, count| -> Vec<u64> {
                (0..count).map(|index| column.get(index)).collect()
            };
            assert_eq!(back(&column, values.len()), values, "up to {most}");
            let room = column.bytes();
            assert!(room < 10_000 * width + 200, "up to {most}: {room} bytes");
            values.push(most);
            column.push(most);
            assert_eq!(
                back(&column, values.len()),
                values,
                "up to {most}, and one more"
            );
        }
    }

    #[test]
    fn more_different_values_than_an_index_can_name_come_back_too() {
        let mut column = Few::default();
        (0..1000_u32).for_each(|value| column.push(value));
        (0..1000_u32).for_each(|value| column.push(value));
        for index in 0..2000 {
            assert_eq!(column.get(index), Some(&(index as u32 % 1000)));
        }
    }
}
