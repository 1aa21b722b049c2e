//! The program of `run`: started by us, held at the end of its `execve`, let go once it is traced, and ended
//! with us.
//!
//! ```text
//!  waitscope ──spawn──▶ waitscope run-child: becomes the user, asks to be held
//!      │ ◀──────────── execve: stopped in it, before the program's first instruction
//!   attach, listen, open files
//!      │ ───detach──▶ the program runs; its input, output and terminal are ours
//! ```
//!
//! `ptrace` holds it, and is over before the first instruction: a program that is traced later is never
//! stopped. Should waitscope be killed, the kernel kills the program.

use std::{
    fmt,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Child, Command, ExitStatus},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    errno::Errno,
    sys::{
        prctl::set_pdeathsig,
        ptrace,
        signal::{Signal, kill, raise},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, getppid},
};

use super::{Exit, say::say};
use crate::{
    attach::{Unsupported, become_invoking_user},
    text::escape,
};

/// How long the program gets to end by itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// A program that was started here. Dropping it ends it.
pub(super) struct Held {
    child: Child,
    /// Still before its first instruction.
    held: bool,
}

/// What became of the start.
pub(super) enum Started {
    /// The program is there, before its first instruction.
    Held(Held),
    /// It could not be run, and has said why.
    Failed(Exit),
}

impl Held {
    /// Starts it and returns when it is held.
    pub(super) fn start(command: &[String]) -> Result<Started> {
        let waitscope = std::env::current_exe().context("find waitscope itself")?;
        let child = Command::new(waitscope)
            .arg("run-child")
            .arg(std::process::id().to_string())
            .arg("--")
            .args(command)
            .spawn()
            .context("start waitscope itself again, to become the program")?;
        let held = Self { child, held: true };
        held.until_its_first_instruction()
            .context("hold the program before its first instruction")
    }

    fn until_its_first_instruction(self) -> Result<Started> {
        let pid = self.raw();
        loop {
            match waitpid(pid, Some(WaitPidFlag::WUNTRACED))? {
                WaitStatus::Stopped(_, Signal::SIGSTOP) => {
                    let options =
                        ptrace::Options::PTRACE_O_TRACEEXEC | ptrace::Options::PTRACE_O_EXITKILL;
                    ptrace::setoptions(pid, options)?;
                    ptrace::cont(pid, None)?;
                }
                WaitStatus::PtraceEvent(..) => return Ok(Started::Held(self)),
                // Ctrl-C, say: meant for it as for us.
                WaitStatus::Stopped(_, signal) => ptrace::cont(pid, Some(signal))?,
                WaitStatus::Exited(_, 3) => return Ok(Started::Failed(Exit::Unsupported)),
                WaitStatus::Exited(..) => return Ok(Started::Failed(Exit::Failed)),
                WaitStatus::Signaled(_, signal, _) => bail!("it was killed by {signal}"),
                _ => {}
            }
        }
    }

    fn raw(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it run.
    pub(super) fn release(&mut self) -> Result<()> {
        self.held = false;
        ptrace::detach(self.raw(), None).context("let the program run")
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<Ended> {
        self.child.try_wait().ok().flatten().map(Ended)
    }

    fn ends_in_time(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            // An error means that there is no such child any more.
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let signals: &[_] = if self.held {
            &[Signal::SIGKILL]
        } else {
            &[Signal::SIGTERM, Signal::SIGKILL]
        };
        for &signal in signals {
            if kill(self.raw(), signal) == Err(Errno::EPERM) {
                say(format_args!(
                    "waitscope: the program goes on as process {}: it has become a user whose programs this one may not end",
                    self.child.id()
                ));
                return;
            }
            if self.ends_in_time() {
                return;
            }
        }
    }
}

/// How a program ended, in words.
pub(super) struct Ended(ExitStatus);

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.code(), self.0.signal().map(Signal::try_from)) {
            (Some(0), _) => write!(f, "the program ended"),
            (Some(code), _) => write!(f, "the program ended with code {code}"),
            (None, Some(Ok(signal))) => write!(f, "the program was killed by {signal}"),
            (None, _) => write!(f, "the program was killed"),
        }
    }
}

/// The other side: `waitscope run-child PARENT -- CMD ARG…`.
pub(super) fn run_child(parent: u32, command: &[String]) -> Result<Exit> {
    let [program, args @ ..] = command else {
        bail!("run: no program given")
    };
    let mut command = Command::new(program);
    command.args(args);
    if let Some(user) = become_invoking_user()? {
        // Those of root, which `sudo` has set, would lead it to files that it may not read.
        command
            .env("HOME", user.dir)
            .env("USER", &user.name)
            .env("LOGNAME", &user.name);
    }
    set_pdeathsig(Signal::SIGKILL).context("ask to be ended with waitscope")?;
    if getppid() != Pid::from_raw(parent.cast_signed()) {
        bail!("run {}: waitscope is gone", escape(program));
    }
    ptrace::traceme().map_err(|error| {
        Unsupported::new(
            "hold the program before its first instruction",
            error,
            "this machine forbids ptrace (kernel.yama.ptrace_scope, or a container's seccomp): start the program yourself, and use `attach`",
        )
    })?;
    raise(Signal::SIGSTOP).context("wait to be traced")?;
    Err(command.exec()).with_context(|| format!("run {}", escape(program)))
}
