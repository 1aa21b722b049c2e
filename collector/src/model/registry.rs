//! What stands behind each number of each process's table of descriptors, and what epolls wait for.
//!
//! Seeded with what was open before, and kept by what the programs tell as calls return. It must never guess: a
//! number that nobody told of stands for nothing that is known.

use probe_ebpf::{
    FD_CLOSED, FD_CLOSED_RANGE, FD_COPIED, FD_INTEREST, FD_NAMED, FD_NO_INTEREST, FD_OPENED, Fd,
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
    /// What stood at a number before, and until when: a call may have begun then.
    before: IdMap<i32, (u32, u64)>,
}

#[derive(Debug)]
struct Open {
    descriptor: Descriptor,
    /// From then on the number means this.
    since_ns: u64,
    /// Of an epoll: what it waits for.
    interest: Interest,
}

/// What one epoll waits for.
#[derive(Clone, Debug, Default)]
struct Interest {
    by_fd: IdMap<i32, (u64, u32)>,
    /// By the program's own word; `None` if several have the same.
    by_data: IdMap<u64, Option<i32>>,
}

impl Interest {
    fn set(&mut self, fd: i32, data: u64, events: u32) {
        self.remove(fd);
        self.by_fd.insert(fd, (data, events));
        self.by_data
            .entry(data)
            .and_modify(|known| *known = None)
            .or_insert(Some(fd));
    }

    fn remove(&mut self, fd: i32) {
        if let Some((data, _)) = self.by_fd.remove(&fd)
            && self.by_data.get(&data) == Some(&Some(fd))
        {
            self.by_data.remove(&data);
        }
    }
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
        let descriptor = Descriptor {
            id: self.number(),
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
        };
        events.push(descriptor.clone());
        let mut of = Interest::default();
        for (other, bits, data) in interest {
            of.set(other, data, bits);
        }
        let open = Open {
            descriptor,
            since_ns: 0,
            interest: of,
        };
        self.tables.entry(pid).or_default().open.insert(fd, open);
    }

    fn number(&mut self) -> u32 {
        let id = self.next;
        self.next = self.next.saturating_add(1);
        id
    }

    /// Takes in what the programs tell. `enter_ns` and `at_ns` are when the call was entered and returned, since
    /// the trace began.
    pub(super) fn take(
        &mut self,
        record: &Fd,
        call: &str,
        enter_ns: u64,
        at_ns: u64,
        events: &mut Vec<Descriptor>,
    ) {
        let pid = record.head.pid;
        match record.what {
            FD_OPENED => self.open(record, call, enter_ns, at_ns, events),
            // Of itself: nothing happens.
            FD_COPIED if record.fd != record.other => {
                self.open(record, call, enter_ns, at_ns, events);
                self.copy_interest(pid, record.other, record.fd);
            }
            FD_NAMED => self.name(record, call, enter_ns, at_ns, events),
            FD_CLOSED => self.close(pid, record.fd, enter_ns, events),
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
            FD_INTEREST | FD_NO_INTEREST => {
                if let Some(epoll) = self.get_mut(pid, record.fd) {
                    if record.what == FD_INTEREST {
                        let (data, bits) = (record.data, record.events);
                        epoll.interest.set(record.other, data, bits);
                    } else {
                        epoll.interest.remove(record.other);
                    }
                }
            }
            _ => {}
        }
    }

    fn open(
        &mut self,
        record: &Fd,
        call: &str,
        enter_ns: u64,
        at_ns: u64,
        events: &mut Vec<Descriptor>,
    ) {
        let pid = record.head.pid;
        // If its closing was not told yet, the number was free by now all the same.
        self.close(pid, record.fd, at_ns, events);
        let id = self.number();
        let descriptor = Descriptor {
            id,
            opened_ns: Some(at_ns),
            ..descriptor_name::of(record, call)
        };
        let table = self.tables.entry(pid).or_default();
        if table.open.len() >= OPEN_MAX {
            return;
        }
        events.push(descriptor.clone());
        // Another thread may use it before this one is back from the call.
        let open = Open {
            descriptor,
            since_ns: enter_ns,
            interest: Interest::default(),
        };
        table.open.insert(record.fd, open);
    }

    /// `bind`, `connect`, `listen`: the same descriptor, better known.
    fn name(
        &mut self,
        record: &Fd,
        call: &str,
        enter_ns: u64,
        at_ns: u64,
        events: &mut Vec<Descriptor>,
    ) {
        match self.get_mut(record.head.pid, record.fd) {
            Some(open) if [0, record.inode].contains(&open.descriptor.object) => {
                let known = &open.descriptor;
                let now = Descriptor {
                    id: known.id,
                    opened_ns: known.opened_ns,
                    ..descriptor_name::of(record, call)
                };
                if *known != now {
                    open.descriptor = now.clone();
                    events.push(now);
                }
            }
            // It was opened in a way that nobody told of, as one that another process sent is.
            _ => self.open(record, call, enter_ns, at_ns, events),
        }
    }

    /// The number stands for nothing any more, if what it stands for was there at `at_ns`.
    fn close(&mut self, pid: u32, fd: i32, at_ns: u64, events: &mut Vec<Descriptor>) {
        let Some(table) = self.tables.get_mut(&pid) else {
            return;
        };
        if table.open.get(&fd).is_none_or(|open| open.since_ns > at_ns) {
            return;
        }
        if let Some(Open { mut descriptor, .. }) = table.open.remove(&fd) {
            table.before.insert(fd, (descriptor.id, at_ns));
            descriptor.closed_ns = Some(at_ns);
            events.push(descriptor);
        }
        for open in table.open.values_mut() {
            if !open.interest.by_fd.is_empty() {
                open.interest.remove(fd);
            }
        }
    }

    fn copy_interest(&mut self, pid: u32, from: i32, to: i32) {
        let interest = self.get_mut(pid, from).map(|open| open.interest.clone());
        if let (Some(interest), Some(open)) = (interest, self.get_mut(pid, to)) {
            open.interest = interest;
        }
    }

    fn get_mut(&mut self, pid: u32, fd: i32) -> Option<&mut Open> {
        self.tables.get_mut(&pid)?.open.get_mut(&fd)
    }

    /// Number in the trace of what stood behind a descriptor at this time.
    pub(super) fn at(&self, pid: u32, fd: i32, at_ns: u64) -> Option<u32> {
        let table = self.tables.get(&pid)?;
        match table.open.get(&fd) {
            Some(open) if open.since_ns <= at_ns => Some(open.descriptor.id),
            _ => {
                let (id, until_ns) = table.before.get(&fd)?;
                (at_ns <= *until_ns).then_some(*id)
            }
        }
    }

    /// The descriptor that an epoll means by a word of the program's own, and the bits it waits for.
    pub(super) fn meant(&self, pid: u32, epfd: i32, data: u64) -> Option<(i32, u32)> {
        let epoll = &self.tables.get(&pid)?.open.get(&epfd)?.interest;
        let fd = (*epoll.by_data.get(&data)?)?;
        let (_, bits) = epoll.by_fd.get(&fd)?;
        Some((fd, *bits))
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
        let copies: Vec<(Descriptor, Interest)> = table
            .open
            .values()
            .map(|open| (open.descriptor.clone(), open.interest.clone()))
            .collect();
        for (mut descriptor, interest) in copies {
            descriptor.id = self.number();
            descriptor.pid = child;
            descriptor.opened_ns = Some(at_ns);
            events.push(descriptor.clone());
            let fd = descriptor.fd;
            let open = Open {
                descriptor,
                since_ns: at_ns,
                interest,
            };
            self.tables.entry(child).or_default().open.insert(fd, open);
        }
    }

    /// The process begins another program, which keeps some descriptors and not others; or it ends. Either way its
    /// numbers stand for nothing that is known.
    pub(super) fn forget(&mut self, pid: u32) {
        self.tables.remove(&pid);
    }
}
