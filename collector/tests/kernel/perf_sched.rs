//! `perf sched` beside a full CPU: the same switches and wake-ups, and the same delays in the run queue.
//!
//! perf can't use `CLOCK_BOOTTIME` for tracepoints, since that can't be read in a non-maskable interrupt. It uses
//! `CLOCK_MONOTONIC`, which is behind it by the time that the machine was suspended, and both are read here.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Child, Command},
};

use nix::sys::signal::Signal;
use waitscope::model::OffCpu;

use super::{
    child::{Script, signal_pid},
    observers::{start_perf, suspended_ns},
    trace::Tracing,
};

const MICRO_NS: u64 = 1_000;
const MILLI_NS: u64 = 1_000_000;

/// `perf sched record`, of all that the machine's scheduler does.
struct PerfSched {
    child: Child,
    data: PathBuf,
    _directory: tempfile::TempDir,
}

/// What perf says of one thread.
#[derive(Debug, Default)]
struct Seen {
    /// Switches away from it, by time: `S`, `R`, …
    left: BTreeMap<u64, String>,
    /// Switches to it.
    came: Vec<u64>,
    /// Wake-ups of it.
    woken: Vec<u64>,
    /// For each time on the CPU, by its end, how long it had waited for it after the wake-up.
    delays: Vec<(u64, u64)>,
}

impl PerfSched {
    /// Starts it; returns when perf has said that it records.
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let mut perf = Command::new("perf");
        perf.args(["sched", "record", "-k", "CLOCK_MONOTONIC", "--output"])
            .arg(&data);
        Self {
            child: start_perf(perf, directory.path()),
            data,
            _directory: directory,
        }
    }

    /// Stops, and reads what it has of a thread, in the same times that the trace has.
    fn finish(mut self, tid: u32, trace_start_ns: u64) -> Seen {
        signal_pid(self.child.id(), Signal::SIGINT);
        self.child.wait().unwrap();
        let start_ns = trace_start_ns - suspended_ns();
        // What came before the trace began is none of its business.
        let relative = |at_ns: u64| at_ns.checked_sub(start_ns);
        let mut seen = Seen::default();
        let fields = "time,event,trace";
        let script = self.perf(&["script", "--ns", "-F", fields]);
        let (prev, next) = (format!("prev_pid={tid} "), format!("next_pid={tid} "));
        let woken = format!("pid={tid} ");
        for line in script.lines() {
            let Some(at_ns) = seconds(line).and_then(relative) else {
                continue;
            };
            if line.contains("sched:sched_switch:") {
                if line.contains(&prev) {
                    let state = line.split("prev_state=").nth(1).unwrap();
                    let state = state.split(' ').next().unwrap();
                    seen.left.insert(at_ns, state.to_owned());
                }
                if line.contains(&next) {
                    seen.came.push(at_ns);
                }
            } else if line.contains("sched:sched_waking:") && line.contains(&woken) {
                seen.woken.push(at_ns);
            }
        }
        let lost = self.perf(&["script", "--show-lost-events", "-F", fields]);
        assert!(!lost.contains("PERF_RECORD_LOST"), "perf lost nothing");
        // Time, CPU, name, and in milliseconds: not on the CPU, of that in the queue, on the CPU.
        let history = self.perf(&["sched", "timehist", "--tid", &tid.to_string()]);
        for line in history.lines() {
            let mut words = line.split_ascii_whitespace().rev();
            let (_, delay) = (words.next(), words.next().and_then(decimal));
            if let (Some(at_ns), Some(delay)) = (seconds(line).and_then(relative), delay) {
                // Of milliseconds: a thousandth of what seconds would be.
                seen.delays.push((at_ns, delay / 1_000));
            }
        }
        seen
    }

    fn perf(&self, args: &[&str]) -> String {
        let output = Command::new("perf")
            .args(args)
            .arg("--input")
            .arg(&self.data)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "perf {args:?}: {stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// The seconds that a line of perf's begins with, in nanoseconds.
fn seconds(line: &str) -> Option<u64> {
    decimal(line.split_ascii_whitespace().next()?.trim_end_matches(':'))
}

/// A decimal number, times a thousand million.
fn decimal(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.')?;
    let part: u64 = format!("{part:0<9}").parse().ok()?;
    Some(whole.parse::<u64>().ok()? * 1_000_000_000 + part)
}

#[test]
fn a_target_beside_a_full_cpu_is_runnable_as_long_as_perf_sched_says_it_was_delayed() {
    let mut spinner =
        Script::start("os.sched_setaffinity(0, {0})\nsay('ready')\nhear()\nwhile True: pass");
    // It sleeps, works, and now and then yields: woken into a full CPU, and preempted on it.
    let mut script = Script::start(
        "os.sched_setaffinity(0, {0})\nsay('ready')\nhear()\n\
         for n in range(60):\n    time.sleep(0.003)\n    for m in range(4):\n        end = time.thread_time() + 0.0005\n        \
         \n        while time.thread_time() < end: pass\n        os.sched_yield()\n\
         say('done')\nhear()",
    );
    spinner.tell("go");
    let pid = script.pid();
    let perf = PerfSched::start();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    assert_eq!(script.hear(), "done");
    let taken = tracing.finish();
    let seen = perf.finish(pid, taken.trace.start_boot_ns);
    drop(spinner);

    let of_it = || taken.off_cpu().filter(|span| span.tid == pid);
    let unseen: u32 = of_it()
        .filter(|span| span.unseen)
        .map(|span| span.times)
        .sum();
    // The first one began before there was anything to see.
    let spans: Vec<&OffCpu> = of_it().filter(|span| !span.unseen).skip(1).collect();
    // In each event perf's program and ours read the clock one after the other. Between the two, a virtual machine may
    // lose its CPU: so one time in a hundred may be further apart.
    let (mut far, mut compared) = (0, 0);
    let mut check = |ours: u64, theirs: u64, what: &str, span: &OffCpu| {
        let apart_ns = ours.abs_diff(theirs);
        let facts = format!("{what}: ours {ours}, perf's {theirs}: {span:?}");
        assert!(apart_ns < MILLI_NS, "{facts}");
        compared += 1;
        far += u32::from(apart_ns > 20 * MICRO_NS);
    };
    let (mut ours_ns, mut theirs_ns, mut sleeps, mut preemptions) = (0, 0, 0, 0);
    for span in &spans {
        let left = nearest(seen.left.keys(), span.start_ns);
        check(span.start_ns, left, "left the CPU", span);
        let came = nearest(&seen.came, span.end_ns);
        check(span.end_ns, came, "got it back", span);
        let state = seen.left.get(&left).map_or("", String::as_str);
        let facts = format!("perf says {state}: {span:?}");
        assert_eq!(state.starts_with('R'), span.woken_ns.is_none(), "{facts}");
        let Some(woken_ns) = span.woken_ns else {
            preemptions += 1;
            // perf tells no delay after a preemption, but the two switches do.
            check(span.runnable_ns(), came - left, "delay", span);
            continue;
        };
        if span.waker.is_none() {
            continue;
        }
        sleeps += 1;
        check(woken_ns, nearest(&seen.woken, woken_ns), "woken", span);
        // perf tells it at the end of the time on the CPU that follows.
        let next = seen.delays.iter().find(|(end_ns, _)| *end_ns > span.end_ns);
        if let Some(&(_, delay_ns)) = next {
            check(span.runnable_ns(), delay_ns, "delay", span);
            ours_ns += span.runnable_ns();
            theirs_ns += delay_ns;
        }
    }
    let facts = format!(
        "{sleeps} sleeps, {preemptions} preemptions, {unseen} times unseen, {far} of {compared} times far apart, \
         {ours_ns} ns runnable after wake-ups and perf's {theirs_ns} ns"
    );
    assert!(sleeps >= 30 && preemptions >= 60, "{facts}");
    assert!(far * 100 <= compared, "{facts}");
    assert!(
        ours_ns.abs_diff(theirs_ns) < theirs_ns / 50 + MILLI_NS,
        "{facts}"
    );
    // Nothing that perf saw from the first to the last is missing.
    let (first, last) = (
        spans[0].start_ns - MILLI_NS / 10,
        spans[spans.len() - 1].end_ns,
    );
    let within = seen.left.range(first..last).count();
    assert!(
        within >= spans.len() && within <= spans.len() + unseen as usize,
        "perf's {within}, ours {}: {facts}",
        spans.len()
    );
}

fn nearest<'a>(times: impl IntoIterator<Item = &'a u64>, to: u64) -> u64 {
    let nearest = times.into_iter().min_by_key(|time| time.abs_diff(to));
    *nearest.expect("perf saw something")
}
