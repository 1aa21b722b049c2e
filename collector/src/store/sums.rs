//! Sums by bucket, in the order of time, in a quarter of the room that they take as they are.
//!
//! ```text
//!   blocks of 32, packed:  | widths | bucket: 1 byte each | calls: 1 | kernel: 3 | blocked: 0 | … |    tail, as it is
//! ```
//!
//! A column of a block has as many bytes a number as its largest one needs, none if all are 0: so each sum is found
//! without a look at those before it. Nothing here may know how wide a bucket is.

use std::mem;
use std::ops::Range;

use crate::model::Sum;

/// A bucket's number, counted from the trace's beginning, and what began in it.
pub(super) type Bucket = (u64, Sum);

/// Sums in a block.
const BLOCK: usize = 32;
/// Sums that are not packed, at most: most that are added to are among the last.
const TAIL_MAX: usize = BLOCK_MAX;
/// Sums in a block that some were put into later.
const BLOCK_MAX: usize = 2 * BLOCK;
/// Numbers in a bucket.
const COLUMNS: usize = 9;
/// So many bytes may be read from where a number begins.
const WORD: usize = 8;

/// Sums, none of two for the same bucket.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    blocks: Vec<Block>,
    tail: Vec<Bucket>,
    block_bytes: usize,
}

/// Sums of buckets that follow one another.
#[derive(Clone, Debug)]
struct Block {
    first: u64,
    last: u64,
    count: u32,
    /// Bytes of a number in each column.
    widths: [u8; COLUMNS],
    /// The columns, and a word of nothing.
    bytes: Box<[u8]>,
}

/// The numbers of a bucket; its own is counted from `first`.
fn numbers(first: u64, (bucket, sum): &Bucket) -> [u64; COLUMNS] {
    // A new field must be given a column here.
    let Sum {
        calls,
        kernel_ns,
        blocked_ns,
        runnable_ns,
        copying_ns,
        outside_blocked_ns,
        outside_runnable_ns,
        other_ns,
    } = *sum;
    [
        bucket.saturating_sub(first),
        calls.into(),
        kernel_ns,
        blocked_ns,
        runnable_ns,
        copying_ns,
        outside_blocked_ns,
        outside_runnable_ns,
        other_ns,
    ]
}

impl Block {
    fn pack(buckets: &[Bucket]) -> Self {
        let first = buckets.first().map_or(0, |(bucket, _)| *bucket);
        let rows: Vec<_> = buckets.iter().map(|row| numbers(first, row)).collect();
        let mut widths = [0; COLUMNS];
        for row in &rows {
            for (width, number) in widths.iter_mut().zip(row) {
                *width = (*width).max((u64::BITS - number.leading_zeros()).div_ceil(8) as u8);
            }
        }
        let row_bytes: usize = widths.iter().map(|&width| usize::from(width)).sum();
        let mut bytes = Vec::with_capacity(row_bytes * rows.len() + WORD);
        for (column, &width) in widths.iter().enumerate() {
            for row in &rows {
                let number = row.get(column).copied().unwrap_or(0).to_le_bytes();
                bytes.extend(number.iter().take(width.into()));
            }
        }
        bytes.extend([0; WORD]);
        Self {
            first,
            last: buckets.last().map_or(0, |(bucket, _)| *bucket),
            count: rows.len() as u32,
            widths,
            bytes: bytes.into_boxed_slice(),
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.bytes.len()
    }

    fn len(&self) -> usize {
        self.count as usize
    }

    /// Adds these rows to others, column by column, with their buckets as `name` calls them.
    fn unpack<N>(&self, rows: Range<usize>, into: &mut Vec<(N, Sum)>, name: impl Fn(u64) -> N) {
        let (mut begin, mut columns) = (0, [[0; BLOCK_MAX]; COLUMNS]);
        for (column, &width) in columns.iter_mut().zip(&self.widths) {
            let width = usize::from(width);
            if width > 0 {
                for (number, row) in column.iter_mut().zip(rows.clone()) {
                    *number = self.number(begin + row * width, width);
                }
                begin += width * self.len();
            }
        }
        let [
            of,
            calls,
            kernel,
            blocked,
            runnable,
            copying,
            outside_blocked,
            outside_runnable,
            other,
        ] = columns;
        into.extend((0..rows.len().min(BLOCK_MAX)).map(|row| {
            let sum = Sum {
                calls: calls[row] as u32,
                kernel_ns: kernel[row],
                blocked_ns: blocked[row],
                runnable_ns: runnable[row],
                copying_ns: copying[row],
                outside_blocked_ns: outside_blocked[row],
                outside_runnable_ns: outside_runnable[row],
                other_ns: other[row],
            };
            (name(self.first + of[row]), sum)
        }));
    }

    /// The number of so many bytes that begins there.
    #[inline]
    fn number(&self, at: usize, width: usize) -> u64 {
        let word = self.bytes.get(at..).and_then(<[u8]>::first_chunk::<WORD>);
        let word = word.map_or(0, |word| u64::from_le_bytes(*word));
        word & (u64::MAX >> (u64::BITS as usize - 8 * width))
    }

    /// The first row of this bucket or a later one.
    fn find(&self, bucket: u64) -> usize {
        let width = usize::from(self.widths.first().copied().unwrap_or(0));
        let at = |row: usize| match width {
            0 => self.first,
            _ => self.first + self.number(row * width, width),
        };
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if at(middle) < bucket {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

impl Sums {
    /// Memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.block_bytes
            + self.tail.capacity() * size_of::<Bucket>()
            + (self.blocks.capacity() - self.blocks.len()) * size_of::<Block>()
    }

    /// That of the last bucket there is.
    pub(super) fn last(&self) -> Option<Bucket> {
        self.tail.last().copied()
    }

    /// Adds to a bucket. Returns what is complete by that, if later buckets come after all that are here: the last before
    /// this one, or this sum itself if it is not for the last.
    pub(super) fn add(&mut self, bucket: u64, sum: Sum) -> Option<Bucket> {
        match self.tail.last_mut() {
            Some((last, open)) if *last == bucket => {
                *open += sum;
                None
            }
            Some((last, _)) if *last > bucket => {
                // Something long came here before what went before it was complete below.
                self.add_before(bucket, sum);
                Some((bucket, sum))
            }
            last => {
                let complete = last.copied();
                self.tail.push((bucket, sum));
                self.pack();
                complete
            }
        }
    }

    fn add_before(&mut self, bucket: u64, sum: Sum) {
        let at = self.blocks.partition_point(|block| block.last < bucket);
        let Some(block) = self.blocks.get(at) else {
            put(&mut self.tail, bucket, sum);
            self.pack();
            return;
        };
        let mut buckets = Vec::new();
        block.unpack(0..block.len(), &mut buckets, |bucket| bucket);
        self.block_bytes -= block.bytes();
        put(&mut buckets, bucket, sum);
        let half = if buckets.len() > BLOCK_MAX {
            BLOCK
        } else {
            buckets.len()
        };
        let (one, other) = buckets.split_at(half);
        let packed = [one, other].into_iter().filter(|part| !part.is_empty());
        let packed: Vec<Block> = packed.map(Block::pack).collect();
        self.block_bytes += packed.iter().map(Block::bytes).sum::<usize>();
        self.blocks.splice(at..=at, packed);
    }

    /// Packs the oldest of the tail, once there are enough.
    fn pack(&mut self) {
        if self.tail.len() < TAIL_MAX {
            return;
        }
        let rest = self.tail.split_off(BLOCK);
        let block = Block::pack(&mem::replace(&mut self.tail, rest));
        self.block_bytes += block.bytes();
        self.blocks.push(block);
    }

    /// Those of the buckets from `first` to before `end`, in order, counted from `first`.
    pub(super) fn range(&self, first: u64, end: u64) -> Vec<(u32, Sum)> {
        let name = |bucket: u64| bucket.saturating_sub(first) as u32;
        let mut buckets = Vec::new();
        let from = self.blocks.partition_point(|block| block.last < first);
        let blocks = self.blocks.iter().skip(from);
        for block in blocks.take_while(|block| block.first < end) {
            let to = if block.last < end {
                block.len()
            } else {
                block.find(end)
            };
            block.unpack(block.find(first)..to, &mut buckets, name);
        }
        let from = self.tail.partition_point(|(bucket, _)| *bucket < first);
        let tail = self.tail.get(from..).unwrap_or_default().iter();
        let tail = tail.take_while(|(bucket, _)| *bucket < end);
        buckets.extend(tail.map(|(bucket, sum)| (name(*bucket), *sum)));
        buckets
    }
}

/// Adds to a bucket among others, which are in order.
fn put(buckets: &mut Vec<Bucket>, bucket: u64, sum: Sum) {
    match buckets.binary_search_by_key(&bucket, |(at, _)| *at) {
        Ok(at) => {
            if let Some((_, there)) = buckets.get_mut(at) {
                *there += sum;
            }
        }
        Err(at) => buckets.insert(at, (bucket, sum)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn sum(number: u64) -> Sum {
        Sum {
            calls: (number % 5) as u32,
            kernel_ns: number,
            blocked_ns: if number.is_multiple_of(7) {
                number << 20
            } else {
                0
            },
            runnable_ns: number % 300,
            copying_ns: 0,
            outside_blocked_ns: if number.is_multiple_of(1000) {
                u64::MAX >> 20
            } else {
                1
            },
            outside_runnable_ns: number & 0xffff,
            other_ns: number % 2,
        }
    }

    /// In order, with gaps, and now and then anywhere before: beside a map that is not ours.
    #[test]
    fn any_sums_come_back_as_a_plain_map_has_them() {
        for (seed, back) in [(1_u64, 0), (2, 3), (3, 40)] {
            let (mut ours, mut plain) = (Sums::default(), BTreeMap::<u64, Sum>::new());
            let (mut state, mut last) = (seed, 0);
            for step in 0..6_000 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let random = state >> 40;
                let bucket = if random % 100 < back {
                    random * 31 % (last + 1)
                } else {
                    last += match random % 50 {
                        0 => random % 5_000,
                        few => few % 3,
                    };
                    last
                };
                let before = plain.last_key_value().map(|(bucket, sum)| (*bucket, *sum));
                let complete = ours.add(bucket, sum(random));
                let wanted = match before {
                    Some((last, _)) if last == bucket => None,
                    Some((last, _)) if last > bucket => Some((bucket, sum(random))),
                    before => before,
                };
                assert_eq!(
                    complete, wanted,
                    "seed {seed}, step {step}, bucket {bucket}"
                );
                *plain.entry(bucket).or_default() += sum(random);
                let newest = plain.last_key_value().map(|(bucket, sum)| (*bucket, *sum));
                assert_eq!(ours.last(), newest, "seed {seed}, step {step}");
            }
            let all = ours.range(0, u64::MAX);
            let wanted: Vec<_> = plain.iter().map(|(at, sum)| (*at as u32, *sum)).collect();
            assert_eq!(all, wanted, "seed {seed}");
            for (first, end) in [
                (0, 1),
                (5, 400),
                (last / 3, last / 2),
                (last, last + 1),
                (9, 9),
            ] {
                let part = ours.range(first, end);
                let of_plain = plain.range(first..end);
                let wanted: Vec<_> = of_plain
                    .map(|(at, sum)| ((at - first) as u32, *sum))
                    .collect();
                assert_eq!(part, wanted, "seed {seed}, {first} to {end}");
            }
            let told: usize = ours.blocks.iter().map(Block::bytes).sum();
            assert_eq!(ours.block_bytes, told, "seed {seed}");
        }
    }

    #[test]
    fn sums_of_a_busy_lane_take_a_quarter_of_the_room() {
        let mut sums = Sums::default();
        for bucket in 0..100_000_u64 {
            let of = Sum {
                calls: 9,
                kernel_ns: 40_000 + bucket % 20_000,
                blocked_ns: 50_000 + bucket % 10_000,
                runnable_ns: bucket % 5_000,
                copying_ns: 7_000 + bucket % 1_000,
                ..Sum::default()
            };
            sums.add(bucket * 2, of);
        }
        let plain = 100_000 * size_of::<Bucket>();
        assert!(
            sums.bytes() * 4 < plain,
            "{} of {plain} bytes",
            sums.bytes()
        );
    }
}
