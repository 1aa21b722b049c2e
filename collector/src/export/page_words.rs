//! What the server says in words, of every kind and in every shape, as the page's tests have it.
//!
//! The page says the same from the fields beside the words, in its own language. Its tests hold its English to this file,
//! and this test holds the file to the server: so neither can change alone.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{FindingJson, why::Reason};
use crate::diff::group_name;
use crate::model::{
    Cause, Descriptor, DescriptorKind, Descriptors, End, Event, Finding, IoModel, Life, LifeKind,
    Multiplexer, On, Trace, Trigger, Unacted, What, Why, readiness as bit,
};
use crate::recording::{Cut, Reader, Writer};
use crate::serve::{NOTES_DIFFER, unread_words};

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../web-ui/tests/server-words.json"
);

/// One of each kind, and of those with several sentences each of them.
fn whats() -> Vec<What> {
    let mut all = vec![
        What::BlockingInLoop {
            call: "fsync".into(),
            times: 1,
            blocked_ns: 12_345_678,
            longest_ns: 12_345_678,
        },
        What::BlockingInLoop {
            call: "read".into(),
            times: 1_234,
            blocked_ns: 9_876_543_210,
            longest_ns: 12_345_678,
        },
        What::AgainStorm { again: 65_432 },
        What::MostlyAgain {
            again: 900,
            receives: 1_001,
        },
        What::Herd {
            times: 17,
            woken: 1_300,
            nothing: 1_299,
        },
        What::BusyPolling {
            checks: 123_456,
            polling_ns: 700_000_000,
        },
        What::RunQueue {
            calls: 5_000,
            runnable_ns: 3_210_000_000,
            blocked_ns: 12_000_000,
        },
        What::LateReading {
            reads: 1_000,
            p99_ns: 5_432_100,
            work_ns: 98_700,
        },
        What::TinyReads {
            reads: 4_096,
            buffer: 512,
        },
        What::SmallBatches {
            times: 1_500,
            calls: 2_000,
            asked: 16,
        },
    ];
    for bits in [bit::IN, bit::OUT, bit::HUP, bit::ERR | bit::HUP, bit::ERR] {
        for (listens, then_acted, at_least) in [
            (false, false, false),
            (true, true, false),
            (true, false, true),
        ] {
            let unacted = Unacted {
                ready: 659_310,
                bits,
                listens,
                then_acted,
                at_least,
            };
            all.push(What::HangUpIgnored(unacted));
            all.push(What::Spin(unacted));
            all.push(What::NeverRead(unacted));
        }
    }
    all
}

fn findings() -> Vec<FindingJson> {
    let on = On {
        id: 3,
        fd: Some(8),
        label: "tcp 127.0.0.1:6379 ← 127.0.0.1:50312 (fd 8)".into(),
    };
    let mut told = Vec::new();
    for (at, what) in (1..).zip(whats()) {
        let named = Finding {
            what,
            pid: 4242,
            tid: 4243,
            thread: Some("redis-server".into()),
            on: Some(on.clone()),
            start_ns: 1_000_000_000,
            end_ns: 2_023_456_789,
            times: at % 3 * 700,
            inferred: at % 2 == 0,
        };
        let bare = Finding {
            thread: None,
            on: None,
            times: 1,
            inferred: !named.inferred,
            ..named.clone()
        };
        told.extend([&named, &bare].map(FindingJson::new));
    }
    told
}

fn socket() -> Descriptor {
    Descriptor {
        id: 3,
        pid: 4242,
        fd: 8,
        kind: DescriptorKind::Tcp,
        name: "127.0.0.1:6379 ← 127.0.0.1:50312".into(),
        local: None,
        peer: None,
        peer_pid: None,
        object: 0,
        opened_ns: None,
        closed_ns: None,
    }
}

fn whys() -> Vec<Reason> {
    let mut known = Descriptors::default();
    known.push(&socket());
    let mut told = Vec::new();
    for (cause, _) in Cause::ALL {
        for (descriptor, fd) in [(Some(3), Some(8)), (Some(9), Some(7)), (None, None)] {
            for (more, by, network) in [
                (0, None, false),
                (19, None, true),
                (0, Some(4244), false),
                (2, Some(4244), true),
            ] {
                let why = Why {
                    cause,
                    descriptor,
                    fd,
                    more,
                    by,
                    network,
                    inferred: more > 0,
                };
                told.push(Reason::new(&why, &known));
            }
        }
    }
    told
}

/// A thread's model, with its words.
fn models() -> Vec<Value> {
    let mut all = vec![
        IoModel::Blocking,
        IoModel::Polling,
        IoModel::SignalDriven,
        IoModel::Asynchronous,
        IoModel::Mixed,
        IoModel::Unknown,
    ];
    let with = [Multiplexer::Select, Multiplexer::Poll, Multiplexer::Epoll];
    let triggers = [Trigger::Level, Trigger::Edge, Trigger::Both];
    let triggers = triggers.map(|trigger| (Some(Multiplexer::Epoll), Some(trigger)));
    let plain = with.map(|with| (Some(with), None));
    let all_with = [(None, None)].into_iter().chain(plain).chain(triggers);
    all.extend(all_with.map(|(with, trigger)| IoModel::Multiplexing { with, trigger }));
    let told = all.into_iter().map(|model| {
        let (with, trigger) = match model {
            IoModel::Multiplexing { with, trigger } => (with, trigger),
            _ => (None, None),
        };
        let mut told = json!({ "model": model.word(), "text": model.to_string() });
        if let Some(with) = with {
            told["with"] = with.word().into();
        }
        if let Some(trigger) = trigger {
            told["trigger"] = trigger.word().into();
        }
        told
    });
    told.collect()
}

/// What connections of a group have in common: of each shape.
fn groups() -> Vec<String> {
    let ends = [
        (DescriptorKind::Tcp, "a → b", None, Some("b")),
        (
            DescriptorKind::Tcp,
            "b ← a",
            Some("127.0.0.1:80"),
            Some("a"),
        ),
        (DescriptorKind::Udp, "u", Some("[::1]:53"), None),
        (DescriptorKind::Unix, "u", None, Some("/run/s")),
        (DescriptorKind::Unix, "u", None, None),
        (DescriptorKind::Eventfd, "[eventfd]", None, None),
    ];
    let named = ends.map(|(kind, name, local, peer)| {
        group_name(&Descriptor {
            kind,
            name: name.into(),
            local: local.map(str::to_owned),
            peer: peer.map(str::to_owned),
            ..socket()
        })
    });
    named.to_vec()
}

/// What is missing of recordings that were damaged in every way that happens to files, and what else the page is told instead.
fn damages() -> Vec<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let trace = Trace {
        pid: 1,
        command: "test".into(),
        host: "host".into(),
        kernel: "6.1".into(),
        arch: "x86_64".into(),
        start_boot_ns: 0,
        start_unix_ns: 0,
        backend: "tp_btf".into(),
        follow: false,
    };
    let mut writer = Writer::create(file.path(), &trace).unwrap();
    let life = Event::Life(Life {
        pid: 1,
        tid: 1,
        at_ns: 5,
        kind: LifeKind::Found,
        name: "one".into(),
    });
    writer.append(&[life]).unwrap();
    writer.flush().unwrap();
    let open = fs::read(file.path()).unwrap();
    writer.finish(End::default()).unwrap();
    let whole = fs::read(file.path()).unwrap();
    let with = |bytes: &[u8], more: &[u8]| [bytes, more].concat();
    let marked = |length: u32| [&[0xff; 4], &length.to_le_bytes()[..]].concat();
    let files = [
        open[..open.len() - 7].to_vec(),
        with(&open, &marked(16)[..5]),
        with(&open, b"anything"),
        with(&open, &[&marked(16)[..], &[0xee; 16]].concat()),
        with(&whole, b"more"),
        open.clone(),
    ];
    let cut = |bytes: Vec<u8>| {
        fs::write(file.path(), bytes).unwrap();
        let mut reader = Reader::open(file.path()).unwrap();
        while reader.next_batch().unwrap().is_some() {}
        reader.cut().unwrap().reason.clone()
    };
    // How long a batch is depends on who packed it: not so what is wrong.
    let told = |reason: String, lost_bytes| {
        let cut = Cut {
            whole_bytes: 1_234,
            lost_bytes,
            reason,
        };
        cut.to_string()
    };
    let mut all: Vec<String> = files
        .map(cut)
        .into_iter()
        .zip([7, 0].into_iter().cycle())
        .map(|(reason, lost)| told(reason, lost))
        .collect();
    all.extend([NOTES_DIFFER.to_owned(), unread_words(3)]);
    all
}

/// One a line, so that a change shows where it is.
fn lines(values: impl IntoIterator<Item = Value>) -> String {
    let lines: Vec<_> = values
        .into_iter()
        .map(|value| format!("    {value}"))
        .collect();
    lines.join(",\n")
}

#[test]
fn the_page_is_tested_with_what_the_server_says() {
    let findings = findings().into_iter().map(|finding| json!(finding));
    let whys = whys().into_iter().map(|why| json!(why));
    let kinds = DescriptorKind::ALL.map(|(_, word)| json!(word));
    let all = [
        ("findings", lines(findings)),
        ("whys", lines(whys)),
        ("models", lines(models())),
        ("damages", lines(damages().into_iter().map(Value::from))),
        ("kinds", lines(kinds)),
        ("groups", lines(groups().into_iter().map(Value::from))),
    ];
    let parts = all.map(|(name, lines)| format!("  \"{name}\": [\n{lines}\n  ]"));
    let said = format!("{{\n{}\n}}\n", parts.join(",\n"));
    if std::env::var_os("WAITSCOPE_WRITE_WORDS").is_some() {
        fs::write(FILE, &said).unwrap();
    }
    let known = fs::read_to_string(Path::new(FILE)).unwrap_or_default();
    assert!(
        known == said,
        "the server says something else than {FILE}: write it anew with WAITSCOPE_WRITE_WORDS=1, \
         and make the page's words follow"
    );
}
