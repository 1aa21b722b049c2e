//! A process being traced: from its programs' records to events, until it ends.
//!
//! The only holder of the loaded programs. It decides nothing about what becomes of the events.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use nix::time::{ClockId, clock_gettime};
use probe_ebpf::{Counters, FD_CLOSED_RANGE, Thread};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    failure::Unsupported,
    kernel::{Machine, Offsets, btf},
    load::{Probe, Wish},
    open_files, seed,
    target::Target,
};
use crate::model::{Arch, End, Event, Intake, Life, LifeKind, OpenThread, Record, Trace};

/// Threads looked at in one go for what they are doing; more would make a tick cost more than it tells.
const OPEN_MAX: usize = 4096;

/// Options of a trace.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Trace children too.
    pub follow: bool,
    /// Let the kernel side log what it does.
    pub verbose: bool,
    /// How much to record.
    pub detail: Detail,
}

/// How much to record: each has all that the ones before it have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Calls with their phases, and times off the CPU.
    Phases,
    /// What stands behind descriptors, and how long data lay unread.
    Names,
    /// What readiness calls were asked for and found.
    #[default]
    All,
}

/// A process being traced.
pub struct Session {
    probe: Probe,
    intake: Intake,
    target: Target,
    trace: Trace,
    /// Live threads: their process and name.
    threads: BTreeMap<u32, (u32, String)>,
    /// What those that slept when tracing began were doing, as long as the programs have not seen them.
    seeds: HashMap<u32, Thread>,
    /// Entries of the ring that were no records, which can't be.
    foreign: u64,
    /// Events from before the first drain: the threads and descriptors that were there.
    waiting: Vec<Event>,
    /// Records that were taken from the ring while those were looked at.
    early: VecDeque<Record>,
}

/// The sums over all CPUs, from the programs themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records made.
    pub made: u64,
    /// Records lost.
    pub lost: u64,
    /// Threads that could not be tracked.
    pub untracked: u64,
    /// 32-bit calls, not recorded.
    pub compat: u64,
    /// Times off the CPU that are inferred, for their switches went unseen.
    pub unseen: u64,
}

/// How a session ended. `end.made = delivered + end.lost`.
#[derive(Clone, Copy, Debug)]
pub struct Finished {
    /// The sums over all CPUs.
    pub end: End,
    /// Records taken in.
    pub delivered: u64,
    /// Of those, how many contradicted themselves and were left out; there should be none.
    pub unsound: u64,
}

impl Session {
    /// Loads, attaches, arms, and looks at what the target's threads were doing.
    pub fn begin(target: Target, options: Options) -> Result<Self> {
        let machine = Machine::read()?;
        let arch = Arch::from_machine(&machine.arch).ok_or_else(|| {
            Unsupported::new(
                "attach",
                format!(
                    "the architecture {} is not known to waitscope",
                    machine.arch
                ),
                "x86_64 and aarch64 are",
            )
        })?;
        let btf = btf().map_err(|error| Unsupported::without_types(&error))?;
        let offsets =
            Offsets::resolve(&btf, arch).map_err(|error| Unsupported::without_types(&error))?;
        drop(btf);
        let wish = Wish {
            pid: target.pid(),
            follow: options.follow,
            verbose: options.verbose,
            detail: options.detail,
        };
        let mut probe = Probe::load(wish, arch, &offsets)?;
        target.ensure_same()?;

        let (start_boot_ns, start_unix_ns) = both_clocks()?;
        probe.arm(start_boot_ns)?;
        let trace = Trace {
            pid: target.pid(),
            command: target.command().to_owned(),
            host: machine.host,
            kernel: machine.release,
            arch: machine.arch,
            start_boot_ns,
            start_unix_ns,
            backend: "tp_btf".to_owned(),
            follow: options.follow,
        };
        let mut session = Self {
            probe,
            intake: Intake::new(arch, start_boot_ns),
            target,
            trace,
            threads: BTreeMap::new(),
            seeds: HashMap::new(),
            foreign: 0,
            waiting: Vec::new(),
            early: VecDeque::new(),
        };
        let found = session.find_threads();
        // Most likely it ended between the two.
        found.or_else(|error| session.target.ensure_same().and(Err(error)))?;
        if options.detail >= Detail::Names {
            session.find_open_files();
        }
        Ok(session)
    }

    /// What the target has open. While that is read it may open and close: what came of it is in the ring by now,
    /// and a number that it used anew may have meant something else before.
    fn find_open_files(&mut self) {
        let pid = self.target.pid();
        let mut found = open_files::of(pid);
        while let Some(record) = self.probe.next(&mut self.foreign) {
            if let Record::Fd(fd) = &record {
                let touched = fd.fd..=fd.fd.max(if fd.what == FD_CLOSED_RANGE {
                    fd.other
                } else {
                    fd.fd
                });
                found.retain(|one| fd.head.pid != pid || !touched.contains(&one.fd));
            }
            self.early.push_back(record);
        }
        for one in found {
            self.intake.found(pid, one, &mut self.waiting);
        }
    }

    fn find_threads(&mut self) -> Result<()> {
        let pid = self.target.pid();
        for found in seed::threads(pid)? {
            if let Some(seed) = found.seed {
                self.probe.seed(found.tid, seed);
                let thread = seed::asleep(pid, found.tid, self.trace.start_boot_ns, seed);
                self.seeds.insert(found.tid, thread);
            }
            self.threads.insert(found.tid, (pid, found.name.clone()));
            self.waiting.push(Event::Life(Life {
                pid,
                tid: found.tid,
                at_ns: 0,
                kind: LifeKind::Found,
                name: found.name,
            }));
        }
        Ok(())
    }

    /// What holds for the whole trace.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Nanoseconds since the trace began.
    pub fn now_ns(&self) -> Result<u64> {
        Ok(self.intake.relative_ns(boot_ns()?))
    }

    /// Threads that are traced and have not ended, as far as the ring was drained.
    pub fn live_threads(&self) -> usize {
        self.threads.len()
    }

    /// Whether the target has ended.
    pub fn has_ended(&self) -> bool {
        self.target.has_ended()
    }

    /// Waits until the ring wants to be drained, the target ends, or the time is over.
    pub fn wait(&self, at_most: Duration) -> Result<()> {
        let timeout = Timespec {
            tv_sec: at_most.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: at_most.subsec_nanos().into(),
        };
        let ring = self.probe.ring().as_fd();
        let mut fds = vec![PollFd::new(&ring, PollFlags::IN)];
        // A target that has ended stays readable: with it, nobody would wait for its children.
        if !self.has_ended() {
            fds.push(PollFd::new(self.target.pidfd(), PollFlags::IN));
        }
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error).context("wait for the kernel's records"),
        }
    }

    /// Appends what has happened since the last time, at most `at_most` records of it. Returns
    /// whether that was all.
    pub fn drain(&mut self, events: &mut Vec<Event>, at_most: usize) -> bool {
        events.append(&mut self.waiting);
        for _ in 0..at_most {
            let early = self.early.pop_front();
            let Some(record) = early.or_else(|| self.probe.next(&mut self.foreign)) else {
                return true;
            };
            let from = events.len();
            self.intake.take(&record, events);
            for event in events.get(from..).unwrap_or_default() {
                match event {
                    Event::Life(life) => {
                        follow_life(&mut self.threads, life);
                        self.seeds.remove(&life.tid);
                        if life.kind == LifeKind::Ended
                            && !self.threads.values().any(|(pid, _)| *pid == life.pid)
                        {
                            self.probe.forget(life.pid);
                        }
                    }
                    // A thread's first word may be among what was lost.
                    Event::Call(call) if self.intake.lost() > 0 => {
                        let unnamed = || (call.pid, String::new());
                        self.threads.entry(call.tid).or_insert_with(unnamed);
                    }
                    _ => {}
                }
            }
        }
        false
    }

    /// Appends the threads' new names, where they have changed.
    pub fn rename(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let at_ns = self.now_ns()?;
        let mut gone = Vec::new();
        for (&tid, (pid, known)) in self.threads.iter_mut().take(OPEN_MAX) {
            match seed::name(*pid, tid) {
                Some(name) if name != *known => {
                    known.clone_from(&name);
                    let kind = LifeKind::Renamed;
                    events.push(Event::Life(Life {
                        pid: *pid,
                        tid,
                        at_ns,
                        kind,
                        name,
                    }));
                }
                Some(_) => {}
                None => gone.push(tid),
            }
        }
        // The record of its end may have been lost, and a trace must not wait for it.
        for tid in gone {
            self.threads.remove(&tid);
        }
        Ok(())
    }

    /// Appends what the programs were still handing over when they were disarmed. A CPU that was taken
    /// away in the middle of one may need some milliseconds.
    fn settle(&mut self, events: &mut Vec<Event>) -> Result<Vec<Counters>> {
        const PATIENCE: Duration = Duration::from_secs(1);
        let began = Instant::now();
        loop {
            std::thread::sleep(Duration::from_millis(1));
            while !self.drain(events, usize::MAX) {}
            let counters = self.probe.counters()?;
            let Totals { made, lost, .. } = sum(&counters);
            let (delivered, _) = self.taken();
            if made == delivered + self.foreign + lost || began.elapsed() > PATIENCE {
                return Ok(counters);
            }
        }
    }

    /// What the threads are doing now.
    pub fn open(&mut self) -> Result<Vec<OpenThread>> {
        // The clock after the table, so that nothing in it lies ahead of the clock.
        self.open_at(boot_ns)
    }

    fn open_at(&mut self, clock: impl Fn() -> Result<u64>) -> Result<Vec<OpenThread>> {
        let mut open = Vec::new();
        for &tid in self.threads.keys().take(OPEN_MAX) {
            let thread = self.probe.thread(tid);
            if thread.is_some() {
                self.seeds.remove(&tid);
            }
            if let Some(thread) = thread.or_else(|| self.seeds.get(&tid).copied()) {
                open.extend(self.intake.open_thread(&thread, clock()?));
            }
        }
        Ok(open)
    }

    /// The sums over all CPUs.
    pub fn totals(&self) -> Result<Totals> {
        Ok(sum(&self.probe.counters()?))
    }

    /// Records taken in, and records that contradicted themselves.
    pub fn taken(&self) -> (u64, u64) {
        (
            self.intake.delivered(),
            self.intake.unsound() + self.foreign,
        )
    }

    /// The log of the kernel side, for `--verbose`.
    pub fn logger(&mut self) -> Result<aya_log::EbpfLogger<&'static dyn log::Log>> {
        self.probe.logger()
    }

    /// Stops recording, and appends all that is left, what is still open, and the end.
    pub fn finish(mut self, events: &mut Vec<Event>) -> Result<Finished> {
        self.probe.disarm()?;
        let end_boot_ns = boot_ns()?;
        let counters = self.settle(events)?;
        // A program that was under way took its time a hair after that.
        let at_ns = self
            .intake
            .relative_ns(end_boot_ns)
            .max(self.intake.last_ns());
        // Nothing changes the table any more.
        let open = self.open_at(|| Ok(end_boot_ns))?;
        let totals = sum(&counters);
        let lost_by_cpu: Vec<u64> = counters.iter().map(|cpu| cpu.lost).collect();
        self.intake.finish(events);
        self.intake.tail_gaps(at_ns, &lost_by_cpu, events);
        events.extend(open.into_iter().map(Event::Open));
        for request in self.probe.requests() {
            events.push(Event::Request(self.intake.request(&request)));
        }
        let Totals {
            made,
            lost,
            untracked,
            compat,
            unseen,
        } = totals;
        let end = End {
            at_ns,
            made,
            lost,
            untracked,
            compat,
            unseen,
        };
        events.push(Event::End(end));
        let (delivered, unsound) = self.taken();
        Ok(Finished {
            end,
            delivered,
            unsound,
        })
    }
}

fn follow_life(threads: &mut BTreeMap<u32, (u32, String)>, life: &Life) {
    match life.kind {
        LifeKind::Ended => {
            threads.remove(&life.tid);
        }
        LifeKind::Exec => {
            // All other threads are gone, and each said so; this one may have had another id.
            threads.insert(life.tid, (life.pid, life.name.clone()));
        }
        LifeKind::Found | LifeKind::Began | LifeKind::Renamed => {
            threads.insert(life.tid, (life.pid, life.name.clone()));
        }
    }
}

fn sum(counters: &[Counters]) -> Totals {
    counters.iter().fold(Totals::default(), |mut totals, cpu| {
        let Counters {
            made,
            lost,
            lost_pending: _,
            lost_state: _,
            untracked,
            compat,
            unseen,
        } = *cpu;
        totals.made += made;
        totals.lost += lost;
        totals.untracked += untracked;
        totals.compat += compat;
        totals.unseen += unseen;
        totals
    })
}

/// `CLOCK_BOOTTIME`: the clock of all records, which goes on while the machine sleeps.
fn boot_ns() -> Result<u64> {
    clock_ns(ClockId::CLOCK_BOOTTIME)
}

/// The same moment on `CLOCK_BOOTTIME` and as wall time: of several readings the one that took least, since the CPU may
/// be taken away between the two.
fn both_clocks() -> Result<(u64, u64)> {
    const READINGS: usize = 5;
    let mut best: Option<(u64, u64, u64)> = None;
    for _ in 0..READINGS {
        let (before, unix, after) = (boot_ns()?, clock_ns(ClockId::CLOCK_REALTIME)?, boot_ns()?);
        let took = after.saturating_sub(before);
        if best.is_none_or(|(least, ..)| took < least) {
            best = Some((took, before + took / 2, unix));
        }
    }
    let (_, boot, unix) = best.context("read the clocks")?;
    Ok((boot, unix))
}

fn clock_ns(clock: ClockId) -> Result<u64> {
    let time = clock_gettime(clock).context("read the clock")?;
    let seconds = u64::try_from(time.tv_sec()).context("read the clock: it is before 1970")?;
    Ok(seconds * 1_000_000_000 + time.tv_nsec().unsigned_abs())
}
