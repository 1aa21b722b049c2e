//! What is left of root's rights once a page is served, and whose the files are.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    process::Command,
};

use crate::{
    product::{Product, waitscope},
    script::{Script, WAITING},
};

const NOBODY: u32 = 65534;

/// The product as `sudo` runs it for a user.
fn by_sudo(words: &str) -> Command {
    let mut command = waitscope(words);
    command
        .env("SUDO_UID", NOBODY.to_string())
        .env("SUDO_GID", NOBODY.to_string());
    command
}

/// The value of a line of `/proc/PID/task/TID/status`.
fn status<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("{name} in {text}")).trim()
}

/// No thread has any right.
fn has_no_rights(pid: u32, user: u32) {
    let tasks: Vec<_> = fs::read_dir(format!("/proc/{pid}/task")).unwrap().collect();
    assert!(tasks.len() > 1, "it serves and listens for signals");
    for task in tasks {
        let text = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(
                u64::from_str_radix(status(&text, set), 16),
                Ok(0),
                "{set}: {text}"
            );
        }
        assert_eq!(status(&text, "NoNewPrivs"), "1", "{text}");
        let ids = [user; 4].map(|id| id.to_string()).join("\t");
        assert_eq!(
            (status(&text, "Uid"), status(&text, "Gid")),
            (ids.as_str(), ids.as_str()),
            "{text}"
        );
        if user != 0 {
            assert!(
                !status(&text, "Groups").split(' ').any(|group| group == "0"),
                "{text}"
            );
        }
    }
}

#[test]
fn under_sudo_the_page_is_served_and_the_file_written_by_the_user_without_any_capability() {
    let script = Script::start(WAITING);
    let directory = tempfile::tempdir().unwrap();
    chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let file = directory.path().join("trace");
    let words = format!(
        "attach {} --listen 127.0.0.1:0 --record {}",
        script.pid(),
        file.display()
    );
    let mut product = Product::start(&mut by_sudo(&words));
    product.address();
    has_no_rights(product.pid(), NOBODY);
    product.interrupt().said(0, "recorded");
    let found = fs::metadata(&file).unwrap();
    assert_eq!(
        (found.uid(), found.gid(), found.mode() & 0o777),
        (NOBODY, NOBODY, 0o600)
    );

    let mut product = Product::start(&mut by_sudo(&format!(
        "open {} --listen 127.0.0.1:0",
        file.display()
    )));
    product.address();
    has_no_rights(product.pid(), NOBODY);
    assert_eq!(product.interrupt().code, 0);

    let export = directory.path().join("export");
    let ended = Product::start(&mut by_sudo(&format!(
        "export {} -o {}",
        file.display(),
        export.display()
    )))
    .end();
    assert_eq!(
        (ended.code, fs::metadata(&export).unwrap().uid()),
        (0, NOBODY),
        "{ended:?}"
    );
}

#[test]
fn root_itself_keeps_no_capability_either() {
    let script = Script::start(WAITING);
    let mut product = Product::start(&mut waitscope(&format!(
        "attach {} --listen 127.0.0.1:0",
        script.pid()
    )));
    product.address();
    has_no_rights(product.pid(), 0);
    assert_eq!(product.interrupt().code, 0);
}

#[test]
fn a_place_where_only_root_may_write_is_refused_to_who_called_sudo() {
    let script = Script::start(WAITING);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trace");
    let ended = Product::start(&mut by_sudo(&format!(
        "record {} -o {}",
        script.pid(),
        file.display()
    )))
    .end();
    ended.failed(
        1,
        &format!(
            "write recording {}: Permission denied (os error 13); waitscope opens files without root's rights, as the \
             user with id {NOBODY}",
            file.display()
        ),
    );
    assert!(!file.exists());
}
