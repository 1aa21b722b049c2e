//! What holds for a whole trace, known when it begins.

use serde::{Deserialize, Serialize};

/// What holds for a whole trace, known when it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The process it was started for, in the PID namespace of the machine.
    pub pid: u32,
    /// Its command line, any bytes made text, unescaped.
    pub command: String,
    /// The machine's name.
    pub host: String,
    /// The kernel's release, as `uname -r` prints it.
    pub kernel: String,
    /// The architecture as `uname -m` prints it: `x86_64` or `aarch64`.
    pub arch: String,
    /// When it began, `CLOCK_BOOTTIME`: all other times count from here.
    pub start_boot_ns: u64,
    /// When it began, nanoseconds since 1970.
    pub start_unix_ns: u64,
    /// How the kernel was hooked, as `doctor` calls it: `tp_btf`.
    pub backend: String,
    /// Children of the process are traced too.
    pub follow: bool,
}
