//! How long exports of a recording take, and how much memory: of so many calls, like those of an event loop that serves
//! some connections on each of four threads, woken by one another and by the network.
//!
//!     cargo run --release --example exports -- DIR CALLS FORMAT…
//!
//! Makes the recording once, and leaves it in DIR. It must never time anything but the export itself.

#[path = "../tests/support/blank.rs"]
mod blank;

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::time::ClockId;
use waitscope::export::{Format, Range, export, export_partitions};
use waitscope::model::{
    Call, Context, Copying, End, Event, Life, LifeKind, OffCpu, Timeout, Trace, Waker,
};
use waitscope::recording::{Reader, Writer};

const PID: u32 = 4_711;
const THREADS: u32 = 4;
/// Of each turn: a wait, and so many times a read and a write.
const CLIENTS: i32 = 3;
const CALLS_OF_TURN: u64 = 1 + 2 * CLIENTS as u64;

fn main() -> Result<()> {
    let mut typed = std::env::args().skip(1);
    let usage = "usage: exports DIR CALLS FORMAT…, one of those of the command line, or lake";
    let dir = typed.next().context(usage)?;
    let dir = Path::new(&dir);
    let calls = typed.next().context(usage)?.parse()?;
    std::fs::create_dir_all(dir)?;
    let recording = dir.join(format!("{calls}.waitscope"));
    if !recording.exists() {
        make(&recording, calls)?;
    }
    println!(
        "recording of {} MiB",
        std::fs::metadata(&recording)?.len() >> 20
    );
    for word in typed {
        let open = || Reader::open(&recording);
        let path = dir.join(format!("out.{word}"));
        let began = (Instant::now(), cpu_time()?);
        let summary = if word == "lake" {
            export_partitions(open, Range::default(), &path, |_, _| Ok(()))?
        } else {
            export(
                open,
                word.parse::<Format>()?,
                Range::default(),
                File::create(&path)?,
                |_, _| Ok(()),
            )?
        };
        println!(
            "{word:<10} {:>5.1?}, {:>5.1?} of them on the CPU: {} calls, {} MiB; most memory so far {} MiB",
            began.0.elapsed(),
            cpu_time()? - began.1,
            summary.calls,
            std::fs::metadata(&path)?.len() >> 20,
            memory_mib()?
        );
    }
    Ok(())
}

/// What this process has had of CPUs.
fn cpu_time() -> Result<Duration> {
    Ok(ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?.into())
}

/// The most memory this process ever had.
fn memory_mib() -> Result<u64> {
    let status = procfs::process::Process::myself()?.status()?;
    Ok(status.vmhwm.context("no VmHWM")? >> 10)
}

fn make(path: &Path, calls: u64) -> Result<()> {
    let trace = Trace {
        pid: PID,
        command: "exports".to_owned(),
        host: "here".to_owned(),
        kernel: String::new(),
        arch: "x86_64".to_owned(),
        start_boot_ns: 1_000_000_000,
        start_unix_ns: 1_764_000_000_000_000_000,
        backend: String::new(),
        follow: false,
    };
    let mut writer = Writer::create(path, &trace)?;
    let lives = (PID..PID + THREADS).map(|tid| {
        Event::Life(Life {
            pid: PID,
            tid,
            at_ns: 0,
            kind: LifeKind::Found,
            name: format!("loop-{}", tid - PID),
        })
    });
    writer.append(&lives.collect::<Vec<_>>())?;
    let mut now_ns = 1_000;
    let mut random = 1_u64;
    let mut events = Vec::new();
    let turns = calls.div_ceil(CALLS_OF_TURN);
    for turn in 0..turns {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let tid = PID + (turn % u64::from(THREADS)) as u32;
        serve(tid, &mut now_ns, random >> 33, &mut events);
        if events.len() > 20_000 {
            writer.append(&events)?;
            events.clear();
        }
    }
    writer.append(&events)?;
    writer.finish(End {
        at_ns: now_ns + 1_000,
        made: turns * CALLS_OF_TURN,
        lost: 0,
        untracked: 0,
        compat: 0,
        unseen: 0,
    })
}

/// One turn of one thread.
fn serve(tid: u32, now_ns: &mut u64, random: u64, events: &mut Vec<Event>) {
    let mut any = random;
    let mut nanos = |most: u64| {
        any = any.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        100 + any % most
    };
    let sleeps = random & 1 == 0;
    let start_ns = *now_ns + nanos(2_000);
    let off_ns = start_ns + nanos(600);
    let woken_ns = off_ns + nanos(40_000);
    let on_ns = woken_ns + nanos(20_000);
    let end_ns = if sleeps { on_ns } else { off_ns } + nanos(700);
    let waker = sleeps.then_some(Waker {
        tid: PID + (tid + 1 - PID) % THREADS,
        pid: PID,
        context: if random & 2 == 0 {
            Context::Task
        } else {
            Context::SoftIrq
        },
    });
    let wait = Call {
        start_ns,
        end_ns,
        kernel_ns: end_ns - start_ns,
        waker,
        fd: Some(5),
        requested: Some(10_128),
        timeout: Timeout::Infinite,
        ret: Some(CLIENTS.into()),
        ..blank::call(PID, tid, 232)
    };
    if sleeps {
        events.push(Event::OffCpu(OffCpu {
            pid: PID,
            tid,
            cpu: 0,
            start_ns: off_ns,
            woken_ns: Some(woken_ns),
            end_ns: on_ns,
            times: 1,
            unseen: false,
            in_call: true,
            state: 1,
            waker,
            waker_comm: "loop".to_owned(),
        }));
    }
    let off = if sleeps { on_ns - off_ns } else { 0 };
    events.push(Event::Call(Call {
        kernel_ns: end_ns - start_ns - off,
        blocked_ns: if sleeps { woken_ns - off_ns } else { 0 },
        runnable_ns: if sleeps { on_ns - woken_ns } else { 0 },
        sleeps: sleeps.into(),
        first_sleep_ns: sleeps.then_some(off_ns),
        last_wake_ns: sleeps.then_some(woken_ns),
        ..wait.clone()
    }));
    *now_ns = end_ns;
    for nr in [0, 1] {
        for client in 0..CLIENTS {
            let start_ns = *now_ns + nanos(500);
            let copy_ns = start_ns + nanos(700);
            let end_ns = copy_ns + nanos(900);
            *now_ns = end_ns;
            events.push(Event::Call(Call {
                nr,
                start_ns,
                end_ns,
                kernel_ns: copy_ns - start_ns,
                copying_ns: end_ns - copy_ns,
                copying: Copying::Seen(copy_ns),
                fd: Some(6 + client),
                waker: None,
                ready_delay_ns: (nr == 0).then(|| nanos(30_000)),
                requested: Some(16_384),
                timeout: Timeout::Unknown,
                ret: Some(40),
                ..wait.clone()
            }));
        }
    }
}
