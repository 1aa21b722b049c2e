//! Programs that are not ours and that some tests let read our files: Python with the packages of
//! `tests/requirements.txt`, and node with those of `web-ui/tests/package.json`.
//!
//! ```text
//!   python3 -m venv target/test-tools && target/test-tools/bin/pip install -r collector/tests/requirements.txt
//!   npm ci --prefix web-ui/tests
//! ```
//!
//! A test that misses them says so and passes, unless `WAITSCOPE_REQUIRE_ALL=1` is set.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A Python that has this package: `WAITSCOPE_PYTHON`, or the one in `target/test-tools`.
pub(crate) fn python(package: &str) -> Option<PathBuf> {
    let own = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../target/test-tools/bin/python"
    );
    let python = std::env::var_os("WAITSCOPE_PYTHON").map_or_else(|| own.into(), PathBuf::from);
    let there = Command::new(&python)
        .args(["-c", &format!("import {package}")])
        .output();
    if there.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    missing(&format!("{} with the package {package}", python.display()))
}

/// Says what is missing; with `WAITSCOPE_REQUIRE_ALL=1` that is a failure.
pub(crate) fn missing<T>(what: &str) -> Option<T> {
    let required = std::env::var_os("WAITSCOPE_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(
        !required,
        "{what} is missing, and WAITSCOPE_REQUIRE_ALL is set"
    );
    eprintln!("SKIPPED: {what} is missing (tests/support/tools.rs says how to get it)");
    None
}

/// Runs a program and gives what it printed; it must succeed.
pub(crate) fn run(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?} failed: {stderr}");
    String::from_utf8(stdout).unwrap()
}

/// A file beside the tests.
pub(crate) fn beside(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(path)
}
