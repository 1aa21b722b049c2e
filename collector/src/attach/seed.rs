//! What the target's threads were doing before tracing began.
//!
//! Read after the programs were armed, and looked at only when they see a thread for the first time: then
//! nothing has happened to it since, and what is read here was so all the time.

use anyhow::{Context as _, Result};
use probe_ebpf::{
    ASLEEP, Call, FLAG_BEGAN_BEFORE, Head, KIND_CALL, NO_CALL, Seed, TIMEOUT_UNKNOWN, Thread,
    UNKNOWN_CALL,
};
use procfs::process::{Process, Syscall, Task};

/// A thread found in `/proc`.
pub(crate) struct Found {
    pub(crate) tid: u32,
    pub(crate) name: String,
    /// What to tell the programs; `None` for a thread that ran just then.
    pub(crate) seed: Option<Seed>,
}

/// The threads of a process, each with what it is doing.
pub(crate) fn threads(pid: u32) -> Result<Vec<Found>> {
    let tasks = Process::new(pid as i32)
        .and_then(|process| process.tasks())
        .with_context(|| format!("list the threads of process {pid}"))?;
    // A thread may end while they are listed.
    Ok(tasks
        .filter_map(Result::ok)
        .filter_map(|task| found(pid, &task))
        .collect())
}

/// The name that a thread has now.
pub(crate) fn name(pid: u32, tid: u32) -> Option<String> {
    let name = std::fs::read(format!("/proc/{pid}/task/{tid}/comm")).ok()?;
    Some(String::from_utf8_lossy(name.strip_suffix(b"\n").unwrap_or(&name)).into_owned())
}

fn found(pid: u32, task: &Task) -> Option<Found> {
    let tid = task.tid as u32;
    let seed = match task.syscall() {
        Ok(Syscall::Blocked {
            syscall_number,
            argument_registers,
            ..
        }) => {
            let [a, b, c, d, ..] = argument_registers;
            // Below zero: asleep outside any call, in a page fault say.
            let nr = match u32::try_from(syscall_number) {
                // Stopped by a signal, it has left its call as far as the programs can see, and may go on
                // with it or not: what comes next will tell.
                Ok(_) if is_stopped(task) => UNKNOWN_CALL,
                Ok(nr) => nr,
                Err(_) => NO_CALL,
            };
            Some(Seed {
                args: [a, b, c, d],
                nr,
                reserved: 0,
            })
        }
        Ok(_) | Err(_) => None,
    };
    Some(Found {
        tid,
        name: name(pid, tid)?,
        seed,
    })
}

fn is_stopped(task: &Task) -> bool {
    task.stat()
        .is_ok_and(|stat| matches!(stat.state, 'T' | 't'))
}

/// What the programs will make of a seed: the thread has slept ever since they were armed.
pub(crate) fn asleep(pid: u32, tid: u32, armed_ns: u64, seed: Seed) -> Thread {
    let Seed {
        args,
        nr,
        reserved: _,
    } = seed;
    Thread {
        call: Call {
            head: Head {
                kind: KIND_CALL,
                pid,
                tid,
                ..Head::default()
            },
            enter_ns: armed_ns,
            exit_ns: armed_ns,
            args,
            nr,
            flags: FLAG_BEGAN_BEFORE,
            timeout_ns: TIMEOUT_UNKNOWN,
            ..Call::default()
        },
        since_ns: armed_ns,
        on_ns: armed_ns,
        off_ns: armed_ns,
        tail_at_ns: armed_ns,
        mode: ASLEEP,
        restart_nr: NO_CALL,
        ..Thread::default()
    }
}
