//! Thundering herds: several threads woken for one thing, of which most find that another was quicker.
//!
//! A wake-up counts as in vain only if the thread then asked for the thing and got `EAGAIN`, or if it slept on in the
//! same readiness call. Of that nobody says what it was for: it is taken to be for what other threads were woken for
//! at the same time and this one at other times, and the herd is inferred.

use std::collections::VecDeque;

use super::What;
use super::thread::Found;
use crate::model::id_map::IdMap;

/// Wake-ups this close belong to one event: the kernel wakes all that wait in one go.
const WINDOW_NS: u64 = 100_000;
/// Threads that make a herd.
const THREADS_MIN: usize = 3;
/// Herds before one is told: now and then two events come so close that they look like one.
const HERDS_MIN: u64 = 10;
/// Descriptors watched, and threads in one herd.
const WATCHED_MAX: usize = 4_096;
const MEMBERS_MAX: usize = 64;
/// Herds of closed descriptors that are kept: more than are told.
const DONE_MAX: usize = 256;
/// Events of one descriptor that are kept open: a thread that sleeps on tells only at the end of its call.
const RECENT: usize = 32;

#[derive(Clone, Debug)]
struct Member {
    tid: u32,
    /// Whether it got something; `None` if that is not known (yet).
    got: Option<bool>,
}

/// Something that threads were woken for.
#[derive(Clone, Debug)]
struct Event {
    first_wake_ns: u64,
    members: Vec<Member>,
    inferred: bool,
}

#[derive(Clone, Debug)]
struct Watched {
    pid: u32,
    /// The first thread that was woken for it.
    tid: u32,
    /// Another was, too: all that were.
    shared: Vec<u32>,
    recent: VecDeque<Event>,
    herds: u64,
    woken: u64,
    nothing: u64,
    inferred: bool,
    start_ns: u64,
    end_ns: u64,
}

/// All descriptors that threads were woken for, by the one that stands for all copies.
#[derive(Clone, Debug, Default)]
pub(super) struct Herds {
    watched: IdMap<u32, Watched>,
    /// Of descriptors that are closed: each with the process and a thread.
    done: Vec<(u32, u32, Found)>,
}

impl Herds {
    /// A thread was woken in a readiness call and found it ready.
    pub(super) fn woken(&mut self, root: u32, pid: u32, tid: u32, wake_ns: u64) {
        if self.watched.len() >= WATCHED_MAX && !self.watched.contains_key(&root) {
            self.watched.retain(|_, watched| !watched.shared.is_empty());
            if self.watched.len() >= WATCHED_MAX {
                return;
            }
        }
        let watched = self.watched.entry(root).or_insert_with(|| Watched {
            pid,
            tid,
            shared: Vec::new(),
            recent: VecDeque::new(),
            herds: 0,
            woken: 0,
            nothing: 0,
            inferred: false,
            start_ns: 0,
            end_ns: 0,
        });
        if watched.shared.is_empty() {
            if watched.tid == tid {
                return;
            }
            watched.shared.push(watched.tid);
        }
        if !watched.shared.contains(&tid) && watched.shared.len() < MEMBERS_MAX {
            watched.shared.push(tid);
        }
        if watched.event(wake_ns).is_none() {
            if watched.recent.len() >= RECENT {
                watched.end_event();
            }
            watched.recent.push_back(Event {
                first_wake_ns: wake_ns,
                members: Vec::new(),
                inferred: false,
            });
        }
        if let Some(event) = watched.event(wake_ns) {
            // What it slept on for was this after all.
            let in_vain = |member: &Member| member.tid == tid && member.got == Some(false);
            event.members.retain(|member| !in_vain(member));
            event.add(Member { tid, got: None });
        }
    }

    /// A thread was woken in a readiness call, and slept on in it. That was for one thing: the one whose first wake-up
    /// is nearest.
    pub(super) fn slept_on(&mut self, tid: u32, wake_ns: u64) {
        let nearest = self
            .watched
            .values_mut()
            .filter(|watched| watched.shared.contains(&tid))
            .filter_map(|watched| watched.event(wake_ns))
            .min_by_key(|event| event.first_wake_ns.abs_diff(wake_ns));
        if let Some(event) = nearest {
            event.inferred |= event.add(Member {
                tid,
                got: Some(false),
            });
        }
    }

    /// A thread received or accepted from it, or tried to.
    pub(super) fn asked(&mut self, root: u32, tid: u32, got: bool) {
        let Some(watched) = self.watched.get_mut(&root) else {
            return;
        };
        let events = watched.recent.iter_mut().rev();
        let mut members = events.flat_map(|event| &mut event.members);
        if let Some(member) = members.find(|member| member.tid == tid) {
            member.got.get_or_insert(got);
        }
    }

    /// It is closed: no more threads are woken for it.
    pub(super) fn closed(&mut self, id: u32) {
        let watched = self.watched.remove(&id);
        if self.done.len() < DONE_MAX {
            self.done
                .extend(watched.and_then(|watched| watched.judge(id)));
        }
    }

    /// Nothing follows: each with the process and a thread.
    pub(super) fn finish(&mut self) -> Vec<(u32, u32, Found)> {
        let mut found = std::mem::take(&mut self.done);
        let open = self.watched.drain();
        found.extend(open.filter_map(|(root, watched)| watched.judge(root)));
        found.sort_by_key(|(_, _, found)| found.on);
        found
    }
}

impl Event {
    /// Adds a thread, and says whether that is new.
    fn add(&mut self, member: Member) -> bool {
        let known = self.members.iter().any(|known| known.tid == member.tid);
        let new = !known && self.members.len() < MEMBERS_MAX;
        if new {
            self.members.push(member);
        }
        new
    }
}

impl Watched {
    /// What there is to tell of it in the end.
    fn judge(mut self, root: u32) -> Option<(u32, u32, Found)> {
        while !self.recent.is_empty() {
            self.end_event();
        }
        let found = Found {
            what: What::Herd {
                times: self.herds,
                woken: self.woken,
                nothing: self.nothing,
            },
            on: Some(root),
            start_ns: self.start_ns,
            end_ns: self.end_ns,
            inferred: self.inferred,
        };
        (self.herds >= HERDS_MIN).then_some((self.pid, self.tid, found))
    }

    /// The event that a wake-up at this time belongs to.
    fn event(&mut self, wake_ns: u64) -> Option<&mut Event> {
        let mut events = self.recent.iter_mut().rev();
        events.find(|event| event.first_wake_ns.abs_diff(wake_ns) <= WINDOW_NS)
    }

    /// Judges the oldest event.
    fn end_event(&mut self) {
        let Some(event) = self.recent.pop_front() else {
            return;
        };
        let woken = event.members.len();
        let nothing = event.members.iter();
        let nothing = nothing.filter(|member| member.got == Some(false)).count();
        if woken < THREADS_MIN || nothing * 2 <= woken {
            return;
        }
        if self.herds == 0 {
            self.start_ns = event.first_wake_ns;
        }
        self.herds += 1;
        self.woken += u64::try_from(woken).unwrap_or(0);
        self.nothing += u64::try_from(nothing).unwrap_or(0);
        self.inferred |= event.inferred;
        self.end_ns = event.first_wake_ns.saturating_add(WINDOW_NS);
    }
}
