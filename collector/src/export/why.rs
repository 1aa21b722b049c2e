//! Why waits ended, as exports and reports have it, with the chain of wake-ups that led there.
//!
//! Told once all is known that will be: the call in which a waker made the last wake-up may end a little after the
//! wait that it ended. Until then nothing is told, so that exports and reports never differ.

use std::borrow::Cow;

use serde::Serialize;

use super::call::name;
use crate::model::{Arch, At, Call, Chain, Chains, Descriptors, Event, LINKS_MAX, Link, Why, Whys};

/// Why a wait ended.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WhyJson {
    #[serde(flatten)]
    pub(super) reason: Reason,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chain: Vec<LinkJson>,
}

/// Why one wait ended, by itself.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Reason {
    pub(super) cause: &'static str,
    pub(super) text: String,
    pub(super) short: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) descriptor: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fd: Option<i32>,
    /// What a person would call the descriptor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// So many more descriptors were ready.
    #[serde(skip_serializing_if = "is_none")]
    pub(super) more: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<u32>,
    pub(super) network: bool,
    pub(super) inferred: bool,
}

/// One wait of a chain.
#[derive(Clone, Debug, Serialize)]
struct LinkJson {
    tid: u32,
    pid: u32,
    woken_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_in: Option<AtJson>,
    #[serde(flatten)]
    reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    woken_in: Option<AtJson>,
}

/// A call of a chain.
#[derive(Clone, Debug, Serialize)]
struct AtJson {
    call: Cow<'static, str>,
    start_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fd: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptor: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl WhyJson {
    /// Of the last call that was pushed, without what led there; `None` if nothing is told of it.
    pub(crate) fn alone(call: &Call, whys: &Whys) -> Option<Self> {
        let known = whys.descriptors();
        let why = whys.tells_of(call).then(|| whys.why(call))?;
        Some(Self {
            reason: Reason::new(&why, known),
            chain: Vec::new(),
        })
    }

    /// Threads that waited on the way there, and when each was woken.
    pub(crate) fn waiters(&self) -> impl Iterator<Item = (u32, u64)> {
        self.chain.iter().map(|link| (link.tid, link.woken_ns))
    }

    /// Where the chain of this call's wait ends: the thread that made the first wake-up of it, and when. `None` if it
    /// goes no farther however much is known.
    pub(crate) fn end(&self, call: &Call) -> Option<(u32, u64)> {
        let (by, woken_ns) = match self.chain.last() {
            Some(last) => (last.reason.by?, last.woken_ns),
            None => (self.reason.by?, call.last_wake_ns?),
        };
        let in_chain = self.waiters().any(|(tid, _)| tid == by) || by == call.tid;
        (!in_chain && self.chain.len() < LINKS_MAX).then_some((by, woken_ns))
    }

    fn new(arch: Option<Arch>, why: &Why, chain: Option<&Chain>, known: &Descriptors) -> Self {
        let chain = chain.filter(|chain| chain.tells());
        let links = chain.map_or(&[][..], |chain| &chain.links);
        let links = links.iter().map(|link| LinkJson::new(arch, link, known));
        Self {
            reason: Reason::new(why, known),
            chain: links.collect(),
        }
    }
}

impl Reason {
    pub(super) fn new(why: &Why, known: &Descriptors) -> Self {
        Self {
            cause: why.cause.word(),
            text: why.text(known),
            short: why.short(),
            descriptor: why.descriptor,
            fd: why.fd,
            name: why.descriptor.and_then(|id| known.label(id)),
            more: why.more,
            by: why.by,
            network: why.network,
            inferred: why.inferred,
        }
    }
}

fn is_none(count: &u32) -> bool {
    *count == 0
}

impl LinkJson {
    fn new(arch: Option<Arch>, link: &Link, known: &Descriptors) -> Self {
        let at_json = |at: At| AtJson::new(arch, &at, known);
        let Link {
            pid,
            tid,
            woken_ns,
            at,
            ref why,
            waker_at,
        } = *link;
        Self {
            tid,
            pid,
            woken_ns,
            waited_in: at.map(at_json),
            reason: Reason::new(why, known),
            woken_in: waker_at.map(at_json),
        }
    }
}

impl AtJson {
    fn new(arch: Option<Arch>, at: &At, known: &Descriptors) -> Self {
        Self {
            call: name(arch, at.nr),
            start_ns: at.start_ns,
            fd: at.fd,
            descriptor: at.descriptor,
            name: at.descriptor.and_then(|id| known.label(id)),
        }
    }
}

/// Why the wait of a call ended, as soon as all of it is known.
#[derive(Clone, Debug)]
pub(crate) struct Explained {
    arch: Option<Arch>,
    why: Why,
    chain: Option<Chain>,
    told: Option<WhyJson>,
}

impl Explained {
    /// Of the last call that was pushed to both.
    pub(crate) fn new(arch: Option<Arch>, call: &Call, whys: &Whys, chains: &Chains) -> Self {
        let mut explained = Self {
            arch,
            why: whys.why(call),
            chain: chains.of(call),
            told: None,
        };
        explained.settle(whys);
        explained
    }

    /// Whether [`told`](Self::told) says all that will be known.
    pub(crate) fn is_settled(&self) -> bool {
        self.told.is_some()
    }

    /// Takes in an event that came after the call.
    pub(crate) fn follow(&mut self, event: &Event, whys: &Whys) {
        if self.is_settled() {
            return;
        }
        if let Some(chain) = &mut self.chain {
            chain.follow(event);
        }
        self.settle(whys);
    }

    fn settle(&mut self, whys: &Whys) {
        if self.chain.as_ref().is_none_or(Chain::is_settled) {
            self.told = Some(self.now(whys));
        }
    }

    fn now(&self, whys: &Whys) -> WhyJson {
        let known = whys.descriptors();
        WhyJson::new(self.arch, &self.why, self.chain.as_ref(), known)
    }

    /// What is known of it, if no events follow.
    pub(crate) fn told(&self, whys: &Whys) -> WhyJson {
        self.told.clone().unwrap_or_else(|| self.now(whys))
    }
}
