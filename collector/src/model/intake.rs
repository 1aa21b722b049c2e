//! The kernel's records become events: relative times, decoded arguments, gaps where records were lost.
//!
//! It believes nothing: a record that contradicts itself is counted in [`Intake::unsound`] and left
//! out. It never holds back more than a bounded number of events.

use std::collections::HashMap;

use probe_ebpf::{
    ASLEEP, BY_REQUEST, CONTEXT_HARDIRQ, CONTEXT_NMI, CONTEXT_SOFTIRQ, CONTEXT_TASK,
    CONTEXT_UNSEEN, FLAG_BEGAN_BEFORE, FLAG_CONTINUES, FLAG_COPY_INFERRED, FLAG_COPY_SEEN,
    FLAG_INFERRED, FLAG_KILLED, LIFE_EXEC, LIFE_EXIT, LIFE_FORK, LOST_STATE, NO_CALL, NO_DELAY,
    OFF_CPU_INFERRED, ON_CPU, READY_LARGE, Thread, UNKNOWN_CALL,
};

use super::{
    Arch, Call, Context, Copying, Event, Gap, Life, LifeKind, OffCpu, OpenThread, Request, Waker,
    arguments::Arguments,
    call_name,
    id_map::IdMap,
    operation_name, ready_set,
    registry::{Found, Registry, Told},
    request,
};

/// A record of the kernel side, whatever its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A finished call.
    Call(probe_ebpf::Call),
    /// A finished time off the CPU.
    OffCpu(probe_ebpf::OffCpu),
    /// A thread came, changed or went.
    Life(probe_ebpf::Life),
    /// A descriptor was opened, named or closed.
    Fd(Box<probe_ebpf::Fd>),
    /// What a readiness call found.
    Ready(Box<probe_ebpf::Ready<READY_LARGE>>),
    /// A request of an `io_uring` was complete.
    Request(probe_ebpf::Request),
}

impl Record {
    fn head(&self) -> &probe_ebpf::Head {
        match self {
            Self::Call(call) => &call.head,
            Self::OffCpu(span) => &span.head,
            Self::Life(life) => &life.head,
            Self::Fd(fd) => &fd.head,
            Self::Ready(ready) => &ready.head,
            Self::Request(request) => &request.head,
        }
    }

    /// When it was made.
    fn made_ns(&self) -> u64 {
        match self {
            Self::Call(call) => call.exit_ns,
            Self::OffCpu(span) => span.end_ns,
            Self::Life(life) => life.at_ns,
            Self::Fd(fd) => fd.at_ns,
            Self::Ready(ready) => ready.at_ns,
            Self::Request(request) => request.complete_ns,
        }
    }
}

/// Times off the CPU held back at most, over all threads, until it is known whether they were in a call.
const HELD_MAX: usize = 4096;

/// What one CPU has handed over.
#[derive(Clone, Copy, Debug, Default)]
struct Cpu {
    /// When its last record was made.
    last_ns: u64,
    /// How many it lost before that one.
    lost: u64,
}

/// Turns records into events.
#[derive(Debug)]
pub struct Intake {
    arch: Arch,
    arguments: Arguments,
    start_boot_ns: u64,
    cpus: IdMap<u16, Cpu>,
    /// Of threads in a call since before the trace, or in none: their next call tells.
    held: HashMap<u32, Vec<OffCpu>>,
    held_count: usize,
    registry: Registry,
    /// The process of each thread, to know whose table of descriptors a child begins with.
    processes: HashMap<u32, u32>,
    /// Processes that began in the trace, each with how many threads it has: with the last, its table goes.
    children: HashMap<u32, u32>,
    delivered: u64,
    lost: u64,
    unsound: u64,
}

impl Intake {
    /// For a trace on this architecture that began at `start_boot_ns`, `CLOCK_BOOTTIME`.
    pub fn new(arch: Arch, start_boot_ns: u64) -> Self {
        Self {
            arch,
            arguments: Arguments::new(arch),
            start_boot_ns,
            cpus: IdMap::default(),
            held: HashMap::new(),
            held_count: 0,
            registry: Registry::default(),
            processes: HashMap::new(),
            children: HashMap::new(),
            delivered: 0,
            lost: 0,
            unsound: 0,
        }
    }

    /// Records taken in.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Records that were lost before one that was taken in.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Records that contradicted themselves, and were left out.
    pub fn unsound(&self) -> u64 {
        self.unsound
    }

    /// When the last record of all was made.
    pub fn last_ns(&self) -> u64 {
        self.cpus.values().map(|cpu| cpu.last_ns).max().unwrap_or(0)
    }

    /// Nanoseconds since the trace began.
    pub fn relative_ns(&self, boot_ns: u64) -> u64 {
        boot_ns.saturating_sub(self.start_boot_ns)
    }

    /// Takes a record in, and appends what it says to `events`.
    pub fn take(&mut self, record: &Record, events: &mut Vec<Event>) {
        self.delivered += 1;
        let head = *record.head();
        let made_ns = self.relative_ns(record.made_ns());
        let cpu = self.cpus.entry(head.cpu).or_default();
        let before_ns = std::mem::replace(&mut cpu.last_ns, made_ns);
        if head.lost & LOST_STATE != 0 {
            self.registry.forget_all();
        }
        let lost = u64::from(head.lost & !LOST_STATE);
        if lost > 0 {
            cpu.lost += lost;
            self.lost += lost;
            let (start_ns, end_ns) = (before_ns.min(made_ns), made_ns);
            events.push(Event::Gap(Gap {
                cpu: head.cpu,
                start_ns,
                end_ns,
                lost,
            }));
        }
        match record {
            Record::Call(call) => {
                self.release(head.tid, call.flags & FLAG_BEGAN_BEFORE != 0, events);
                match self.call(call) {
                    Some(call) => events.push(Event::Call(call)),
                    None => self.unsound += 1,
                }
            }
            Record::OffCpu(span) => match self.off_cpu(span) {
                Some(event) if span.nr == UNKNOWN_CALL && self.held_count < HELD_MAX => {
                    self.held.entry(head.tid).or_default().push(event);
                    self.held_count += 1;
                }
                Some(event) => {
                    self.release(head.tid, false, events);
                    events.push(Event::OffCpu(event));
                }
                None => self.unsound += 1,
            },
            Record::Fd(fd) => {
                let call = match fd.nr & BY_REQUEST {
                    0 => call_name(self.arch, fd.nr),
                    _ => operation_name(fd.nr & !BY_REQUEST),
                };
                let told = Told {
                    record: fd,
                    call: &call,
                    enter_ns: self.relative_ns(fd.enter_ns),
                    at_ns: made_ns,
                };
                let mut found = Vec::new();
                self.registry.take(told, &mut found);
                events.extend(found.into_iter().map(Event::Descriptor));
            }
            Record::Ready(ready) => {
                let start_ns = self.relative_ns(ready.enter_ns);
                ready_set::each(ready, self.arch, &self.registry, start_ns, |entry| {
                    events.push(Event::Ready(entry));
                });
            }
            Record::Request(request) => events.push(Event::Request(self.request(request))),
            Record::Life(life) => {
                self.release(head.tid, false, events);
                self.follow(life, made_ns, events);
                match life_kind(life.what) {
                    Some(kind) => events.push(Event::Life(Life {
                        pid: head.pid,
                        tid: head.tid,
                        at_ns: made_ns,
                        kind,
                        name: text(&life.comm),
                    })),
                    None => self.unsound += 1,
                }
            }
        }
    }

    /// What a request is, complete or not.
    pub(crate) fn request(&self, request: &probe_ebpf::Request) -> Request {
        request::request(request, &self.registry, |at_ns| self.relative_ns(at_ns))
    }

    /// What a process had open before the trace.
    pub(crate) fn found(&mut self, pid: u32, found: Found, events: &mut Vec<Event>) {
        let mut descriptors = Vec::new();
        self.registry.found(pid, found, &mut descriptors);
        events.extend(descriptors.into_iter().map(Event::Descriptor));
    }

    /// Threads come and go: whose descriptors are whose.
    fn follow(&mut self, life: &probe_ebpf::Life, at_ns: u64, events: &mut Vec<Event>) {
        let (pid, tid) = (life.head.pid, life.head.tid);
        match life.what {
            LIFE_FORK => {
                self.processes.insert(tid, pid);
                // The first thread of a process has its id.
                let parent = *self.processes.get(&life.other).unwrap_or(&life.other);
                if parent == pid {
                    if let Some(threads) = self.children.get_mut(&pid) {
                        *threads += 1;
                    }
                } else {
                    self.children.insert(pid, 1);
                    let mut copies = Vec::new();
                    self.registry.fork(parent, pid, at_ns, &mut copies);
                    events.extend(copies.into_iter().map(Event::Descriptor));
                }
            }
            LIFE_EXEC => {
                let mut closed = Vec::new();
                self.registry.exec(pid, at_ns, &mut closed);
                events.extend(closed.into_iter().map(Event::Descriptor));
            }
            LIFE_EXIT => {
                self.processes.remove(&tid);
                if let Some(threads) = self.children.get_mut(&pid) {
                    *threads = threads.saturating_sub(1);
                    if *threads == 0 {
                        self.children.remove(&pid);
                        self.registry.forget(pid);
                    }
                }
            }
            _ => {}
        }
    }

    /// A CPU's last record may have been followed by more that were lost: the programs' own counts,
    /// by CPU, say how many. The gap reaches up to `now_ns` (since the trace began).
    pub fn tail_gaps(&mut self, now_ns: u64, lost_by_cpu: &[u64], events: &mut Vec<Event>) {
        for (number, &counted) in lost_by_cpu.iter().enumerate() {
            let Ok(number) = u16::try_from(number) else {
                break;
            };
            let cpu = self.cpus.entry(number).or_default();
            let lost = counted.saturating_sub(cpu.lost);
            if lost > 0 {
                cpu.lost += lost;
                self.lost += lost;
                let start_ns = cpu.last_ns.min(now_ns);
                events.push(Event::Gap(Gap {
                    cpu: number,
                    start_ns,
                    end_ns: now_ns,
                    lost,
                }));
            }
        }
    }

    /// Nothing will follow: what was held back was outside calls, as far as can be known.
    pub fn finish(&mut self, events: &mut Vec<Event>) {
        for tid in self.held.keys().copied().collect::<Vec<_>>() {
            self.release(tid, false, events);
        }
    }

    fn release(&mut self, tid: u32, in_call: bool, events: &mut Vec<Event>) {
        // Almost always empty, and this runs once a record.
        if self.held.is_empty() {
            return;
        }
        for mut span in self.held.remove(&tid).unwrap_or_default() {
            self.held_count -= 1;
            span.in_call = in_call;
            events.push(Event::OffCpu(span));
        }
    }

    fn call(&self, call: &probe_ebpf::Call) -> Option<Call> {
        let at = |boot_ns: u64| self.relative_ns(boot_ns);
        let some = |boot_ns: u64| (boot_ns != 0).then(|| at(boot_ns));
        let flag = |bit: u32| call.flags & bit != 0;
        let copying = match some(call.copy_ns) {
            Some(at) if flag(FLAG_COPY_SEEN) => Copying::Seen(at),
            Some(at) if flag(FLAG_COPY_INFERRED) => Copying::Inferred(at),
            _ => Copying::None,
        };
        let last_wake_ns = some(call.last_wake_ns);
        let decoded = self.arguments.decode(call.nr, &call.args, call.timeout_ns);
        let (pid, start_ns) = (call.head.pid, at(call.enter_ns));
        let killed = flag(FLAG_KILLED);
        let event = Call {
            pid: call.head.pid,
            tid: call.head.tid,
            cpu: call.head.cpu,
            nr: call.nr,
            start_ns: at(call.enter_ns),
            end_ns: at(call.exit_ns),
            kernel_ns: call.kernel_ns,
            blocked_ns: call.blocked_ns,
            runnable_ns: call.runnable_ns,
            copying_ns: call.copying_ns,
            copying,
            sleeps: call.sleeps,
            preemptions: call.preemptions,
            first_sleep_ns: some(call.first_sleep_ns),
            last_wake_ns,
            waker: last_wake_ns
                .filter(|_| call.waker_context != CONTEXT_UNSEEN)
                .map(|_| waker(call.waker_tid, call.waker_pid, call.waker_context)),
            fd: decoded.fd,
            descriptor: decoded
                .fd
                .and_then(|fd| self.registry.at(pid, fd, start_ns)),
            ready_delay_ns: Some(call.ready_delay_ns).filter(|&delay_ns| delay_ns != NO_DELAY),
            requested: decoded.requested,
            timeout: decoded.timeout,
            ret: (!killed).then_some(call.ret),
            began_before: flag(FLAG_BEGAN_BEFORE),
            killed,
            continues: flag(FLAG_CONTINUES),
            unseen: flag(FLAG_INFERRED),
            others: call.others,
            other_ns: call.other_ns,
        };
        let sound = call.exit_ns >= call.enter_ns
            && call.enter_ns >= self.start_boot_ns
            && event.phases_ns() == event.duration_ns();
        sound.then_some(event)
    }

    fn off_cpu(&self, span: &probe_ebpf::OffCpu) -> Option<OffCpu> {
        let slept = span.woken_ns != 0;
        let woken_ns = slept.then(|| self.relative_ns(span.woken_ns));
        let in_order = span.start_ns <= span.end_ns
            && (!slept || (span.start_ns <= span.woken_ns && span.woken_ns <= span.end_ns));
        in_order.then(|| OffCpu {
            pid: span.head.pid,
            tid: span.head.tid,
            cpu: span.head.cpu,
            start_ns: self.relative_ns(span.start_ns),
            woken_ns,
            end_ns: self.relative_ns(span.end_ns),
            times: span.times,
            unseen: span.flags & OFF_CPU_INFERRED != 0,
            in_call: span.nr != NO_CALL,
            state: span.state,
            waker: (slept && span.waker_context != CONTEXT_UNSEEN)
                .then(|| waker(span.waker_tid, span.waker_pid, span.waker_context)),
            waker_comm: if slept {
                text(&span.waker_comm)
            } else {
                String::new()
            },
        })
    }

    /// What a thread is doing at `now_boot_ns`, from the programs' own table. `None` for a thread that
    /// has ended.
    pub fn open_thread(&self, thread: &Thread, now_boot_ns: u64) -> Option<OpenThread> {
        if thread.mode == probe_ebpf::DEAD {
            return None;
        }
        let call = &thread.call;
        let in_call = call.nr != NO_CALL;
        let now = now_boot_ns.max(thread.since_ns).max(thread.off_ns);
        let mut open = OpenThread {
            pid: call.head.pid,
            tid: call.head.tid,
            at_ns: self.relative_ns(now),
            nr: in_call.then(|| (call.nr != UNKNOWN_CALL).then_some(call.nr)),
            since_ns: self.relative_ns(if in_call { call.enter_ns } else { call.exit_ns }),
            fd: in_call
                .then(|| {
                    self.arguments
                        .decode(call.nr, &call.args, call.timeout_ns)
                        .fd
                })
                .flatten(),
            began_before: in_call && call.flags & FLAG_BEGAN_BEFORE != 0,
            kernel_ns: call.kernel_ns,
            blocked_ns: call.blocked_ns,
            runnable_ns: call.runnable_ns,
            copying_ns: call.copying_ns,
            off_since_ns: None,
            woken_ns: None,
        };
        if thread.mode == ON_CPU {
            let passed = now - thread.since_ns;
            if call.flags & FLAG_COPY_SEEN != 0 {
                open.copying_ns += passed;
            } else {
                open.kernel_ns += passed;
            }
        } else {
            let asleep = thread.mode == ASLEEP;
            // An earlier wake-up was for another sleep.
            let awake_ns = thread.on_ns.max(if in_call { call.enter_ns } else { 0 });
            let woken = match asleep {
                true if thread.wake_ns != 0 && thread.wake_ns >= awake_ns => {
                    Some(thread.wake_ns.clamp(thread.off_ns, now))
                }
                true => None,
                false => Some(thread.off_ns),
            };
            let blocked_until = woken.unwrap_or(now);
            open.blocked_ns += blocked_until - thread.off_ns;
            open.runnable_ns += now - blocked_until;
            open.off_since_ns = Some(self.relative_ns(thread.off_ns));
            open.woken_ns = woken.map(|woken| self.relative_ns(woken));
        }
        if !in_call {
            // The phases in the table are those of the last call.
            (
                open.kernel_ns,
                open.blocked_ns,
                open.runnable_ns,
                open.copying_ns,
            ) = (0, 0, 0, 0);
        }
        Some(open)
    }
}

fn waker(tid: u32, pid: u32, context: u32) -> Waker {
    let context = match context {
        CONTEXT_TASK => Context::Task,
        CONTEXT_SOFTIRQ => Context::SoftIrq,
        CONTEXT_HARDIRQ => Context::HardIrq,
        CONTEXT_NMI => Context::Nmi,
        _ => Context::Unknown,
    };
    Waker { tid, pid, context }
}

fn life_kind(what: u32) -> Option<LifeKind> {
    match what {
        LIFE_FORK => Some(LifeKind::Began),
        LIFE_EXEC => Some(LifeKind::Exec),
        LIFE_EXIT => Some(LifeKind::Ended),
        _ => None,
    }
}

/// A name of the kernel's: up to a zero byte, and no more trusted than that.
fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
