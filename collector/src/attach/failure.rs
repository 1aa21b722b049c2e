//! Why tracing could not begin, in words that name the way out.

use std::{error::Error, io};

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
        let cause = root_cause(&error);
        if denied {
            Self::new(
                act,
                cause,
                "run it with sudo, or give it CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE; `waitscope doctor` says what is missing",
            )
        } else {
            Self::new(act, cause, "`waitscope doctor` says what this kernel lacks")
        }
    }
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
