//! The last word on each descriptor, what a person would call it, and whether anybody works on it.
//!
//! Bounded whatever the trace: closed descriptors make room first, and what finds none is unknown.
//! It must never take two descriptors for one because their numbers in the process are the same.

use std::collections::VecDeque;

use super::id_map::IdMap;
use super::{Call, CallKind, Descriptor, DescriptorKind};

/// Descriptors known at one time: more than most processes may open.
const DESCRIPTORS_MAX: usize = 16_384;
/// Letters of a name that are kept. Addresses are shorter; a longer path says enough.
const NAME_MAX: usize = 200;

/// What is kept of one.
#[derive(Clone, Debug)]
struct Known {
    pid: u32,
    fd: i32,
    kind: DescriptorKind,
    name: String,
    has_local: bool,
    has_peer: bool,
    object: u64,
    closed: bool,
    /// A call accepted from it.
    accepts: bool,
    /// The descriptor under which calls on all its copies are counted: the first known of its object.
    root: u32,
    /// Calls on it and its copies, if it is the root.
    touches: u64,
}

/// All descriptors that are known.
#[derive(Clone, Debug, Default)]
pub struct Descriptors {
    known: IdMap<u32, Known>,
    by_object: IdMap<u64, u32>,
    by_fd: IdMap<(u32, i32), u32>,
    /// Those that can make room, the first closed first.
    closed: VecDeque<u32>,
}

impl Descriptors {
    /// Takes in what is known of one.
    pub fn push(&mut self, descriptor: &Descriptor) {
        let id = descriptor.id;
        let before = self.known.get(&id).cloned();
        if before.is_none() && self.known.len() >= DESCRIPTORS_MAX && !self.make_room() {
            return;
        }
        // Files of the anonymous kinds (eventfd, timerfd, epoll…) all share one inode.
        let shares = descriptor.object != 0 && descriptor.kind.is_shared_by_copies();
        let root = if shares {
            *self.by_object.entry(descriptor.object).or_insert(id)
        } else {
            id
        };
        let was_closed = before.as_ref().is_some_and(|before| before.closed);
        let known = Known {
            pid: descriptor.pid,
            fd: descriptor.fd,
            kind: descriptor.kind,
            name: descriptor.name.chars().take(NAME_MAX).collect(),
            has_local: descriptor.local.is_some(),
            has_peer: descriptor.peer.is_some(),
            object: descriptor.object,
            closed: was_closed,
            accepts: before.as_ref().is_some_and(|before| before.accepts),
            root,
            touches: before.map_or(0, |before| before.touches),
        };
        self.known.insert(id, known);
        let number = (descriptor.pid, descriptor.fd);
        if descriptor.closed_ns.is_some() {
            self.close(id);
        } else if !was_closed {
            // A number that means another descriptor now was closed in between.
            match self.by_fd.insert(number, id) {
                Some(other) if other != id => self.close(other),
                _ => {}
            }
        }
    }

    fn close(&mut self, id: u32) {
        self.touch(id);
        let Some(known) = self.known.get_mut(&id) else {
            return;
        };
        let number = (known.pid, known.fd);
        if !std::mem::replace(&mut known.closed, true) {
            self.closed.push_back(id);
        }
        if self.by_fd.get(&number) == Some(&id) {
            self.by_fd.remove(&number);
        }
    }

    fn make_room(&mut self) -> bool {
        let Some(id) = self.closed.pop_front() else {
            return false;
        };
        if let Some(known) = self.known.remove(&id)
            && self.by_object.get(&known.object) == Some(&id)
        {
            self.by_object.remove(&known.object);
        }
        true
    }

    /// The descriptor that a call works on. Where the trace does not say, its number may stand for anything.
    pub fn of_call(&self, call: &Call) -> Option<u32> {
        call.descriptor.filter(|id| self.known.contains_key(id))
    }

    /// Takes in a call, and says on which descriptor it works, and what that is.
    pub(crate) fn call(&mut self, kind: CallKind, call: &Call) -> Option<(u32, DescriptorKind)> {
        let id = call.descriptor?;
        let known = self.known.get_mut(&id)?;
        let behind = known.kind;
        known.accepts |= kind == CallKind::Accept;
        // An epoll in another one is taken by waiting on it.
        if !kind.is_readiness() || kind == CallKind::Epoll {
            if known.root == id {
                known.touches = known.touches.wrapping_add(1);
            } else {
                self.touch(id);
            }
        }
        Some((id, behind))
    }

    /// Takes in that somebody worked on it.
    fn touch(&mut self, id: u32) {
        let root = match self.known.get_mut(&id) {
            Some(known) if known.root == id => {
                known.touches = known.touches.wrapping_add(1);
                return;
            }
            Some(known) => known.root,
            None => return,
        };
        // A root that made room leaves its copies on their own.
        let counts = if self.known.contains_key(&root) {
            root
        } else {
            id
        };
        if let Some(known) = self.known.get_mut(&counts) {
            known.touches = known.touches.wrapping_add(1);
        }
    }

    /// How often somebody worked on it or a copy; `None` if it is not known.
    pub(crate) fn touches(&self, id: u32) -> Option<u64> {
        let known = self.known.get(&id)?;
        if known.root == id {
            return Some(known.touches);
        }
        let root = self.known.get(&known.root).unwrap_or(known);
        Some(root.touches)
    }

    /// The one that stands for all its copies.
    pub(crate) fn root(&self, id: u32) -> u32 {
        let root = self.known.get(&id).map(|known| known.root);
        root.filter(|root| self.known.contains_key(root))
            .unwrap_or(id)
    }

    /// What it is.
    pub fn kind(&self, id: u32) -> DescriptorKind {
        let known = self.known.get(&id);
        known.map_or(DescriptorKind::Unknown, |known| known.kind)
    }

    /// Its number in its process.
    pub fn fd(&self, id: u32) -> Option<i32> {
        self.known.get(&id).map(|known| known.fd)
    }

    /// Whether it is a listening socket, and whether that is inferred: `Some(false)` if a call accepted from
    /// it, `Some(true)` if it only looks like one, having an address of its own and no peer.
    pub fn listens(&self, id: u32) -> Option<bool> {
        let known = self.known.get(&id)?;
        if known.accepts {
            return Some(false);
        }
        (known.kind == DescriptorKind::Tcp && known.has_local && !known.has_peer).then_some(true)
    }

    /// What a person would call it: `tcp 127.0.0.1:6379 ← 127.0.0.1:50312 (fd 8)`. Unescaped; `None` if
    /// nothing is known of it.
    pub fn label(&self, id: u32) -> Option<String> {
        let Known { kind, name, fd, .. } = self.known.get(&id)?;
        let word = kind.word();
        Some(match (name.is_empty(), *kind) {
            (true, DescriptorKind::Unknown) => format!("fd {fd}"),
            (true, _) => format!("{word} (fd {fd})"),
            (false, DescriptorKind::Unknown) => format!("{name} (fd {fd})"),
            (false, _) if name.starts_with(word) => format!("{name} (fd {fd})"),
            (false, _) => format!("{word} {name} (fd {fd})"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(id: u32, fd: i32, kind: DescriptorKind, object: u64) -> Descriptor {
        Descriptor {
            id,
            pid: 1,
            fd,
            kind,
            name: String::new(),
            local: None,
            peer: None,
            peer_pid: None,
            object,
            opened_ns: None,
            closed_ns: None,
        }
    }

    #[test]
    fn copies_of_a_socket_are_one_and_eventfds_are_not() {
        let mut all = Descriptors::default();
        all.push(&descriptor(1, 3, DescriptorKind::Tcp, 77));
        all.push(&descriptor(2, 4, DescriptorKind::Tcp, 77));
        all.push(&descriptor(3, 5, DescriptorKind::Eventfd, 9));
        all.push(&descriptor(4, 6, DescriptorKind::Eventfd, 9));
        all.touch(2);
        all.touch(4);
        let touches: Vec<_> = (1..=5).map(|id| all.touches(id)).collect();
        assert_eq!(touches, [Some(1), Some(1), Some(0), Some(1), None]);
    }

    #[test]
    fn a_number_that_comes_again_closes_what_it_meant() {
        let mut all = Descriptors::default();
        all.push(&descriptor(1, 3, DescriptorKind::Tcp, 77));
        all.push(&descriptor(2, 3, DescriptorKind::Tcp, 78));
        assert_eq!((all.touches(1), all.touches(2)), (Some(1), Some(0)));
    }

    #[test]
    fn a_label_says_no_word_twice() {
        let mut all = Descriptors::default();
        let check = |all: &mut Descriptors, kind, name: &str, label: &str| {
            let name = name.to_owned();
            all.push(&Descriptor {
                name,
                ..descriptor(1, 8, kind, 0)
            });
            assert_eq!(all.label(1).as_deref(), Some(label));
        };
        check(
            &mut all,
            DescriptorKind::Tcp,
            "a:1 ← b:2",
            "tcp a:1 ← b:2 (fd 8)",
        );
        check(
            &mut all,
            DescriptorKind::Pipe,
            "pipe:[7]",
            "pipe:[7] (fd 8)",
        );
        check(&mut all, DescriptorKind::Eventfd, "", "eventfd (fd 8)");
        check(&mut all, DescriptorKind::Unknown, "", "fd 8");
        assert_eq!(all.label(2), None);
    }

    #[test]
    fn closed_ones_make_room_and_memory_is_bounded() {
        let mut all = Descriptors::default();
        for id in 0..50_000 {
            // Every other is closed.
            let mut one = descriptor(id, id as i32, DescriptorKind::Tcp, u64::from(id) + 1);
            all.push(&one);
            if id % 2 == 0 {
                one.closed_ns = Some(1);
                all.push(&one);
            }
            all.touch(id);
        }
        assert_eq!(all.known.len(), DESCRIPTORS_MAX);
        assert!(all.by_object.len() <= DESCRIPTORS_MAX && all.by_fd.len() <= DESCRIPTORS_MAX);
        assert!(all.closed.len() <= DESCRIPTORS_MAX);
    }
}
