//! A chunk of one thread's times off the CPU, inside calls and outside.

use super::{
    columns::{Few, Small},
    track::{Chunk, Track},
    tracks::Tracks,
};
use crate::model::{OffCpu, Waker};

const IN_CALL: u8 = 1;
const SLEPT: u8 = 2;
const UNSEEN: u8 = 4;

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
    waker: Few<(Option<Waker>, String)>,
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

    fn with_room(count: usize) -> Self {
        let small = || Small::with_room(count);
        Self {
            start_ns: Vec::with_capacity(count),
            duration_ns: small(),
            woken_after_ns: small(),
            state: small(),
            times: small(),
            cpu: Vec::with_capacity(count),
            flags: Vec::with_capacity(count),
            waker: Few::with_room(count),
        }
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

    fn shrink(&mut self) {
        let small = [
            &mut self.duration_ns,
            &mut self.woken_after_ns,
            &mut self.state,
            &mut self.times,
        ];
        small.into_iter().for_each(Small::shrink);
        self.start_ns.shrink_to_fit();
        self.cpu.shrink_to_fit();
        self.flags.shrink_to_fit();
        self.waker.shrink();
    }

    fn of(tracks: &Tracks) -> &Track<Self> {
        &tracks.spans
    }
}

impl Spans {
    pub(super) fn push(&mut self, span: &OffCpu) {
        let slept = span.woken_ns.is_some();
        self.start_ns.push(span.start_ns);
        self.duration_ns
            .push(span.end_ns.saturating_sub(span.start_ns));
        self.woken_after_ns.push(span.blocked_ns());
        self.state.push(span.state.into());
        self.cpu.push(span.cpu);
        self.times.push(span.times.into());
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        self.flags
            .push(flag(span.in_call, IN_CALL) | flag(slept, SLEPT) | flag(span.unseen, UNSEEN));
        self.waker.push((span.waker, span.waker_comm.clone()));
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
