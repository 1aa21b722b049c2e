//! Where things are: the workspace, its target directory, cargo's home.
//!
//! It must never print such a path into anything that is committed.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the workspace that this program was built from.
pub(crate) fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// A path in the workspace.
pub(crate) fn in_workspace(path: &str) -> PathBuf {
    workspace().join(path)
}

/// Where builds go: `CARGO_TARGET_DIR`, or `target` in the workspace.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        // Relative to where cargo was called, which is where we are.
        Some(dir) => env::current_dir().unwrap_or_else(|_| workspace()).join(dir),
        None => in_workspace("target"),
    }
}

/// The release build of the product.
pub(crate) fn product() -> PathBuf {
    target().join("release").join("waitscope")
}

/// Where cargo keeps what it downloads.
pub(crate) fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(PathBuf::from(home));
    }
    let home =
        env::var_os("HOME").context("find cargo's home: neither CARGO_HOME nor HOME is set")?;
    Ok(Path::new(&home).join(".cargo"))
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}
