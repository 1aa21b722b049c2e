//! All threads being watched, and what they share: descriptors, readiness calls by process, where records were lost.
//!
//! Memory is bounded whatever the trace. Threads beyond the bound are not watched, and nothing is found of them.

use super::again::found_nothing;
use super::batch::Epolls;
use super::herd::Herds;
use super::list::List;
use super::thread::{Found, Seen, Thread, on_of};
use super::{Finding, What};
use crate::model::{
    Call, CallKind, CallKinds, DescriptorKind, Event, Gap, Life, LifeKind, OffCpu, Whys,
    readiness as bit, recent_map::RecentMap,
};

/// Wake-ups of one call that are remembered.
const WAKES_MAX: usize = 64;
/// Threads watched at one time: one takes up to some ten kilobytes.
const THREADS_MAX: usize = 4_096;
/// Processes of which something is remembered.
const PROCESSES_MAX: usize = 4_096;

/// What is remembered of a process.
#[derive(Clone, Debug, Default)]
struct Process {
    /// Readiness calls of all its threads.
    readiness: u64,
    /// It uses `io_uring`, which reads without calls.
    uring: bool,
}

/// Finds while a trace is made. Fed with its events in the order of their end.
#[derive(Clone, Debug)]
pub struct Findings {
    kinds: CallKinds,
    whys: Whys,
    threads: RecentMap<Thread>,
    processes: RecentMap<Process>,
    herds: Herds,
    /// Wake-ups in the last call.
    wakes: Vec<u64>,
    /// Threads that ever slept in a readiness call.
    waiters: usize,
    epolls: Epolls,
    list: List,
    lost_until_ns: Option<u64>,
    /// What the rules found in one event; empty between events.
    found: Vec<Found>,
}

impl Findings {
    /// Nothing yet, of a trace with these calls.
    pub fn new(kinds: CallKinds) -> Self {
        Self {
            whys: Whys::new(kinds.clone()),
            kinds,
            threads: RecentMap::new(THREADS_MAX),
            processes: RecentMap::new(PROCESSES_MAX),
            herds: Herds::default(),
            wakes: Vec::new(),
            waiters: 0,
            epolls: Epolls::default(),
            list: List::default(),
            lost_until_ns: None,
            found: Vec::new(),
        }
    }

    /// Takes in an event.
    pub fn push(&mut self, event: &Event) {
        self.whys.push(event);
        match event {
            Event::Call(call) => self.call(call),
            Event::Descriptor(descriptor) if descriptor.closed_ns.is_some() => {
                self.herds.closed(descriptor.id);
            }
            Event::Descriptor(descriptor) if descriptor.kind == DescriptorKind::Uring => {
                let process = self.processes.get_or(descriptor.pid, Process::default);
                if let Some(process) = process {
                    process.uring = true;
                }
            }
            Event::Life(life) => self.life(life),
            Event::Gap(gap) => self.gap(gap),
            // Threads that were not tracked, and 32-bit calls, may have done what nobody was seen to do.
            Event::End(end) if end.untracked > 0 || end.compat > 0 => {
                self.lost_until_ns = Some(u64::MAX);
                self.list.lost(0, u64::MAX);
            }
            Event::Request(request) => {
                let process = self.processes.get_or(request.pid, Process::default);
                if let Some(process) = process {
                    process.uring = true;
                }
            }
            Event::OffCpu(span) => self.span(span),
            Event::Ready(_) | Event::Descriptor(_) | Event::Open(_) | Event::End(_) => {}
        }
    }

    /// Why waits end, as far as the events pushed tell.
    pub fn whys(&self) -> &Whys {
        &self.whys
    }

    fn thread(&mut self, pid: u32, tid: u32) -> Option<&mut Thread> {
        // The id was used again, and nobody told.
        if self.threads.get(tid).is_some_and(|known| known.pid != pid) {
            self.end_thread(tid);
        }
        self.threads.get_or(tid, || Thread::new(pid, tid))
    }

    fn call(&mut self, call: &Call) {
        let kind = self.kinds.of(call.nr);
        if kind == CallKind::Unknown {
            return;
        }
        let (on, behind) = match self.whys.on() {
            Some((id, behind)) => (Some(id), behind),
            None => (None, DescriptorKind::Unknown),
        };
        let mut process_readiness = None;
        if (kind.is_readiness() || kind.takes() || kind == CallKind::Uring)
            && let Some(process) = self.processes.get_or(call.pid, Process::default)
        {
            process.readiness += u64::from(kind.is_readiness());
            process.uring |= kind == CallKind::Uring;
            process_readiness = Some(process.readiness);
        }
        let alone = kind == CallKind::Epoll && on.is_some_and(|id| self.epolls.alone(id, call.tid));
        if self.thread(call.pid, call.tid).is_none() {
            return;
        }
        let Some(thread) = self.threads.get_mut(call.tid) else {
            return;
        };
        let seen = Seen {
            call,
            kind,
            on,
            behind,
            alone,
            process_readiness,
            lost_until_ns: self.lost_until_ns,
            known: self.whys.descriptors(),
        };
        thread.call(&seen, self.whys.ready(), &mut self.found);
        self.wakes.clear();
        self.wakes.append(&mut thread.wakes);
        if kind.is_readiness() && call.sleeps > 0 && !std::mem::replace(&mut thread.waits, true) {
            self.waiters += 1;
        }
        if !self.found.is_empty() {
            self.keep(call.tid);
        }
        self.herd(kind, call, on);
    }

    /// A wake-up in a call: whether it was in vain, the call's end tells.
    fn span(&mut self, span: &OffCpu) {
        if self.waiters < 2 || !span.in_call {
            return;
        }
        if let Some(woken_ns) = span.woken_ns
            && let Some(thread) = self.threads.get_mut(span.tid)
            && thread.wakes.len() < WAKES_MAX
        {
            thread.wakes.push(woken_ns);
        }
    }

    fn herd(&mut self, kind: CallKind, call: &Call, on: Option<u32>) {
        if self.waiters < 2 {
            return;
        }
        if kind.takes()
            && let Some(id) = on
        {
            let got = !found_nothing(kind, call);
            let root = self.whys.descriptors().root(id);
            self.herds.asked(root, call.tid, got);
        }
        if !kind.is_readiness() || call.sleeps == 0 {
            return;
        }
        let Some(wake_ns) = call.last_wake_ns else {
            return;
        };
        if call.sleeps > 1 {
            let earlier = self.wakes.iter().filter(|&&earlier| earlier < wake_ns);
            for &in_vain_ns in earlier {
                self.herds.slept_on(call.tid, in_vain_ns);
            }
        }
        for entry in self.whys.ready() {
            if let Some(id) = entry.descriptor.filter(|_| entry.ready & bit::IN != 0) {
                let root = self.whys.descriptors().root(id);
                self.herds.woken(root, call.pid, call.tid, wake_ns);
            }
        }
    }

    /// Gives what the rules found of this thread to the list.
    fn keep(&mut self, tid: u32) {
        let Some(thread) = self.threads.get(tid) else {
            self.found.clear();
            return;
        };
        let uring = self
            .processes
            .get(thread.pid)
            .is_none_or(|process| process.uring);
        for found in self.found.drain(..) {
            let unacted = matches!(
                found.what,
                What::Spin(_) | What::NeverRead(_) | What::HangUpIgnored(_)
            );
            let lost = found.what.needs_all_records()
                && self
                    .lost_until_ns
                    .is_some_and(|lost| found.start_ns <= lost);
            if !(lost || uring && unacted) {
                self.list
                    .add(thread.finding(found, self.whys.descriptors()));
            }
        }
    }

    fn end_thread(&mut self, tid: u32) {
        let Some(thread) = self.threads.get_mut(tid) else {
            return;
        };
        thread.finish(&self.kinds, self.whys.descriptors(), &mut self.found);
        self.keep(tid);
        self.threads.remove(tid);
    }

    fn life(&mut self, life: &Life) {
        match life.kind {
            LifeKind::Began => self.end_thread(life.tid),
            LifeKind::Exec => {
                let gone: Vec<u32> = self
                    .threads
                    .iter()
                    .filter(|(_, thread)| thread.pid == life.pid)
                    .map(|(tid, _)| *tid)
                    .collect();
                gone.into_iter().for_each(|tid| self.end_thread(tid));
            }
            LifeKind::Found | LifeKind::Renamed | LifeKind::Ended => {}
        }
        if let Some(thread) = self.thread(life.pid, life.tid) {
            thread.rename(&life.name);
        }
        if life.kind == LifeKind::Ended {
            self.end_thread(life.tid);
        }
    }

    fn gap(&mut self, gap: &Gap) {
        self.lost_until_ns = self.lost_until_ns.max(Some(gap.end_ns));
        self.list.lost(gap.start_ns, gap.end_ns);
    }

    /// All that was found, the worst first. No events follow.
    pub fn finish(mut self) -> Vec<Finding> {
        let mut tids: Vec<u32> = self.threads.iter().map(|(tid, _)| *tid).collect();
        tids.sort_unstable();
        let herds = self.herds.finish();
        for (pid, tid, found) in herds {
            let thread = self.threads.get(tid).filter(|thread| thread.pid == pid);
            let finding = Finding {
                what: found.what,
                pid,
                tid,
                thread: thread.and_then(|thread| thread.name.clone()),
                on: found.on.and_then(|id| on_of(id, self.whys.descriptors())),
                start_ns: found.start_ns,
                end_ns: found.end_ns,
                times: 1,
                inferred: found.inferred,
            };
            self.list.add(finding);
        }
        tids.into_iter().for_each(|tid| self.end_thread(tid));
        self.list.finish()
    }
}
