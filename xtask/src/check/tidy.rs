//! What every file of the repository keeps to, checked by reading them all.
//!
//! It must never need a build, nor know what a file is about.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::pitfalls;
use crate::place;

/// Not ours, or not source.
const SKIPPED_DIRS: &[&str] = &["target", "node_modules", ".git", "corpus", "artifacts"];
/// Endings of the files read as text.
const TEXT: &[&str] = &[
    "rs", "js", "mjs", "css", "html", "md", "toml", "json", "yml", "yaml", "py", "sh", "txt", "svg",
];
/// Beginnings of paths that only mean something on one machine. In pieces, because this file is read too.
const MACHINE_PATHS: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
];
/// The only files outside the eBPF programs that may say `unsafe`: at most three.
const UNSAFE_FILES: &[&str] = &[
    "collector/src/attach/abi.rs",
    "collector/src/demo/model/raw.rs",
];
/// Where the kernel's own interface is unsafe by nature.
const UNSAFE_DIR: &str = "probe-ebpf/";

/// Reads every file, and fails with all that is wrong.
pub(super) fn run() -> Result<()> {
    let mut wrong = Vec::new();
    let mut tests = BTreeSet::new();
    let mut table = String::new();
    visit(&place::workspace(), "", &mut |path, bytes| {
        wrong.extend(
            faults(path, bytes)
                .into_iter()
                .map(|fault| format!("{path}: {fault}")),
        );
        let text = String::from_utf8_lossy(bytes);
        if path.ends_with(".rs") {
            tests.extend(pitfalls::tests(&text).map(str::to_owned));
        } else if path == pitfalls::PATH {
            table = text.into_owned();
        }
    })?;
    let faults = pitfalls::faults(&table, &tests);
    wrong.extend(
        faults
            .iter()
            .map(|fault| format!("{}: {fault}", pitfalls::PATH)),
    );
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("untidy:\n{}", wrong.join("\n"))
}

fn visit(dir: &Path, name: &str, see: &mut impl FnMut(&str, &[u8])) -> Result<()> {
    let list = || format!("list {}", dir.display());
    let mut entries = fs::read_dir(dir)
        .and_then(|entries| entries.collect::<std::io::Result<Vec<_>>>())
        .with_context(list)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let own = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let name = if name.is_empty() {
            own.clone()
        } else {
            format!("{name}/{own}")
        };
        let kind = entry.file_type().with_context(list)?;
        if kind.is_dir() && !SKIPPED_DIRS.contains(&own.as_str()) {
            visit(&path, &name, see)?;
        } else if kind.is_file() {
            let bytes = fs::read(&path).with_context(|| format!("read {name}"))?;
            see(&name, &bytes);
        }
    }
    Ok(())
}

/// What is wrong with a file.
fn faults(path: &str, bytes: &[u8]) -> Vec<String> {
    let mut faults = Vec::new();
    let text = String::from_utf8_lossy(bytes);
    for machine in MACHINE_PATHS {
        if text.contains(machine) {
            faults.push(format!("a path that only one machine has: {machine}…"));
        }
    }
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    if !TEXT.contains(&ending) {
        return faults;
    }
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_end() != line {
            faults.push(format!("line {number} ends in blanks"));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        faults.push("the last line does not end".to_owned());
    }
    match ending {
        "rs" if !text.starts_with("//!") => {
            faults.push("does not open with //! and what it holds".to_owned());
        }
        "js" | "mjs" if !text.starts_with("/**") => {
            faults.push("does not open with /** and what it holds".to_owned());
        }
        _ => {}
    }
    let may_be_unsafe = path.starts_with(UNSAFE_DIR) || UNSAFE_FILES.contains(&path);
    if ending == "rs" && !may_be_unsafe && text.lines().any(says_unsafe) {
        faults.push("unsafe code, outside the few files that may hold it".to_owned());
    }
    faults
}

/// Whether a line of Rust uses the keyword: a word of its own, as code goes on after it, in no comment.
fn says_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.match_indices(concat!("un", "safe"))
        .any(|(at, keyword)| {
            let (before, rest) = code.split_at(at);
            let after = rest.trim_start_matches(keyword);
            let is_word = !before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
            is_word
                && [" {", " fn", " impl", " trait", " extern", "("]
                    .iter()
                    .any(|on| after.starts_with(on))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tidy_file_has_no_faults() {
        assert_eq!(
            faults("a/b.rs", b"//! Holds b.\n\nfn b() {}\n"),
            Vec::<String>::new()
        );
        assert_eq!(
            faults("a/b.mjs", b"/** Holds b. */\n"),
            Vec::<String>::new()
        );
        assert_eq!(faults("a/b.o", b"\x7fELF \n \xff"), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_found() {
        let machine_path = format!("//! {}x\n", MACHINE_PATHS[0]);
        let keyword = concat!("un", "safe");
        for (path, text, expected) in [
            ("a.rs", "fn a() {}\n", "open with //!"),
            ("a.js", "let a\n", "open with /**"),
            ("a.md", "one \n", "line 1 ends in blanks"),
            ("a.md", "one", "last line"),
            ("a.rs", machine_path.as_str(), "one machine"),
            (
                "a.rs",
                &format!("//! A.\nfn a() {{ {keyword} {{}} }}\n"),
                "few files",
            ),
        ] {
            let found = faults(path, text.as_bytes());
            assert_eq!(found.len(), 1, "{path} {text:?}: {found:?}");
            assert!(found[0].contains(expected), "{path} {text:?}: {found:?}");
        }
    }

    #[test]
    fn the_keyword_in_a_comment_or_in_a_longer_word_is_not_the_keyword() {
        let keyword = concat!("un", "safe");
        let text = format!(
            "//! Never {keyword} {{.\n#![forbid({keyword}_code)]\nfn is_{keyword}(x: u8) {{}}\n"
        );
        assert_eq!(faults("a.rs", text.as_bytes()), Vec::<String>::new());
    }

    #[test]
    fn few_files_may_be_unsafe() {
        assert!(UNSAFE_FILES.len() <= 3);
    }
}
