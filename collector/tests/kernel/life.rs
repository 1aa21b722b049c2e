//! Threads and processes that come, change and go while they are traced.

use waitscope::{
    attach::Options,
    model::{Event, Life, LifeKind},
};

use super::{
    child::Script,
    trace::{Taken, Tracing},
};

fn lives(taken: &Taken) -> Vec<&Life> {
    taken
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Life(life) => Some(life),
            _ => None,
        })
        .collect()
}

#[test]
fn new_threads_are_traced_from_their_first_call_to_their_end() {
    let mut script = Script::start(
        "def work():\n    say(threading.get_native_id())\n    time.sleep(0.01)\n\
         say('ready')\nhear()\nfor _ in range(20):\n    t = threading.Thread(target=work)\n    t.start()\n    t.join()\n\
         say('done')\nhear()",
    );
    let tracing = Tracing::attach(script.pid());
    script.tell("go");
    let tids: Vec<u32> = (0..20).map(|_| script.hear_numbers()[0] as u32).collect();
    assert_eq!(script.hear(), "done");
    let taken = tracing.finish();

    let lives = lives(&taken);
    for tid in tids {
        let of = |kind| {
            lives
                .iter()
                .filter(|life| life.tid == tid && life.kind == kind)
                .count()
        };
        assert_eq!(
            (of(LifeKind::Began), of(LifeKind::Ended)),
            (1, 1),
            "thread {tid}: {lives:?}"
        );
        let sleeps = taken
            .calls()
            .filter(|call| call.tid == tid && taken.name(call.nr) == "clock_nanosleep")
            .collect::<Vec<_>>();
        let [sleep] = sleeps.as_slice() else {
            panic!("one sleep in thread {tid}: {sleeps:?}")
        };
        assert!(sleep.blocked_ns > 9_000_000, "{sleep:?}");
    }
}

#[test]
fn children_are_traced_when_asked_for_and_not_otherwise() {
    for follow in [true, false] {
        let mut script = Script::start(
            "say('ready')\nhear()\npid = os.fork()\n\
             if pid == 0:\n    select.select([], [], [], 0.02)\n    os._exit(0)\n\
             os.waitpid(pid, 0)\nsay(pid)\nhear()",
        );
        let tracing = Tracing::attach_with(
            script.pid(),
            Options {
                follow,
                ..Options::default()
            },
        );
        script.tell("go");
        let child = script.hear_numbers()[0] as u32;
        let taken = tracing.finish();
        let waits = taken
            .calls()
            .filter(|call| call.pid == child)
            .filter(|call| ["select", "pselect6"].contains(&taken.name(call.nr).as_str()))
            .count();
        assert_eq!(waits, usize::from(follow), "follow {follow}");
        let ended = lives(&taken)
            .iter()
            .any(|life| life.pid == child && life.kind == LifeKind::Ended);
        assert_eq!(ended, follow, "follow {follow}");
    }
}

#[test]
fn a_program_begun_by_another_thread_than_the_leader_takes_over_the_leaders_lane() {
    let mut script = Script::start(
        "say('ready')\nhear()\n\
         def go(): os.execvp('sleep', ['sleep', '0.05'])\n\
         threading.Thread(target=go).start()\ntime.sleep(10)",
    );
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    script.wait();
    let taken = tracing.finish();
    let lives = lives(&taken);
    let exec = lives
        .iter()
        .find(|life| life.kind == LifeKind::Exec)
        .expect("an exec");
    assert_eq!((exec.tid, exec.name.as_str()), (pid, "sleep"), "{lives:?}");
    let slept = taken
        .calls_named("clock_nanosleep")
        .filter(|call| call.tid == pid && call.start_ns > exec.at_ns)
        .count();
    assert_eq!(
        slept, 1,
        "sleep's own sleep, under the leader's id: {lives:?}"
    );
}

#[test]
fn a_program_begun_by_any_thread_is_traced_whenever_the_old_leader_takes_its_last_step() {
    // The old leader's last switch and the exec race: only many tries meet the rare order.
    for round in 0..40 {
        let mut script = Script::start(
            "say('ready')\nhear()\n\
             def go(): os.execvp('sleep', ['sleep', '0.02'])\n\
             threading.Thread(target=go).start()\ntime.sleep(10)",
        );
        let pid = script.pid();
        let tracing = Tracing::attach(pid);
        script.tell("go");
        script.wait();
        let taken = tracing.finish();
        let exec = lives(&taken)
            .into_iter()
            .find(|life| life.kind == LifeKind::Exec)
            .expect("an exec")
            .at_ns;
        let slept: Vec<_> = taken
            .calls_named("clock_nanosleep")
            .filter(|call| call.tid == pid && call.start_ns > exec)
            .collect();
        let [sleep] = slept.as_slice() else {
            panic!("round {round}: one sleep of the new program, not {slept:?}")
        };
        assert!(sleep.blocked_ns > 0, "round {round}: {sleep:?}");
    }
}

#[test]
fn a_trace_that_ends_while_its_target_is_busy_counts_no_call_twice() {
    let mut script = Script::start(
        "e = select.epoll()\nsay('ready')\nhear()\nwhile True: e.poll(0); time.sleep(0.0001)",
    );
    script.tell("go");
    for round in 0..10 {
        let tracing = Tracing::attach(script.pid());
        std::thread::sleep(std::time::Duration::from_millis(20));
        let taken = tracing.finish();
        for open in taken.open() {
            let again = taken.calls().find(|call| {
                call.tid == open.tid && call.end_ns > open.since_ns && open.nr.is_some()
            });
            assert_eq!(
                again, None,
                "round {round}: closed, and still open: {open:?}"
            );
        }
        let late = taken.calls().find(|call| call.end_ns > taken.end.at_ns);
        assert_eq!(late, None, "round {round}: nothing ends after the end");
    }
}

#[test]
fn a_followed_child_that_has_ended_is_no_target_any_more() {
    // More children than the table of processes has room for, one after another.
    let children = u64::from(probe_ebpf::TARGETS_MAX) + 100;
    let mut script = Script::start(&format!(
        "say('ready')\nhear()\nfor n in range({children}):\n    pid = os.fork()\n    if pid == 0: os._exit(0)\n\
         \n    os.waitpid(pid, 0)\n    if n % 64 == 0: time.sleep(0.02)\n\
         say('done')\nhear()"
    ));
    let options = Options {
        follow: true,
        ..Options::default()
    };
    let tracing = Tracing::attach_with(script.pid(), options);
    script.tell("go");
    assert_eq!(script.hear(), "done");
    // `finish` asserts that none went untracked.
    let taken = tracing.finish();
    let count = |kind| {
        lives(&taken)
            .iter()
            .filter(|life| life.kind == kind)
            .count() as u64
    };
    assert_eq!(
        (count(LifeKind::Began), count(LifeKind::Ended)),
        (children, children)
    );
}
