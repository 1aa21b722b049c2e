//! Records to events: what is believed, what is held back, and where losses are put.

use probe_ebpf::{
    ASLEEP, Brief, Call, FLAG_BEGAN_BEFORE, FLAG_COPY_SEEN, FLAG_INFERRED, FLAG_KILLED, Head,
    KIND_BRIEF, KIND_CALL, KIND_LIFE, KIND_OFF_CPU, LIFE_EXIT, Life, NO_CALL, NO_COPY, NO_DELAY,
    OFF_CPU_INFERRED, ON_CPU, OffCpu, PREEMPTED, TIMEOUT_UNKNOWN, Thread, UNKNOWN_CALL,
};
use waitscope::model::{Arch, Copying, Event, Gap, Intake, LifeKind, Record, Timeout};

const START: u64 = 1_000_000;
const EPOLL_WAIT: u32 = 232;
const READ: u32 = 0;

fn intake() -> Intake {
    Intake::new(Arch::X86_64, START)
}

fn head(kind: u16, cpu: u16, lost: u32) -> Head {
    Head {
        kind,
        cpu,
        lost,
        pid: 10,
        tid: 11,
    }
}

/// A sound call from `enter` to `exit`, all of it in the kernel.
fn call(enter: u64, exit: u64) -> Call {
    Call {
        head: head(KIND_CALL, 0, 0),
        enter_ns: START + enter,
        exit_ns: START + exit,
        kernel_ns: exit - enter,
        timeout_ns: TIMEOUT_UNKNOWN,
        ready_delay_ns: NO_DELAY,
        nr: READ,
        ..Call::default()
    }
}

fn off_cpu(start: u64, woken: u64, end: u64, nr: u32) -> OffCpu {
    OffCpu {
        head: head(KIND_OFF_CPU, 0, 0),
        start_ns: START + start,
        woken_ns: if woken == 0 { 0 } else { START + woken },
        end_ns: START + end,
        nr,
        times: 1,
        waker_comm: *b"redis-server\0\0\0\0",
        ..OffCpu::default()
    }
}

#[test]
fn a_brief_record_says_what_a_whole_one_says() {
    let brief = |copy_after_ns, flags| Brief {
        head: head(KIND_BRIEF, 0, 0),
        enter_ns: START + 100,
        duration_ns: 50,
        copy_after_ns,
        ret: -11,
        nr: READ as u16,
        flags,
        args: [3, 4, 5, 6],
        others: 2,
        other_ns: 9,
        ready_delay_ns: 7,
        reserved: 0,
    };
    let whole = |kernel_ns, copy_ns, flags: u32| Call {
        kernel_ns,
        copying_ns: 50 - kernel_ns,
        copy_ns,
        args: [3, 4, 5, 6],
        ret: -11,
        flags,
        others: 2,
        other_ns: 9,
        ready_delay_ns: 7,
        ..call(100, 150)
    };
    let seen = FLAG_COPY_SEEN;
    for (brief, whole) in [
        (brief(NO_COPY, 0), whole(50, 0, 0)),
        (brief(0, seen as u16), whole(0, START + 100, seen)),
        (brief(20, seen as u16), whole(20, START + 120, seen)),
        (brief(50, seen as u16), whole(50, START + 150, seen)),
    ] {
        assert_eq!(Call::from(brief), whole, "{brief:?}");
    }
    // Copying can't begin after the end: such a record is left out.
    let mut intake = Intake::new(Arch::X86_64, START);
    take(&mut intake, &[Record::Call(brief(51, seen as u16).into())]);
    assert_eq!(intake.unsound(), 1);
}

#[test]
fn a_time_off_the_cpu_that_was_inferred_says_so_and_so_does_its_call() {
    let span = OffCpu {
        times: 3,
        flags: OFF_CPU_INFERRED,
        ..off_cpu(110, 120, 130, READ)
    };
    let call = Call {
        kernel_ns: 30,
        blocked_ns: 10,
        runnable_ns: 10,
        sleeps: 3,
        flags: FLAG_INFERRED,
        ..call(100, 150)
    };
    let mut intake = Intake::new(Arch::X86_64, START);
    let events = take(&mut intake, &[Record::OffCpu(span), Record::Call(call)]);
    let [Event::OffCpu(span), Event::Call(call)] = events.as_slice() else {
        panic!("two events, not {events:?}")
    };
    assert_eq!((span.times, span.unseen, call.unseen), (3, true, true));
}

fn take(intake: &mut Intake, records: &[Record]) -> Vec<Event> {
    let mut events = Vec::new();
    records
        .iter()
        .for_each(|record| intake.take(record, &mut events));
    events
}

#[test]
fn a_call_is_told_in_times_since_the_trace_began_with_its_arguments_decoded() {
    let mut intake = intake();
    let record = Call {
        nr: EPOLL_WAIT,
        args: [5, 0xdead, 64, (-1_i32) as u32 as u64],
        ret: 3,
        copy_ns: START + 15,
        flags: FLAG_COPY_SEEN,
        ..call(10, 20)
    };
    let events = take(&mut intake, &[Record::Call(record)]);
    let [Event::Call(call)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!((call.start_ns, call.end_ns, call.kernel_ns), (10, 20, 10));
    assert_eq!(
        (call.fd, call.requested, call.ret),
        (Some(5), Some(64), Some(3))
    );
    assert_eq!(call.timeout, Timeout::Infinite);
    assert_eq!(call.copying, Copying::Seen(15));
    assert_eq!(call.waker, None, "nobody woke it");
}

#[test]
fn every_way_to_say_how_long_to_wait_is_understood() {
    let poll = |timeout: i32| Call {
        nr: 7,
        args: [0, 1, timeout as u32 as u64, 0],
        ..call(0, 1)
    };
    let select = |timeout_ns: i64| Call {
        nr: 23,
        timeout_ns,
        ..call(0, 1)
    };
    for (record, expected) in [
        (poll(-1), Timeout::Infinite),
        (poll(0), Timeout::Zero),
        (poll(50), Timeout::Nanos(50_000_000)),
        (select(-1), Timeout::Infinite),
        (select(0), Timeout::Zero),
        (select(3_000), Timeout::Nanos(3_000)),
        (select(-2), Timeout::Unknown),
        (select(i64::MIN), Timeout::Unknown),
    ] {
        let events = take(&mut intake(), &[Record::Call(record)]);
        let [Event::Call(call)] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert_eq!(call.timeout, expected, "{record:?}");
        assert_eq!(call.fd, None, "these work on no single descriptor");
    }
}

#[test]
fn a_record_that_contradicts_itself_is_counted_and_left_out() {
    let records = [
        Record::Call(Call {
            blocked_ns: 1,
            ..call(10, 20)
        }),
        Record::Call(Call {
            exit_ns: START + 5,
            kernel_ns: 0,
            ..call(10, 20)
        }),
        Record::Call(Call {
            kernel_ns: u64::MAX,
            blocked_ns: u64::MAX,
            ..call(10, 20)
        }),
        Record::Call(Call {
            enter_ns: 5,
            exit_ns: 5,
            kernel_ns: 0,
            ..call(10, 20)
        }),
        Record::OffCpu(off_cpu(20, 10, 30, NO_CALL)),
        Record::OffCpu(off_cpu(20, 40, 30, NO_CALL)),
        Record::OffCpu(off_cpu(20, 0, 10, NO_CALL)),
        Record::Life(Life {
            head: head(KIND_LIFE, 0, 0),
            what: 99,
            ..Life::default()
        }),
    ];
    let mut intake = intake();
    assert_eq!(take(&mut intake, &records), []);
    assert_eq!((intake.unsound(), intake.delivered()), (8, 8));
}

#[test]
fn a_loss_is_put_between_the_records_of_its_cpu_around_it() {
    let mut intake = intake();
    let on = |cpu, lost, enter, exit| {
        Record::Call(Call {
            head: head(KIND_CALL, cpu, lost),
            ..call(enter, exit)
        })
    };
    let records = [
        on(0, 0, 10, 20),
        on(1, 0, 10, 90),
        on(0, 7, 50, 60),
        on(1, 0, 95, 99),
    ];
    let events = take(&mut intake, &records);
    let gaps: Vec<_> = events
        .iter()
        .filter(|event| matches!(event, Event::Gap(_)))
        .collect();
    assert_eq!(
        gaps,
        [&Event::Gap(Gap {
            cpu: 0,
            start_ns: 20,
            end_ns: 60,
            lost: 7
        })]
    );
    assert_eq!(intake.lost(), 7);

    // What was lost after a CPU's last record is known from the programs' own counts only.
    let mut events = Vec::new();
    intake.tail_gaps(200, &[7, 3], &mut events);
    assert_eq!(
        events,
        [Event::Gap(Gap {
            cpu: 1,
            start_ns: 99,
            end_ns: 200,
            lost: 3
        })]
    );
    assert_eq!(intake.lost(), 10);
}

#[test]
fn a_time_off_the_cpu_before_the_first_known_call_waits_for_what_comes_next() {
    for (flags, in_call) in [(FLAG_BEGAN_BEFORE, true), (0, false)] {
        let mut intake = intake();
        let held = take(
            &mut intake,
            &[Record::OffCpu(off_cpu(1, 2, 3, UNKNOWN_CALL))],
        );
        assert_eq!(held, [], "not known yet");
        let next = Call {
            flags,
            ..call(5, 9)
        };
        let events = take(&mut intake, &[Record::Call(next)]);
        let [Event::OffCpu(span), Event::Call(_)] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert_eq!(span.in_call, in_call, "flags {flags}");
    }
    let mut intake = intake();
    take(
        &mut intake,
        &[Record::OffCpu(off_cpu(1, 2, 3, UNKNOWN_CALL))],
    );
    let mut events = Vec::new();
    intake.finish(&mut events);
    assert_eq!(events.len(), 1, "nothing is forgotten");
}

#[test]
fn a_killed_call_returns_nothing_and_a_thread_ends() {
    let killed = Call {
        flags: FLAG_KILLED,
        ret: -516,
        ..call(1, 2)
    };
    let exit = Life {
        head: head(KIND_LIFE, 0, 0),
        at_ns: START + 3,
        what: LIFE_EXIT,
        comm: *b"\xff\xfe\x1b[31m\0\0\0\0\0\0\0\0\0",
        ..Life::default()
    };
    let events = take(&mut intake(), &[Record::Call(killed), Record::Life(exit)]);
    let [Event::Call(call), Event::Life(life)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!((call.killed, call.ret), (true, None));
    assert_eq!((life.kind, life.at_ns), (LifeKind::Ended, 3));
    assert_eq!(
        life.name, "\u{fffd}\u{fffd}\u{1b}[31m",
        "any bytes become text"
    );
}

#[test]
fn an_open_call_is_split_up_to_now_whatever_the_thread_is_doing() {
    let thread = |mode, wake_ns| Thread {
        call: Call {
            nr: EPOLL_WAIT,
            args: [5, 0, 0, 0],
            kernel_ns: 40,
            ..Call::default()
        },
        since_ns: START + 140,
        on_ns: START + 90,
        off_ns: START + 140,
        wake_ns,
        mode,
        ..Thread::default()
    };
    let call_of = |mode, wake_ns| Thread {
        call: Call {
            enter_ns: START + 100,
            exit_ns: 0,
            ..thread(mode, wake_ns).call
        },
        ..thread(mode, wake_ns)
    };
    let now = START + 200;
    for (mode, wake_ns, expected, off, woken) in [
        (ON_CPU, 0, (100, 0, 0), None, None),
        (ASLEEP, 0, (40, 60, 0), Some(140), None),
        // Woken long ago, for another sleep.
        (ASLEEP, START + 50, (40, 60, 0), Some(140), None),
        (ASLEEP, START + 170, (40, 30, 30), Some(140), Some(170)),
        // Woken after it made up its mind and before it was off.
        (ASLEEP, START + 130, (40, 0, 60), Some(140), Some(140)),
        (PREEMPTED, 0, (40, 0, 60), Some(140), Some(140)),
    ] {
        let open = intake().open_thread(&call_of(mode, wake_ns), now).unwrap();
        let facts = format!("mode {mode}, woken {wake_ns}: {open:?}");
        assert_eq!(
            (open.kernel_ns, open.blocked_ns, open.runnable_ns),
            expected,
            "{facts}"
        );
        assert_eq!((open.off_since_ns, open.woken_ns), (off, woken), "{facts}");
        let sum = open.kernel_ns + open.blocked_ns + open.runnable_ns + open.copying_ns;
        assert_eq!(sum, open.at_ns - open.since_ns, "{facts}");
        assert_eq!(
            (open.nr, open.fd),
            (Some(Some(EPOLL_WAIT)), Some(5)),
            "{facts}"
        );
    }
    assert_eq!(
        intake().open_thread(&thread(probe_ebpf::DEAD, 0), now),
        None
    );
}

#[test]
fn a_request_says_what_was_seen_of_it_and_no_more() {
    let record = |submit_ns, complete_ns, cqe_flags, fd, opcode| probe_ebpf::Request {
        head: Head {
            kind: probe_ebpf::KIND_REQUEST,
            pid: 10,
            tid: 11,
            ..Head::default()
        },
        submit_ns,
        complete_ns,
        user_data: 7,
        res: -11,
        cqe_flags,
        fd,
        ring: -1,
        opcode,
        ..probe_ebpf::Request::default()
    };
    const RECV: u32 = 27;
    const CLOSE: u32 = 19;
    let mut intake = Intake::new(Arch::X86_64, 1_000);
    let mut events = Vec::new();
    for record in [
        record(1_500, 1_700, 0, 5, RECV),
        record(0, 1_800, probe_ebpf::CQE_MORE, -1, RECV),
        record(1_600, 1_900, 0, 5, CLOSE),
    ] {
        intake.take(&Record::Request(record), &mut events);
    }
    let [
        Event::Request(whole),
        Event::Request(before),
        Event::Request(close),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((whole.submit_ns, whole.complete_ns), (Some(500), Some(700)));
    assert_eq!(
        (whole.fd, whole.ring, whole.ret),
        (Some(5), None, Some(-11))
    );
    assert_eq!((whole.latency_ns(), whole.more), (Some(200), false));
    assert_eq!((before.submit_ns, before.latency_ns()), (None, None));
    assert!(before.more);
    assert_eq!(close.fd, None, "what stands there is not a descriptor");
}
