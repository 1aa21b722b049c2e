//! Observers that are not ours: `perf stat` for counts, `/proc` for the scheduler's own sums.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use nix::sys::{signal::Signal, stat::Mode};

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
        let file = |name: &str| directory.path().join(name);
        let (control, ack, output) = (file("control"), file("ack"), file("output"));
        for fifo in [&control, &ack] {
            nix::unistd::mkfifo(fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        }
        let events = calls
            .iter()
            .map(|call| format!("syscalls:sys_enter_{call}"))
            .collect::<Vec<_>>();
        let child = Command::new("perf")
            .args([
                "stat",
                "--delay=-1",
                "--field-separator=,",
                "--pid",
                &pid.to_string(),
            ])
            .arg(format!("--event={}", events.join(",")))
            .arg(format!(
                "--control=fifo:{},{}",
                control.display(),
                ack.display()
            ))
            .arg(format!("--output={}", output.display()))
            .stdout(Stdio::null())
            .spawn()
            .expect("start perf");
        // Opened for both ways, a fifo does not wait for its other end.
        let mut control = OpenOptions::new()
            .read(true)
            .write(true)
            .open(control)
            .unwrap();
        let ack = OpenOptions::new().read(true).write(true).open(ack).unwrap();
        control.write_all(b"enable\n").unwrap();
        let mut answer = String::new();
        BufReader::new(ack).read_line(&mut answer).unwrap();
        assert!(answer.starts_with("ack"), "perf said {answer:?}");
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
