//! A chunk of one thread's times off the CPU, inside calls and outside.

use super::{
    columns::{Few, Small},
    track::{Chunk, Track},
    tracks::Tracks,
};
use crate::model::{OffCpu, Table, Waker, cell};

const IN_CALL: u8 = 1;
const SLEPT: u8 = 2;
const UNSEEN: u8 = 4;

/// By whom, and its name.
type Woken = (Option<Waker>, String);

/// Times off the CPU in the order of time, none overlapping another.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans {
    start_ns: Vec<u64>,
    duration_ns: Small,
    woken_after_ns: Small,
    state: Small,
    times: Small,
    cpu: Vec<u16>,
    flags: Vec<u8>,
    /// Who woke it, with the name.
    waker: Few<Woken>,
}

impl Chunk for Spans {
    fn len(&self) -> usize {
        self.start_ns.len()
    }

    #[inline]
    fn start_ns(&self, index: usize) -> u64 {
        self.start_ns.get(index).copied().unwrap_or(u64::MAX)
    }

    #[inline]
    fn duration_ns(&self, index: usize) -> u64 {
        self.duration_ns.get(index)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.start_ns.capacity() * 8
            + self.duration_ns.bytes()
            + self.woken_after_ns.bytes()
            + self.state.bytes()
            + self.times.bytes()
            + self.cpu.capacity() * 2
            + self.flags.capacity()
            + self.waker.bytes()
    }

    fn of(tracks: &Tracks) -> &Track<Self> {
        &tracks.spans
    }
}

fn flags(in_call: bool, slept: bool, unseen: bool) -> u8 {
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    flag(in_call, IN_CALL) | flag(slept, SLEPT) | flag(unseen, UNSEEN)
}

fn push_waker(column: &mut Few<Woken>, waker: Option<Waker>, name: &str) {
    let is = |known: &Woken| known.0 == waker && known.1 == name;
    column.push_like(is, || (waker, name.to_owned()));
}

impl Spans {
    /// The times off the CPU in these rows of a table, in order: as if each had been pushed.
    pub(super) fn gather(table: &Table<'_>, rows: &[u32]) -> Self {
        let rows = || rows.iter().map(|&row| row as usize);
        let off = |row| table.off(row);
        let slept = |row| table.woken_ns.get(row).is_some();
        let mut waker = Few::with_room(rows().len());
        for row in rows() {
            let by = table.waker.get(row).copied().flatten();
            push_waker(
                &mut waker,
                by,
                table.waker_comm.get(row).unwrap_or_default(),
            );
        }
        Self {
            start_ns: rows().map(|row| off(row).start_ns).collect(),
            duration_ns: Small::of(
                rows().map(|row| off(row).end_ns.saturating_sub(off(row).start_ns)),
            ),
            woken_after_ns: Small::of(rows().map(|row| off(row).blocked_ns())),
            state: Small::of(rows().map(|row| cell(table.state, row).into())),
            // Version 1 knew of no other.
            times: Small::of(rows().map(|row| table.times.get(row).unwrap_or(1).into())),
            cpu: rows().map(|row| cell(table.cpu, row)).collect(),
            flags: rows()
                .map(|row| flags(table.in_call.get(row), slept(row), table.unseen.get(row)))
                .collect(),
            waker,
        }
    }

    pub(super) fn push(&mut self, span: &OffCpu) {
        self.start_ns.push(span.start_ns);
        self.duration_ns
            .push(span.end_ns.saturating_sub(span.start_ns));
        self.woken_after_ns.push(span.blocked_ns());
        self.state.push(span.state.into());
        self.cpu.push(span.cpu);
        self.times.push(span.times.into());
        self.flags
            .push(flags(span.in_call, span.woken_ns.is_some(), span.unseen));
        push_waker(&mut self.waker, span.waker, &span.waker_comm);
    }

    /// The time off the CPU at this index, as it came in.
    pub(super) fn get(&self, index: usize, pid: u32, tid: u32) -> Option<OffCpu> {
        let start_ns = *self.start_ns.get(index)?;
        let flags = *self.flags.get(index)?;
        let woken_ns = start_ns.saturating_add(self.woken_after_ns.get(index));
        let (waker, waker_comm) = self.waker.get(index).cloned().unwrap_or_default();
        Some(OffCpu {
            pid,
            tid,
            cpu: *self.cpu.get(index)?,
            start_ns,
            woken_ns: Some(woken_ns).filter(|_| flags & SLEPT != 0),
            end_ns: start_ns.saturating_add(self.duration_ns.get(index)),
            times: self.times.get(index) as u32,
            unseen: flags & UNSEEN != 0,
            in_call: flags & IN_CALL != 0,
            state: self.state.get(index) as u32,
            waker,
            waker_comm,
        })
    }
}
