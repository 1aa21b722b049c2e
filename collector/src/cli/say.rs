//! Words for people, on standard error. They must never make the program fail: whoever does not want to
//! know has closed it.

use std::{
    fmt::Display,
    io::{ErrorKind, Write as _, stderr},
};

use anyhow::Error;
use nix::{sys::prctl::get_no_new_privs, unistd::Uid};

use crate::text::escape;

/// Writes a line, or several.
pub(super) fn say(words: impl Display) {
    let _ = writeln!(stderr().lock(), "{words}");
}

/// Says what went wrong, in one line.
pub(super) fn complain(error: &Error) {
    let hint = files_are_opened_as(error).unwrap_or_default();
    say(format_args!(
        "waitscope: {}{hint}",
        escape(&format!("{error:#}"))
    ));
}

/// Root may read and write any file, and that waitscope can't surprises who is root.
fn files_are_opened_as(error: &Error) -> Option<String> {
    let denied = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    let denied = denied
        .map(std::io::Error::kind)
        .any(|kind| kind == ErrorKind::PermissionDenied);
    let user = Uid::effective();
    let expected_more = user.is_root() || std::env::var_os("SUDO_UID").is_some();
    let gave_up = get_no_new_privs().unwrap_or(false);
    (denied && expected_more && gave_up).then(|| {
        format!("; waitscope opens files without root's rights, as the user with id {user}")
    })
}
