//! What the committed object was made from: `object/SOURCES`.
//!
//! It must never hold a time, a path or a name of a machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::{OBJECT, PROFILE, RUSTFLAGS};
use crate::place;

const STAMP: &str = "probe-ebpf/object/SOURCES";
const SOURCES: &str = "probe-ebpf/src";
const MANIFEST: &str = "probe-ebpf/Cargo.toml";

/// What an object was made from, and by what.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Over all that the object depends on in this repository.
    pub(crate) sources: String,
    /// Over the object itself.
    pub(crate) object: String,
    /// Compiler and linker, a line each.
    pub(crate) versions: Vec<String>,
}

impl Stamp {
    /// The stamp for an object built just now from the sources as they are.
    pub(super) fn of(object: &Path, versions: Vec<String>) -> Result<Self> {
        Ok(Self {
            sources: hash_sources()?,
            object: hash_file(object)?,
            versions,
        })
    }

    /// The stamp beside the committed object.
    pub(crate) fn read() -> Result<Self> {
        let text = fs::read_to_string(place::in_workspace(STAMP))
            .with_context(|| format!("read {STAMP}"))?;
        let mut lines = text.lines();
        let mut hash = |name: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(name));
            let hash = line.with_context(|| format!("read {STAMP}: no line {name:?}"))?;
            anyhow::Ok(hash.trim().to_owned())
        };
        let (sources, object) = (hash("sources")?, hash("object")?);
        Ok(Self {
            sources,
            object,
            versions: lines.map(str::to_owned).collect(),
        })
    }

    pub(super) fn write(&self) -> Result<()> {
        fs::write(place::in_workspace(STAMP), self.to_string())
            .with_context(|| format!("write {STAMP}"))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sources,
            object,
            versions,
        } = self;
        writeln!(f, "sources {sources}\nobject {object}")?;
        versions
            .iter()
            .try_for_each(|version| writeln!(f, "{version}"))
    }
}

/// Fails if the committed object was not made from the sources as they are.
pub(crate) fn check_stamp() -> Result<()> {
    let stamp = Stamp::read()?;
    if stamp.sources != hash_sources()? {
        bail!(
            "{OBJECT} is stale: its sources have changed since it was built. Run `cargo xtask ebpf`"
        );
    }
    if stamp.object != hash_file(&place::in_workspace(OBJECT))? {
        bail!("{OBJECT} is not the one that {STAMP} speaks of. Run `cargo xtask ebpf`");
    }
    Ok(())
}

fn hash_file(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    Ok(hex(&Sha256::digest(bytes)))
}

/// Over the probe's sources and manifest, its dependencies' versions, and how it is compiled.
fn hash_sources() -> Result<String> {
    let mut files = BTreeMap::new();
    read_tree(&place::in_workspace(SOURCES), "", &mut files)?;
    files.insert(
        MANIFEST.to_owned(),
        fs::read(place::in_workspace(MANIFEST)).with_context(|| format!("read {MANIFEST}"))?,
    );
    let lock = fs::read_to_string(place::in_workspace("Cargo.lock")).context("read Cargo.lock")?;

    let mut hash = Sha256::new();
    // Each piece comes with its length, so that no two lists of pieces read the same.
    let mut piece = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for (name, bytes) in &files {
        piece(name.as_bytes());
        piece(bytes);
    }
    for package in locked_dependencies(&lock, "probe-ebpf") {
        piece(package.as_bytes());
    }
    for flag in RUSTFLAGS {
        piece(flag.as_bytes());
    }
    for (name, value) in PROFILE {
        piece(name.as_bytes());
        piece(value.as_bytes());
    }
    Ok(hex(&hash.finalize()))
}

fn read_tree(dir: &Path, name: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("list {}", dir.display()))? {
        let path = entry
            .with_context(|| format!("list {}", dir.display()))?
            .path();
        let own = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{name}/{own}");
        if path.is_dir() {
            read_tree(&path, &name, files)?;
        } else {
            files.insert(
                name,
                fs::read(&path).with_context(|| format!("read {}", path.display()))?,
            );
        }
    }
    Ok(())
}

/// `name version` of everything that `root` depends on in `Cargo.lock`, near and far, sorted.
fn locked_dependencies(lock: &str, root: &str) -> BTreeSet<String> {
    // "name version" to its dependencies, which stand as "name", or "name version" where there are several.
    let mut packages: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for block in lock.split("[[package]]").skip(1) {
        let field = |key: &str| {
            block
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_suffix('"'))
                .unwrap_or_default()
        };
        let dependencies = block
            .lines()
            .filter_map(|line| line.strip_prefix(" \"")?.strip_suffix("\","))
            .collect();
        let package = format!("{} {}", field("name = \""), field("version = \""));
        packages.insert(package, dependencies);
    }
    let find = |name: &str| {
        packages
            .keys()
            .find(|&package| package == name || package.split(' ').next() == Some(name))
    };
    let mut seen = BTreeSet::new();
    let mut todo: Vec<&str> = vec![root];
    while let Some(name) = todo.pop() {
        if let Some(package) = find(name)
            && seen.insert(package.clone())
        {
            todo.extend(packages.get(package).into_iter().flatten());
        }
    }
    seen
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::locked_dependencies;

    #[test]
    fn dependencies_near_and_far_are_found_and_others_are_not() {
        let lock = r#"
version = 4

[[package]]
name = "far"
version = "2.0.0"

[[package]]
name = "far"
version = "3.0.0"

[[package]]
name = "near"
version = "1.0.0"
dependencies = [
 "far 2.0.0",
]

[[package]]
name = "other"
version = "1.0.0"

[[package]]
name = "root"
version = "0.1.0"
dependencies = [
 "near",
]
"#;
        let found: Vec<String> = locked_dependencies(lock, "root").into_iter().collect();
        assert_eq!(found, ["far 2.0.0", "near 1.0.0", "root 0.1.0"]);
    }
}
