//! A recording holds exactly what was put into it, and opens whatever happens to the file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod support;

use std::io::Cursor;
use std::path::Path;

use support::honest::honest;
use support::{Random, any_end, any_events_and_sets, trace};
use tempfile::tempdir;
use waitscope::model::{Copying, End, Event};
use waitscope::recording::{Cut, Reader, Writer};

const END: End = End {
    at_ns: 9,
    made: 8,
    lost: 7,
    untracked: 6,
    compat: 5,
    unseen: 4,
};

#[test]
fn a_recording_of_version_1_is_still_read() {
    // Written by the last version before columns were added, of a made-up trace: 800 calls, 1426 times off the CPU.
    let mut reader = Reader::open("tests/data/version-1.arrows").unwrap();
    let (mut calls, mut spans, mut kernel_ns, mut blocked_ns) = (0, 0, 0, 0);
    let mut ends = Vec::new();
    while let Some(events) = reader.next_batch().unwrap() {
        for event in events {
            match event {
                Event::Call(call) => {
                    assert_eq!(call.phases_ns(), call.duration_ns(), "{call:?}");
                    assert!(!call.unseen, "{call:?}");
                    calls += 1;
                    kernel_ns += call.kernel_ns;
                    blocked_ns += call.blocked_ns;
                }
                Event::OffCpu(span) => {
                    assert_eq!((span.times, span.unseen), (1, false), "{span:?}");
                    spans += 1;
                }
                Event::End(end) => ends.push(end.unseen),
                Event::Life(_)
                | Event::Descriptor(_)
                | Event::Ready(_)
                | Event::Request(_)
                | Event::Gap(_)
                | Event::Open(_) => {}
            }
        }
    }
    assert_eq!(reader.cut(), None);
    assert_eq!(
        (calls, spans, kernel_ns, blocked_ns, ends.as_slice()),
        (800, 1426, 2_207_333, 16_127_245, &[0][..])
    );
}

#[test]
fn a_recording_of_version_2_is_still_read() {
    // Written by the last version that had a row for each descriptor of a set, of made-up events.
    let events = read_all(include_bytes!("data/version-2.arrows"));
    let mut kinds = [0; 4];
    let mut sums = [0_u64; 6];
    for event in &events {
        match event {
            Event::Call(call) => {
                kinds[0] += 1;
                sums[0] = sums[0].wrapping_add(call.end_ns);
                sums[1] = sums[1].wrapping_add(call.copying.start_ns().unwrap_or(0));
            }
            Event::Ready(ready) => {
                kinds[1] += 1;
                sums[2] = sums[2].wrapping_add(ready.fd.map_or(0, i64::from).cast_unsigned());
                sums[3] += u64::from(ready.descriptor.unwrap_or(0));
                sums[4] += u64::from(ready.asked.unwrap_or(0));
                sums[5] += u64::from(ready.ready);
            }
            Event::Request(_) => kinds[2] += 1,
            _ => kinds[3] += 1,
        }
    }
    assert_eq!(kinds, [431, 69, 62, 438]);
    assert_eq!(
        sums,
        [
            16_428_001_971_308_732_258,
            8_213_126_538_685_703_827,
            8_812_357_825,
            77_518_348_202,
            82_874_497_579,
            110_517_598_431
        ]
    );
}

/// Writes a recording of batches of so many events each.
fn record(events: &[Event], batch: usize) -> Vec<u8> {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.arrows");
    let mut writer = Writer::create(&path, &trace()).unwrap();
    for batch in events.chunks(batch) {
        writer.append(batch).unwrap();
        writer.flush().unwrap();
    }
    writer.finish(END).unwrap();
    std::fs::read(&path).unwrap()
}

fn read_all(bytes: &[u8]) -> Vec<Event> {
    let (mut events, cut) = read(bytes).unwrap();
    assert_eq!((events.pop(), cut), (Some(Event::End(END)), None));
    events
}

fn open(bytes: &[u8]) -> anyhow::Result<Reader> {
    Reader::new(Cursor::new(bytes.to_vec()), bytes.len() as u64)
}

fn read(bytes: &[u8]) -> anyhow::Result<(Vec<Event>, Option<Cut>)> {
    let mut reader = open(bytes)?;
    let mut events = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        events.extend(batch);
    }
    Ok((events, reader.cut().cloned()))
}

#[test]
fn every_event_comes_back_as_it_was() {
    for seed in 1..6 {
        let mut events = any_events_and_sets(seed, 50_000);
        let bytes = record(&events, 7_000 * seed as usize);
        let (read, cut) = read(&bytes).unwrap();
        events.push(Event::End(END));
        assert_eq!(read.len(), events.len());
        for (at, (read, written)) in read.iter().zip(&events).enumerate() {
            assert_eq!(read, written, "event {at} of seed {seed}");
        }
        assert_eq!(cut, None);
    }
}

#[test]
fn a_call_comes_back_whether_or_not_its_phases_say_when_it_ended() {
    let mut events = honest(5, 2_000);
    assert!(read_all(&record(&events, 5_000)) == events);
    for event in &mut events {
        if let Event::Call(call) = event {
            call.end_ns += call.start_ns % 3;
            call.copying = match call.copying {
                Copying::Seen(at) => Copying::Inferred(at + call.start_ns % 2),
                other => other,
            };
        }
    }
    assert!(read_all(&record(&events, 5_000)) == events);
}

#[test]
fn the_header_comes_back_as_it_was() {
    assert_eq!(*open(&record(&[], 1)).unwrap().trace(), trace());
}

#[test]
fn more_names_than_a_dictionary_holds_come_back_as_they_were() {
    let events: Vec<Event> = (0..40_000_u32)
        .map(|tid| {
            Event::Life(waitscope::model::Life {
                pid: 1,
                tid,
                at_ns: 1,
                kind: waitscope::model::LifeKind::Began,
                name: format!("thread {tid}"),
            })
        })
        .collect();
    let (read, cut) = read(&record(&events, 40_000)).unwrap();
    assert!(
        read.iter()
            .zip(&events)
            .all(|(read, written)| read == written)
    );
    assert_eq!((read.len(), cut), (40_001, None));
}

#[test]
fn a_recording_cut_at_any_byte_gives_its_whole_batches_and_says_what_is_missing() {
    let mut events = any_events_and_sets(7, 30);
    let whole = record(&events, 10);
    events.push(Event::End(END));
    let header = (0..whole.len())
        .find(|&at| open(&whole[..at]).is_ok())
        .unwrap();
    for at in 0..header {
        let error = format!("{:#}", open(&whole[..at]).err().unwrap());
        let said =
            error.contains("cut before the first batch") || (at == 0 && error.contains("empty"));
        assert!(said, "cut at byte {at} of the header, it says: {error}");
    }
    let mut counts = Vec::new();
    for at in header..whole.len() {
        let (read, cut) = read(&whole[..at]).unwrap();
        assert_eq!(read, events[..read.len()], "cut at byte {at}");
        let facts = format!("cut at byte {at}, {} events, {cut:?}", read.len());
        // Once the end row is there, only the mark after it is missing, and nothing of the trace.
        if read.len() == events.len() {
            assert!(
                cut.is_none_or(|cut| at as u64 - cut.whole_bytes == cut.lost_bytes),
                "{facts}"
            );
        } else {
            let cut = cut.expect(&facts);
            assert_eq!(cut.whole_bytes + cut.lost_bytes, at as u64, "{facts}");
            assert!(!cut.reason.is_empty(), "{facts}");
        }
        counts.push(read.len());
    }
    assert!(counts.is_sorted());
    counts.dedup();
    assert_eq!(counts, [0, 10, 20, 30, 31]);
}

#[test]
fn a_recording_damaged_anywhere_never_makes_the_reader_panic() {
    let whole = record(&any_events_and_sets(8, 60), 20);
    let mut random = Random::new(9);
    let mut opened = 0;
    for round in 0..6_000 {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = match random.below(4) {
                0 => bytes[at] ^ (1 << random.below(8)),
                1 => 0xff,
                2 => 0,
                _ => random.next() as u8,
            };
        }
        if round % 3 == 0 {
            bytes.truncate(random.below(bytes.len() as u64) as usize);
        }
        if let Ok((events, _)) = read(&bytes) {
            opened += 1;
            assert!(events.len() <= 6 * 65_536, "{} events", events.len());
        }
    }
    assert!(
        opened > 1_000,
        "only {opened} opened: this test tried little"
    );
}

/// Beside the fuzz targets, which try others each time and run for a minute: the same changes each time.
#[test]
fn recordings_of_every_version_with_hostile_numbers_in_them_never_make_the_reader_panic() {
    let whole: [&[u8]; 3] = [
        include_bytes!("data/version-1.arrows"),
        include_bytes!("data/version-2.arrows"),
        &record(&any_events_and_sets(23, 800), 200),
    ];
    let mut random = Random::new(24);
    let (mut opened, mut events_most) = (0, 0);
    for round in 0..600 {
        let mut bytes = random.pick(&whole).to_vec();
        // Lengths and places are four or eight bytes wide.
        for _ in 0..=random.below(3) {
            let width = random.pick(&[1, 4, 8]);
            let at = random.below((bytes.len() - 8) as u64) as usize & !3;
            let number = random.number().to_le_bytes();
            bytes[at..at + width].copy_from_slice(&number[..width]);
        }
        match round % 4 {
            0 => bytes.truncate(random.below(bytes.len() as u64) as usize),
            // A piece of another stands in it.
            1 => {
                let other = random.pick(&whole);
                let (from, to) = (
                    random.below(bytes.len() as u64) as usize,
                    random.below(other.len() as u64) as usize,
                );
                bytes.truncate(from);
                bytes.extend_from_slice(&other[to..]);
            }
            _ => {}
        }
        if let Ok((events, _)) = read(&bytes) {
            opened += 1;
            events_most = events_most.max(events.len());
        }
    }
    assert!(
        opened > 200 && events_most > 500,
        "only {opened} opened, with {events_most} events: this test tried little"
    );
    for _ in 0..2_000 {
        let length = random.below(4_096);
        let bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        assert!(read(&bytes).is_err(), "noise was read as a recording");
    }
}

#[test]
fn every_byte_of_a_recording_can_be_the_damaged_one() {
    let whole = record(&any_events_and_sets(10, 12), 6);
    for at in 0..whole.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            if let Ok((events, _)) = read(&bytes) {
                assert!(events.len() <= 2 * 65_536);
            }
        }
    }
}

#[test]
fn what_follows_the_end_is_not_passed_over_in_silence() {
    let mut bytes = record(&any_events_and_sets(1, 3), 3);
    let length = bytes.len() as u64;
    bytes.extend(record(&any_events_and_sets(2, 3), 3));
    let (events, cut) = read(&bytes).unwrap();
    assert_eq!(events.len(), 4);
    assert_eq!(cut.unwrap().whole_bytes, length);
}

#[test]
fn what_is_not_a_recording_is_refused_by_name() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    for content in ["milk, bread", "ARROW1\0\0 and so on", "{\"format\": 1}", ""] {
        std::fs::write(&path, content).unwrap();
        let error = format!("{:#}", Reader::open(&path).err().unwrap());
        assert!(
            error.starts_with("read recording ") && error.contains("notes.txt"),
            "{error}"
        );
        assert!(
            error.contains("not a recording") || error.contains("empty"),
            "{error}"
        );
    }
    let error = format!("{:#}", Reader::open(dir.path()).err().unwrap());
    assert!(error.contains("not a plain file"), "{error}");
    assert!(Reader::open(dir.path().join("nothing")).is_err());
}

#[test]
fn a_recording_of_a_newer_version_says_so() {
    let bytes = record(&[], 1);
    let find = |what: &[u8]| {
        bytes
            .windows(what.len())
            .position(|window| window == what)
            .unwrap()
    };
    // A flatbuffer holds the text's length, the text, and a zero; the value stands near its key.
    let key = find(b"version\0");
    let value = (0..bytes.len() - 6)
        .filter(|&at| bytes[at..].starts_with(&[1, 0, 0, 0, b'3', 0]))
        .min_by_key(|&at| at.abs_diff(key))
        .unwrap();
    let mut newer = bytes.clone();
    newer[value + 4] = b'4';
    let error = format!("{:#}", open(&newer).err().unwrap());
    assert!(
        error.contains("newer waitscope") && error.contains("version 4"),
        "{error}"
    );
}

#[test]
fn a_recording_replaces_a_recording_but_no_other_file() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a");
    let create = |path: &Path| Writer::create(path, &trace()).and_then(|writer| writer.finish(END));
    create(&path).unwrap();
    create(&path).unwrap();
    assert!(read(&std::fs::read(&path).unwrap()).unwrap().1.is_none());

    std::fs::write(&path, "dear diary").unwrap();
    let error = format!("{:#}", create(&path).unwrap_err());
    assert!(error.contains("is not a recording"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"dear diary");

    let error = format!("{:#}", create(dir.path()).unwrap_err());
    assert!(error.contains("not a plain file"), "{error}");
    assert!(create(Path::new("/dev/null")).is_err());
}

#[test]
fn a_recording_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempdir().unwrap();
    let path = dir.path().join("a");
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    for _ in 0..2 {
        drop(Writer::create(&path, &trace()).unwrap());
        assert_eq!(mode(), 0o600);
        std::fs::remove_file(&path).unwrap();
        drop(Writer::create(&path, &trace()).unwrap());
    }
}

#[test]
fn two_recorders_do_not_write_one_file() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a");
    let first = Writer::create(&path, &trace()).unwrap();
    let error = format!("{:#}", Writer::create(&path, &trace()).err().unwrap());
    assert!(error.contains("another recorder"), "{error}");
    first.finish(END).unwrap();
    assert!(Writer::create(&path, &trace()).is_ok());
}

#[test]
fn a_recorder_that_is_killed_loses_only_what_was_not_flushed() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a");
    let events = any_events_and_sets(3, 100);
    let mut writer = Writer::create(&path, &trace()).unwrap();
    writer.append(&events[..60]).unwrap();
    writer.flush().unwrap();
    assert_eq!(
        writer.bytes_written(),
        std::fs::metadata(&path).unwrap().len()
    );
    writer.append(&events[60..]).unwrap();
    std::mem::forget(writer);
    let (read, cut) = read(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(read, events[..60]);
    let cut = cut.unwrap();
    assert_eq!(cut.lost_bytes, 0);
    assert!(cut.to_string().contains("before it could end"), "{cut}");
}

#[test]
fn an_event_after_an_error_is_refused_and_the_file_stays_whole() {
    // A limit on the size of files stands for a full disk; it is the process's own, so a child has it.
    let dir = tempdir().unwrap();
    let path = dir.path().join("full");
    let me = std::env::current_exe().unwrap();
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$@\"";
    let status = std::process::Command::new("bash")
        .args(["-c", script, "bash"])
        .arg(me)
        .args(["--ignored", "--exact", "fill_a_file_until_there_is_no_room"])
        .env("WAITSCOPE_TEST_FILE", &path)
        .status()
        .unwrap();
    assert!(status.success());
    let bytes = std::fs::read(&path).unwrap();
    let (events, cut) = read(&bytes).unwrap();
    assert!(
        !events.is_empty() && events.len() % 100 == 0,
        "{} events",
        events.len()
    );
    assert_eq!(cut.unwrap().lost_bytes, 0);
}

#[test]
#[ignore = "run by an_event_after_an_error_is_refused_and_the_file_stays_whole, with little room"]
fn fill_a_file_until_there_is_no_room() {
    let Some(path) = std::env::var_os("WAITSCOPE_TEST_FILE") else {
        return;
    };
    let mut writer = Writer::create(&path, &trace()).unwrap();
    let mut random = Random::new(4);
    let error = (0..10_000)
        .find_map(|seed| {
            writer
                .append(&any_events_and_sets(seed, 100))
                .and_then(|()| writer.flush())
                .err()
        })
        .unwrap();
    let error = format!("{error:#}");
    assert!(
        error.contains("full") && error.contains("too large"),
        "{error}"
    );
    assert!(
        writer
            .append(&any_events_and_sets(1, 10))
            .and_then(|()| writer.flush())
            .is_err()
    );
    assert!(writer.finish(any_end(&mut random)).is_err());
}
