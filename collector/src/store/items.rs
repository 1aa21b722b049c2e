//! A chunk of one thread's items: its calls, and its times off the CPU outside calls.
//!
//! Column by column, so that a call takes some 50 bytes; with sums over blocks of 64, so that a wide
//! bucket costs no more than a narrow one. Everything a [`Call`] holds can be had back.

mod gather;

use std::ops::Range;

use super::{
    Filter,
    columns::{Few, Small},
    track::{Chunk, Track},
    tracks::Tracks,
};
use crate::model::{Call, Copying, OffCpu, Ready, Sum, Timeout, Waker};

/// Items that one sum is kept of.
const BLOCK: usize = 64;
/// In the column of numbers: no call, but a time off the CPU outside calls.
const OUTSIDE: u16 = u16::MAX;

const BEGAN_BEFORE: u16 = 1;
const KILLED: u16 = 2;
const CONTINUES: u16 = 4;
const COPYING_SEEN: u16 = 8;
const COPYING_INFERRED: u16 = 16;
const HAS_FD: u16 = 32;
const HAS_REQUESTED: u16 = 64;
const HAS_RET: u16 = 128;
const RET_NEGATIVE: u16 = 256;
const UNSEEN: u16 = 512;

/// What only calls have in which the thread left the CPU.
#[derive(Clone, Debug)]
struct Absence {
    index: u32,
    sleeps: u32,
    preemptions: u32,
    first_sleep_ns: Option<u64>,
    last_wake_ns: Option<u64>,
    waker: Option<Waker>,
}

/// What only readiness calls have: see [`Ready`].
#[derive(Clone, Debug)]
struct Found {
    index: u32,
    fd: Option<i32>,
    descriptor: Option<u32>,
    asked: Option<u32>,
    ready: u32,
}

impl Found {
    fn of(index: u32, ready: &Ready) -> Self {
        Self {
            index,
            fd: ready.fd,
            descriptor: ready.descriptor,
            asked: ready.asked,
            ready: ready.ready,
        }
    }
}

/// Items in the order of time, none overlapping another.
#[derive(Clone, Debug, Default)]
pub(super) struct Items {
    start_ns: Vec<u64>,
    duration_ns: Small,
    blocked_ns: Small,
    runnable_ns: Small,
    copying_ns: Small,
    other_ns: Small,
    others: Small,
    /// Since the start.
    copy_after_ns: Small,
    requested: Small,
    /// Its size; the sign is a flag.
    ret: Small,
    fd: Vec<i32>,
    /// One more than its number; 0 if it is not known.
    descriptor: Small,
    /// One more than the delay; 0 if it is not known.
    ready_delay_ns: Small,
    nr: Vec<u16>,
    cpu: Vec<u16>,
    flags: Vec<u16>,
    timeout: Few<Timeout>,
    absences: Vec<Absence>,
    ready: Vec<Found>,
    /// Of whole blocks.
    sums: Vec<Sum>,
    /// Of the block that is not whole yet.
    last_sum: Sum,
    total: Sum,
}

impl Chunk for Items {
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
        let small = [
            &self.duration_ns,
            &self.blocked_ns,
            &self.runnable_ns,
            &self.copying_ns,
            &self.other_ns,
            &self.others,
            &self.copy_after_ns,
            &self.requested,
            &self.ret,
            &self.descriptor,
            &self.ready_delay_ns,
        ];
        size_of::<Self>()
            + self.start_ns.capacity() * 8
            + small.iter().map(|column| column.bytes()).sum::<usize>()
            + self.fd.capacity() * 4
            + (self.nr.capacity() + self.cpu.capacity() + self.flags.capacity()) * 2
            + self.timeout.bytes()
            + self.absences.capacity() * size_of::<Absence>()
            + self.ready.capacity() * size_of::<Found>()
            + self.sums.capacity() * size_of::<Sum>()
    }

    fn of(tracks: &Tracks) -> &Track<Self> {
        &tracks.items
    }
}

/// Those that are on.
fn flags<const N: usize>(of: [(bool, u16); N]) -> u16 {
    let on = of.into_iter().filter(|(on, _)| *on);
    on.fold(0, |flags, (_, bit)| flags | bit)
}

/// What the flags say of a call's other cells.
fn flags_of(copying: Copying, has_fd: bool, has_requested: bool, ret: Option<i64>) -> u16 {
    flags([
        (matches!(copying, Copying::Seen(_)), COPYING_SEEN),
        (matches!(copying, Copying::Inferred(_)), COPYING_INFERRED),
        (has_fd, HAS_FD),
        (has_requested, HAS_REQUESTED),
        (ret.is_some(), HAS_RET),
        (ret.is_some_and(|ret| ret < 0), RET_NEGATIVE),
    ])
}

/// How the column of numbers holds that of a call. The table of names ends at 1024; beyond it all are the same unknown
/// number.
fn number(nr: u32) -> u16 {
    u16::try_from(nr).unwrap_or(OUTSIDE).min(OUTSIDE - 1)
}

/// How a column of numbers holds one that may be missing.
fn one_more(number: Option<u64>) -> u64 {
    number.map_or(0, |number| number.saturating_add(1))
}

impl Items {
    pub(super) fn push_call(&mut self, call: &Call) {
        let flags = flags([
            (call.began_before, BEGAN_BEFORE),
            (call.killed, KILLED),
            (call.continues, CONTINUES),
            (call.unseen, UNSEEN),
        ]) | flags_of(
            call.copying,
            call.fd.is_some(),
            call.requested.is_some(),
            call.ret,
        );
        if call.sleeps > 0 || call.preemptions > 0 || call.waker.is_some() {
            self.absences.push(Absence {
                index: self.len() as u32,
                sleeps: call.sleeps,
                preemptions: call.preemptions,
                first_sleep_ns: call.first_sleep_ns,
                last_wake_ns: call.last_wake_ns,
                waker: call.waker,
            });
        }
        self.blocked_ns.push(call.blocked_ns);
        self.runnable_ns.push(call.runnable_ns);
        self.copying_ns.push(call.copying_ns);
        self.other_ns.push(call.other_ns);
        self.others.push(call.others.into());
        let copy_after_ns = call
            .copying
            .start_ns()
            .map(|at| at.saturating_sub(call.start_ns));
        self.copy_after_ns.push(copy_after_ns.unwrap_or(0));
        self.requested.push(call.requested.unwrap_or(0));
        self.ret.push(call.ret.unwrap_or(0).unsigned_abs());
        self.fd.push(call.fd.unwrap_or(0));
        self.descriptor
            .push(one_more(call.descriptor.map(u64::from)));
        self.ready_delay_ns.push(one_more(call.ready_delay_ns));
        self.nr.push(number(call.nr));
        self.cpu.push(call.cpu);
        self.flags.push(flags);
        self.timeout.push(call.timeout);
        self.seal(call.start_ns, call.duration_ns(), Sum::of_call(call));
    }

    /// A time off the CPU outside calls: its details are in the track of spans.
    pub(super) fn push_outside(&mut self, span: &OffCpu) {
        self.blocked_ns.push(span.blocked_ns());
        self.runnable_ns.push(span.runnable_ns());
        let zeros = [
            &mut self.copying_ns,
            &mut self.other_ns,
            &mut self.others,
            &mut self.copy_after_ns,
            &mut self.requested,
            &mut self.ret,
            &mut self.descriptor,
            &mut self.ready_delay_ns,
        ];
        zeros.into_iter().for_each(|column| column.push(0));
        self.fd.push(0);
        self.nr.push(OUTSIDE);
        self.cpu.push(span.cpu);
        self.flags.push(0);
        self.timeout.push(Timeout::Unknown);
        let duration_ns = span.end_ns.saturating_sub(span.start_ns);
        self.seal(span.start_ns, duration_ns, Sum::of_outside(&span.into()));
    }

    /// Ends the push of an item whose other columns are filled.
    fn seal(&mut self, start_ns: u64, duration_ns: u64, sum: Sum) {
        self.start_ns.push(start_ns);
        self.duration_ns.push(duration_ns);
        self.last_sum += sum;
        self.total += sum;
        if self.len().is_multiple_of(BLOCK) {
            self.sums.push(std::mem::take(&mut self.last_sum));
        }
    }

    pub(super) fn is_call(&self, index: usize) -> bool {
        self.nr.get(index).is_some_and(|&nr| nr != OUTSIDE)
    }

    /// What the items from `from` to before `to` add up to.
    pub(super) fn sum(&self, from: usize, to: usize) -> Sum {
        let mut sum = Sum::default();
        if from == 0 && to >= self.len() {
            return self.total;
        }
        let mut at = from;
        while at < to {
            if at.is_multiple_of(BLOCK) && at + BLOCK <= to {
                sum += self.sums.get(at / BLOCK).copied().unwrap_or_default();
                at += BLOCK;
            } else {
                sum += self.one(at);
                at += 1;
            }
        }
        sum
    }

    /// What one item adds up to.
    pub(super) fn one(&self, index: usize) -> Sum {
        let (blocked_ns, runnable_ns) = (self.blocked_ns.get(index), self.runnable_ns.get(index));
        if !self.is_call(index) {
            return Sum {
                outside_blocked_ns: blocked_ns,
                outside_runnable_ns: runnable_ns,
                ..Sum::default()
            };
        }
        Sum {
            calls: 1,
            kernel_ns: self.kernel_ns(index),
            blocked_ns,
            runnable_ns,
            copying_ns: self.copying_ns.get(index),
            other_ns: self.other_ns.get(index),
            ..Sum::default()
        }
    }

    /// Those that begin in a stretch of time.
    pub(super) fn between(&self, from_ns: u64, to_ns: u64) -> Range<usize> {
        let at = |ns| self.start_ns.partition_point(|&start_ns| start_ns < ns);
        at(from_ns)..at(to_ns)
    }

    /// What stood behind the descriptor that a call works on.
    pub(super) fn descriptor(&self, index: usize) -> Option<u32> {
        let id = self.descriptor.get(index).checked_sub(1)?;
        u32::try_from(id).ok()
    }

    /// Whether it is a call as the filter wants it, but for lane and time.
    #[inline]
    pub(super) fn matches(&self, index: usize, filter: &Filter) -> bool {
        let duration_ns = self.duration_ns.get(index);
        self.is_call(index)
            && (filter.least_ns..=filter.most_ns).contains(&duration_ns)
            && filter
                .nr
                .is_none_or(|nr| self.nr.get(index).is_some_and(|&own| u32::from(own) == nr))
            && filter
                .descriptor
                .is_none_or(|id| self.descriptor(index) == Some(id))
            && filter.failed.is_none_or(|failed| {
                let flags = self.flags.get(index).copied().unwrap_or(0);
                flags & HAS_RET != 0 && (flags & RET_NEGATIVE != 0) == failed
            })
    }

    /// Adds what the next call to be pushed waited for and found.
    pub(super) fn push_ready(&mut self, ready: &Ready) {
        self.ready.push(Found::of(self.len() as u32, ready));
    }

    /// What the call at this index waited for and found.
    pub(super) fn ready(&self, call: &Call, index: usize) -> Vec<Ready> {
        let index = index as u32;
        let from = self.ready.partition_point(|found| found.index < index);
        let found = self.ready.get(from..).unwrap_or_default().iter();
        found
            .take_while(|found| found.index == index)
            .map(|found| Ready {
                pid: call.pid,
                tid: call.tid,
                call_start_ns: call.start_ns,
                fd: found.fd,
                descriptor: found.descriptor,
                asked: found.asked,
                ready: found.ready,
            })
            .collect()
    }

    /// What is left of the duration: phases sum to it, or the call would not be here.
    fn kernel_ns(&self, index: usize) -> u64 {
        self.duration_ns
            .get(index)
            .saturating_sub(self.blocked_ns.get(index))
            .saturating_sub(self.runnable_ns.get(index))
            .saturating_sub(self.copying_ns.get(index))
    }

    /// The call at this index, as it came in; `None` if it is no call.
    pub(super) fn call(&self, index: usize, pid: u32, tid: u32) -> Option<Call> {
        let nr = *self.nr.get(index).filter(|&&nr| nr != OUTSIDE)?;
        let flags = *self.flags.get(index)?;
        let has = |bit: u16| flags & bit != 0;
        let start_ns = *self.start_ns.get(index)?;
        let copy_ns = start_ns.saturating_add(self.copy_after_ns.get(index));
        let copying = if has(COPYING_SEEN) {
            Copying::Seen(copy_ns)
        } else if has(COPYING_INFERRED) {
            Copying::Inferred(copy_ns)
        } else {
            Copying::None
        };
        let ret = self.ret.get(index);
        let ret = if has(RET_NEGATIVE) {
            0_i64.wrapping_sub_unsigned(ret)
        } else {
            ret as i64
        };
        let absence = self
            .absences
            .binary_search_by_key(&(index as u32), |absence| absence.index)
            .ok()
            .and_then(|at| self.absences.get(at));
        Some(Call {
            pid,
            tid,
            cpu: *self.cpu.get(index)?,
            nr: nr.into(),
            start_ns,
            end_ns: start_ns.saturating_add(self.duration_ns.get(index)),
            kernel_ns: self.kernel_ns(index),
            blocked_ns: self.blocked_ns.get(index),
            runnable_ns: self.runnable_ns.get(index),
            copying_ns: self.copying_ns.get(index),
            copying,
            sleeps: absence.map_or(0, |absence| absence.sleeps),
            preemptions: absence.map_or(0, |absence| absence.preemptions),
            first_sleep_ns: absence.and_then(|absence| absence.first_sleep_ns),
            last_wake_ns: absence.and_then(|absence| absence.last_wake_ns),
            waker: absence.and_then(|absence| absence.waker),
            fd: self.fd.get(index).copied().filter(|_| has(HAS_FD)),
            descriptor: self.descriptor(index),
            ready_delay_ns: self.ready_delay_ns.get(index).checked_sub(1),
            requested: Some(self.requested.get(index)).filter(|_| has(HAS_REQUESTED)),
            timeout: self.timeout.get(index).copied().unwrap_or(Timeout::Unknown),
            ret: Some(ret).filter(|_| has(HAS_RET)),
            began_before: has(BEGAN_BEFORE),
            killed: has(KILLED),
            continues: has(CONTINUES),
            unseen: has(UNSEEN),
            others: u32::try_from(self.others.get(index)).unwrap_or(u32::MAX),
            other_ns: self.other_ns.get(index),
        })
    }
}
