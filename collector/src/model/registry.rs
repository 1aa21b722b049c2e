//! What stands behind each number of each process's table of descriptors, and what epolls wait for.
//!
//! Seeded with what was open before, and kept by what the programs tell as calls return. It must never guess: a
//! number that nobody told of stands for nothing that is known.

use std::collections::HashMap;

use probe_ebpf::{
    BY_REQUEST, FD_CLOSED, FD_CLOSED_RANGE, FD_COPIED, FD_INTEREST, FD_KEPT, FD_NAMED,
    FD_NO_INTEREST, FD_OPENED, Fd, KEPT_MAX,
};

use super::{Descriptor, DescriptorKind, descriptor_name, id_map::IdMap};

/// Descriptors of one process that are kept at most; what has no room is not known.
const OPEN_MAX: usize = 1 << 20;

/// A descriptor that was open before the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its number in the process.
    pub(crate) fd: i32,
    /// What it is.
    pub(crate) kind: DescriptorKind,
    /// What a person would call it.
    pub(crate) name: String,
    /// A socket's own address.
    pub(crate) local: Option<String>,
    /// The address it is connected to.
    pub(crate) peer: Option<String>,
    /// The kernel's number of the thing behind it; 0 if it is not known.
    pub(crate) object: u64,
    /// Of an epoll: each descriptor it waits for, with the bits and the program's own word for it.
    pub(crate) interest: Vec<(i32, u32, u64)>,
}

/// What a process's numbers stand for.
#[derive(Debug, Default)]
struct Table {
    open: IdMap<i32, Open>,
    /// What stood at a number before, since when and until when: a call may have begun then.
    before: IdMap<i32, (u32, u64, u64)>,
    /// What each epoll waits for. Few, beside all that may be open: a close looks through them.
    epolls: IdMap<i32, Interest>,
    /// What is still open in the other program that the process is about to go on with.
    kept: Vec<i32>,
}

/// Small, but for what is behind the box: each call looks one up.
#[derive(Debug)]
struct Open {
    /// The descriptor's.
    id: u32,
    descriptor: Box<Descriptor>,
    /// From then on the number means this: the return of the call that opened it. It may have been entered long
    /// before, and the number have meant something else meanwhile.
    since_ns: u64,
}

/// What one epoll waits for.
#[derive(Clone, Debug, Default)]
pub(super) struct Interest {
    by_fd: IdMap<i32, u64>,
    /// Descriptor and bits by the program's own word; `None` if several have the same. Any words at all, so no quick
    /// hash.
    by_data: HashMap<u64, Option<(i32, u32)>>,
}

impl Interest {
    fn set(&mut self, fd: i32, data: u64, events: u32) {
        self.remove(fd);
        self.by_fd.insert(fd, data);
        self.by_data
            .entry(data)
            .and_modify(|known| *known = None)
            .or_insert(Some((fd, events)));
    }

    fn remove(&mut self, fd: i32) {
        if let Some(data) = self.by_fd.remove(&fd)
            && let Some(Some((known, _))) = self.by_data.get(&data)
            && *known == fd
        {
            self.by_data.remove(&data);
        }
    }

    /// The descriptor that a word of the program's own means, and the bits it is waited for with.
    pub(super) fn meant(&self, data: u64) -> Option<(i32, u32)> {
        *self.by_data.get(&data)?
    }
}

/// What the programs told, with the times since the trace began and the name of the call.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) record: &'a Fd,
    pub(super) call: &'a str,
    /// When the call was entered.
    pub(super) enter_ns: u64,
    /// When it returned.
    pub(super) at_ns: u64,
}

/// All processes of a trace.
#[derive(Debug, Default)]
pub(super) struct Registry {
    next: u32,
    tables: IdMap<u32, Table>,
}

impl Registry {
    /// Puts in what was open before the trace.
    pub(super) fn found(&mut self, pid: u32, found: Found, events: &mut Vec<Descriptor>) {
        let Found {
            fd,
            kind,
            name,
            local,
            peer,
            object,
            interest,
        } = found;
        self.insert(
            Descriptor {
                id: 0,
                pid,
                fd,
                kind,
                name,
                local,
                peer,
                peer_pid: None,
                object,
                opened_ns: None,
                closed_ns: None,
            },
            0,
            events,
        );
        if interest.is_empty() {
            return;
        }
        if let Some(table) = self.tables.get_mut(&pid) {
            let epoll = table.epolls.entry(fd).or_default();
            for (other, bits, data) in interest {
                epoll.set(other, data, bits);
            }
        }
    }

    /// Gives a descriptor its number in the trace, and puts it in its place, which is free.
    fn insert(&mut self, descriptor: Descriptor, since_ns: u64, events: &mut Vec<Descriptor>) {
        let table = self.tables.entry(descriptor.pid).or_default();
        // A number is never given twice: when there are no more, what comes is not known.
        let Some(next) = self
            .next
            .checked_add(1)
            .filter(|_| table.open.len() < OPEN_MAX)
        else {
            return;
        };
        let id = std::mem::replace(&mut self.next, next);
        let descriptor = Descriptor { id, ..descriptor };
        events.push(descriptor.clone());
        let fd = descriptor.fd;
        table.open.insert(
            fd,
            Open {
                id,
                descriptor: Box::new(descriptor),
                since_ns,
            },
        );
    }

    /// Takes in what the programs tell.
    pub(super) fn take(&mut self, told: Told<'_>, events: &mut Vec<Descriptor>) {
        let Told {
            record, enter_ns, ..
        } = told;
        let pid = record.head.pid;
        match record.what {
            FD_OPENED => self.open(told, events),
            // Of itself: nothing happens.
            FD_COPIED if record.fd != record.other => {
                self.open(told, events);
                self.copy_interest(pid, record.other, record.fd);
            }
            FD_NAMED => self.name(told, events),
            FD_KEPT => self.keep(told, events),
            FD_CLOSED => {
                let table = self.tables.get(&pid);
                let open = table.and_then(|table| table.open.get(&record.fd));
                // A request to close may wait long for its turn; but a number that means another by now was closed
                // in between.
                let waited = record.nr & BY_REQUEST != 0
                    && open.is_some_and(|open| open.since_ns <= enter_ns);
                let closed_ns = if waited { told.at_ns } else { enter_ns };
                self.close(pid, record.fd, closed_ns, events);
            }
            FD_CLOSED_RANGE => {
                let table = self.tables.get(&pid);
                let numbers = table.into_iter().flat_map(|table| table.open.keys());
                let closed: Vec<i32> = numbers
                    .copied()
                    .filter(|fd| (record.fd..=record.other).contains(fd))
                    .collect();
                for fd in closed {
                    self.close(pid, fd, enter_ns, events);
                }
            }
            FD_INTEREST => {
                // Of an epoll that nobody told of, too: its words mean what they mean.
                let table = self.tables.entry(pid).or_default();
                let epoll = table.epolls.entry(record.fd).or_default();
                epoll.set(record.other, record.data, record.events);
            }
            FD_NO_INTEREST => {
                let table = self.tables.get_mut(&pid);
                if let Some(epoll) = table.and_then(|table| table.epolls.get_mut(&record.fd)) {
                    epoll.remove(record.other);
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, told: Told<'_>, events: &mut Vec<Descriptor>) {
        let Told {
            record,
            call,
            at_ns,
            ..
        } = told;
        // If its closing was not told yet, the number was free by now all the same.
        self.close(record.head.pid, record.fd, at_ns, events);
        let descriptor = Descriptor {
            opened_ns: Some(at_ns),
            ..descriptor_name::of(record, call)
        };
        self.insert(descriptor, at_ns, events);
    }

    /// `bind`, `connect`, `listen`: the same descriptor, better known.
    fn name(&mut self, told: Told<'_>, events: &mut Vec<Descriptor>) {
        let Told { record, call, .. } = told;
        let table = self.tables.get_mut(&record.head.pid);
        match table.and_then(|table| table.open.get_mut(&record.fd)) {
            Some(open) if [0, record.inode].contains(&open.descriptor.object) => {
                let known = &open.descriptor;
                let now = Descriptor {
                    id: known.id,
                    opened_ns: known.opened_ns,
                    ..descriptor_name::of(record, call)
                };
                if **known != now {
                    *open.descriptor = now.clone();
                    events.push(now);
                }
            }
            // It was opened in a way that nobody told of, as one that another process sent is.
            _ => self.open(told, events),
        }
    }

    /// The same descriptor as before, or one that nobody told of.
    fn keep(&mut self, told: Told<'_>, events: &mut Vec<Descriptor>) {
        let Told { record, at_ns, .. } = told;
        let (pid, fd) = (record.head.pid, record.fd);
        let table = self.tables.entry(pid).or_default();
        table.kept.push(fd);
        let known = table.open.get(&fd).map(|open| open.descriptor.object);
        if known.is_none_or(|object| object != record.inode) {
            self.close(pid, fd, at_ns, events);
            self.insert(descriptor_name::of(record, ""), at_ns, events);
        }
    }

    /// The process goes on with another program: what it did not keep is closed.
    pub(super) fn exec(&mut self, pid: u32, at_ns: u64, events: &mut Vec<Descriptor>) {
        let Some(table) = self.tables.get_mut(&pid) else {
            return;
        };
        let kept = std::mem::take(&mut table.kept);
        if kept.is_empty() {
            // A daemon may have closed all, but as likely nobody looked.
            self.forget(pid);
            return;
        }
        let numbers = table.open.keys().copied();
        let gone: Vec<i32> = numbers.filter(|fd| !kept.contains(fd)).collect();
        for fd in gone {
            if (0..KEPT_MAX as i32).contains(&fd) {
                self.close(pid, fd, at_ns, events);
            } else if let Some(table) = self.tables.get_mut(&pid) {
                // Beyond what was looked at: it may be open or not.
                table.open.remove(&fd);
                table.epolls.remove(&fd);
            }
        }
    }

    /// The number stands for nothing any more, if what it stands for was there at `at_ns`.
    fn close(&mut self, pid: u32, fd: i32, at_ns: u64, events: &mut Vec<Descriptor>) {
        let Some(table) = self.tables.get_mut(&pid) else {
            return;
        };
        if (table.open.get(&fd)).is_some_and(|open| open.since_ns > at_ns) {
            // Told late: what the number stood for before ended then.
            if let Some((_, _, until_ns)) = table.before.get_mut(&fd) {
                *until_ns = at_ns.min(*until_ns);
            }
            return;
        }
        if let Some(Open {
            id,
            mut descriptor,
            since_ns,
        }) = table.open.remove(&fd)
        {
            table.before.insert(fd, (id, since_ns, at_ns));
            descriptor.closed_ns = Some(at_ns);
            events.push(*descriptor);
        }
        table.epolls.remove(&fd);
        for interest in table.epolls.values_mut() {
            interest.remove(fd);
        }
    }

    fn copy_interest(&mut self, pid: u32, from: i32, to: i32) {
        if let Some(table) = self.tables.get_mut(&pid)
            && let Some(interest) = table.epolls.get(&from).cloned()
        {
            table.epolls.insert(to, interest);
        }
    }

    /// Number in the trace of what stood behind a descriptor at this time.
    pub(super) fn at(&self, pid: u32, fd: i32, at_ns: u64) -> Option<u32> {
        let table = self.tables.get(&pid)?;
        match table.open.get(&fd) {
            Some(open) if open.since_ns <= at_ns => Some(open.id),
            _ => {
                let (id, since_ns, until_ns) = table.before.get(&fd)?;
                (*since_ns..=*until_ns).contains(&at_ns).then_some(*id)
            }
        }
    }

    /// What an epoll waits for.
    pub(super) fn interest(&self, pid: u32, epfd: i32) -> Option<&Interest> {
        self.tables.get(&pid)?.epolls.get(&epfd)
    }

    /// A child begins with copies of all its parent has open.
    pub(super) fn fork(
        &mut self,
        parent: u32,
        child: u32,
        at_ns: u64,
        events: &mut Vec<Descriptor>,
    ) {
        let Some(table) = self.tables.get(&parent) else {
            return;
        };
        let copies: Vec<Descriptor> = table
            .open
            .values()
            .map(|open| (*open.descriptor).clone())
            .collect();
        let epolls = table.epolls.clone();
        for descriptor in copies {
            let copy = Descriptor {
                pid: child,
                opened_ns: Some(at_ns),
                ..descriptor
            };
            self.insert(copy, at_ns, events);
        }
        self.tables.entry(child).or_default().epolls = epolls;
    }

    /// Something was lost that told of descriptors: what any number stands for is in doubt.
    pub(super) fn forget_all(&mut self) {
        self.tables.clear();
    }

    /// The process ended, or nothing is known of what its numbers stand for.
    pub(super) fn forget(&mut self, pid: u32) {
        self.tables.remove(&pid);
    }
}
