//! Columns of small numbers, with a way out for large ones.
//!
//! Nearly every duration fits 32 bits of nanoseconds (4.29 s); one that does not costs an entry in a
//! side table instead of doubling every column.

use std::collections::BTreeMap;

/// A column of numbers that are mostly below 2³² − 1.
#[derive(Clone, Debug, Default)]
pub(super) struct Small {
    values: Vec<u32>,
    /// What stands for `u32::MAX` in `values`, by index.
    large: BTreeMap<u32, u64>,
}

impl Small {
    pub(super) fn push(&mut self, value: u64) {
        match u32::try_from(value) {
            Ok(small) if small != u32::MAX => self.values.push(small),
            _ => {
                self.large.insert(self.values.len() as u32, value);
                self.values.push(u32::MAX);
            }
        }
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> u64 {
        match self.values.get(index) {
            Some(&u32::MAX) => self
                .large
                .get(&(index as u32))
                .copied()
                .unwrap_or(u32::MAX.into()),
            Some(&value) => value.into(),
            None => 0,
        }
    }

    /// Gives back what room there is for more.
    pub(super) fn shrink(&mut self) {
        self.values.shrink_to_fit();
    }

    pub(super) fn bytes(&self) -> usize {
        /// Key, value, and the tree's own share.
        const LARGE_BYTES: usize = 24;
        self.values.capacity() * 4 + self.large.len() * LARGE_BYTES
    }
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
    pub(super) fn push(&mut self, value: T) {
        let known = self.values.iter().position(|known| *known == value);
        let index = match known {
            Some(index) => index as u8,
            None if self.values.len() < usize::from(u8::MAX) => {
                self.values.push(value);
                (self.values.len() - 1) as u8
            }
            None => {
                self.more.insert(self.indexes.len() as u32, value);
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

    /// Gives back what room there is for more.
    pub(super) fn shrink(&mut self) {
        self.indexes.shrink_to_fit();
        self.values.shrink_to_fit();
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
        let back: Vec<u64> = (0..values.len()).map(|index| column.get(index)).collect();
        assert_eq!(back, values);
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
