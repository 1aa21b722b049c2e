//! What the collector takes for a call on its way from the ring to whoever wants it, stage by stage, with nothing
//! else under way: the same records each time, those of an event loop that serves some connections.
//!
//! What `cargo xtask bench events` runs. It must never read the kernel: what the ring itself costs is in
//! `bench overhead`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use probe_ebpf::{
    Brief, CONTEXT_SOFTIRQ, Call, EFFECT_EPOLL_WAIT, FD_INTEREST, FD_OPENED, FLAG_COPY_INFERRED,
    FLAG_COPY_SEEN, Fd, Head, KIND_BRIEF, KIND_CALL, KIND_FD, KIND_OFF_CPU, KIND_READY, NAME_BYTES,
    NO_COPY, NO_DELAY, OffCpu, READY_LARGE, Ready, TIMEOUT_UNKNOWN,
};
use waitscope::model::{Arch, Event, Intake, Record, Trace};
use waitscope::recording::Writer;
use waitscope::report::Summary;
use waitscope::store::Store;

const START_NS: u64 = 1_000_000;
const PID: u32 = 4_711;
const CLIENTS: i32 = 20;
const EPOLL: i32 = 5;
/// Descriptors that each `epoll_wait` finds ready: what redis finds under `redis-benchmark`.
const READY: i32 = 3;
/// Of so many turns, one begins with a sleep.
const SLEEPS_ONE_IN: u64 = 2;
/// Turns handed over in one go, and how often.
const TURNS: u64 = 300;
const BATCHES: u64 = 400;
const ROUNDS: usize = 7;
const STAGES: [&str; 4] = ["intake", "summary", "recording", "store"];

fn main() -> Result<()> {
    let output = std::env::args().nth(1).context("usage: events RECORDING")?;
    let output = PathBuf::from(output);
    let mut rounds: [Vec<[f64; STAGES.len()]>; 2] = Default::default();
    let mut bytes = 0.0;
    for _ in 0..ROUNDS {
        for (detail, all) in rounds.iter_mut().zip([false, true]) {
            let (took, size) = round(all, &output)?;
            detail.push(took);
            bytes = size;
        }
    }
    println!("ns a call; median of {ROUNDS} rounds, least … most");
    println!("{:<10} {:>24} {:>24} {:>6}", "", "phases", "all", "ratio");
    for (at, stage) in STAGES.iter().enumerate() {
        let of = |detail: &[[f64; STAGES.len()]]| spread(detail.iter().map(|round| round[at]));
        line(stage, of(&rounds[0]), of(&rounds[1]));
    }
    let sum =
        |detail: &[[f64; STAGES.len()]]| spread(detail.iter().map(|round| round.iter().sum()));
    line("together", sum(&rounds[0]), sum(&rounds[1]));
    println!("{bytes:.1} bytes a call in the last recording, of all");
    Ok(())
}

fn line(name: &str, phases: [f64; 3], all: [f64; 3]) {
    let show = |[least, median, most]: [f64; 3]| format!("{median:.0} ({least:.0} … {most:.0})");
    let ratio = all[1] / phases[1];
    println!(
        "{name:<10} {:>24} {:>24} {ratio:>6.2}",
        show(phases),
        show(all)
    );
}

/// Least, median, most.
fn spread(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    [0, values.len() / 2, values.len() - 1].map(|at| values[at])
}

/// Nanoseconds a call of each stage, and bytes a call of the recording.
fn round(all: bool, output: &PathBuf) -> Result<([f64; STAGES.len()], f64)> {
    let trace = Trace {
        pid: PID,
        command: "events".to_owned(),
        host: String::new(),
        kernel: String::new(),
        arch: "x86_64".to_owned(),
        start_boot_ns: START_NS,
        start_unix_ns: 0,
        backend: String::new(),
        follow: false,
    };
    let mut intake = Intake::new(Arch::X86_64, START_NS);
    let mut summary = Summary::new(&trace);
    let mut writer = Writer::create(output, &trace)?;
    let mut store = Store::new(trace, 256 << 20);
    let mut server = Server {
        all,
        now_ns: START_NS + 1_000,
        turns: 0,
    };
    let mut took = [Duration::ZERO; STAGES.len()];
    let (mut records, mut events) = (Vec::new(), Vec::new());
    if all {
        server.open(&mut records);
    }
    let mut calls = 0;
    for _ in 0..BATCHES {
        for _ in 0..TURNS {
            server.turn(&mut records);
        }
        let began = Instant::now();
        records
            .iter()
            .for_each(|record| intake.take(record, &mut events));
        let taken = Instant::now();
        events.iter().for_each(|event| summary.push(event));
        let summed = Instant::now();
        writer.append(&events)?;
        let written = Instant::now();
        calls += events
            .iter()
            .filter(|event| matches!(event, Event::Call(_)))
            .count();
        let counted = Instant::now();
        store.extend(events.drain(..));
        let stored = Instant::now();
        for (sum, (from, to)) in took.iter_mut().zip([
            (began, taken),
            (taken, summed),
            (summed, written),
            (counted, stored),
        ]) {
            *sum += to - from;
        }
        records.clear();
    }
    anyhow::ensure!(
        intake.unsound() == 0,
        "{} records make no sense",
        intake.unsound()
    );
    drop(summary.finish());
    let bytes = writer.bytes_written() as f64 / calls as f64;
    Ok((
        took.map(|took| took.as_nanos() as f64 / calls as f64),
        bytes,
    ))
}

/// A server as the kernel side tells of it.
struct Server {
    all: bool,
    now_ns: u64,
    turns: u64,
}

impl Server {
    fn head(kind: u16) -> Head {
        Head {
            kind,
            cpu: 0,
            lost: 0,
            pid: PID,
            tid: PID,
        }
    }

    /// Its connections, and that it waits for them.
    fn open(&self, records: &mut Vec<Record>) {
        for fd in EPOLL..=EPOLL + CLIENTS {
            for (what, fd, other) in [(FD_OPENED, fd, -1), (FD_INTEREST, EPOLL, fd)] {
                records.push(Record::Fd(Box::new(Fd {
                    head: Self::head(KIND_FD),
                    enter_ns: START_NS,
                    at_ns: START_NS + 1,
                    what,
                    fd,
                    other,
                    nr: 288,
                    data: u64::try_from(other).unwrap_or(0),
                    events: 1,
                    mode: 0o140_000,
                    inode: u64::from(fd.unsigned_abs()),
                    family: 2,
                    socket_type: 1,
                    protocol: 6,
                    local_port: 6_379,
                    peer_port: 5_000,
                    name_len: 0,
                    peer_pid: 0,
                    local: [0x0100_007f, 0],
                    peer: [0x0100_007f, 0],
                    name: [0; NAME_BYTES],
                    name_is_peers: 0,
                    reserved: 0,
                })));
            }
        }
    }

    /// One turn: waits, finds some clients ready, reads from each and answers each.
    fn turn(&mut self, records: &mut Vec<Record>) {
        self.turns += 1;
        let first = i32::try_from(self.turns % 19).unwrap_or(0);
        let clients = (0..READY).map(|at| EPOLL + 1 + (first + at * 7) % CLIENTS);
        self.wait(clients.clone(), records);
        for fd in clients.clone() {
            self.brief(0, fd, 16_384, 40, FLAG_COPY_SEEN, records);
        }
        for fd in clients {
            self.brief(1, fd, 5, 5, FLAG_COPY_INFERRED, records);
        }
    }

    fn wait(&mut self, clients: impl Iterator<Item = i32>, records: &mut Vec<Record>) {
        let enter_ns = self.now_ns + 300;
        let sleeps = self.turns.is_multiple_of(SLEEPS_ONE_IN);
        let (off_ns, woken_ns, on_ns) = (enter_ns + 500, enter_ns + 9_000, enter_ns + 30_000);
        let exit_ns = if sleeps { on_ns + 700 } else { enter_ns + 900 };
        self.now_ns = exit_ns;
        let call = Call {
            head: Self::head(KIND_CALL),
            enter_ns,
            exit_ns,
            kernel_ns: exit_ns - enter_ns,
            timeout_ns: TIMEOUT_UNKNOWN,
            ready_delay_ns: NO_DELAY,
            args: [EPOLL as u64, 0, 10_128, 100],
            ret: READY.into(),
            nr: 232,
            ..Call::default()
        };
        if self.all {
            let mut raw = [0; READY_LARGE];
            let bytes = clients.flat_map(|fd| {
                let data = u64::from(fd.unsigned_abs()).to_le_bytes();
                1_u32.to_le_bytes().into_iter().chain(data)
            });
            for (at, byte) in bytes.enumerate() {
                raw[at / 8] |= u64::from(byte) << (at % 8 * 8);
            }
            records.push(Record::Ready(Box::new(Ready {
                head: Self::head(KIND_READY),
                enter_ns,
                at_ns: exit_ns,
                what: EFFECT_EPOLL_WAIT.into(),
                epfd: EPOLL,
                count: READY.unsigned_abs(),
                ret: READY,
                raw,
            })));
        }
        if !sleeps {
            records.push(Record::Call(call));
            return;
        }
        records.push(Record::OffCpu(OffCpu {
            head: Self::head(KIND_OFF_CPU),
            start_ns: off_ns,
            woken_ns,
            end_ns: on_ns,
            nr: 232,
            state: 1,
            waker_tid: 99,
            waker_pid: 99,
            waker_context: CONTEXT_SOFTIRQ,
            times: 1,
            waker_comm: *b"redis-benchmark\0",
            ..OffCpu::default()
        }));
        records.push(Record::Call(Call {
            kernel_ns: 1_200,
            blocked_ns: woken_ns - off_ns,
            runnable_ns: on_ns - woken_ns,
            first_sleep_ns: off_ns,
            last_wake_ns: woken_ns,
            sleeps: 1,
            waker_tid: 99,
            waker_pid: 99,
            waker_context: CONTEXT_SOFTIRQ,
            ..call
        }));
    }

    /// A call that never left the CPU.
    fn brief(
        &mut self,
        nr: u16,
        fd: i32,
        asks: u32,
        ret: i32,
        flags: u32,
        records: &mut Vec<Record>,
    ) {
        let enter_ns = self.now_ns + 400;
        self.now_ns = enter_ns + 1_500;
        let reads = flags == FLAG_COPY_SEEN && self.all;
        let brief = Brief {
            head: Self::head(KIND_BRIEF),
            enter_ns,
            duration_ns: 1_500,
            copy_after_ns: if flags == 0 { NO_COPY } else { 700 },
            ret,
            nr,
            flags: flags as u16,
            args: [fd.unsigned_abs(), 0, asks, 0],
            others: 0,
            other_ns: 0,
            ready_delay_ns: if reads { 20_000 } else { u32::MAX },
            reserved: 0,
        };
        records.push(Record::Call(brief.into()));
    }
}
