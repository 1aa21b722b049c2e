//! Debian packages that a task needs: installed where they are missing, and only then.
//!
//! It must never remove or upgrade anything, nor change how apt is set up.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run;

/// Makes sure that `packages` are installed, through apt, as root or with sudo.
///
/// # Errors
/// Names the packages that are missing where they can't be installed: no apt here, or no right to use it.
pub(crate) fn ensure(why: &str, packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages
        .iter()
        .copied()
        .filter(|name| !installed(name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "{why}: these Debian packages are needed, and there is no apt-get here to install \
             them: {names}. Install what your system calls them, or use a Debian machine"
        );
    }
    println!("{why}: installing {names}");
    if install(&missing).is_ok() {
        return Ok(());
    }
    // The lists may be old or absent: bring them up to date, once.
    run::run(&mut apt(&["update"])?).with_context(|| format!("{why}: update apt's lists"))?;
    install(&missing).with_context(|| format!("{why}: install {names}"))
}

/// Whether dpkg has the package, unpacked and set up.
fn installed(name: &str) -> bool {
    Command::new("dpkg-query")
        .args(["-W", "-f=${Status}", name])
        .output()
        .is_ok_and(|output| output.stdout == b"install ok installed")
}

fn install(packages: &[&str]) -> Result<()> {
    let mut command = apt(&["install", "-y", "--no-install-recommends"])?;
    run::run(command.args(packages))
}

/// `apt-get`, as root, waiting for whoever else holds its lock.
fn apt(args: &[&str]) -> Result<Command> {
    // RUNLEVEL=1: in the single-user runlevel, Debian's maintainer scripts start no service.
    let settings = ["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"];
    let mut command = as_root("env")?;
    command
        .args(settings)
        .arg("apt-get")
        .args(["-o", "DPkg::Lock::Timeout=300"])
        .args(args);
    Ok(command)
}

/// The program, through sudo where we are not root.
///
/// # Errors
/// When we are not root and there is no sudo.
pub(crate) fn as_root(program: &str) -> Result<Command> {
    if is_root() {
        return Ok(Command::new(program));
    }
    if !run::succeeds(Command::new("sudo").arg("-V")) {
        bail!("run {program} as root: not root, and there is no sudo here; run this task as root");
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    Ok(command)
}

/// Whether we are root.
pub(crate) fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout == b"0\n")
}
