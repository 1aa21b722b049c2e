//! What stands behind a descriptor's number, from what the programs tell: lifetimes, names, what an epoll means.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod support;

use probe_ebpf::{
    Call, EFFECT_EPOLL_WAIT, FD_CLOSED, FD_CLOSED_RANGE, FD_COPIED, FD_INTEREST, FD_NAMED,
    FD_NO_INTEREST, FD_OPENED, Fd, Head, KIND_CALL, KIND_FD, KIND_LIFE, KIND_READY, LIFE_EXEC,
    LIFE_EXIT, LIFE_FORK, LOST_STATE, Life, NAME_BYTES, NO_DELAY, READY_LARGE, Ready,
    TIMEOUT_UNKNOWN,
};
use support::Random;
use waitscope::model::{Arch, Descriptor, DescriptorKind, Event, Intake, Record};

const START: u64 = 1_000_000;
const PID: u32 = 10;
const READ: u32 = 0;
const ACCEPT4: u32 = 288;
const EPOLL_CTL: u32 = 233;
const S_IFSOCK: u32 = 0o140_000;
const S_IFREG: u32 = 0o100_000;

fn head(kind: u16) -> Head {
    Head {
        kind,
        pid: PID,
        tid: PID,
        ..Head::default()
    }
}

/// Told by a call that was entered and returned then.
fn fd(what: u32, fd: i32, other: i32, enter: u64, at: u64) -> Fd {
    Fd {
        head: head(KIND_FD),
        enter_ns: START + enter,
        at_ns: START + at,
        what,
        fd,
        other,
        nr: ACCEPT4,
        data: 0,
        events: 0,
        mode: S_IFREG,
        inode: 77,
        family: 0,
        socket_type: 0,
        protocol: 0,
        local_port: 0,
        peer_port: 0,
        name_len: 0,
        peer_pid: 0,
        local: [0; 2],
        peer: [0; 2],
        name: [0; NAME_BYTES],
        name_is_peers: 0,
        reserved: 0,
    }
}

fn read(fd: i32, enter: u64, exit: u64) -> Record {
    Record::Call(Call {
        head: head(KIND_CALL),
        enter_ns: START + enter,
        exit_ns: START + exit,
        kernel_ns: exit - enter,
        args: [fd as u64, 0, 1, 0],
        nr: READ,
        timeout_ns: TIMEOUT_UNKNOWN,
        ready_delay_ns: NO_DELAY,
        ..Call::default()
    })
}

fn life(what: u32, pid: u32, other: u32, at: u64) -> Record {
    let head = Head {
        pid,
        tid: pid,
        ..head(KIND_LIFE)
    };
    Record::Life(Life {
        head,
        at_ns: START + at,
        what,
        other,
        comm: [0; 16],
    })
}

#[derive(Default)]
struct Told {
    events: Vec<Event>,
}

impl Told {
    /// What comes of these records.
    fn of(records: impl IntoIterator<Item = Record>) -> Self {
        let mut intake = Intake::new(Arch::X86_64, START);
        let mut told = Self::default();
        for record in records {
            intake.take(&record, &mut told.events);
        }
        assert_eq!(intake.unsound(), 0);
        told
    }

    /// The descriptor of each call, in turn.
    fn of_calls(&self) -> Vec<Option<u32>> {
        let events = self.events.iter();
        events
            .filter_map(|event| match event {
                Event::Call(call) => Some(call.descriptor),
                _ => None,
            })
            .collect()
    }

    /// The last word on a descriptor.
    fn last(&self, id: u32) -> &Descriptor {
        let events = self.events.iter().rev();
        events
            .filter_map(|event| match event {
                Event::Descriptor(descriptor) => Some(descriptor),
                _ => None,
            })
            .find(|descriptor| descriptor.id == id)
            .unwrap()
    }
}

fn told(fd: Fd) -> Record {
    Record::Fd(Box::new(fd))
}

#[test]
fn a_number_that_nobody_told_of_stands_for_nothing() {
    assert_eq!(Told::of([read(7, 1, 2)]).of_calls(), [None]);
}

#[test]
fn a_number_closed_and_opened_again_is_another_descriptor() {
    let told = Told::of([
        told(fd(FD_OPENED, 7, 3, 10, 20)),
        read(7, 30, 40),
        told(fd(FD_CLOSED, 7, -1, 50, 60)),
        told(fd(FD_OPENED, 7, 3, 70, 80)),
        read(7, 90, 95),
    ]);
    assert_eq!(told.of_calls(), [Some(0), Some(1)]);
    assert_eq!(
        (told.last(0).opened_ns, told.last(0).closed_ns),
        (Some(20), Some(50))
    );
    assert_eq!(
        (told.last(1).opened_ns, told.last(1).closed_ns),
        (Some(80), None)
    );
}

#[test]
fn a_close_that_returns_late_closes_what_was_there_when_it_began() {
    // Another thread got the number as soon as it was free, and was back from its call first.
    let told = Told::of([
        told(fd(FD_OPENED, 7, 3, 10, 20)),
        told(fd(FD_OPENED, 7, 3, 32, 40)),
        told(fd(FD_CLOSED, 7, -1, 30, 60)),
        read(7, 70, 80),
    ]);
    assert_eq!(told.of_calls(), [Some(1)]);
    assert_eq!(told.last(1).closed_ns, None);
    assert!(told.last(0).closed_ns.is_some());
}

#[test]
fn an_accept_that_waited_long_does_not_take_what_was_closed_meanwhile_for_its_own() {
    // It waits from 10 on; the number is free from 30 on, and the close returns last of all.
    let told = Told::of([
        told(fd(FD_OPENED, 7, 3, 1, 2)),
        told(fd(FD_OPENED, 7, 3, 10, 40)),
        told(fd(FD_CLOSED, 7, -1, 30, 60)),
        // Begun while the number meant the old one, while it meant nothing, and since it means the new one.
        read(7, 20, 65),
        read(7, 35, 66),
        read(7, 70, 80),
    ]);
    assert_eq!(told.of_calls(), [Some(0), None, Some(1)]);
    assert_eq!(told.last(1).closed_ns, None, "the new one is open");
}

#[test]
fn a_call_that_began_before_a_close_is_of_what_was_there() {
    let told = Told::of([
        told(fd(FD_OPENED, 7, 3, 10, 20)),
        told(fd(FD_CLOSED, 7, -1, 50, 60)),
        told(fd(FD_OPENED, 7, 3, 70, 80)),
        // It waited in the call while others closed and opened.
        read(7, 30, 100),
    ]);
    assert_eq!(told.of_calls(), [Some(0)]);
}

#[test]
fn a_range_closes_all_in_it_and_no_other() {
    let told = Told::of([
        told(fd(FD_OPENED, 5, 3, 1, 2)),
        told(fd(FD_OPENED, 6, 3, 3, 4)),
        told(fd(FD_OPENED, 9, 3, 5, 6)),
        told(fd(FD_CLOSED_RANGE, 6, i32::MAX, 10, 20)),
        read(5, 30, 40),
        read(6, 50, 60),
        read(9, 70, 80),
    ]);
    assert_eq!(told.of_calls(), [Some(0), None, None]);
}

#[test]
fn a_copy_of_itself_changes_nothing_and_any_other_closes_what_stood_there() {
    let told = Told::of([
        told(fd(FD_OPENED, 5, 3, 1, 2)),
        told(fd(FD_COPIED, 5, 5, 3, 4)),
        read(5, 5, 6),
        told(fd(FD_OPENED, 6, 3, 7, 8)),
        told(fd(FD_COPIED, 6, 5, 9, 10)),
        read(6, 11, 12),
    ]);
    assert_eq!(told.of_calls(), [Some(0), Some(2)]);
    assert!(told.last(1).closed_ns.is_some());
}

#[test]
fn a_name_that_comes_later_is_the_same_descriptor_better_known() {
    let socket = |what, nr, port: u16| Fd {
        nr,
        mode: S_IFSOCK,
        family: 2,
        socket_type: 1,
        local_port: port,
        peer_port: if port == 0 { 0 } else { 6379_u16.to_be() },
        local: [if port == 0 { 0 } else { 0x0100_007f }, 0],
        peer: [if port == 0 { 0 } else { 0x0100_007f }, 0],
        ..fd(what, 7, -1, 1, 2)
    };
    let (socket_nr, connect_nr) = (41, 42);
    let told = Told::of([
        told(socket(FD_OPENED, socket_nr, 0)),
        told(socket(FD_NAMED, connect_nr, 50_000)),
        read(7, 5, 6),
    ]);
    assert_eq!(told.of_calls(), [Some(0)]);
    let one = told.last(0);
    assert_eq!(one.kind, DescriptorKind::Tcp);
    assert_eq!(one.name, "127.0.0.1:50000 → 127.0.0.1:6379");
    assert_eq!(one.opened_ns, Some(2));
}

#[test]
fn addresses_of_every_family_read_as_everyone_writes_them() {
    let v6 = |address: std::net::Ipv6Addr| {
        let octets = address.octets();
        [0, 8].map(|at| u64::from_le_bytes(octets[at..at + 8].try_into().unwrap()))
    };
    let mut path = [0; NAME_BYTES];
    path[..12].copy_from_slice(b"/run/x.sock\0");
    let mut abstract_name = [0; NAME_BYTES];
    abstract_name[..4].copy_from_slice(b"\0bus");
    let tcp6 = Fd {
        mode: S_IFSOCK,
        family: 10,
        socket_type: 1,
        local_port: 80,
        peer_port: 9_u16.to_be(),
        ..fd(FD_OPENED, 7, 3, 1, 2)
    };
    let unix = Fd {
        mode: S_IFSOCK,
        family: 1,
        socket_type: 1,
        peer_pid: 99,
        ..fd(FD_OPENED, 7, 3, 1, 2)
    };
    let loopback = v6("::1".parse().unwrap());
    let mapped = v6("::ffff:10.0.0.1".parse().unwrap());
    for (record, name) in [
        (
            Fd {
                local: loopback,
                peer: loopback,
                ..tcp6
            },
            "[::1]:80 ← [::1]:9",
        ),
        (
            Fd {
                local: mapped,
                peer: mapped,
                ..tcp6
            },
            "10.0.0.1:80 ← 10.0.0.1:9",
        ),
        (
            Fd {
                name: path,
                name_len: 12,
                ..unix
            },
            "/run/x.sock",
        ),
        (
            Fd {
                name: path,
                name_len: 12,
                name_is_peers: 1,
                ..unix
            },
            "→ /run/x.sock",
        ),
        (
            Fd {
                name: abstract_name,
                name_len: 4,
                ..unix
            },
            "@bus",
        ),
        (unix, "socket:[77]"),
    ] {
        assert_eq!(Told::of([told(record)]).last(0).name, name);
    }
    assert_eq!(Told::of([told(unix)]).last(0).peer_pid, Some(99));
}

/// What an epoll returned: bits and the program's own word, for each.
fn found(epfd: i32, entries: &[(u32, u64)], enter: u64) -> Record {
    let mut bytes = [0_u8; READY_LARGE * 8];
    for (at, (bits, data)) in entries.iter().enumerate() {
        bytes[at * 12..at * 12 + 4].copy_from_slice(&bits.to_le_bytes());
        bytes[at * 12 + 4..at * 12 + 12].copy_from_slice(&data.to_le_bytes());
    }
    let mut raw = [0; READY_LARGE];
    for (to, from) in raw.iter_mut().zip(bytes.chunks_exact(8)) {
        *to = u64::from_le_bytes(from.try_into().unwrap());
    }
    Record::Ready(Box::new(Ready {
        head: head(KIND_READY),
        enter_ns: START + enter,
        at_ns: START + enter + 1,
        what: EFFECT_EPOLL_WAIT.into(),
        epfd,
        count: entries.len() as u32,
        ret: entries.len() as i32,
        raw,
    }))
}

#[test]
fn an_epolls_word_means_the_descriptor_it_was_given_for_and_nothing_if_two_have_it() {
    let interest = |what, of: i32, data: u64, at: u64| {
        told(Fd {
            nr: EPOLL_CTL,
            data,
            events: 1,
            ..fd(what, 4, of, at, at + 1)
        })
    };
    let told = Told::of([
        told(fd(FD_OPENED, 4, -1, 1, 2)),
        told(fd(FD_OPENED, 8, -1, 3, 4)),
        told(fd(FD_OPENED, 9, -1, 5, 6)),
        interest(FD_INTEREST, 8, 0xdead, 10),
        interest(FD_INTEREST, 9, 0xbeef, 12),
        found(4, &[(1, 0xbeef), (1, 0xdead), (1, 0xf00d)], 20),
        // Now both have the same word.
        interest(FD_INTEREST, 9, 0xdead, 30),
        found(4, &[(1, 0xdead)], 40),
        interest(FD_NO_INTEREST, 8, 0, 50),
        found(4, &[(16, 0xdead)], 60),
    ]);
    let ready: Vec<_> = told
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Ready(ready) => Some((ready.fd, ready.descriptor, ready.ready)),
            _ => None,
        })
        .collect();
    let expected = [
        (Some(9), Some(2), 1),
        (Some(8), Some(1), 1),
        (None, None, 1),
        (None, None, 1),
        // Which of the two is gone is known, and yet the word stays in doubt until it is given anew.
        (None, None, 16),
    ];
    assert_eq!(ready, expected);
}

#[test]
fn an_epoll_that_nobody_told_of_is_known_by_its_interest_until_its_number_is_closed() {
    let interest = |of: i32, data: u64, at: u64| {
        told(Fd {
            nr: EPOLL_CTL,
            data,
            events: 1,
            ..fd(FD_INTEREST, 4, of, at, at + 1)
        })
    };
    let told = Told::of([
        interest(8, 0xdead, 10),
        found(4, &[(1, 0xdead)], 20),
        told(fd(FD_CLOSED, 4, -1, 30, 31)),
        found(4, &[(1, 0xdead)], 40),
    ]);
    let ready = told.events.iter().filter_map(|event| match event {
        Event::Ready(ready) => Some(ready.fd),
        _ => None,
    });
    assert_eq!(ready.collect::<Vec<_>>(), [Some(8), None]);
}

#[test]
fn after_a_loss_that_told_of_descriptors_no_number_means_what_it_meant_and_after_any_other_it_does()
{
    for (lost, known) in [(5, Some(0)), (5 | LOST_STATE, None)] {
        let Record::Call(call) = read(7, 10, 20) else {
            unreachable!()
        };
        let head = Head { lost, ..call.head };
        let told = Told::of([
            told(fd(FD_OPENED, 7, 3, 1, 2)),
            Record::Call(Call { head, ..call }),
        ]);
        assert_eq!(told.of_calls(), [known], "{lost:#x}");
        let gaps = told.events.iter().filter_map(|event| match event {
            Event::Gap(gap) => Some(gap.lost),
            _ => None,
        });
        assert_eq!(gaps.collect::<Vec<_>>(), [5], "{lost:#x}");
    }
}

#[test]
fn a_loss_before_what_a_readiness_call_found_reaches_to_where_it_returned() {
    let Record::Ready(mut ready) = found(4, &[(1, 1)], 100) else {
        unreachable!()
    };
    (ready.head.lost, ready.at_ns) = (3, START + 900);
    let told = Told::of([read(7, 50, 60), Record::Ready(ready)]);
    let gap = told.events.iter().find_map(|event| match event {
        Event::Gap(gap) => Some((gap.start_ns, gap.end_ns)),
        _ => None,
    });
    assert_eq!(gap, Some((60, 900)));
}

#[test]
fn a_child_has_copies_and_another_program_nothing_that_is_known() {
    let of_child = |record: Record| match record {
        Record::Call(call) => Record::Call(Call {
            head: Head {
                pid: 20,
                tid: 20,
                ..call.head
            },
            ..call
        }),
        other => other,
    };
    let told = Told::of([
        told(fd(FD_OPENED, 7, 3, 1, 2)),
        life(LIFE_FORK, 20, PID, 5),
        of_child(read(7, 10, 20)),
        life(LIFE_EXEC, 20, 20, 30),
        of_child(read(7, 40, 50)),
        read(7, 60, 70),
    ]);
    assert_eq!(told.of_calls(), [Some(1), None, Some(0)]);
    assert_eq!((told.last(1).pid, told.last(1).opened_ns), (20, Some(5)));
}

#[test]
fn a_process_that_has_ended_takes_its_numbers_with_it_and_threads_that_end_do_not() {
    let of = |pid: u32, tid: u32, record: Record| match record {
        Record::Call(call) => Record::Call(Call {
            head: Head {
                pid,
                tid,
                ..call.head
            },
            ..call
        }),
        Record::Life(life) => Record::Life(Life {
            head: Head {
                pid,
                tid,
                ..life.head
            },
            ..life
        }),
        other => other,
    };
    let told = Told::of([
        told(fd(FD_OPENED, 7, 3, 1, 2)),
        life(LIFE_FORK, 20, PID, 5),
        of(20, 21, life(LIFE_FORK, 20, 20, 6)),
        of(20, 21, life(LIFE_EXIT, 20, 0, 7)),
        of(20, 20, read(7, 10, 20)),
        life(LIFE_EXIT, 20, 0, 30),
        // The same id, long after: another process, of which nothing is known.
        of(20, 20, read(7, 40, 50)),
        // A thread of the target's own that came and went changes nothing.
        of(PID, 11, life(LIFE_FORK, PID, PID, 60)),
        of(PID, 11, life(LIFE_EXIT, PID, 0, 70)),
        read(7, 80, 90),
    ]);
    assert_eq!(told.of_calls(), [Some(1), None, Some(0)]);
}

#[test]
fn whatever_the_records_hold_nothing_panics_and_no_name_is_too_long() {
    let mut random = Random::new(5);
    let mut intake = Intake::new(Arch::X86_64, START);
    let mut events = Vec::new();
    for _ in 0..20_000 {
        let small = |random: &mut Random| random.below(12) as i32 - 1;
        let record = if random.yes() {
            let mut name = [0; NAME_BYTES];
            name.iter_mut().for_each(|byte| *byte = random.next() as u8);
            told(Fd {
                nr: random.below(500) as u32,
                data: random.below(4),
                events: random.small(),
                mode: random.pick(&[0, S_IFSOCK, S_IFREG, 0o010_000, u32::MAX]),
                inode: random.below(3),
                family: random.pick(&[0, 1, 2, 10, 16, u16::MAX]),
                socket_type: random.below(4) as u16,
                local_port: random.next() as u16,
                peer_port: random.next() as u16,
                name_len: random.next() as u16,
                local: [random.next(), random.next()],
                peer: [random.next(), random.next()],
                name,
                name_is_peers: random.below(2) as u32,
                ..fd(
                    random.below(10) as u32,
                    small(&mut random),
                    small(&mut random),
                    random.below(100),
                    random.below(100),
                )
            })
        } else {
            let mut raw = [0; READY_LARGE];
            raw.iter_mut().for_each(|word| *word = random.next());
            Record::Ready(Box::new(Ready {
                head: head(KIND_READY),
                enter_ns: random.number(),
                at_ns: random.number(),
                what: random.below(14) as u32,
                epfd: small(&mut random),
                count: random.small(),
                ret: random.small() as i32,
                raw,
            }))
        };
        let from = events.len();
        intake.take(&record, &mut events);
        assert!(events.len() - from <= 64, "bounded: {record:?}");
    }
    for event in &events {
        if let Event::Descriptor(one) = event {
            let texts = [Some(&one.name), one.local.as_ref(), one.peer.as_ref()];
            assert!(
                texts.into_iter().flatten().all(|text| text.len() <= 256),
                "{one:?}"
            );
        }
    }
}
