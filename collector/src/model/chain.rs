//! Chains of wake-ups inside the target: a wait was ended by a thread that had been woken itself, by a thread that
//! had been woken itself, back to the first cause that is no thread of the target.
//!
//! Only the past is used: what a thread was woken by must have let it go on before it woke another one. A thread is
//! named only if it made the wake-up itself, and what is not known is not there. Where records were lost, nothing of
//! what was before is gone on with.
//!
//! ```text
//!   C ──writes──┐
//!               ▼ woken                    a chain of A's wait: A, B, C
//!   B ──waits───┴──runs──writes──┐
//!                                ▼ woken
//!   A ──waits────────────────────┴──runs
//! ```

use std::collections::VecDeque;

use super::id_map::IdMap;
use super::{Call, Context, Event, Life, LifeKind, OffCpu, Waker, Why, Whys};

/// Links of a chain, the wait that it explains among them.
pub const LINKS_MAX: usize = 8;
/// Threads whose waits are remembered.
const THREADS_MAX: usize = 4_096;
/// Threads that have ended and are remembered still: those they woke may not run yet.
const ENDED_MAX: usize = 256;
/// Last waits of each thread, and last calls. One that was woken long before it got a CPU needs older ones of its waker.
const LAST_MAX: usize = 8;
/// Wake-ups that one call may make and be named for.
const WOKEN_MAX: usize = 64;
/// Events up to which the call that made a wake-up may end after the wait that it ended.
const FOLLOWED_EVENTS: u32 = 512;

/// A call, as far as a chain names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Its number, see [`call_name`](super::call_name).
    pub nr: u32,
    /// Its entry: with the thread, this names it.
    pub start_ns: u64,
    /// The descriptor it works on.
    pub fd: Option<i32>,
    /// What stood behind that.
    pub descriptor: Option<u32>,
}

impl From<&Call> for At {
    fn from(call: &Call) -> Self {
        Self {
            nr: call.nr,
            start_ns: call.start_ns,
            fd: call.fd,
            descriptor: call.descriptor,
        }
    }
}

/// One wait of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The process.
    pub pid: u32,
    /// The thread that waited.
    pub tid: u32,
    /// When it was woken.
    pub woken_ns: u64,
    /// The call it waited in; `None` outside calls, or if that had not ended when the next link was made.
    pub at: Option<At>,
    /// Why the wait ended.
    pub why: Why,
    /// The call in which the waker made the wake-up; `None` if it made it outside calls, or in one that is not known.
    pub waker_at: Option<At>,
}

impl Link {
    /// Takes in the first call of the waker that ended after the wake-up: only that can be the one that made it.
    fn woken_in(&mut self, at: At, end_ns: u64) {
        if at.start_ns <= self.woken_ns && self.woken_ns <= end_ns {
            self.waker_at = Some(at);
        }
    }
}

/// The wake-ups that led to the end of a wait: its own first, then that of the thread that made it, and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Never empty, at most [`LINKS_MAX`], and no thread comes twice.
    pub links: Vec<Link>,
    /// The waker of the first link, as long as its next call may come, and for so many events.
    awaited: Option<(Waker, u32)>,
}

impl Chain {
    /// Whether all is known that will be: the call that made the last wake-up may end after the wait that it ended.
    pub fn is_settled(&self) -> bool {
        self.awaited.is_none()
    }

    /// Takes in an event that came after the wait. Once settled, nothing changes any more.
    pub fn follow(&mut self, event: &Event) {
        let Some((waker, left)) = self.awaited else {
            return;
        };
        self.awaited = match event {
            Event::Call(call) if (call.pid, call.tid) == (waker.pid, waker.tid) => {
                if let Some(first) = self.links.first_mut() {
                    first.woken_in(call.into(), call.end_ns);
                }
                None
            }
            // Its call may be among what was lost.
            Event::Gap(_) => None,
            _ => left.checked_sub(1).map(|left| (waker, left)),
        };
    }

    /// Whether it says more than why the wait ended.
    pub fn tells(&self) -> bool {
        self.links.len() > 1 || self.links.iter().any(|link| link.waker_at.is_some())
    }
}

/// A wait that is over.
#[derive(Clone, Debug)]
struct Wait {
    link: Link,
    /// When the thread had the CPU again.
    end_ns: u64,
    /// The links after its own.
    before: Vec<Link>,
    /// Its waker, if that is a thread of the target whose next call has not ended yet.
    awaited: Option<Waker>,
}

#[derive(Clone, Debug)]
struct Thread {
    pid: u32,
    ended: bool,
    /// The last ones, in the order of their end.
    waits: VecDeque<Wait>,
    /// The last ones, likewise, each with its end.
    calls: VecDeque<(At, u64)>,
    /// Whom it has woken since its last call, and when.
    woken: Vec<(u32, u64)>,
}

impl Thread {
    /// This thread, as `waker`, ended the wait: what had woken itself comes before that, and the call it did it in is
    /// the first that ended after it.
    fn wakes(&mut self, wait: &mut Wait, waker: Waker) {
        let Link { tid, woken_ns, .. } = wait.link;
        let mut calls = self.calls.iter();
        if let Some((at, end_ns)) = calls.find(|(_, end_ns)| *end_ns >= woken_ns) {
            wait.link.woken_in(*at, *end_ns);
        } else if self.woken.len() < WOKEN_MAX {
            self.woken.push((tid, woken_ns));
            wait.awaited = Some(waker);
        }
        let last = self.waits.iter().rev().find(|last| last.end_ns <= woken_ns);
        if let Some(last) = last {
            let links = std::iter::once(&last.link).chain(&last.before);
            let links = links.take_while(|link| link.tid != tid);
            wait.before = links.take(LINKS_MAX - 1).copied().collect();
        }
    }
}

/// Adds to what is kept of a thread, and lets go of the oldest.
fn push_last<T>(last: &mut VecDeque<T>, new: T) {
    if last.len() >= LAST_MAX {
        last.pop_front();
    }
    last.push_back(new);
}

/// The last waits of each thread, and what led to their end.
#[derive(Clone, Debug, Default)]
pub struct Chains {
    threads: IdMap<u32, Thread>,
    /// Those that have ended, the first ended first.
    ended: VecDeque<u32>,
}

impl Chains {
    /// Takes in an event, which `whys` has taken in before.
    pub fn push(&mut self, event: &Event, whys: &Whys) {
        match event {
            Event::Call(call) => self.call(call, whys),
            Event::OffCpu(span) => self.span(span),
            Event::Life(life) => self.life(life),
            // A wait may be among what was lost, and those before it would be taken for the last ones.
            Event::Gap(_) => {
                self.threads.clear();
                self.ended.clear();
            }
            Event::Descriptor(_)
            | Event::Ready(_)
            | Event::Request(_)
            | Event::Open(_)
            | Event::End(_) => {}
        }
    }

    /// What led to the end of the wait of the last call that was pushed; `None` if no thread of the target ended it.
    pub fn of(&self, call: &Call) -> Option<Chain> {
        let thread = self.threads.get(&call.tid)?;
        let wait = thread.waits.back()?;
        let of_call = call.sleeps > 0 && call.last_wake_ns == Some(wait.link.woken_ns);
        if !of_call
            || wait.awaited.is_none() && wait.before.is_empty() && wait.link.waker_at.is_none()
        {
            return None;
        }
        let links = std::iter::once(wait.link).chain(wait.before.iter().copied());
        Some(Chain {
            links: links.collect(),
            awaited: wait.awaited.map(|waker| (waker, FOLLOWED_EVENTS)),
        })
    }

    fn thread(&mut self, pid: u32, tid: u32) -> Option<&mut Thread> {
        // The id was used again, and nobody told.
        if self.threads.get(&tid).is_some_and(|known| known.pid != pid) {
            self.threads.remove(&tid);
        }
        if self.threads.len() >= THREADS_MAX && !self.threads.contains_key(&tid) {
            return None;
        }
        let thread = self.threads.entry(tid).or_insert_with(|| Thread {
            pid,
            ended: false,
            waits: VecDeque::new(),
            calls: VecDeque::new(),
            woken: Vec::new(),
        });
        Some(thread)
    }

    /// Keeps the sleep, with what had led its waker to make the wake-up.
    fn span(&mut self, span: &OffCpu) {
        let Some(woken_ns) = span.woken_ns else {
            return;
        };
        let mut wait = Wait {
            link: Link {
                pid: span.pid,
                tid: span.tid,
                woken_ns,
                at: None,
                why: Why::of_span(span),
                waker_at: None,
            },
            end_ns: span.end_ns,
            before: Vec::new(),
            awaited: None,
        };
        let by = span.waker.filter(|waker| waker.context == Context::Task);
        if let Some(waker) = by.filter(|waker| waker.tid != span.tid)
            && let Some(thread) = self.threads.get_mut(&waker.tid)
            && thread.pid == waker.pid
        {
            thread.wakes(&mut wait, waker);
        }
        if let Some(thread) = self.thread(span.pid, span.tid) {
            push_last(&mut thread.waits, wait);
        }
    }

    fn call(&mut self, call: &Call, whys: &Whys) {
        let Some(thread) = self.thread(call.pid, call.tid) else {
            return;
        };
        let waits = thread.waits.iter_mut().rev();
        for wait in waits.take_while(|wait| wait.end_ns >= call.start_ns) {
            wait.link.at = Some(call.into());
            if call.last_wake_ns == Some(wait.link.woken_ns) {
                wait.link.why = whys.why(call);
            }
        }
        push_last(&mut thread.calls, (call.into(), call.end_ns));
        for (tid, woken_ns) in std::mem::take(&mut thread.woken) {
            let waits = self.threads.get_mut(&tid).map(|thread| &mut thread.waits);
            let wait = waits.and_then(|waits| {
                let mut waits = waits.iter_mut().rev();
                waits.find(|wait| wait.link.woken_ns == woken_ns)
            });
            if let Some(wait) = wait {
                wait.awaited = None;
                wait.link.woken_in(call.into(), call.end_ns);
            }
        }
    }

    fn life(&mut self, life: &Life) {
        match life.kind {
            LifeKind::Began => {
                self.threads.remove(&life.tid);
            }
            LifeKind::Exec => self.threads.retain(|_, thread| thread.pid != life.pid),
            LifeKind::Ended => {
                self.end(life.tid);
                return;
            }
            LifeKind::Found | LifeKind::Renamed => {}
        }
        self.thread(life.pid, life.tid);
    }

    fn end(&mut self, tid: u32) {
        let Some(thread) = self.threads.get_mut(&tid) else {
            return;
        };
        if !std::mem::replace(&mut thread.ended, true) {
            self.ended.push_back(tid);
        }
        if self.ended.len() > ENDED_MAX
            && let Some(tid) = self.ended.pop_front()
            && self.threads.get(&tid).is_some_and(|thread| thread.ended)
        {
            self.threads.remove(&tid);
        }
    }
}
