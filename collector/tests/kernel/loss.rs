//! A ring that nobody reads: what is lost is counted, is where it happened, and makes nothing longer than it was.

use waitscope::{
    attach::{Detail, Options, Session, Target},
    model::{Arch, Event, call_name},
};

use super::child::Script;

/// More than the ring holds, at 72 bytes each.
const CALLS: u64 = 400_000;

#[test]
fn records_lost_when_nobody_reads_are_counted_and_make_no_call_longer() {
    // The program knows how many calls it makes, all of which are recorded.
    let mut script = Script::start(&format!(
        "e = select.epoll()\nsay('ready')\nhear()\nt = time.monotonic_ns()\nfor n in range({CALLS}): e.poll(0)\n\
         say(time.monotonic_ns() - t)\nhear()"
    ));
    let pid = script.pid();
    let options = Options {
        detail: Detail::Phases,
        ..Options::default()
    };
    let target = Target::find(&pid.to_string()).unwrap();
    let session = Session::begin(target, options).unwrap();
    script.tell("go");
    let took_ns = script.hear_numbers()[0];
    let arch = Arch::from_machine(&session.trace().arch).unwrap();
    let mut events = Vec::new();
    let finished = session.finish(&mut events).unwrap();
    let (made, lost) = (finished.end.made, finished.end.lost);
    let polls: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Call(call) if call_name(arch, call.nr) == "epoll_wait" => Some(call),
            _ => None,
        })
        .collect();
    let got = polls.len() as u64;
    let facts = format!("{CALLS} calls, {got} got through, {finished:?}");
    assert!(lost > 0 && got > 0, "too many for the ring: {facts}");
    assert_eq!(made, finished.delivered + lost, "{facts}");
    // All that is lost is a call of these, or one of the few other things that happened.
    assert!(got <= CALLS && got + lost >= CALLS, "{facts}");
    assert!(got + lost <= CALLS + CALLS / 10, "{facts}");

    let gaps: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Gap(gap) => Some(gap),
            _ => None,
        })
        .collect();
    let in_gaps: u64 = gaps.iter().map(|gap| gap.lost).sum();
    assert_eq!(in_gaps, lost, "each is in a gap: {gaps:?}, {facts}");
    let mut sum_ns = 0;
    for poll in polls {
        assert_eq!(poll.phases_ns(), poll.duration_ns(), "{poll:?}");
        assert!(poll.is_check() && poll.blocked_ns == 0, "{poll:?}");
        sum_ns += poll.duration_ns();
    }
    // A return without its entry, or the other way round, would reach over what is missing.
    assert!(sum_ns <= took_ns, "{sum_ns} of {took_ns} ns: {facts}");
}
