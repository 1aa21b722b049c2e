//! Why tracing could not begin, in words that name the way out.

use aya::programs::ProgramError;
use std::{error::Error, io};

use caps::{CapSet, Capability};

/// This kernel, or this user, can't trace. Ends the program with code 3.
#[derive(Debug, thiserror::Error)]
#[error("{act}: {cause}; {way_out}")]
pub struct Unsupported {
    act: String,
    cause: String,
    way_out: String,
}

impl Unsupported {
    /// What was tried, why it failed, and what to do about it.
    pub fn new(act: &str, cause: impl ToString, way_out: &str) -> Self {
        Self {
            act: act.into(),
            cause: cause.to_string(),
            way_out: way_out.into(),
        }
    }

    /// From an error of aya's, which has the kernel's somewhere in its chain.
    pub(crate) fn from_kernel(act: &str, error: impl Error) -> Self {
        let denied = chain(&error).any(|cause| {
            cause.downcast_ref::<io::Error>().is_some_and(|error| {
                error.kind() == io::ErrorKind::PermissionDenied || error.raw_os_error() == Some(1)
            })
        });
        match (denied, lacking().as_slice()) {
            (false, _) => Self::new(
                act,
                root_cause(&error),
                "`waitscope doctor` says what this kernel lacks",
            ),
            (true, []) => Self::new(
                act,
                "not permitted, although no capability is missing",
                "a container's seccomp filter or kernel lockdown forbids it: run it on the host",
            ),
            (true, lacking) => Self::new(
                act,
                format!("not permitted without {}", lacking.join(" and ")),
                GET_RIGHTS,
            ),
        }
    }

    /// The kernel did not take a program. Its verifier's refusal looks like a missing right, and is none: only
    /// then there is a log.
    pub(crate) fn from_load(act: &str, error: ProgramError) -> Self {
        match &error {
            ProgramError::LoadError { verifier_log, .. } => {
                let log = verifier_log.to_string();
                // The last line but one says what is wrong, the last one how long it took.
                let said = log.lines().rev().find(|line| {
                    !line.trim().is_empty()
                        && !line.starts_with("processed")
                        && !line.contains("verification time")
                });
                match said {
                    Some(said) if log.lines().any(|line| line.starts_with("processed")) => {
                        Self::new(
                            act,
                            format!("the kernel's verifier refuses it: {}", said.trim()),
                            "this is a fault of waitscope on this kernel: please report it with what `waitscope doctor` says",
                        )
                    }
                    _ => Self::from_kernel(act, error),
                }
            }
            _ => Self::from_kernel(act, error),
        }
    }

    /// The kernel does not describe its types, or not those that are needed.
    pub(crate) fn without_types(error: &anyhow::Error) -> Self {
        Self::new("read the kernel's types", format!("{error:#}"), GET_TYPES)
    }

    /// Why, without the way out.
    pub(crate) fn cause(&self) -> String {
        format!("{}: {}", self.act, self.cause)
    }
}

/// How to get the capabilities.
pub(crate) const GET_RIGHTS: &str =
    "run it with sudo, or once `sudo setcap cap_bpf,cap_perfmon,cap_sys_ptrace+ep` on the program";

/// How to get a description of the kernel's types.
pub(crate) const GET_TYPES: &str = "run a kernel of Linux 5.19 or newer with CONFIG_DEBUG_INFO_BTF, as those of all large distributions are";

/// Whether this thread has a capability, or the one that once stood for it.
pub(crate) fn holds(capability: Capability) -> bool {
    let has = |capability| caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false);
    let was_admins = matches!(capability, Capability::CAP_BPF | Capability::CAP_PERFMON);
    has(capability) || (was_admins && has(Capability::CAP_SYS_ADMIN))
}

/// Capabilities that tracing needs and this thread has not.
fn lacking() -> Vec<String> {
    let needed = [Capability::CAP_BPF, Capability::CAP_PERFMON];
    needed
        .into_iter()
        .filter(|&needed| !holds(needed))
        .map(|lacking| lacking.to_string())
        .collect()
}

fn chain<'a>(error: &'a dyn Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&error| error.source())
}

/// The innermost message, on one line: a verifier's log would fill the screen.
fn root_cause(error: &dyn Error) -> String {
    let text = chain(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string);
    text.lines().next().unwrap_or_default().to_owned()
}
