//! A chunk of items out of the columns of a batch: one column at a time, and no item is ever whole.
//!
//! It must come to what pushing the same items one by one comes to.

use super::{
    Absence, BEGAN_BEFORE, BLOCK, CONTINUES, Few, Found, Items, KILLED, OUTSIDE, Small, UNSEEN,
    flags, flags_of, number, one_more,
};
use crate::model::{Copying, Ready, RowKind, Sum, Table, Timeout, cell};

impl Items {
    /// The items in these rows, which are calls and times off the CPU outside calls, in order; what calls found, each
    /// with the place of its call.
    pub(in crate::store) fn gather(
        table: &Table<'_>,
        rows: &[u32],
        ready: &[(u32, Ready)],
    ) -> Self {
        let of = Gather { table, rows };
        let mut items = Self {
            start_ns: of.each(|row| cell(table.start_ns, row)).collect(),
            duration_ns: of.small(|row| {
                let (start_ns, end_ns) = (cell(table.start_ns, row), cell(&table.end_ns, row));
                end_ns.saturating_sub(start_ns)
            }),
            blocked_ns: of.small(|row| match of.is_call(row) {
                true => cell(table.blocked_ns, row),
                false => table.off(row).blocked_ns(),
            }),
            runnable_ns: of.small(|row| match of.is_call(row) {
                true => cell(table.runnable_ns, row),
                false => table.off(row).runnable_ns(),
            }),
            copying_ns: of.calls(|row| cell(table.copying_ns, row)),
            other_ns: of.calls(|row| cell(table.other_ns, row)),
            others: of.calls(|row| cell(table.others, row).into()),
            copy_after_ns: of.calls(|row| {
                let start_ns = of.copying(row).start_ns();
                start_ns.map_or(0, |at| at.saturating_sub(cell(table.start_ns, row)))
            }),
            requested: of.calls(|row| table.requested.get(row).unwrap_or(0)),
            ret: of.calls(|row| table.ret.get(row).unwrap_or(0).unsigned_abs()),
            fd: of
                .each(|row| table.fd.get(row).filter(|_| of.is_call(row)))
                .map(Option::unwrap_or_default)
                .collect(),
            descriptor: of.calls(|row| one_more(table.descriptor.get(row).map(u64::from))),
            ready_delay_ns: of.calls(|row| one_more(table.ready_delay_ns.get(row))),
            nr: of
                .each(|row| match of.is_call(row) {
                    true => number(cell(table.nr, row)),
                    false => OUTSIDE,
                })
                .collect(),
            cpu: of.each(|row| cell(table.cpu, row)).collect(),
            flags: of.each(|row| of.flags(row)).collect(),
            timeout: of.timeouts(),
            absences: of.absences(),
            ready: (ready.iter())
                .map(|(at, ready)| Found::of(*at, ready))
                .collect(),
            ..Self::default()
        };
        items.add_up();
        items
    }

    /// Makes the sums of all blocks.
    fn add_up(&mut self) {
        let all = self.start_ns.len();
        for from in (0..all).step_by(BLOCK) {
            let to = all.min(from + BLOCK);
            let mut sum = Sum::default();
            (from..to).for_each(|at| sum += self.one(at));
            self.total += sum;
            if to - from == BLOCK {
                self.sums.push(sum);
            } else {
                self.last_sum = sum;
            }
        }
    }
}

/// Some rows of a table.
struct Gather<'a> {
    table: &'a Table<'a>,
    rows: &'a [u32],
}

impl<'a> Gather<'a> {
    fn each<T, F: Fn(usize) -> T>(&self, of: F) -> impl Iterator<Item = T> + use<'a, T, F> {
        self.rows.iter().map(move |&row| of(row as usize))
    }

    fn small(&self, of: impl Fn(usize) -> u64) -> Small {
        Small::of(self.each(of))
    }

    /// A column in which times off the CPU have nothing.
    fn calls(&self, of: impl Fn(usize) -> u64) -> Small {
        self.small(|row| if self.is_call(row) { of(row) } else { 0 })
    }

    fn is_call(&self, row: usize) -> bool {
        self.table.kinds.get(row) == Some(&RowKind::Call)
    }

    fn copying(&self, row: usize) -> Copying {
        let copying = self.table.copying.get(row);
        copying.copied().unwrap_or(Copying::None)
    }

    fn timeouts(&self) -> Few<Timeout> {
        let mut timeouts = Few::with_room(self.rows.len());
        let timeout = |row: usize| {
            let timeout = self.table.timeout.get(row).filter(|_| self.is_call(row));
            timeout.copied().unwrap_or(Timeout::Unknown)
        };
        self.each(timeout)
            .for_each(|timeout| timeouts.push(timeout));
        timeouts
    }

    fn flags(&self, row: usize) -> u16 {
        if !self.is_call(row) {
            return 0;
        }
        let table = self.table;
        let has_fd = table.fd.get(row).is_some();
        let has_requested = table.requested.get(row).is_some();
        flags([
            (table.began_before.get(row), BEGAN_BEFORE),
            (table.killed.get(row), KILLED),
            (table.continues.get(row), CONTINUES),
            (table.unseen.get(row), UNSEEN),
        ]) | flags_of(self.copying(row), has_fd, has_requested, table.ret.get(row))
    }

    fn absences(&self) -> Vec<Absence> {
        let table = self.table;
        let mut absences = Vec::new();
        for (index, &row) in (0..).zip(self.rows) {
            let row = row as usize;
            let (sleeps, preemptions) = (cell(table.sleeps, row), cell(table.preemptions, row));
            let waker = table.waker.get(row).copied().flatten();
            let is_absent = sleeps > 0 || preemptions > 0 || waker.is_some();
            if self.is_call(row) && is_absent {
                absences.push(Absence {
                    index,
                    sleeps,
                    preemptions,
                    first_sleep_ns: table.first_sleep_ns.get(row),
                    last_wake_ns: table.last_wake_ns.get(row),
                    waker,
                });
            }
        }
        absences.shrink_to_fit();
        absences
    }
}
