//! What compiles eBPF: Debian's Rust, which ships `core` for it, and `bpf-linker`.
//!
//! It must never be needed to build the product.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::packages::{self, Package};
use crate::{place, run};

/// A newer Rust than ours with `core` for eBPF built, and the LLVM of the same version.
const PACKAGES: &[Package] = &[
    Package::exactly("rustc-web"),
    Package::exactly("libstd-rust-web-dev-bpf"),
    Package::exactly("llvm-22-dev"),
    Package::exactly("llvm-22"),
];
const LLVM: &str = "/usr/lib/llvm-22";
const RUSTC: &str = "/usr/bin/rustc";
const LINKER_VERSION: &str = "0.13.0";

/// The tools, all there.
pub(super) struct Toolchain {
    /// The directory that holds `bpf-linker`.
    linker_dir: PathBuf,
}

impl Toolchain {
    /// Finds the tools, and installs those that are missing.
    pub(super) fn ensure() -> Result<Self> {
        packages::ensure("build eBPF", PACKAGES)?;
        let tools = place::target().join("tools");
        let linker_dir = tools.join("bin");
        if linker_version(&linker_dir).is_none() {
            install_linker(&tools)?;
        }
        match linker_version(&linker_dir) {
            Some(version) if version == LINKER_VERSION => Ok(Self { linker_dir }),
            found => bail!(
                "find bpf-linker {LINKER_VERSION}: found {found:?} in {}",
                tools.display()
            ),
        }
    }

    /// The compiler.
    pub(super) fn rustc(&self) -> &'static Path {
        Path::new(RUSTC)
    }

    /// What removes sections from an object.
    pub(super) fn strip(&self) -> PathBuf {
        Path::new(LLVM).join("bin").join("llvm-strip")
    }

    /// `PATH` with the linker in it.
    pub(super) fn path(&self) -> Result<OsString> {
        let rest = env::var_os("PATH").unwrap_or_default();
        let dirs = [self.linker_dir.clone()]
            .into_iter()
            .chain(env::split_paths(&rest));
        env::join_paths(dirs).context("put bpf-linker's directory into PATH")
    }

    /// Where the compiler's own files are.
    pub(super) fn sysroot(&self) -> Result<PathBuf> {
        let sysroot = run::output(Command::new(RUSTC).args(["--print", "sysroot"]))?;
        Ok(PathBuf::from(sysroot.trim_end()))
    }

    /// The versions that the object depends on, a line each.
    pub(super) fn versions(&self) -> Result<Vec<String>> {
        let rustc = run::output(Command::new(RUSTC).arg("-vV"))?;
        let field = |name: &str| {
            let value = rustc.lines().find_map(|line| line.strip_prefix(name));
            value.with_context(|| format!("find {name:?} in what {RUSTC} -vV prints"))
        };
        Ok(vec![
            format!("rustc {}", field("release: ")?),
            format!("llvm {}", field("LLVM version: ")?),
            format!("bpf-linker {LINKER_VERSION}"),
        ])
    }
}

fn linker_version(dir: &Path) -> Option<String> {
    let output = Command::new(dir.join("bpf-linker"))
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().strip_prefix("bpf-linker ")?.to_owned())
}

fn install_linker(root: &Path) -> Result<()> {
    run::run(
        Command::new(place::cargo())
            .args([
                "install",
                "bpf-linker",
                "--version",
                LINKER_VERSION,
                "--locked",
            ])
            .args(["--no-default-features", "--features", "llvm-22", "--root"])
            .arg(root)
            // Not into the workspace's own build directory: its lock is held while we run.
            .arg("--target-dir")
            .arg(root.join("build"))
            .env("LLVM_PREFIX", LLVM),
    )
}
