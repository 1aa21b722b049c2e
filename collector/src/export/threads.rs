//! Which thread an event belongs to: ids are used again once their thread has ended.

use crate::model::{Life, LifeKind, recent_map::RecentMap};

/// A thread, and what its user keeps about it.
#[derive(Clone, Debug)]
pub(crate) struct Thread<T> {
    pub(crate) tid: u32,
    pub(crate) pid: u32,
    /// Its last name, if any was seen.
    pub(crate) name: Option<String>,
    /// When it began; `None` if it was there before the trace, or that was not seen.
    pub(crate) began_ns: Option<u64>,
    /// When it ended, if it did.
    pub(crate) ended_ns: Option<u64>,
    /// It was there when the trace began.
    pub(crate) found: bool,
    /// What its user keeps.
    pub(crate) of: T,
}

/// All threads of a trace, in the order in which they appeared, up to a limit.
#[derive(Clone, Debug)]
pub(crate) struct Threads<T> {
    all: Vec<Thread<T>>,
    /// Which of `all` has this id now.
    by_tid: RecentMap<usize>,
    limit: usize,
    /// Times that a thread did not fit.
    more: u64,
}

impl<T: Default> Threads<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            all: Vec::new(),
            by_tid: RecentMap::new(limit),
            limit,
            more: 0,
        }
    }

    pub(crate) fn all(&self) -> &[Thread<T>] {
        &self.all
    }

    /// Events whose thread did not fit, each counted.
    pub(crate) fn more(&self) -> u64 {
        self.more
    }

    /// The thread that had this id at this time; `None` if there are too many.
    pub(crate) fn at(&mut self, pid: u32, tid: u32, at_ns: u64) -> Option<&mut Thread<T>> {
        let known = self.by_tid.get(tid).copied().filter(|&index| {
            let ended = self.all.get(index).and_then(|thread| thread.ended_ns);
            ended.is_none_or(|ended| at_ns <= ended)
        });
        match known {
            Some(index) => self.all.get_mut(index),
            None => self.begin(pid, tid),
        }
    }

    fn begin(&mut self, pid: u32, tid: u32) -> Option<&mut Thread<T>> {
        if self.all.len() >= self.limit {
            self.more = self.more.saturating_add(1);
            return None;
        }
        let index = self.all.len();
        *self.by_tid.get_or(tid, || index)? = index;
        self.all.push(Thread {
            tid,
            pid,
            name: None,
            began_ns: None,
            ended_ns: None,
            found: false,
            of: T::default(),
        });
        self.all.last_mut()
    }

    /// Takes in that a thread came, changed or went.
    pub(crate) fn live(&mut self, life: &Life) {
        if life.kind == LifeKind::Exec {
            let others = self
                .all
                .iter_mut()
                .filter(|thread| thread.pid == life.pid && thread.tid != life.tid);
            for thread in others {
                thread.ended_ns.get_or_insert(life.at_ns);
            }
        }
        let thread = match life.kind {
            LifeKind::Began => self.begin(life.pid, life.tid),
            LifeKind::Found | LifeKind::Exec | LifeKind::Renamed | LifeKind::Ended => {
                self.at(life.pid, life.tid, life.at_ns)
            }
        };
        let Some(thread) = thread else { return };
        thread.name = Some(life.name.clone());
        match life.kind {
            LifeKind::Began => thread.began_ns = Some(life.at_ns),
            LifeKind::Found => thread.found = true,
            LifeKind::Ended => thread.ended_ns = Some(life.at_ns),
            LifeKind::Exec | LifeKind::Renamed => {}
        }
    }
}
