//! Which process is meant: by PID, by unique name, or by its PID inside a container.
//!
//! A process is held by a pidfd from the moment it was found, so that a PID that comes to mean another
//! process is never traced by mistake.

use std::os::fd::OwnedFd;

use anyhow::{Context as _, Result, bail, ensure};
use procfs::process::{Process, all_processes};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::failure::Unsupported;
use crate::text::escape;

/// The inode of the machine's own PID namespace, fixed in the kernel:
/// <https://github.com/torvalds/linux/blob/v6.12/include/linux/proc_ns.h#L44>
const INIT_PID_NAMESPACE: u64 = 0xefff_fffc;
/// Likewise, of the time namespace.
const INIT_TIME_NAMESPACE: u64 = 0xefff_fffa;

/// A process, held.
#[derive(Debug)]
pub struct Target {
    pid: u32,
    command: String,
    pidfd: OwnedFd,
    started_ticks: u64,
}

impl Target {
    /// By what was typed: a PID, or a name that only one process has.
    pub fn find(wanted: &str) -> Result<Self> {
        match wanted.parse::<u32>() {
            Ok(pid) => Self::by_pid(pid),
            Err(_) => Self::by_name(wanted),
        }
    }

    /// The process of this id.
    pub fn by_pid(pid: u32) -> Result<Self> {
        ensure_own_namespace()?;
        ensure_own_clock()?;
        match Self::hold(pid) {
            Ok(target) => Ok(target),
            Err(error) => match inside_a_namespace(pid)?.as_slice() {
                [] => Err(error),
                [outside] => Self::hold(*outside),
                many => bail!(
                    "find process {pid}: there is none here, and it could be any of {} inside their own PID namespaces; give the PID that `ps` shows on this machine",
                    list(many)
                ),
            },
        }
    }

    fn by_name(name: &str) -> Result<Self> {
        ensure_own_namespace()?;
        ensure_own_clock()?;
        let own = std::process::id();
        let found: Vec<u32> = processes()?
            .filter(|process| process.pid as u32 != own && is_called(process, name))
            .map(|process| process.pid as u32)
            .collect();
        match found.as_slice() {
            [] => bail!(
                "find process {}: none has that name; `ps -e` lists names",
                escape(name)
            ),
            [pid] => Self::hold(*pid),
            many => bail!(
                "find process {}: {} have that name ({}); give one of the PIDs",
                escape(name),
                many.len(),
                list(many)
            ),
        }
    }

    fn hold(pid: u32) -> Result<Self> {
        let act = || format!("find process {pid}");
        let raw = i32::try_from(pid)
            .ok()
            .and_then(Pid::from_raw)
            .with_context(|| format!("{}: not a process id; they are 1 and above", act()))?;
        // Its own calls are made by looking at its own calls, without end.
        ensure!(
            pid != std::process::id(),
            "{}: that is waitscope itself",
            act()
        );
        let process = match Process::new(raw.as_raw_nonzero().get()) {
            Ok(process) => process,
            Err(procfs::ProcError::NotFound(_)) => {
                bail!("{}: there is none; `ps -e` lists them", act())
            }
            Err(error) => return Err(error).with_context(act),
        };
        let status = process.status().with_context(act)?;
        if status.tgid != status.pid {
            bail!(
                "{}: it is a thread of process {}; give that one",
                act(),
                status.tgid
            );
        }
        let pidfd = pidfd_open(raw, PidfdFlags::empty())
            .with_context(|| format!("{}: it ended just now", act()))?;
        let stat = process.stat().with_context(act)?;
        if stat.flags & PF_KTHREAD != 0 {
            bail!(
                "{}: it is a thread of the kernel, which makes no system calls",
                act()
            );
        }
        let target = Self {
            pid,
            command: command(&process, &stat.comm),
            pidfd,
            started_ticks: stat.starttime,
        };
        ensure!(!target.has_ended(), "{}: it ended just now", act());
        Ok(target)
    }

    /// Its id, in the PID namespace of the machine.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its command line, any bytes made text, unescaped.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        matches!(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(ready) if ready > 0)
    }

    /// The pidfd: readable when the process has ended.
    pub(crate) fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    /// Fails if the PID has come to mean another process since it was found.
    pub(crate) fn ensure_same(&self) -> Result<()> {
        ensure!(!self.has_ended(), "it ended just now");
        let started = Process::new(self.pid as i32).and_then(|process| process.stat());
        ensure!(
            started.is_ok_and(|stat| stat.starttime == self.started_ticks),
            "it ended just now, and its PID means another process"
        );
        Ok(())
    }
}

/// `PF_KTHREAD`: <https://github.com/torvalds/linux/blob/v6.12/include/linux/sched.h#L1727>
const PF_KTHREAD: u32 = 0x0020_0000;

fn processes() -> Result<impl Iterator<Item = Process>> {
    // A process may end while they are listed.
    Ok(all_processes()
        .context("list processes in /proc")?
        .filter_map(Result::ok))
}

/// By its name in the kernel, or by its program's file name, which is not cut to 15 bytes. One that has
/// ended, and only waits for its parent to notice, is no process any more.
fn is_called(process: &Process, name: &str) -> bool {
    let Ok(stat) = process.stat() else {
        return false;
    };
    if stat.state == 'Z' {
        return false;
    }
    stat.comm == name
        || process
            .exe()
            .is_ok_and(|exe| exe.file_name().is_some_and(|file| file == name))
}

/// Processes whose PID in their own, inner namespace is this one.
fn inside_a_namespace(pid: u32) -> Result<Vec<u32>> {
    Ok(processes()?
        .filter(|process| {
            process
                .status()
                .is_ok_and(|status| status.nspid.is_some_and(|ids| is_inside(&ids, pid)))
        })
        .map(|process| process.pid as u32)
        .collect())
}

/// Whether these ids of one process (`NSpid`, the outermost namespace's first) say that it is `pid` to
/// itself, and something else to the machine.
fn is_inside(ids: &[i32], pid: u32) -> bool {
    ids.len() > 1 && ids.last().copied().and_then(|id| u32::try_from(id).ok()) == Some(pid)
}

/// The programs see the machine's PIDs: inside another PID namespace nothing would match.
pub(crate) fn ensure_own_namespace() -> Result<()> {
    if is_inside_another("pid", INIT_PID_NAMESPACE)? {
        return Err(Unsupported::new(
            "find the target",
            "waitscope itself runs inside a PID namespace, whose PIDs the kernel's programs do not see",
            "run it on the host, or in a container with the host's PIDs (--pid=host)",
        )
        .into());
    }
    Ok(())
}

/// The programs read the machine's clock: one that is shifted would begin the trace long before them, or after.
pub(crate) fn ensure_own_clock() -> Result<()> {
    // Without it, a kernel built without such namespaces has none to be inside of.
    let exists = std::fs::exists("/proc/self/ns/time").context("look at /proc/self/ns/time")?;
    if exists && is_inside_another("time", INIT_TIME_NAMESPACE)? {
        return Err(Unsupported::new(
            "find the target",
            "waitscope itself runs inside a time namespace, whose clock is not that of the kernel's programs",
            "run it outside, on the host",
        )
        .into());
    }
    Ok(())
}

fn is_inside_another(kind: &str, machines: u64) -> Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let path = format!("/proc/self/ns/{kind}");
    let namespace = std::fs::metadata(&path).with_context(|| format!("look at {path}"))?;
    Ok(namespace.ino() != machines)
}

fn command(process: &Process, comm: &str) -> String {
    match process.cmdline() {
        Ok(words) if !words.is_empty() => words.join(" "),
        _ => comm.to_owned(),
    }
}

fn list(pids: &[u32]) -> String {
    const SHOWN: usize = 8;
    let mut text = pids
        .iter()
        .take(SHOWN)
        .map(u32::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if pids.len() > SHOWN {
        text.push_str(", …");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    struct Sleeper(Child);

    impl Sleeper {
        fn start() -> Self {
            Self(Command::new("sleep").arg("60").spawn().unwrap())
        }

        fn end(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn a_process_that_ended_after_it_was_found_is_not_taken_for_another() {
        let mut sleeper = Sleeper::start();
        let target = Target::hold(sleeper.0.id()).unwrap();
        target.ensure_same().unwrap();
        sleeper.end();
        assert_eq!(
            target.ensure_same().unwrap_err().to_string(),
            "it ended just now"
        );
    }

    #[test]
    fn a_pid_that_means_another_process_by_now_is_noticed() {
        let sleeper = Sleeper::start();
        let mut target = Target::hold(sleeper.0.id()).unwrap();
        // As if the one that was found had begun earlier: no test can wait for a PID to come round.
        target.started_ticks -= 1;
        assert_eq!(
            target.ensure_same().unwrap_err().to_string(),
            "it ended just now, and its PID means another process"
        );
    }

    #[test]
    fn a_process_that_ended_and_was_not_waited_for_is_not_found() {
        let mut sleeper = Sleeper::start();
        sleeper.0.kill().unwrap();
        let pidfd = pidfd_open(
            Pid::from_raw(sleeper.0.id() as i32).unwrap(),
            PidfdFlags::empty(),
        )
        .unwrap();
        poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], None).unwrap();
        let error = Target::hold(sleeper.0.id()).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("find process {}: it ended just now", sleeper.0.id())
        );
        sleeper.0.wait().unwrap();
    }

    #[test]
    fn the_innermost_pid_is_the_one_a_container_shows() {
        for (ids, inside) in [
            (&[4711, 7][..], true),
            (&[4711, 30, 7], true),
            // In its own namespace it is another, whatever one in between calls it.
            (&[4711, 7, 30], false),
            // The machine's own namespace: looked up as it is, and not here.
            (&[7], false),
            (&[], false),
            (&[4711, -7], false),
        ] {
            assert_eq!(is_inside(ids, 7), inside, "{ids:?}");
        }
    }
}
