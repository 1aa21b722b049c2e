//! Thundering herds: several threads woken for one thing, of which most find that another was quicker.
//!
//! A wake-up counts as in vain only if the thread then asked for the thing and got `EAGAIN`.

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

#[derive(Debug)]
struct Member {
    tid: u32,
    /// Whether it got something; `None` if that is not known (yet).
    got: Option<bool>,
}

#[derive(Debug)]
struct Watched {
    pid: u32,
    /// The first thread that was woken for it.
    tid: u32,
    /// Another was, too.
    shared: bool,
    first_wake_ns: u64,
    members: Vec<Member>,
    herds: u64,
    woken: u64,
    nothing: u64,
    start_ns: u64,
    end_ns: u64,
}

/// All descriptors that threads were woken for, by the one that stands for all copies.
#[derive(Debug, Default)]
pub(super) struct Herds(IdMap<u32, Watched>);

impl Herds {
    /// A thread was woken in a readiness call and found it ready.
    pub(super) fn woken(&mut self, root: u32, pid: u32, tid: u32, wake_ns: u64) {
        if self.0.len() >= WATCHED_MAX && !self.0.contains_key(&root) {
            self.0.retain(|_, watched| watched.shared);
            if self.0.len() >= WATCHED_MAX {
                return;
            }
        }
        let watched = self.0.entry(root).or_insert_with(|| Watched {
            pid,
            tid,
            shared: false,
            first_wake_ns: 0,
            members: Vec::new(),
            herds: 0,
            woken: 0,
            nothing: 0,
            start_ns: 0,
            end_ns: 0,
        });
        if !watched.shared && watched.tid == tid {
            return;
        }
        watched.shared = true;
        if watched.first_wake_ns.abs_diff(wake_ns) > WINDOW_NS {
            watched.end_herd();
            watched.first_wake_ns = wake_ns;
        }
        let new = !watched.members.iter().any(|member| member.tid == tid);
        if new && watched.members.len() < MEMBERS_MAX {
            watched.members.push(Member { tid, got: None });
        }
    }

    /// A thread received or accepted from it, or tried to.
    pub(super) fn asked(&mut self, root: u32, tid: u32, got: bool) {
        let Some(watched) = self.0.get_mut(&root) else {
            return;
        };
        let member = watched.members.iter_mut().find(|member| member.tid == tid);
        if let Some(member) = member {
            member.got.get_or_insert(got);
        }
    }

    /// Nothing follows: each with the process and a thread.
    pub(super) fn finish(&mut self) -> Vec<(u32, u32, Found)> {
        let mut found: Vec<_> = self
            .0
            .drain()
            .filter_map(|(root, mut watched)| {
                watched.end_herd();
                (watched.herds >= HERDS_MIN).then(|| {
                    let found = Found {
                        what: What::Herd {
                            times: watched.herds,
                            woken: watched.woken,
                            nothing: watched.nothing,
                        },
                        on: Some(root),
                        start_ns: watched.start_ns,
                        end_ns: watched.end_ns,
                        inferred: false,
                    };
                    (watched.pid, watched.tid, found)
                })
            })
            .collect();
        found.sort_by_key(|(_, _, found)| found.on);
        found
    }
}

impl Watched {
    fn end_herd(&mut self) {
        let woken = self.members.len();
        let nothing = self
            .members
            .drain(..)
            .filter(|member| member.got == Some(false))
            .count();
        if woken < THREADS_MIN || nothing * 2 <= woken {
            return;
        }
        if self.herds == 0 {
            self.start_ns = self.first_wake_ns;
        }
        self.herds += 1;
        self.woken += u64::try_from(woken).unwrap_or(0);
        self.nothing += u64::try_from(nothing).unwrap_or(0);
        self.end_ns = self.first_wake_ns.saturating_add(WINDOW_NS);
    }
}
