//! A thread id that is used again, as the kernel is asked to do.

use waitscope::{
    model::{Call, Event, LifeKind, Timeout},
    store::Store,
};

use super::{child::Script, product::exported, trace::Tracing};

const MILLI_NS: u64 = 1_000_000;

#[test]
fn a_thread_id_used_again_is_another_thread_in_trace_export_and_store() {
    // The kernel goes on from `ns_last_pid`, so the id before the wanted one is written there; whoever else makes a process
    // may be quicker, so it is tried until it works. The first life polls for 3 ms, the second one for 5.
    let mut script = Script::start(
        "def live(ms, told):\n    told.append(threading.get_native_id())\n    if len(told) > 1 and told[1] != told[0]: return\n\
         \x20   a, b = socket.socketpair()\n    b.send(b'x')\n    a.recv(1)\n    p = select.poll()\n    p.poll(ms)\n    p.poll(ms)\n\
         \x20   told.append(a.fileno())\n    a.close()\n    b.close()\n\
         def run(ms, told):\n    t = threading.Thread(target=live, args=(ms, told))\n    t.start()\n    t.join()\n\
         say('ready')\nhear()\n\
         first = []\nrun(3, first)\nend = time.monotonic() + 10\n\
         while time.monotonic() < end:\n    with open('/proc/sys/kernel/ns_last_pid', 'w') as f: f.write(str(first[0] - 1))\n\
         \x20   again = [first[0]]\n    run(5, again)\n    if again[1] == first[0]: break\n\
         say(first[0], again[1], first[1], again[2])\nhear()",
    );
    let pid = script.pid();
    let tracing = Tracing::attach(pid);
    script.tell("go");
    let told = script.hear_numbers();
    let taken = tracing.finish();
    let tid = told[0] as u32;
    assert_eq!(told[0], told[1], "the kernel gave the id again within 10 s");

    let lives: Vec<_> = taken
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Life(life) if life.tid == tid => Some((life.kind, life.at_ns)),
            _ => None,
        })
        .filter(|(kind, _)| *kind != LifeKind::Renamed)
        .collect();
    use LifeKind::{Began, Ended};
    let [(Began, first), (Ended, over), (Began, second), (Ended, end)] = lives[..] else {
        panic!("two lives: {lives:?}")
    };
    let calls: Vec<&Call> = taken.calls().filter(|call| call.tid == tid).collect();
    let spans: Vec<_> = taken.off_cpu().filter(|span| span.tid == tid).collect();
    let mut descriptors = Vec::new();
    for (from, to, milliseconds) in [(first, over, 3), (second, end, 5)] {
        let own = |call: &&&Call| call.start_ns >= from && call.end_ns <= to;
        let own: Vec<_> = calls.iter().filter(own).collect();
        let timeouts: Vec<_> = own
            .iter()
            .filter(|call| taken.name(call.nr) == "poll")
            .map(|call| call.timeout)
            .collect();
        let expected = [Timeout::Nanos(milliseconds * MILLI_NS); 2];
        assert_eq!(timeouts, expected, "from {from} to {to}: {own:?}");
        let receive = own.iter().find(|call| taken.name(call.nr) == "recvfrom");
        descriptors.push(receive.and_then(|call| call.descriptor));
    }
    let outside = |from: u64, to: u64| {
        let within = |low: u64, high: u64| low <= from && to <= high;
        !within(first, over) && !within(second, end)
    };
    let stray = calls
        .iter()
        .find(|call| outside(call.start_ns, call.end_ns));
    assert_eq!(stray, None, "in neither life: {lives:?}");
    // A thread is made before it first gets the CPU, and dies before it last leaves it.
    let stray = spans
        .iter()
        .find(|span| outside(span.start_ns, span.end_ns));
    assert_eq!(stray, None, "in neither life: {lives:?}");
    assert!(
        descriptors[0].is_some() && descriptors[1].is_some(),
        "{descriptors:?}"
    );
    assert_ne!(descriptors[0], descriptors[1], "each made its own socket");

    let export = exported(&taken);
    let threads: Vec<_> = export["threads"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|thread| thread["tid"] == tid)
        .collect();
    let numbers = |field: &str| -> Vec<Option<u64>> {
        threads
            .iter()
            .map(|thread| thread[field].as_u64())
            .collect()
    };
    assert_eq!(
        numbers("began_ns"),
        [Some(first), Some(second)],
        "{threads:?}"
    );
    assert_eq!(numbers("ended_ns"), [Some(over), Some(end)], "{threads:?}");
    let count = |from, to| {
        let own = calls
            .iter()
            .filter(|call| (from..=to).contains(&call.end_ns));
        Some(own.count() as u64)
    };
    let counts = [count(first, over), count(second, end)];
    assert_eq!(numbers("calls"), counts, "{threads:?}");

    let mut store = Store::new(taken.trace.clone(), u64::MAX);
    store.extend(taken.events.iter().cloned());
    let lanes: Vec<_> = store
        .lanes()
        .into_iter()
        .filter(|lane| lane.tid == tid)
        .map(|lane| (lane.began_ns, lane.ended_ns, Some(lane.calls)))
        .collect();
    let expected = [
        (Some(first), Some(over), counts[0]),
        (Some(second), Some(end), counts[1]),
    ];
    assert_eq!(lanes, expected, "two lanes");
}
