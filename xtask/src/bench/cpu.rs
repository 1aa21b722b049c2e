//! CPU time that a process has taken, all its threads together, those that ended too.
//!
//! It must never be read for a process that may be another by now: whoever asks holds it as a child.

use anyhow::{Context, Result};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// Nanoseconds on a CPU so far.
pub(super) fn nanos(pid: u32) -> Result<f64> {
    let read = || -> Result<_> {
        let clock: ClockId = clock_getcpuclockid(Pid::from_raw(i32::try_from(pid)?))?;
        Ok(clock_gettime(clock)?)
    };
    let time = read().with_context(|| format!("read the CPU time of process {pid}"))?;
    Ok(time.tv_sec() as f64 * 1e9 + time.tv_nsec() as f64)
}
