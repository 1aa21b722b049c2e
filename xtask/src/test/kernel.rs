//! The tests that need root, against the committed object and against one built just now.
//!
//! They run with one thread: each puts load on the machine, and counts what the scheduler does.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::cargo_test;
use super::tally::Tally;
use crate::{ebpf, packages, place, run};

/// Runs them as root; they are built as whoever we are.
pub(super) fn run(tally: &mut Tally) -> Result<()> {
    let mut cargo = cargo_test();
    cargo.args(["--test", "kernel", "--test", "faults"]);
    if !packages::is_root() {
        // Fails here, with a way out, if there is no becoming root.
        packages::as_root("true")?;
        cargo.args([
            "--config",
            "target.'cfg(unix)'.runner = ['sudo', '-n', '-E']",
        ]);
    }
    run::watch(cargo.args(["--", "--test-threads=1"]), |line| {
        tally.cargo(line)
    })
}

/// Builds the object from source, and tests that one.
///
/// The same compiler must give the same bytes, and then the tests have run already. Another one gives
/// other bytes, and they run again.
pub(super) fn fresh(no_root: bool, tally: &mut Tally) -> Result<()> {
    let out = place::target().join("ebpf").join("fresh.bpf.o");
    let fresh = ebpf::build(&out)?;
    let committed = ebpf::Stamp::read()?;
    if fresh.sources != committed.sources {
        bail!("the object was built from other sources. Run `cargo xtask ebpf`");
    }
    if fresh.object == committed.object {
        println!("the rebuilt object is the committed one, byte for byte");
        return Ok(());
    }
    if fresh.versions == committed.versions {
        bail!(
            "the same compiler made another object: {} is not {}. Run `cargo xtask ebpf`",
            fresh.object,
            committed.object
        );
    }
    println!(
        "another compiler, another object: {:?}, not {:?}",
        fresh.versions, committed.versions
    );
    if no_root {
        bail!("test the rebuilt object: that needs root");
    }
    let _restored_at_the_end = InPlace::of_the_committed(&out)?;
    run(tally)
}

/// Another object where the committed one was, until this is dropped.
struct InPlace {
    committed: PathBuf,
    bytes: Vec<u8>,
}

impl InPlace {
    fn of_the_committed(other: &PathBuf) -> Result<Self> {
        let committed = place::in_workspace(ebpf::OBJECT);
        let bytes =
            fs::read(&committed).with_context(|| format!("read {}", committed.display()))?;
        // From here on, dropping puts it back.
        let guard = Self { committed, bytes };
        fs::copy(other, &guard.committed).with_context(|| format!("copy {}", other.display()))?;
        Ok(guard)
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.committed, &self.bytes) {
            println!(
                "put {} back: {error}. Run `git checkout` on it",
                self.committed.display()
            );
        }
    }
}
