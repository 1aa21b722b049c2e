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

/// `perf stat`, counting entries of syscalls of one process.
pub(crate) struct PerfStat {
    child: Child,
    output: PathBuf,
    _directory: tempfile::TempDir,
}

impl PerfStat {
    /// Starts counting; returns when perf has said that it does.
    pub(crate) fn start(pid: u32, calls: &[&str]) -> Self {
        mount_tracefs();
        let directory = tempfile::tempdir().unwrap();
        let (fifos, output) = (Fifos::make(&directory), directory.path().join("output"));
        let events = calls
            .iter()
            .map(|call| format!("syscalls:sys_enter_{call}"))
            .collect::<Vec<_>>();
        let mut child = Command::new("perf")
            .args([
                "stat",
                "--delay=-1",
                "--field-separator=,",
                "--pid",
                &pid.to_string(),
            ])
            .arg(format!("--event={}", events.join(",")))
            .arg(fifos.option())
            .arg(format!("--output={}", output.display()))
            .stdout(Stdio::null())
            .spawn()
            .expect("start perf");
        fifos.enable(&mut child);
        Self {
            child,
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

/// `perf record` of a few events of one process, with times of `CLOCK_MONOTONIC`: of tracepoints it knows no other
/// that is like the one that traces have.
pub(crate) struct PerfRecord {
    child: Child,
    data: PathBuf,
    _directory: tempfile::TempDir,
}

impl PerfRecord {
    /// Starts recording; returns when perf has said that it does.
    pub(crate) fn start(pid: u32, events: &[&str]) -> Self {
        mount_tracefs();
        let directory = tempfile::tempdir().unwrap();
        let (fifos, data) = (Fifos::make(&directory), directory.path().join("data"));
        let mut child = Command::new("perf")
            .args([
                "record",
                "--quiet",
                "--delay=-1",
                "--clockid=CLOCK_MONOTONIC",
            ])
            .arg(format!("--pid={pid}"))
            .arg(format!("--event={}", events.join(",")))
            .arg(fifos.option())
            .arg(format!("--output={}", data.display()))
            .stdout(Stdio::null())
            .spawn()
            .expect("start perf");
        fifos.enable(&mut child);
        Self {
            child,
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
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

/// How perf is told when to begin, and says that it has.
struct Fifos {
    control: PathBuf,
    ack: PathBuf,
}

impl Fifos {
    fn make(directory: &tempfile::TempDir) -> Self {
        let [control, ack] = ["control", "ack"].map(|name| directory.path().join(name));
        for fifo in [&control, &ack] {
            nix::unistd::mkfifo(fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        }
        Self { control, ack }
    }

    fn option(&self) -> String {
        let (control, ack) = (self.control.display(), self.ack.display());
        format!("--control=fifo:{control},{ack}")
    }

    /// Tells it to begin; returns when it has.
    fn enable(&self, perf: &mut Child) {
        // Opened for both ways, a fifo does not wait for its other end.
        let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path);
        let (mut control, ack) = (open(&self.control).unwrap(), open(&self.ack).unwrap());
        control.write_all(b"enable\n").unwrap();
        let mut answered = [PollFd::new(ack.as_fd(), PollFlags::POLLIN)];
        while poll(&mut answered, PollTimeout::from(100_u8)).unwrap() == 0 {
            if let Some(status) = perf.try_wait().unwrap() {
                panic!("perf ended before it began: {status}");
            }
        }
        let mut answer = String::new();
        BufReader::new(ack).read_line(&mut answer).unwrap();
        assert!(answer.starts_with("ack"), "perf said {answer:?}");
    }
}

/// For how long this machine was suspended: so far `CLOCK_MONOTONIC` is behind `CLOCK_BOOTTIME`.
pub(crate) fn suspended_ns() -> u64 {
    let now = |clock| {
        let time = clock_gettime(clock).unwrap();
        time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
    };
    // Read in this order, the difference is too small by the time between, never too large.
    let boot_ns = now(ClockId::CLOCK_BOOTTIME);
    boot_ns.saturating_sub(now(ClockId::CLOCK_MONOTONIC))
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
