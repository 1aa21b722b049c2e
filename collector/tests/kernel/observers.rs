//! Observers that are not ours: `perf stat` for counts, `/proc` for the scheduler's own sums.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Write as _},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{signal::Signal, stat::Mode},
    time::{ClockId, clock_gettime},
};

/// `perf stat`, counting calls of processes.
pub(crate) struct PerfStat {
    child: Child,
    output: PathBuf,
    _directory: tempfile::TempDir,
}

impl PerfStat {
    /// Starts counting entries of these calls; returns when perf has said that it does.
    pub(crate) fn start(pid: u32, calls: &[&str]) -> Self {
        let events: Vec<_> = calls
            .iter()
            .map(|call| format!("sys_enter_{call}"))
            .collect();
        let events: Vec<_> = events.iter().map(|event| (event.as_str(), None)).collect();
        Self::start_events(&[pid], &events)
    }

    /// The same of any events of system calls, those that a condition of perf's holds for.
    pub(crate) fn start_events(pids: &[u32], events: &[(&str, Option<&str>)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let output = directory.path().join("output");
        let pids: Vec<_> = pids.iter().map(u32::to_string).collect();
        let mut perf = Command::new("perf");
        perf.args(["stat", "--field-separator=,", "--pid", &pids.join(",")])
            .arg(format!("--output={}", output.display()));
        for (event, condition) in events {
            perf.arg(format!("--event=syscalls:{event}"));
            perf.args(condition.map(|condition| format!("--filter={condition}")));
        }
        Self {
            child: start_perf(perf, directory.path()),
            output,
            _directory: directory,
        }
    }

    /// Stops, and returns the count of each call, in the order given.
    pub(crate) fn finish(mut self) -> Vec<u64> {
        super::child::signal_pid(self.child.id(), Signal::SIGINT);
        self.child.wait().unwrap();
        let lines = BufReader::new(File::open(&self.output).unwrap()).lines();
        lines
            .map_while(Result::ok)
            .filter(|line| line.contains("syscalls:"))
            .map(|line| {
                line.split(',')
                    .next()
                    .unwrap()
                    .parse()
                    .unwrap_or_else(|_| panic!("perf: {line}"))
            })
            .collect()
    }
}

/// `perf record` of a few events of one process, with times of `CLOCK_MONOTONIC`.
pub(crate) struct PerfRecord {
    child: Child,
    data: PathBuf,
    _directory: tempfile::TempDir,
}

impl PerfRecord {
    /// Starts recording; returns when perf has said that it does.
    pub(crate) fn start(pid: u32, events: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let mut perf = Command::new("perf");
        perf.args(["record", "--clockid=CLOCK_MONOTONIC"])
            .arg(format!("--pid={pid}"))
            .arg(format!("--event={}", events.join(",")))
            .arg(format!("--output={}", data.display()));
        Self {
            child: start_perf(perf, directory.path()),
            data,
            _directory: directory,
        }
    }

    /// Stops, and returns a line for each event: seconds with nine digits, event, what it says.
    pub(crate) fn finish(mut self) -> Vec<String> {
        super::child::signal_pid(self.child.id(), Signal::SIGINT);
        self.child.wait().unwrap();
        let output = Command::new("perf")
            .args(["script", "--ns", "--fields=time,event,trace", "--input"])
            .arg(&self.data)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("LOST"), "perf lost events: {text}");
        let mut lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
        // Now and then perf writes one event twice, to the nanosecond and the address the same.
        lines.dedup();
        lines
    }
}

/// For how long this machine was suspended: so far `CLOCK_MONOTONIC`, which perf's times are of, is behind
/// `CLOCK_BOOTTIME`.
pub(crate) fn suspended_ns() -> u64 {
    /// Never suspended, the two are one, and what is left is the time it takes to read a clock.
    const READING_NS: u64 = 1_000;
    let ns = |clock| {
        let time = clock_gettime(clock).unwrap();
        time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
    };
    let pair = |_| {
        let before = ns(ClockId::CLOCK_MONOTONIC);
        ns(ClockId::CLOCK_BOOTTIME) - before
    };
    let least = (0..1000).map(pair).min().unwrap();
    if least < READING_NS { 0 } else { least }
}

/// Starts a perf that observes from when it is told to, and tells it; returns when perf has said that it does.
pub(crate) fn start_perf(mut perf: Command, directory: &Path) -> Child {
    mount_tracefs();
    let (control, ack) = (directory.join("control"), directory.join("ack"));
    for fifo in [&control, &ack] {
        nix::unistd::mkfifo(fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    }
    let fifos = format!("{},{}", control.display(), ack.display());
    let mut child = perf
        .arg("--delay=-1")
        .arg(format!("--control=fifo:{fifos}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start perf");
    // Opened for both ways, a fifo does not wait for its other end; and what is in it is kept for that.
    let open = |path| OpenOptions::new().read(true).write(true).open(path);
    let mut control = open(control).unwrap();
    let ack = open(ack).unwrap();
    control.write_all(b"enable\n").unwrap();
    let mut answered = [PollFd::new(ack.as_fd(), PollFlags::POLLIN)];
    while poll(&mut answered, PollTimeout::from(100_u8)).unwrap() == 0 {
        if let Some(status) = child.try_wait().unwrap() {
            panic!("{perf:?} ended before it began: {status}");
        }
    }
    let mut answer = String::new();
    BufReader::new(ack).read_line(&mut answer).unwrap();
    assert!(answer.starts_with("ack"), "perf said {answer:?}");
    child
}

/// Where perf reads what events there are. Some machines do not mount it by themselves.
fn mount_tracefs() {
    if Path::new("/sys/kernel/tracing/events").exists() {
        return;
    }
    let status = Command::new("mount")
        .args(["-t", "tracefs", "nodev", "/sys/kernel/tracing"])
        .status()
        .unwrap();
    assert!(status.success(), "mount tracefs, which perf needs");
}

/// What the scheduler itself says of a thread: nanoseconds on the CPU, and waiting for it.
pub(crate) fn schedstat(pid: u32) -> (u64, u64) {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/schedstat")).unwrap();
    let mut numbers = text
        .split_ascii_whitespace()
        .map(|number| number.parse::<u64>().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// Voluntary and involuntary context switches of a thread, as the kernel counts them.
pub(crate) fn context_switches(pid: u32) -> (u64, u64) {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/status")).unwrap();
    let count = |name: &str| -> u64 {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_ascii_whitespace()
            .last()
            .unwrap()
            .parse()
            .unwrap()
    };
    (
        count("voluntary_ctxt_switches:"),
        count("nonvoluntary_ctxt_switches:"),
    )
}
