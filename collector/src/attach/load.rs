//! Loading and attaching the programs, and arming them: the only file that talks to aya about programs.
//!
//! Order matters: hooks that close what others open come first, and one write arms all of them at once.

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader, Endianness, VerifierLogLevel,
    maps::{Array, HashMap, Map, MapData, PerCpuArray, RingBuf},
    programs::BtfTracePoint,
};
use probe_ebpf::{
    Control, Counters, EFFECT_NONE, RING_BYTES, Request, Seed, Syscall, THREAD_PROBES, Thread,
    global, map, thread_slot,
};

use super::{
    abi::{Plain, record},
    failure::Unsupported,
    kernel::{BTF_PATH, Offsets},
    object,
    session::Detail,
    syscalls,
};
use crate::model::{Arch, Record, ready_set::epoll_event_bytes};

/// What to trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// The process.
    pub(crate) pid: u32,
    /// Its children too.
    pub(crate) follow: bool,
    /// Let the programs log.
    pub(crate) verbose: bool,
    /// How much to record.
    pub(crate) detail: Detail,
}

/// Loaded and attached programs, with the maps that outlive every right to load another. Dropping it
/// detaches them.
pub(crate) struct Probe {
    ring: RingBuf<MapData>,
    threads: Array<MapData, Plain<Thread>>,
    seeds: HashMap<MapData, u32, Plain<Seed>>,
    counters: PerCpuArray<MapData, Plain<Counters>>,
    control: Array<MapData, Plain<Control>>,
    requests: HashMap<MapData, u64, Plain<Request>>,
    /// The processes traced, where there may be several.
    targets: Option<HashMap<MapData, u32, u8>>,
    /// Keeps the programs attached.
    ebpf: Ebpf,
}

impl Probe {
    /// Loads, attaches, but does not arm.
    pub(crate) fn load(wish: Wish, arch: Arch, offsets: &Offsets) -> Result<Self> {
        let types = aya::Btf::parse_file(BTF_PATH, Endianness::default())
            .with_context(|| format!("read {BTF_PATH}"))?;
        let bytes =
            object::with_per_cpu_variable(probe_ebpf::object(), offsets.preempt_count_variable);
        let mut loader = EbpfLoader::new();
        let flag = |on: bool| u32::from(on);
        let (target, follow) = (if wish.follow { 0 } else { wish.pid }, flag(wish.follow));
        let (switch_has_state, wake_at) = (flag(offsets.switch_has_state), RING_BYTES / 4);
        let (file, ready_sets) = (Plain(offsets.file), flag(wish.detail >= Detail::All));
        let (request, names) = (Plain(offsets.request), flag(wish.detail >= Detail::Names));
        let epoll_event_bytes = epoll_event_bytes(arch) as u32;
        let log_level: u8 = if wish.verbose { u8::MAX } else { 0 };
        let mut ebpf = loader
            .btf(Some(&types))
            .verifier_log_level(VerifierLogLevel::STATS)
            .override_global(global::TARGET, &target, true)
            .override_global(global::FOLLOW, &follow, true)
            .override_global(global::LOG_LEVEL, &log_level, true)
            .override_global(global::WAKE_AT_BYTES, &wake_at, true)
            .override_global(global::REGS_ARGS, &offsets.regs_args, true)
            .override_global(global::REGS_NR, &offsets.regs_nr, true)
            .override_global(global::SWITCH_HAS_STATE, &switch_has_state, true)
            .override_global(global::TASK_STATE, &offsets.task_state, true)
            .override_global(global::TASK_PID, &offsets.task_pid, true)
            .override_global(global::TASK_TGID, &offsets.task_tgid, true)
            .override_global(global::TASK_STARTED, &offsets.task_started, true)
            .override_global(global::TASK_SLEPT, &offsets.task_slept, true)
            .override_global(global::TASK_PREEMPTED, &offsets.task_preempted, true)
            .override_global(global::TASK_ON_CPU, &offsets.task_on_cpu, true)
            .override_global(global::TASK_RUN_DELAY, &offsets.task_run_delay, true)
            .override_global(global::TASK_PENDING, &offsets.task_pending, true)
            .override_global(global::TASK_SECCOMP, &offsets.task_seccomp, true)
            .override_global(global::FILE, &file, true)
            .override_global(global::REQUEST, &request, true)
            .override_global(global::NAMES, &names, true)
            .override_global(global::READY_SETS, &ready_sets, true)
            .override_global(global::EPOLL_EVENT_BYTES, &epoll_event_bytes, true)
            .override_global(global::COMPAT_WORD, &offsets.compat_word, true)
            .override_global(global::COMPAT_BIT, &offsets.compat_bit, true)
            .override_global(global::PREEMPT_COUNT, &offsets.preempt_count, true)
            .override_global(
                global::PREEMPT_COUNT_OFFSET,
                &offsets.preempt_count_offset,
                true,
            )
            .load(&bytes)
            .map_err(|error| Unsupported::from_kernel("load the maps", error))?;

        let mut table: Array<&mut MapData, Plain<Syscall>> =
            Array::try_from(map_mut(&mut ebpf, map::SYSCALLS)?)?;
        for (nr, mut syscall) in syscalls::table(arch) {
            if wish.detail < Detail::Names {
                syscall.effect = EFFECT_NONE;
            }
            table
                .set(nr, Plain(syscall), 0)
                .context("fill the table of syscalls")?;
        }
        if wish.follow {
            let mut targets: HashMap<&mut MapData, u32, u8> =
                HashMap::try_from(map_mut(&mut ebpf, map::TARGETS)?)?;
            targets
                .insert(wish.pid, 1, 0)
                .context("name the target to the programs")?;
        }
        for hook in offsets.hooks(wish.detail) {
            let program: &mut BtfTracePoint = ebpf
                .program_mut(hook)
                .with_context(|| format!("find program {hook} in the object"))?
                .try_into()?;
            program.load(hook, &types).map_err(|error| {
                Unsupported::from_load(&format!("load the program for {hook}"), error)
            })?;
        }
        for hook in offsets.hooks(wish.detail) {
            let program: &mut BtfTracePoint = ebpf
                .program_mut(hook)
                .context("a program is gone")?
                .try_into()?;
            program
                .attach()
                .map_err(|error| Unsupported::from_kernel(&format!("attach to {hook}"), error))?;
        }
        Ok(Self {
            ring: RingBuf::try_from(take(&mut ebpf, map::RECORDS)?)?,
            threads: Array::try_from(take(&mut ebpf, map::THREADS)?)?,
            seeds: HashMap::try_from(take(&mut ebpf, map::SEEDS)?)?,
            counters: PerCpuArray::try_from(take(&mut ebpf, map::COUNTERS)?)?,
            control: Array::try_from(take(&mut ebpf, map::CONTROL)?)?,
            requests: HashMap::try_from(take(&mut ebpf, map::REQUESTS)?)?,
            targets: if wish.follow {
                Some(HashMap::try_from(take(&mut ebpf, map::TARGETS)?)?)
            } else {
                None
            },
            ebpf,
        })
    }

    /// Arms all programs: from `now_ns` (`CLOCK_BOOTTIME`) on, everything is recorded.
    pub(crate) fn arm(&mut self, now_ns: u64) -> Result<()> {
        self.control
            .set(0, Plain(Control { armed_ns: now_ns }), 0)
            .context("arm the programs")
    }

    /// Disarms all programs: nothing is recorded any more.
    pub(crate) fn disarm(&mut self) -> Result<()> {
        self.control
            .set(0, Plain(Control::default()), 0)
            .context("disarm the programs")
    }

    /// The next record, if there is one. Entries that are no records are counted in `foreign`.
    pub(crate) fn next(&mut self, foreign: &mut u64) -> Option<Record> {
        loop {
            let item = self.ring.next()?;
            match record(&item) {
                Some(record) => return Some(record),
                None => *foreign += 1,
            }
        }
    }

    /// The ring, to wait on.
    pub(crate) fn ring(&self) -> &RingBuf<MapData> {
        &self.ring
    }

    /// Tells what a thread was doing before tracing began. Programs that have seen it since know better, and
    /// won't look.
    pub(crate) fn seed(&mut self, tid: u32, seed: Seed) {
        // Without room, its first call is one that nothing is known of until it returns.
        let _ = self.seeds.insert(tid, Plain(seed), 0);
    }

    /// Stops tracing a process whose last thread has ended: its id may come to mean another.
    pub(crate) fn forget(&mut self, pid: u32) {
        if let Some(targets) = &mut self.targets {
            // It may be gone already, which is as well.
            let _ = targets.remove(&pid);
        }
    }

    /// What a thread is doing now; `None` if the programs have not seen it yet.
    pub(crate) fn thread(&self, tid: u32) -> Option<Thread> {
        (0..THREAD_PROBES)
            .filter_map(|probe| self.threads.get(&thread_slot(tid, probe), 0).ok())
            .map(|thread| thread.0)
            .find(|thread| thread.call.head.tid == tid)
    }

    /// The requests of rings that are under way.
    pub(crate) fn requests(&self) -> impl Iterator<Item = Request> {
        let all = self.requests.iter().filter_map(Result::ok);
        all.map(|(_, request)| request.0)
    }

    /// The sums over all CPUs, and each CPU's own.
    pub(crate) fn counters(&self) -> Result<Vec<Counters>> {
        let all = self
            .counters
            .get(&0, 0)
            .context("read the programs' counters")?;
        Ok(all.iter().map(|counters| counters.0).collect())
    }

    /// The programs' log, for `--verbose`.
    pub(crate) fn logger(&mut self) -> Result<aya_log::EbpfLogger<&'static dyn log::Log>> {
        aya_log::EbpfLogger::init(&mut self.ebpf).context("read the programs' log")
    }
}

fn take(ebpf: &mut Ebpf, name: &str) -> Result<Map> {
    ebpf.take_map(name)
        .with_context(|| format!("find map {name} in the object"))
}

fn map_mut<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Map> {
    ebpf.map_mut(name)
        .with_context(|| format!("find map {name} in the object"))
}
