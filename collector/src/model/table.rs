//! The calls and the times off the CPU of a batch, column by column, as a file has them: for who keeps columns, and would
//! only take apart again what was put together into an [`Event`](super::Event) first.
//!
//! Whoever makes one has held it to what an event is held to: what a row of its kind must have is there, and makes sense.

use super::{Copying, Off, Ready, Timeout, Waker};

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// A [`Call`](super::Call).
    Call,
    /// An [`OffCpu`](super::OffCpu).
    OffCpu,
    /// Some [`Ready`] of the call that comes next in its thread.
    Ready,
    /// Anything else, of which nothing is here.
    Other,
}

/// One bit a row.
#[derive(Clone, Debug, Default)]
pub struct Marks(pub Vec<u8>);

impl Marks {
    /// That of a row; not set if there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> bool {
        let byte = self.0.get(row / 8).copied().unwrap_or(0);
        byte >> (row % 8) & 1 != 0
    }
}

/// Numbers of which some rows have none.
#[derive(Clone, Debug)]
pub struct Numbers<'a, T> {
    /// Those of all rows, or of none.
    pub numbers: &'a [T],
    /// Which rows have one; `None` if all do.
    pub there: Option<Marks>,
}

impl<T: Copy> Numbers<'_, T> {
    /// That of a row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<T> {
        let is_there = self.there.as_ref().is_none_or(|there| there.get(row));
        self.numbers.get(row).copied().filter(|_| is_there)
    }
}

/// Text of which little differs from row to row.
#[derive(Clone, Debug)]
pub struct Texts<'a> {
    /// Which of the texts a row has.
    pub keys: Numbers<'a, i16>,
    /// All there are.
    pub texts: Vec<&'a str>,
}

impl<'a> Texts<'a> {
    /// That of a row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&'a str> {
        let key = usize::try_from(self.keys.get(row)?).ok()?;
        self.texts.get(key).copied()
    }
}

/// The rows of a batch. What each column means is said at [`Call`](super::Call) and [`OffCpu`](super::OffCpu); those that
/// are slices have a number for each row of the kinds they belong to, and anything for others.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "they are those of a call, or of a time off the CPU"
)]
pub struct Table<'a> {
    pub kinds: Vec<RowKind>,
    /// What readiness calls found, each with its row, in order.
    pub ready: Vec<(u32, Ready)>,
    pub pid: &'a [u32],
    pub tid: &'a [u32],
    pub cpu: &'a [u16],
    pub start_ns: &'a [u64],
    pub end_ns: Vec<u64>,
    pub waker: Vec<Option<Waker>>,
    pub unseen: Marks,
    pub nr: &'a [u32],
    pub kernel_ns: &'a [u64],
    pub blocked_ns: &'a [u64],
    pub runnable_ns: &'a [u64],
    pub copying_ns: &'a [u64],
    pub copying: Vec<Copying>,
    pub sleeps: &'a [u32],
    pub preemptions: &'a [u32],
    pub first_sleep_ns: Numbers<'a, u64>,
    pub last_wake_ns: Numbers<'a, u64>,
    pub fd: Numbers<'a, i32>,
    pub descriptor: Numbers<'a, u32>,
    pub ready_delay_ns: Numbers<'a, u64>,
    pub requested: Numbers<'a, u64>,
    pub timeout: Vec<Timeout>,
    pub ret: Numbers<'a, i64>,
    pub began_before: Marks,
    pub killed: Marks,
    pub continues: Marks,
    pub others: &'a [u32],
    pub other_ns: &'a [u64],
    pub woken_ns: Numbers<'a, u64>,
    pub times: Numbers<'a, u32>,
    pub in_call: Marks,
    pub state: &'a [u32],
    pub waker_comm: Texts<'a>,
}

/// The number in a row of a column that has one in all of its kind.
#[inline]
pub fn cell<T: Copy + Default>(numbers: &[T], row: usize) -> T {
    numbers.get(row).copied().unwrap_or_default()
}

impl Table<'_> {
    /// The sum of all phases of a call.
    pub fn phases_ns(&self, row: usize) -> u64 {
        let phases = [
            self.kernel_ns,
            self.blocked_ns,
            self.runnable_ns,
            self.copying_ns,
        ];
        let of_row = phases.map(|phase| cell(phase, row));
        of_row.into_iter().fold(0, u64::saturating_add)
    }

    /// A time off the CPU.
    pub fn off(&self, row: usize) -> Off {
        Off {
            pid: cell(self.pid, row),
            tid: cell(self.tid, row),
            start_ns: cell(self.start_ns, row),
            woken_ns: self.woken_ns.get(row),
            end_ns: cell(&self.end_ns, row),
            in_call: self.in_call.get(row),
        }
    }
}
