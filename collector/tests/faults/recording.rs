//! Files that are no recordings, recordings that are torn, disks that are full.

use std::{fs, path::Path, process::Command};

use nix::sys::signal::Signal;

use crate::{
    product::{Product, end_of, eventually, waitscope},
    script::{BUSY, Script, WAITING},
};

#[test]
fn what_is_no_recording_is_named_and_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other");
    fs::write(&other, "something else entirely").unwrap();
    let (other, none, folder) = (
        other.display(),
        directory.path().join("none"),
        directory.path().display(),
    );
    for act in ["open", "report", "export"] {
        let ended = end_of(&format!("{act} {other}"));
        assert_eq!(
            (ended.code, ended.stderr.lines().count()),
            (1, 1),
            "{ended:?}"
        );
        let words = format!("waitscope: read recording {other}: not a recording of waitscope");
        assert!(ended.stderr.starts_with(&words), "{ended:?}");
        end_of(&format!("{act} {}", none.display())).failed(
            1,
            &format!(
                "read recording {}: No such file or directory (os error 2)",
                none.display()
            ),
        );
        end_of(&format!("{act} {folder}")).failed(
            1,
            &format!("read recording {folder}: it is not a plain file"),
        );
    }
}

#[test]
fn a_file_that_is_no_recording_is_not_overwritten() {
    let script = Script::start(WAITING);
    let directory = tempfile::tempdir().unwrap();
    let letter = directory.path().join("letter");
    fs::write(&letter, "dear").unwrap();
    end_of(&format!("record {} -o {}", script.pid(), letter.display())).failed(
        1,
        &format!(
            "write recording {}: it exists and is not a recording: remove it, or choose another name",
            letter.display()
        ),
    );
    assert_eq!(fs::read(&letter).unwrap(), b"dear");
}

/// The recorder is killed while it records: what it had written opens, and everybody says what is missing.
#[test]
fn a_torn_recording_opens_and_says_what_is_missing() {
    let mut script = Script::start(BUSY);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("torn");
    let mut product = Product::start(&mut waitscope(&format!(
        "record {} -o {}",
        script.pid(),
        file.display()
    )));
    product.says("recording to");
    script.tell("go");
    let header = fs::metadata(&file).unwrap().len();
    eventually("some of it is written", || {
        fs::metadata(&file).unwrap().len() > header
    });
    product.signal(Signal::SIGKILL);
    assert_eq!(product.end().code, -9);
    torn(
        &file,
        "the recorder was stopped before it could end the recording",
    );
    // And in the middle of a batch.
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 100]).unwrap();
    torn(&file, "can't be read");
}

fn torn(file: &Path, why: &str) {
    let path = file.display();
    let report = end_of(&format!("report {path}"));
    assert_eq!(report.code, 0, "{report:?}");
    let cut = report
        .stdout
        .lines()
        .find(|line| line.starts_with("!! the recording is whole up to"));
    assert!(cut.is_some_and(|line| line.contains(why)), "{report:?}");
    let export = end_of(&format!("export {path} --format ndjson"));
    assert_eq!(
        (
            export.code,
            export.times(&format!("waitscope: {path}: the recording is whole"))
        ),
        (0, 1)
    );
    assert!(export.stdout.starts_with("{\"type\":\"trace\""));
    let mut open = Product::start(&mut waitscope(&format!("open {path} --listen 127.0.0.1:0")));
    open.says("the recording is whole up to");
    open.address();
    assert_eq!(open.interrupt().code, 0);
}

/// A file system of one MiB, gone with its owner.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "waitscope-test"])
            .arg(directory.path())
            .status();
        assert!(
            mount.unwrap().success(),
            "mount a tmpfs: these tests need root"
        );
        Self(directory)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_ends_the_recording_and_what_is_on_it_is_whole() {
    let mut script = Script::start(BUSY);
    let disk = Disk::mount();
    let file = disk.0.path().join("full");
    let mut product = Product::start(&mut waitscope(&format!(
        "record {} -o {}",
        script.pid(),
        file.display()
    )));
    product.says("recording to");
    script.tell("go");
    let ended = product.end();
    assert_eq!(
        (ended.code, ended.times("No space left on device")),
        (1, 1),
        "{ended:?}"
    );
    let words = format!("waitscope: write recording {}: its first ", file.display());
    assert_eq!(ended.times(&words), 1, "{ended:?}");
    let report = end_of(&format!("report {}", file.display()));
    report.reports_select();
    assert!(
        report
            .stdout
            .contains("the recorder was stopped before it could end the recording"),
        "{report:?}"
    );
}

#[test]
fn a_page_goes_on_without_the_recording_that_found_no_room() {
    let mut script = Script::start(BUSY);
    let disk = Disk::mount();
    let words = format!(
        "attach {} --listen 127.0.0.1:0 --record {}/full",
        script.pid(),
        disk.0.path().display()
    );
    let mut product = Product::start(&mut waitscope(&words));
    product.address();
    script.tell("go");
    product.says("No space left on device");
    let ended = product.interrupt();
    assert_eq!(
        (ended.code, ended.times("No space left on device")),
        (1, 1),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("no record lost") || ended.stderr.contains("RECORDS LOST"),
        "{ended:?}"
    );
}

#[test]
fn a_reader_who_has_read_enough_is_no_failure() {
    let mut script = Script::start(BUSY);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("busy");
    let mut product = Product::start(&mut waitscope(&format!(
        "record {} -o {}",
        script.pid(),
        file.display()
    )));
    product.says("recording to");
    script.tell("go");
    // More than a pipe holds, in any format.
    eventually("a good part is written", || {
        fs::metadata(&file).unwrap().len() > 400_000
    });
    product.interrupt().said(0, "recorded");
    for format in ["json", "ndjson", "chrome"] {
        let pipe = format!(
            "{} export {} --format {format} | head -c 100 >&2; echo ${{PIPESTATUS[0]}}",
            crate::product::PROGRAM,
            file.display()
        );
        let ended = Product::start(Command::new("bash").args(["-c", &pipe])).end();
        assert_eq!(ended.stdout, "0\n", "{ended:?}");
        assert!(!ended.stderr.contains("waitscope:"), "{ended:?}");
    }
}
