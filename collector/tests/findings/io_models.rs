//! The I/O models of threads, by what they do.

use waitscope::model::{Event, IoEvidence, IoModel, Multiplexer, Trigger, readiness as bit};

use super::story::*;

/// The model of the first thread.
fn model(tell: impl FnOnce(&mut Story)) -> IoModel {
    let mut story = Story::new();
    tell(&mut story);
    let (kinds, mut evidence, mut readiness) = (kinds(), IoEvidence::default(), 0);
    for event in &story.events {
        match event {
            Event::Call(call) => {
                let kind = kinds.of(call.nr);
                readiness += u64::from(kind.is_readiness());
                if call.tid == PID {
                    evidence.call(kind, call, Some(readiness));
                }
            }
            Event::Ready(ready) if ready.tid == PID => evidence.ready(ready),
            _ => {}
        }
    }
    evidence.model()
}

fn multiplexing(with: Multiplexer, trigger: Option<Trigger>) -> IoModel {
    IoModel::Multiplexing {
        with: Some(with),
        trigger,
    }
}

#[test]
fn a_thread_that_sleeps_in_its_transfers_blocks() {
    let blocking = model(|story| {
        for _ in 0..20 {
            story.call(READ, |call| asleep(call, 1_000));
            story.call(WRITE, |_| {});
        }
    });
    assert_eq!(blocking, IoModel::Blocking);
}

#[test]
fn a_loop_multiplexes_with_what_it_waits_in() {
    let looping = |asked: &[Option<u32>]| {
        model(|story| {
            for _ in 0..20 {
                let entries: Vec<_> = asked
                    .iter()
                    .map(|asked| ready(1, *asked, bit::IN))
                    .collect();
                story.sleeps(1_000, &entries).on(READ, 1, 8, 100);
                story.on(READ, 1, 8, EAGAIN);
            }
            // The one write that had to wait.
            story.call(WRITE, |call| asleep(call, 1_000));
        })
    };
    let (level, edge) = (Some(bit::IN), Some(bit::IN | bit::ET));
    for (asked, trigger) in [
        (&[level][..], Some(Trigger::Level)),
        (&[edge], Some(Trigger::Edge)),
        (&[level, edge], Some(Trigger::Both)),
        (&[None], None),
        (&[], None),
    ] {
        assert_eq!(looping(asked), multiplexing(Multiplexer::Epoll, trigger));
    }
    for (nr, with) in [
        (POLL, Multiplexer::Poll),
        (271, Multiplexer::Poll),
        (23, Multiplexer::Select),
        (270, Multiplexer::Select),
    ] {
        let found = model(|story| {
            for _ in 0..20 {
                story.waits(nr, &[ready(1, level, bit::IN)], |call| asleep(call, 1_000));
            }
        });
        assert_eq!(found, multiplexing(with, None));
    }
    let several = model(|story| {
        for _ in 0..20 {
            story.waits(POLL, &[], |call| asleep(call, 1_000));
            story.sleeps(1_000, &[]);
        }
    });
    assert_eq!(several.word(), "multiplexing");
    assert_eq!(several.to_string(), "multiplexing");
}

#[test]
fn reading_in_vain_with_nobody_asking_is_polling() {
    let polling = |elsewhere: bool| {
        model(|story| {
            for _ in 0..20 {
                for fd in 8..11 {
                    story.on(READ, 1, fd, EAGAIN);
                }
                if elsewhere {
                    story.go_on(PID + 1).finds(&[]);
                    story.go_on(PID);
                }
            }
        })
    };
    assert_eq!(polling(false), IoModel::Polling);
    assert_eq!(polling(true), IoModel::Unknown);
    // Each turn reads many to the end.
    let edge = model(|story| {
        for _ in 0..20 {
            story.sleeps(1_000, &[]);
            for fd in 0..100 {
                story.on(READ, 1, fd, EAGAIN);
            }
        }
    });
    assert_eq!(edge, multiplexing(Multiplexer::Epoll, None));
    let looks = model(|story| {
        for _ in 0..20 {
            story.waits(EPOLL_WAIT, &[], |call| {
                call.timeout = waitscope::model::Timeout::Zero;
            });
        }
    });
    assert_eq!(looks, IoModel::Polling);
}

#[test]
fn signals_are_a_model_only_if_something_is_read_on_their_word() {
    let signals = |reads: bool| {
        model(|story| {
            for _ in 0..20 {
                story.call(34, |call| {
                    asleep(call, 1_000);
                    call.ret = Some(-514);
                });
                if reads {
                    story.on(READ, 1, 8, 100);
                }
            }
        })
    };
    assert_eq!(signals(true), IoModel::SignalDriven);
    assert_eq!(signals(false), IoModel::Unknown);
}

#[test]
fn a_ring_is_asynchronous() {
    let ring = model(|story| {
        for _ in 0..20 {
            story.call(426, |call| asleep(call, 1_000));
        }
    });
    assert_eq!(ring, IoModel::Asynchronous);
}

#[test]
fn little_is_unknown_and_some_of_each_is_mixed() {
    let little = model(|story| {
        for _ in 0..7 {
            story.sleeps(1_000, &[]);
        }
    });
    assert_eq!(little, IoModel::Unknown);
    // Files never sleep when they are in memory: nothing tells how it would wait.
    let files = model(|story| {
        for _ in 0..500 {
            story.on(READ, 1, 8, 100);
        }
    });
    assert_eq!(files, IoModel::Unknown);
    let mixed = model(|story| {
        for _ in 0..20 {
            story.sleeps(1_000, &[]);
            story.call(READ, |call| asleep(call, 1_000));
        }
    });
    assert_eq!(mixed, IoModel::Mixed);
}
