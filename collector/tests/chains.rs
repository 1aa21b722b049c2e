//! Chains of wake-ups, from events that a person could check: who woke whom, in which call, and where it stops.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail by panicking"
)]

mod support;

use std::collections::HashSet;

use support::{any_events, blank};
use waitscope::model::{
    Arch, Call, CallKinds, Cause, Chain, Chains, Context, Descriptor, DescriptorKind, Event, Gap,
    LINKS_MAX, Life, LifeKind, OffCpu, Timeout, Waker, Whys,
};

const PID: u32 = 4_711;
const READ: u32 = 0;
const WRITE: u32 = 1;
const RECVFROM: u32 = 45;
const FUTEX: u32 = 202;

/// What happens, in the order of its end.
#[derive(Default)]
struct Story(Vec<Event>);

fn waker(tid: u32, context: Context) -> Option<Waker> {
    Some(Waker {
        tid,
        pid: PID,
        context,
    })
}

impl Story {
    /// A thread is there, and an eventfd 7 and a socket 8.
    fn new(threads: &[u32]) -> Self {
        let mut story = Self::default();
        for &tid in threads {
            story.life(tid, LifeKind::Found);
        }
        for (id, fd, kind) in [(7, 7, DescriptorKind::Eventfd), (8, 8, DescriptorKind::Tcp)] {
            story.0.push(Event::Descriptor(Descriptor {
                kind,
                ..blank::descriptor(PID, fd, id)
            }));
        }
        story
    }

    fn life(&mut self, tid: u32, kind: LifeKind) -> &mut Self {
        self.0.push(Event::Life(Life {
            pid: PID,
            tid,
            at_ns: 0,
            kind,
            name: format!("t{tid}"),
        }));
        self
    }

    /// A sleep of this thread, over by the first time it is awake again.
    fn sleep(&mut self, tid: u32, woken_ns: u64, end_ns: u64, waker: Option<Waker>) -> &mut Self {
        self.0.push(Event::OffCpu(OffCpu {
            pid: PID,
            tid,
            cpu: 0,
            start_ns: woken_ns - 5,
            woken_ns: Some(woken_ns),
            end_ns,
            times: 1,
            unseen: false,
            in_call: true,
            state: 1,
            waker,
            waker_comm: String::new(),
        }));
        self
    }

    /// A call from here to there that did not sleep.
    fn call(&mut self, tid: u32, nr: u32, fd: Option<u32>, times: (u64, u64)) -> &mut Self {
        self.0.push(Event::Call(Call {
            start_ns: times.0,
            end_ns: times.1,
            kernel_ns: times.1 - times.0,
            fd: fd.map(|fd| fd as i32),
            descriptor: fd,
            ..blank::call(PID, tid, nr)
        }));
        self
    }

    /// A call in which the thread slept once: it was woken 10 after its entry, ran after 2 more and returned after 1.
    fn waits(
        &mut self,
        tid: u32,
        nr: u32,
        fd: Option<u32>,
        at: u64,
        by: Option<Waker>,
    ) -> &mut Self {
        self.sleep(tid, at + 10, at + 12, by);
        self.0.push(Event::Call(Call {
            start_ns: at,
            end_ns: at + 13,
            kernel_ns: 6,
            blocked_ns: 5,
            runnable_ns: 2,
            sleeps: 1,
            first_sleep_ns: Some(at + 5),
            last_wake_ns: Some(at + 10),
            waker: by,
            fd: fd.map(|fd| fd as i32),
            descriptor: fd,
            timeout: Timeout::Infinite,
            ret: Some(if nr == FUTEX { 0 } else { 8 }),
            ..blank::call(PID, tid, nr)
        }));
        self
    }

    fn gap(&mut self) -> &mut Self {
        self.0.push(Event::Gap(Gap {
            cpu: 0,
            start_ns: 0,
            end_ns: 1,
            lost: 1,
        }));
        self
    }

    /// The chain of the last wait of this thread, when all is over.
    fn chain(&self, tid: u32) -> Option<Chain> {
        chains(&self.0)
            .into_iter()
            .rfind(|(of, _)| of.tid == tid && of.sleeps > 0)
            .and_then(|(_, chain)| chain)
            .filter(Chain::tells)
    }

    /// Of that chain: each thread, the call it waited in, its cause, and the call in which it was woken.
    fn told(&self, tid: u32) -> Vec<(u32, Option<u32>, Cause, Option<u32>)> {
        let links = self.chain(tid).map(|chain| chain.links);
        let links = links.unwrap_or_default();
        let links = links.iter().map(|link| {
            let nr = |at: Option<waitscope::model::At>| at.map(|at| at.nr);
            (link.tid, nr(link.at), link.why.cause, nr(link.waker_at))
        });
        links.collect()
    }
}

/// Each call with its chain, followed up to the end.
fn chains(events: &[Event]) -> Vec<(Call, Option<Chain>)> {
    let mut whys = Whys::new(CallKinds::new(Some(Arch::X86_64)));
    let mut chains = Chains::default();
    let mut told: Vec<(Call, Option<Chain>)> = Vec::new();
    let mut unsettled: Vec<usize> = Vec::new();
    for event in events {
        whys.push(event);
        chains.push(event, &whys);
        unsettled.retain(|&at| {
            let chain = told[at].1.as_mut().unwrap();
            chain.follow(event);
            !chain.is_settled()
        });
        if let Event::Call(call) = event {
            let chain = chains.of(call);
            if chain.as_ref().is_some_and(|chain| !chain.is_settled()) {
                unsettled.push(told.len());
            }
            told.push((call.clone(), chain));
        }
    }
    told
}

/// 3 reads from a socket and writes an eventfd, which wakes 2 that wakes 1 by a futex.
fn three() -> Story {
    let mut story = Story::new(&[1, 2, 3]);
    story
        .waits(3, RECVFROM, Some(8), 100, waker(99, Context::SoftIrq))
        .call(3, WRITE, Some(7), (120, 140))
        .waits(2, READ, Some(7), 120, waker(3, Context::Task))
        .call(2, FUTEX, None, (150, 170))
        .waits(1, FUTEX, None, 150, waker(2, Context::Task));
    story
}

#[test]
fn a_chain_goes_back_to_the_first_cause_that_is_no_thread_of_the_target() {
    let story = three();
    assert_eq!(
        story.told(1),
        [
            (1, Some(FUTEX), Cause::Thread, Some(FUTEX)),
            (2, Some(READ), Cause::Eventfd, Some(WRITE)),
            (3, Some(RECVFROM), Cause::Data, None),
        ]
    );
    let links = story.chain(1).unwrap().links;
    let last = links.last().unwrap();
    assert!(last.why.network && last.why.by.is_none(), "{last:?}");
    assert_eq!(last.at.unwrap().descriptor, Some(8));
    assert_eq!(links[1].waker_at.unwrap().descriptor, Some(7));
    let woken: Vec<u64> = links.iter().map(|link| link.woken_ns).collect();
    assert_eq!(woken, [160, 130, 110]);
    // What a wait from outside ended has no chain.
    assert_eq!(story.told(3), []);
}

#[test]
fn the_call_that_made_the_wake_up_may_end_after_the_wait() {
    let mut story = Story::new(&[1, 2]);
    story
        .waits(1, READ, Some(7), 100, waker(2, Context::Task))
        .call(1, READ, Some(7), (113, 114));
    assert_eq!(story.told(1), [], "not known yet");
    story.call(2, WRITE, Some(7), (105, 120));
    assert_eq!(
        story.told(1),
        [(1, Some(READ), Cause::Eventfd, Some(WRITE))]
    );
    // The next call of the waker began after the wake-up: it was made by none that is known.
    let mut story = Story::new(&[1, 2]);
    story
        .waits(1, READ, Some(7), 100, waker(2, Context::Task))
        .call(2, WRITE, Some(7), (111, 120))
        .call(2, WRITE, Some(7), (105, 121));
    assert_eq!(story.told(1), []);
}

#[test]
fn a_wait_that_ended_after_the_wake_up_did_not_lead_to_it() {
    let mut story = Story::new(&[1, 2, 3]);
    story
        .waits(2, READ, Some(7), 50, waker(3, Context::Task))
        .call(3, WRITE, Some(7), (55, 64))
        // Woken after it had woken 1, at 110, which is to run only later.
        .call(2, WRITE, Some(7), (105, 112))
        .waits(2, READ, Some(7), 115, waker(3, Context::Task))
        .waits(1, READ, Some(7), 100, waker(2, Context::Task));
    let links = story.chain(1).unwrap().links;
    let woken: Vec<_> = links.iter().map(|link| (link.tid, link.woken_ns)).collect();
    assert_eq!(woken, [(1, 110), (2, 60)]);
    assert_eq!(links[0].waker_at.unwrap().start_ns, 105);
}

#[test]
fn a_sleep_outside_calls_or_in_one_that_goes_on_is_a_link_without_its_call() {
    let mut story = Story::new(&[1, 2, 3]);
    story
        .waits(2, READ, Some(8), 50, waker(99, Context::SoftIrq))
        .sleep(2, 80, 82, waker(99, Context::HardIrq))
        .call(2, WRITE, Some(7), (105, 112))
        .waits(1, READ, Some(7), 100, waker(2, Context::Task));
    assert_eq!(
        story.told(1),
        [
            (1, Some(READ), Cause::Eventfd, Some(WRITE)),
            (2, None, Cause::Interrupt, None)
        ]
    );
}

#[test]
fn two_that_wake_each_other_are_no_endless_chain() {
    let mut story = Story::new(&[1, 2]);
    for round in 0..20 {
        let at = 100 + 40 * round;
        story
            .waits(1, READ, Some(7), at, waker(2, Context::Task))
            .waits(2, READ, Some(7), at + 20, waker(1, Context::Task));
    }
    let links = story.chain(2).unwrap().links;
    let tids: Vec<_> = links.iter().map(|link| (link.tid, link.why.by)).collect();
    assert_eq!(tids, [(2, Some(1)), (1, Some(2))]);
}

#[test]
fn a_chain_has_at_most_eight_links() {
    let all: Vec<u32> = (1..=20).collect();
    let mut story = Story::new(&all);
    for tid in 1..20 {
        let at = 100 * u64::from(tid);
        story.waits(tid + 1, READ, Some(7), at, waker(tid, Context::Task));
    }
    let links = story.chain(20).unwrap().links;
    let tids: Vec<u32> = links.iter().map(|link| link.tid).collect();
    assert_eq!(tids, (13..=20).rev().collect::<Vec<u32>>());
    assert_eq!(tids.len(), LINKS_MAX);
}

#[test]
fn an_interrupt_and_a_thread_of_another_process_begin_a_chain_and_never_are_in_one() {
    for by in [
        waker(2, Context::SoftIrq),
        waker(2, Context::Unknown),
        waker(1_000, Context::Task),
        Some(Waker {
            tid: 2,
            pid: 1,
            context: Context::Task,
        }),
        None,
    ] {
        let mut story = Story::new(&[1, 2]);
        story
            .waits(2, READ, Some(8), 50, waker(99, Context::SoftIrq))
            .call(2, WRITE, Some(7), (105, 112))
            .waits(1, READ, Some(7), 100, by);
        assert_eq!(story.told(1), [], "{by:?}");
    }
}

#[test]
fn where_records_were_lost_and_ids_used_again_nothing_is_gone_on_with() {
    for (name, between) in [
        ("gap", Story::gap as fn(&mut Story) -> &mut Story),
        ("another thread", |story| story.life(2, LifeKind::Began)),
        ("another program", |story| story.life(1, LifeKind::Exec)),
    ] {
        let mut story = Story::new(&[1, 2]);
        story.waits(2, READ, Some(8), 50, waker(99, Context::SoftIrq));
        between(&mut story);
        story
            .call(2, FUTEX, None, (101, 102))
            .call(2, WRITE, Some(7), (105, 112))
            .waits(1, READ, Some(7), 100, waker(2, Context::Task));
        assert_eq!(
            story.told(1),
            [(1, Some(READ), Cause::Eventfd, Some(WRITE))],
            "{name}"
        );
    }
}

#[test]
fn a_thread_that_has_ended_is_still_known_to_those_it_woke() {
    let mut story = Story::new(&[1, 2]);
    story
        .waits(2, READ, Some(8), 50, waker(99, Context::SoftIrq))
        .call(2, WRITE, Some(7), (105, 112))
        .life(2, LifeKind::Ended)
        .waits(1, READ, Some(7), 100, waker(2, Context::Task));
    assert_eq!(story.told(1).len(), 2);
}

#[test]
fn senseless_events_break_no_chain_and_no_bound() {
    for seed in 1..6 {
        // Few threads and times, so that they meet.
        let mut events = any_events(seed, 20_000);
        let mut woken = [None; 7];
        for (at, event) in events.iter_mut().enumerate() {
            let tid = |tid: u32| tid % 7;
            let context = Context::ALL[at % 2].0;
            match event {
                Event::Call(call) => {
                    (call.pid, call.tid) = (PID, tid(call.tid));
                    call.start_ns %= 1_000;
                    call.end_ns %= 1_000;
                    (call.sleeps, call.last_wake_ns) = (1, woken[call.tid as usize]);
                }
                Event::OffCpu(span) => {
                    (span.pid, span.tid) = (PID, tid(span.tid));
                    span.woken_ns = span.woken_ns.map(|at| at % 1_000);
                    span.end_ns %= 1_000;
                    woken[span.tid as usize] = span.woken_ns.or(woken[span.tid as usize]);
                    span.waker = waker(tid(at as u32), context);
                }
                Event::Gap(_) if at % 10 > 0 => *event = Event::Call(blank::call(PID, 1, READ)),
                _ => {}
            }
        }
        let chains: Vec<Chain> = chains(&events)
            .into_iter()
            .filter_map(|(_, of)| of)
            .collect();
        assert!(chains.iter().any(|chain| chain.links.len() > 2), "{seed}");
        for chain in chains {
            let threads: HashSet<u32> = chain.links.iter().map(|link| link.tid).collect();
            assert!(chain.is_settled() || chain.links.len() <= LINKS_MAX);
            assert_eq!(threads.len(), chain.links.len(), "{chain:?}");
            assert!((1..=LINKS_MAX).contains(&chain.links.len()));
        }
    }
}
