//! The form of notes, and what is refused of them.
//!
//! It must never follow a change of the form: recordings keep their notes.

use super::*;
use crate::model::{
    Call, Context, Copying, Descriptor, DescriptorKind, End, Gap, Life, LifeKind, OffCpu,
    OpenThread, Series, Sum, Timeout, Waker,
};

/// What [`sketch`] is in the form that belongs to the key.
const FORM: &str = "FQoAAQKsApAD9AMGFRYXGBkaGxwBAQKsApAD9AMGAgECAwEEBQEDAAECAwT0A4QHZG5aZAGgBgUGAf4DAbwFAQsMAgENAQgBCQEKAw0BGwEAAQAPEAMBAQIDjgcBmAeiBwQBAAUBCwwCBXdha2VyAwIBAqwHAwRuYW1lAwMIAQ4BA3RjcAEEaGVyZQEFdGhlcmUBERIBEwADBgECAwQDBwEC3gcBAQO2BwEIAAUGBwgBwAcAAwjoBwECAwQFAQECAwEIAQUBBgc=";

/// One of everything, with numbers that differ.
fn sketch() -> Sketch {
    let waker = Some(Waker {
        tid: 11,
        pid: 12,
        context: Context::SoftIrq,
    });
    let series = Series {
        pid: 1,
        tid: 2,
        start_ns: 300,
        last_start_ns: 400,
        end_ns: 500,
        count: 6,
    };
    let sum = Sum {
        calls: 21,
        kernel_ns: 22,
        blocked_ns: 23,
        runnable_ns: 24,
        copying_ns: 25,
        outside_blocked_ns: 26,
        outside_runnable_ns: 27,
        other_ns: 28,
    };
    let events = [
        Event::Call(Call {
            pid: 1,
            tid: 2,
            cpu: 3,
            nr: 4,
            start_ns: 500,
            end_ns: 900,
            kernel_ns: 100,
            blocked_ns: 110,
            runnable_ns: 90,
            copying_ns: 100,
            copying: Copying::Seen(800),
            sleeps: 5,
            preemptions: 6,
            first_sleep_ns: Some(510),
            last_wake_ns: Some(700),
            waker,
            fd: Some(-7),
            descriptor: Some(8),
            ready_delay_ns: Some(9),
            requested: Some(10),
            timeout: Timeout::Nanos(13),
            ret: Some(-14),
            began_before: true,
            killed: false,
            continues: true,
            unseen: false,
            others: 15,
            other_ns: 16,
        }),
        Event::OffCpu(OffCpu {
            pid: 1,
            tid: 2,
            cpu: 3,
            start_ns: 910,
            woken_ns: Some(920),
            end_ns: 930,
            times: 4,
            unseen: true,
            in_call: false,
            state: 5,
            waker,
            waker_comm: "waker".to_owned(),
        }),
        Event::Life(Life {
            pid: 1,
            tid: 2,
            at_ns: 940,
            kind: LifeKind::Renamed,
            name: "name".to_owned(),
        }),
        Event::Descriptor(Descriptor {
            id: 8,
            pid: 1,
            fd: 7,
            kind: DescriptorKind::Tcp,
            name: "tcp".to_owned(),
            local: Some("here".to_owned()),
            peer: Some("there".to_owned()),
            peer_pid: Some(17),
            object: 18,
            opened_ns: Some(19),
            closed_ns: None,
        }),
        Event::Gap(Gap {
            cpu: 1,
            start_ns: 2,
            end_ns: 3,
            lost: 4,
        }),
        Event::Open(OpenThread {
            pid: 1,
            tid: 2,
            at_ns: 990,
            nr: Some(Some(3)),
            since_ns: 950,
            fd: Some(4),
            began_before: false,
            kernel_ns: 5,
            blocked_ns: 6,
            runnable_ns: 7,
            copying_ns: 8,
            off_since_ns: Some(960),
            woken_ns: None,
        }),
        Event::End(End {
            at_ns: 1_000,
            made: 1,
            lost: 2,
            untracked: 3,
            compat: 4,
            unseen: 5,
        }),
    ];
    let short = [
        Piece::Run(Run { series, sum }),
        Piece::Spans(series),
        Piece::Off(Off {
            pid: 1,
            tid: 2,
            start_ns: 3,
            woken_ns: Some(4),
            end_ns: 5,
            in_call: true,
        }),
    ];
    Sketch {
        bits: GLANCE_BITS,
        pieces: short.into_iter().chain(events.map(Piece::Event)).collect(),
        ready: vec![Ready {
            pid: 1,
            tid: 2,
            call_start_ns: 3,
            fd: Some(4),
            descriptor: Some(5),
            asked: Some(6),
            ready: 7,
        }],
    }
}

fn bytes(sketch: &Sketch) -> Vec<u8> {
    postcard::to_allocvec(sketch).unwrap_or_default()
}

#[test]
fn another_form_of_notes_has_another_key() {
    let form = BASE64.encode(bytes(&sketch()));
    assert_eq!(
        (KEY, form.as_str()),
        ("waitscope.glance.1", FORM),
        "a recording of yesterday has notes of the old form under this key"
    );
    assert_eq!(sketch_of_bytes(&bytes(&sketch())).ok(), Some(sketch()));
}

#[test]
fn what_no_batch_could_say_is_refused() {
    let refuse = |change: &dyn Fn(&mut Sketch)| {
        let mut other = sketch();
        change(&mut other);
        sketch_of_bytes(&bytes(&other)).is_err()
    };
    assert!(!refuse(&|_| {}));
    assert!(refuse(&|sketch| sketch.bits -= 1));
    assert!(refuse(
        &|sketch| sketch.pieces = vec![sketch.pieces[2].clone(); ROWS_MAX + 1]
    ));
    assert!(refuse(
        &|sketch| sketch.ready = vec![sketch.ready[0]; ENTRIES_MAX + 1]
    ));
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    let mut names = 0;
    for at in 0..sketch().pieces.len() {
        for which in 0..3 {
            names += usize::from(refuse(&|sketch| match &mut sketch.pieces[at] {
                Piece::Event(Event::OffCpu(span)) => span.waker_comm.clone_from(&long),
                Piece::Event(Event::Life(life)) => life.name.clone_from(&long),
                Piece::Event(Event::Descriptor(known)) => match which {
                    0 => known.name.clone_from(&long),
                    1 => known.local = Some(long.clone()),
                    _ => known.peer = Some(long.clone()),
                },
                _ => {}
            }));
        }
    }
    assert_eq!(names, 9, "each name three times");
    assert!(refuse(&|sketch| match &mut sketch.pieces[0] {
        Piece::Run(run) => run.series.last_start_ns = run.series.end_ns + 1,
        other => panic!("{other:?}"),
    }));
}

#[test]
fn a_note_that_was_damaged_anywhere_is_not_believed() -> Result<()> {
    let mut noting = Noting::new()?;
    let packed = noting.pack.compress(&bytes(&sketch()))?;
    assert_eq!(unpack(&BASE64.encode(&packed))?, sketch());
    for at in 0..packed.len() {
        for bit in 0..8 {
            let mut other = packed.clone();
            other[at] ^= 1 << bit;
            if let Ok(read) = unpack(&BASE64.encode(&other)) {
                assert_eq!(read, sketch(), "byte {at}, bit {bit}");
            }
        }
    }
    Ok(())
}
