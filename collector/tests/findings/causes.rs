//! Why waits end, by what is known of the call.

use waitscope::model::{
    Call, Cause, Context, DescriptorKind, Descriptors, Ready, Timeout, Why, readiness as bit,
};

use super::story::*;

const SOFTIRQ: Context = Context::SoftIrq;
const TASK: Context = Context::Task;

fn known() -> Descriptors {
    let mut known = Descriptors::default();
    known.push(&descriptor(1, 8, DescriptorKind::Tcp));
    known.push(&listener(2, 3));
    known.push(&descriptor(3, 4, DescriptorKind::Eventfd));
    known.push(&descriptor(4, 6, DescriptorKind::Timerfd));
    known.push(&descriptor(5, 7, DescriptorKind::Signalfd));
    known.push(&descriptor(6, 9, DescriptorKind::Unix));
    known.push(&descriptor(7, 10, DescriptorKind::File));
    known
}

/// A call that slept for a microsecond, and was woken by thread 99 or an interrupt while that ran.
fn slept(nr: u32, ret: i64, context: Context) -> Call {
    Call {
        sleeps: 1,
        blocked_ns: 1_000,
        end_ns: 1_000,
        ret: Some(ret),
        waker: woken_by(99, context),
        ..call(nr)
    }
}

fn on(id: u32, fd: i32, call: Call) -> Call {
    Call {
        descriptor: Some(id),
        fd: Some(fd),
        ..call
    }
}

fn check(call: &Call, entries: &[Ready], cause: Cause, inferred: bool, text: &str) {
    let known = known();
    let why = Why::of(kinds().of(call.nr), call, entries, &known);
    let facts = format!("{call:?} {entries:?} {why:?}");
    assert_eq!(why.text(&known), text, "{facts}");
    assert_eq!((why.cause, why.inferred), (cause, inferred), "{facts}");
    let innocent = call
        .waker
        .is_none_or(|waker| waker.context != Context::Task);
    assert!(!innocent || !text.contains("99"), "{facts}");
}

#[test]
fn a_readiness_call_ends_by_what_is_ready() {
    let wait = |ret, context| slept(EPOLL_WAIT, ret, context);
    let input = |id| ready(id, Some(bit::IN), bit::IN);
    let tcp = "tcp 127.0.0.1:6379 ← 127.0.0.1:50001 (fd 8)";
    for (call, entries, cause, inferred, text) in [
        (
            wait(1, SOFTIRQ),
            vec![input(1)],
            Cause::Data,
            false,
            format!("data on {tcp}, from the network"),
        ),
        (
            wait(1, Context::Unknown),
            vec![input(1)],
            Cause::Data,
            false,
            format!("data on {tcp}"),
        ),
        (
            wait(1, SOFTIRQ),
            vec![ready(1, Some(bit::OUT), bit::OUT)],
            Cause::Room,
            false,
            format!("room to write on {tcp}, from the network"),
        ),
        (
            wait(1, SOFTIRQ),
            vec![ready(1, Some(bit::IN), bit::IN | bit::HUP)],
            Cause::HangUp,
            false,
            format!("a hang-up on {tcp}, from the network"),
        ),
        (
            wait(1, SOFTIRQ),
            vec![input(2)],
            Cause::Accept,
            true,
            "a connection to accept on tcp 127.0.0.1:6379 (fd 3), from the network".into(),
        ),
        (
            wait(1, TASK),
            vec![input(3)],
            Cause::Eventfd,
            false,
            "written: eventfd (fd 4), by thread 99".into(),
        ),
        (
            wait(1, Context::HardIrq),
            vec![input(4)],
            Cause::Timer,
            false,
            "expired: timerfd (fd 6)".into(),
        ),
        (
            wait(1, TASK),
            vec![input(5)],
            Cause::Signal,
            false,
            "a signal".into(),
        ),
        (
            wait(1, TASK),
            vec![input(6)],
            Cause::Data,
            false,
            "data on unix (fd 9), by thread 99".into(),
        ),
        // No socket, no network.
        (
            wait(1, SOFTIRQ),
            vec![input(6)],
            Cause::Data,
            false,
            "data on unix (fd 9)".into(),
        ),
        // Of several, a thread writes the eventfd, and an interrupt serves the network.
        (
            wait(2, TASK),
            vec![input(1), input(3)],
            Cause::Eventfd,
            true,
            "written: eventfd (fd 4) and 1 more, by thread 99".into(),
        ),
        (
            wait(2, SOFTIRQ),
            vec![input(3), input(1)],
            Cause::Data,
            true,
            format!("data on {tcp} and 1 more, from the network"),
        ),
        // What is ready is not known: then who woke it is all there is.
        (
            wait(1, TASK),
            vec![],
            Cause::Thread,
            true,
            "another thread, by thread 99".into(),
        ),
        (
            wait(1, SOFTIRQ),
            vec![],
            Cause::Interrupt,
            true,
            "an interrupt".into(),
        ),
        (
            wait(1, Context::Unknown),
            vec![],
            Cause::Unknown,
            false,
            "not known".into(),
        ),
        (
            wait(-4, TASK),
            vec![],
            Cause::Signal,
            false,
            "a signal".into(),
        ),
        (
            wait(-514, SOFTIRQ),
            vec![],
            Cause::Signal,
            false,
            "a signal".into(),
        ),
    ] {
        check(&call, &entries, cause, inferred, &text);
    }
}

#[test]
fn a_readiness_call_that_finds_nothing_ends_by_its_timeout() {
    let over = "the longest time to wait was over";
    for (timeout, cause, inferred, text) in [
        (Timeout::Nanos(1_000), Cause::Timeout, false, over),
        // It was over too soon for that: something is odd.
        (Timeout::Nanos(2_000), Cause::Timeout, true, over),
        (Timeout::Unknown, Cause::Timeout, true, over),
        (Timeout::Infinite, Cause::Interrupt, false, "an interrupt"),
    ] {
        let call = Call {
            timeout,
            ..slept(POLL, 0, SOFTIRQ)
        };
        check(&call, &[ready(1, Some(bit::IN), 0)], cause, inferred, text);
    }
}

#[test]
fn a_call_that_never_slept_did_not_wait() {
    let entries = [ready(1, Some(bit::IN), bit::IN)];
    let call = Call {
        ret: Some(1),
        ..call(EPOLL_WAIT)
    };
    let text = "ready already: tcp 127.0.0.1:6379 ← 127.0.0.1:50001 (fd 8)";
    check(&call, &entries, Cause::NeverSlept, false, text);
    check(&call, &[], Cause::NeverSlept, false, "did not wait");
    let before = Call {
        began_before: true,
        ..call.clone()
    };
    check(&before, &[], Cause::Unknown, false, "not known");
    let killed = Call {
        killed: true,
        ret: None,
        ..call
    };
    check(&killed, &[], Cause::Killed, false, "the thread died");
}

#[test]
fn other_calls_end_by_what_they_wait_for() {
    let tcp = "tcp 127.0.0.1:6379 ← 127.0.0.1:50001 (fd 8)";
    let read = |ret, context| slept(READ, ret, context);
    for (call, cause, inferred, text) in [
        (
            on(1, 8, read(100, SOFTIRQ)),
            Cause::Data,
            false,
            format!("data on {tcp}, from the network"),
        ),
        (
            on(1, 8, read(0, SOFTIRQ)),
            Cause::HangUp,
            true,
            format!("a hang-up on {tcp}"),
        ),
        (
            on(1, 8, read(EAGAIN, SOFTIRQ)),
            Cause::Timeout,
            true,
            "the longest time to wait was over".into(),
        ),
        (
            on(3, 4, read(8, TASK)),
            Cause::Eventfd,
            false,
            "written: eventfd (fd 4), by thread 99".into(),
        ),
        (
            on(4, 6, read(8, SOFTIRQ)),
            Cause::Timer,
            false,
            "expired: timerfd (fd 6)".into(),
        ),
        (
            on(7, 10, read(100, SOFTIRQ)),
            Cause::Data,
            true,
            "data on file (fd 10)".into(),
        ),
        (
            on(1, 8, slept(WRITE, 100, SOFTIRQ)),
            Cause::Room,
            true,
            format!("room to write on {tcp}"),
        ),
        (
            on(7, 10, slept(WRITE, 100, SOFTIRQ)),
            Cause::Interrupt,
            false,
            "an interrupt".into(),
        ),
        (
            on(2, 3, slept(ACCEPT4, 20, SOFTIRQ)),
            Cause::Accept,
            false,
            "a connection to accept on tcp 127.0.0.1:6379 (fd 3), from the network".into(),
        ),
        (
            slept(FUTEX, 0, TASK),
            Cause::Thread,
            false,
            "another thread, by thread 99".into(),
        ),
        (
            slept(FUTEX, 0, SOFTIRQ),
            Cause::Interrupt,
            false,
            "an interrupt".into(),
        ),
        (
            slept(FUTEX, -110, SOFTIRQ),
            Cause::Timeout,
            false,
            "the longest time to wait was over".into(),
        ),
        (
            slept(35, 0, SOFTIRQ),
            Cause::Timer,
            false,
            "the time was over".into(),
        ),
        (
            slept(61, 5_000, TASK),
            Cause::Child,
            true,
            "a child, by thread 99".into(),
        ),
        (
            slept(34, -514, TASK),
            Cause::Signal,
            false,
            "a signal".into(),
        ),
        (
            slept(999, 0, Context::Unknown),
            Cause::Unknown,
            false,
            "not known".into(),
        ),
    ] {
        check(&call, &[], cause, inferred, &text);
    }
}
