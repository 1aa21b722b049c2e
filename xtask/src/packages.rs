//! What a task needs from the system: looked for first, and installed through apt where it is missing.
//!
//! It must never remove or upgrade anything, change how apt is set up, or leave a service running.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run;

/// A Debian package, and how to tell that there is no need of it.
#[derive(Clone, Copy)]
pub(crate) struct Package {
    name: &'static str,
    /// What it is for, if any program of this name will do.
    program: Option<&'static str>,
    /// The service that Debian starts when it is installed.
    service: Option<&'static str>,
}

impl Package {
    /// This package, and no other.
    pub(crate) const fn exactly(name: &'static str) -> Self {
        Self {
            name,
            program: None,
            service: None,
        }
    }

    /// This package, unless there is such a program.
    pub(crate) const fn for_program(name: &'static str, program: &'static str) -> Self {
        Self {
            name,
            program: Some(program),
            service: None,
        }
    }

    /// The same, with a service that nobody here wants.
    pub(crate) const fn without_service(self, service: &'static str) -> Self {
        Self {
            service: Some(service),
            ..self
        }
    }

    fn is_there(&self) -> bool {
        match self.program {
            Some(program) => has_program(program),
            None => Command::new("dpkg-query")
                .args(["-W", "-f=${Status}", self.name])
                .output()
                .is_ok_and(|output| output.stdout == b"install ok installed"),
        }
    }
}

/// Whether there is such a program, in `PATH` or where an administrator's are.
pub(crate) fn has_program(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut dirs = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    dirs.any(|dir| dir.join(name).is_file())
}

/// Makes sure of `packages`, through apt where they are missing, as root or with sudo.
///
/// # Errors
/// Names the packages that are missing where they can't be installed: no apt here, or no right to use it.
pub(crate) fn ensure(why: &str, packages: &[Package]) -> Result<()> {
    let missing: Vec<Package> = packages
        .iter()
        .copied()
        .filter(|package| !package.is_there())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let listed = names.join(" ");
    if !has_program("apt-get") {
        bail!(
            "{why}: missing, and there is no apt-get here to install it: the Debian packages \
             {listed}. Install what your system calls them, or use a Debian machine"
        );
    }
    println!("{why}: installing {listed}");
    if install(&names).is_err() {
        // The lists may be old or absent: bring them up to date, once.
        run::run(&mut apt(&["update"])?).with_context(|| format!("{why}: update apt's lists"))?;
        install(&names).with_context(|| format!("{why}: install {listed}"))?;
    }
    for service in missing.iter().filter_map(|package| package.service) {
        stop(service)?;
    }
    Ok(())
}

fn install(packages: &[&str]) -> Result<()> {
    run::run(apt(&["install", "-y", "--no-install-recommends"])?.args(packages))
}

/// `apt-get`, as root, waiting for whoever else holds its lock.
fn apt(args: &[&str]) -> Result<Command> {
    let mut command = as_root("env")?;
    command
        .args([
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "-o",
            "DPkg::Lock::Timeout=300",
        ])
        .args(args);
    Ok(command)
}

/// Stops a service that came with a package installed just now, for this boot and the next.
fn stop(service: &str) -> Result<()> {
    if Path::new("/run/systemd/system").exists() {
        return run::run(as_root("systemctl")?.args(["disable", "--now", service]));
    }
    // Without systemd it may never have been started, and then there is nothing to stop.
    let _stopped = run::succeeds(as_root("service")?.args([service, "stop"]));
    Ok(())
}

/// The program, through sudo where we are not root. It never asks for a password in the middle of a task.
///
/// # Errors
/// When we are not root and sudo does not let us be.
pub(crate) fn as_root(program: &str) -> Result<Command> {
    if is_root() {
        return Ok(Command::new(program));
    }
    if !run::succeeds(Command::new("sudo").args(["-n", "true"])) {
        bail!(
            "run {program} as root: we are not root, and `sudo -n` does not let us be. \
             Run `sudo -v` before, or run this as root"
        );
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    Ok(command)
}

/// Whether we are root.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
