//! A recording in several files: each is whole by itself, and together they hold what one would.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use support::blank;
use support::honest::{PID, honest};
use support::trace;
use tempfile::tempdir;
use waitscope::model::{Descriptor, DescriptorKind, End, Event, LifeKind};
use waitscope::recording::{Reader, Recorder, Rotation};

fn end(at_ns: u64, made: u64) -> End {
    End {
        at_ns,
        made,
        lost: made / 10,
        untracked: 0,
        compat: 0,
        unseen: 0,
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn read(path: &Path) -> Vec<Event> {
    let mut reader = Reader::open(path).unwrap();
    let mut events = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        events.extend(batch);
    }
    assert_eq!(reader.cut(), None, "{}", path.display());
    events
}

fn descriptor(id: u32, closed_ns: Option<u64>) -> Event {
    Event::Descriptor(Descriptor {
        id,
        pid: PID,
        fd: id as i32,
        kind: DescriptorKind::Pipe,
        name: format!("pipe:[{id}]"),
        local: None,
        peer: None,
        peer_pid: None,
        object: id.into(),
        opened_ns: None,
        closed_ns,
    })
}

/// Records this in parts, and flushes after each as if a second had passed.
fn record(dir: &Path, parts: &[&[Event]], rotation: Rotation) {
    let path = dir.join("a.arrows");
    let mut recorder = Recorder::create(&path, &trace(), rotation).unwrap();
    for (at, part) in (1..).zip(parts) {
        recorder.append(part).unwrap();
        recorder.flush(end(at * 1_000_000_000, at * 100)).unwrap();
    }
    let parts = parts.len() as u64;
    recorder
        .finish(end(parts * 1_000_000_000 + 1, parts * 100 + 50))
        .unwrap();
}

const EVERY_SECOND: Rotation = Rotation {
    size_bytes: None,
    every: Some(Duration::from_secs(1)),
    keep: None,
};

#[test]
fn files_hold_together_what_one_would_and_each_knows_what_is_there() {
    let dir = tempdir().unwrap();
    let mut events = honest(3, 200);
    events.insert(4, descriptor(7, None));
    events.insert(5, descriptor(8, None));
    let in_third = events.len() / 2 + 10;
    events.insert(in_third, descriptor(8, Some(1)));
    let parts: Vec<&[Event]> = events.chunks(events.len().div_ceil(4)).collect();
    record(dir.path(), &parts, EVERY_SECOND);

    let files = files(dir.path());
    assert_eq!(files.len(), 5, "{files:?}");
    let mut together = Vec::new();
    let (mut made, mut lost) = (0, 0);
    for (at, file) in files.iter().enumerate() {
        let mut events = read(file);
        let Some(Event::End(ended)) = events.pop() else {
            panic!("{} has no end", file.display());
        };
        made += ended.made;
        lost += ended.lost;
        let is_said_again = |event: &Event| match event {
            Event::Life(life) => at > 0 && life.kind == LifeKind::Found,
            Event::Descriptor(descriptor) => at > 0 && descriptor.closed_ns.is_none(),
            _ => false,
        };
        let again: Vec<&Event> = events.iter().filter(|event| is_said_again(event)).collect();
        if at > 0 {
            let tids: BTreeSet<u32> = again
                .iter()
                .filter_map(|event| match event {
                    Event::Life(life) => Some(life.tid),
                    _ => None,
                })
                .collect();
            assert_eq!(tids, (PID..PID + 4).collect(), "threads of file {at}");
            let ids: Vec<u32> = again
                .iter()
                .filter_map(|event| match event {
                    Event::Descriptor(descriptor) => Some(descriptor.id),
                    _ => None,
                })
                .collect();
            // Closed in the third part.
            let known: &[u32] = if at <= 2 { &[7, 8] } else { &[7] };
            assert_eq!(ids, known, "descriptors of file {at}");
        }
        events.retain(|event| !is_said_again(event));
        together.extend(events);
    }
    assert!(together == events);
    assert_eq!((made, lost), (450, 45));
}

#[test]
fn no_more_files_are_kept_than_wanted_and_those_are_the_last() {
    let dir = tempdir().unwrap();
    let call = |at: u64| {
        [Event::Call(waitscope::model::Call {
            start_ns: at,
            end_ns: at,
            ..blank::call(PID, PID, 0)
        })]
    };
    let events: Vec<[Event; 1]> = (0..6).map(call).collect();
    let parts: Vec<&[Event]> = events.iter().map(|event| &event[..]).collect();
    let keep = Rotation {
        keep: Some(3),
        ..EVERY_SECOND
    };
    record(dir.path(), &parts, keep);
    let files = files(dir.path());
    let kept: Vec<Event> = files
        .iter()
        .flat_map(|file| read(file))
        .filter(|event| matches!(event, Event::Call(_)))
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    assert_eq!(kept, [call(4), call(5)].concat());
}

#[test]
fn a_file_that_is_large_enough_is_followed_by_another() {
    let dir = tempdir().unwrap();
    let events = honest(3, 2_000);
    let parts: Vec<&[Event]> = events.chunks(500).collect();
    let size = Rotation {
        size_bytes: Some(64 << 10),
        ..Rotation::default()
    };
    record(dir.path(), &parts, size);
    let sizes: Vec<u64> = files(dir.path())
        .iter()
        .map(|file| std::fs::metadata(file).unwrap().len())
        .collect();
    assert!(sizes.len() > 3, "{sizes:?}");
    let (_, full) = sizes.split_last().unwrap();
    assert!(
        full.iter().all(|size| (64 << 10..192 << 10).contains(size)),
        "{sizes:?}"
    );
}

#[test]
fn without_a_rotation_there_is_one_file_of_that_name() {
    let dir = tempdir().unwrap();
    let events = honest(3, 10);
    record(dir.path(), &[&events], Rotation::default());
    assert_eq!(files(dir.path()), [dir.path().join("a.arrows")]);
    assert_eq!(read(&dir.path().join("a.arrows")).len(), events.len() + 1);
}
