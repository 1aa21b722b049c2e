//! The tracks of a trace for Perfetto: of processes and threads, of loops, of requests that overlap, of loss.
//!
//! A track is described before anything is drawn on it. There are never more than [`TRACKS_MAX`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;

use anyhow::Result;

use super::super::overview::Overview;
use super::super::slices::ThreadId;
use super::fields::track;
use super::packets::Packets;

/// Tracks at most: a quarter of a million threads, and as many for all else.
const TRACKS_MAX: u64 = 1 << 19;
/// Tracks for requests, at most: a request that finds none of them free is drawn from when one was.
const REQUESTS_MAX: usize = 1 << 16;

/// What was described so far. The number of each is given away once.
pub(super) struct Tracks {
    last: u64,
    processes: HashMap<u32, u64>,
    threads: HashMap<ThreadId, u64>,
    utilisations: HashMap<ThreadId, u64>,
    /// Of each process, its tracks for requests by when they are free.
    free: HashMap<u32, BTreeSet<(u64, u64)>>,
    requests: usize,
    /// Of each CPU, its track and up to when it is drawn.
    losses: BTreeMap<u16, (u64, u64)>,
}

impl Tracks {
    /// Describes the processes and threads that are known.
    pub(super) fn begin(first: &Overview, packets: &mut Packets<impl Write>) -> Result<Self> {
        let mut tracks = Self {
            last: 0,
            processes: HashMap::new(),
            threads: HashMap::new(),
            utilisations: HashMap::new(),
            free: HashMap::new(),
            requests: 0,
            losses: BTreeMap::new(),
        };
        for (pid, name) in first.processes() {
            tracks.add_process(pid, name, packets)?;
        }
        for thread in first.threads.all() {
            let id = (thread.pid, thread.tid);
            if !tracks.threads.contains_key(&id) {
                tracks.add_thread(id, thread.name.as_deref(), packets)?;
            }
        }
        Ok(tracks)
    }

    /// The thread's track; `None` if there are too many.
    pub(super) fn thread(
        &mut self,
        id: ThreadId,
        packets: &mut Packets<impl Write>,
    ) -> Result<Option<u64>> {
        match self.threads.get(&id) {
            Some(&track) => Ok(Some(track)),
            None => self.add_thread(id, None, packets),
        }
    }

    /// The track of a thread of the trace.
    pub(super) fn known_thread(&self, id: ThreadId) -> Option<u64> {
        self.threads.get(&id).copied()
    }

    fn add_process(
        &mut self,
        pid: u32,
        name: Option<&str>,
        packets: &mut Packets<impl Write>,
    ) -> Result<Option<u64>> {
        let Some(uuid) = self.next() else {
            return Ok(None);
        };
        self.processes.insert(pid, uuid);
        packets.track(|message| {
            message.uint(track::UUID, uuid);
            message.message(track::PROCESS, |message| {
                message.int(track::PROCESS_PID, number(pid));
                if let Some(name) = name {
                    message.text(track::PROCESS_NAME, name);
                }
            });
        })?;
        Ok(Some(uuid))
    }

    /// The process's track; `None` if there are too many.
    pub(super) fn process(
        &mut self,
        pid: u32,
        packets: &mut Packets<impl Write>,
    ) -> Result<Option<u64>> {
        match self.processes.get(&pid) {
            Some(&track) => Ok(Some(track)),
            None => self.add_process(pid, None, packets),
        }
    }

    fn add_thread(
        &mut self,
        (pid, tid): ThreadId,
        name: Option<&str>,
        packets: &mut Packets<impl Write>,
    ) -> Result<Option<u64>> {
        let Some(uuid) = self.next() else {
            return Ok(None);
        };
        self.threads.insert((pid, tid), uuid);
        packets.track(|message| {
            message.uint(track::UUID, uuid);
            message.message(track::THREAD, |message| {
                message.int(track::THREAD_PID, number(pid));
                message.int(track::THREAD_TID, number(tid));
                if let Some(name) = name {
                    message.text(track::THREAD_NAME, name);
                }
            });
        })?;
        Ok(Some(uuid))
    }

    /// The track that says how busy a thread's loop is.
    pub(super) fn utilisation(
        &mut self,
        id: ThreadId,
        packets: &mut Packets<impl Write>,
    ) -> Result<Option<u64>> {
        if let Some(&track) = self.utilisations.get(&id) {
            return Ok(Some(track));
        }
        let Some(thread) = self.thread(id, packets)? else {
            return Ok(None);
        };
        let Some(uuid) = self.next() else {
            return Ok(None);
        };
        self.utilisations.insert(id, uuid);
        packets.track(|message| {
            message.uint(track::UUID, uuid);
            message.uint(track::PARENT_UUID, thread);
            message.text(track::NAME, "loop utilisation");
            message.message(track::COUNTER, |message| {
                message.text(track::COUNTER_UNIT_NAME, "%");
            });
        })?;
        Ok(Some(uuid))
    }

    /// A track of this process that is free from `start_ns` on, with where on it the request may be drawn. Requests come
    /// in the order in which they ended, so the one that was drawn on last is the best: the others suit longer ones.
    pub(super) fn request(
        &mut self,
        pid: u32,
        start_ns: u64,
        end_ns: u64,
        packets: &mut Packets<impl Write>,
    ) -> Result<Option<(u64, u64, u64)>> {
        let free = self.free.entry(pid).or_default();
        let mut found = free.range(..=(start_ns, u64::MAX)).next_back().copied();
        if found.is_none() && self.requests >= REQUESTS_MAX {
            found = free.first().copied();
        }
        let (free_ns, track) = match found {
            Some(found) => {
                free.remove(&found);
                found
            }
            None => match self.add_request(pid, packets)? {
                Some(track) => (0, track),
                None => return Ok(None),
            },
        };
        let start_ns = start_ns.max(free_ns);
        let end_ns = end_ns.max(start_ns);
        self.free.entry(pid).or_default().insert((end_ns, track));
        Ok(Some((track, start_ns, end_ns)))
    }

    fn add_request(&mut self, pid: u32, packets: &mut Packets<impl Write>) -> Result<Option<u64>> {
        let Some(process) = self.process(pid, packets)? else {
            return Ok(None);
        };
        let Some(uuid) = self.next() else {
            return Ok(None);
        };
        self.requests += 1;
        packets.track(|message| {
            message.uint(track::UUID, uuid);
            message.uint(track::PARENT_UUID, process);
            // Perfetto shows neighbours of one name as one.
            message.text(track::NAME, "io_uring requests");
        })?;
        Ok(Some(uuid))
    }

    /// The track of what this CPU lost, with where on it a loss may be drawn.
    pub(super) fn loss(
        &mut self,
        cpu: u16,
        start_ns: u64,
        end_ns: u64,
        packets: &mut Packets<impl Write>,
    ) -> Result<(u64, u64, u64)> {
        let (track, drawn_ns) = match self.losses.get(&cpu) {
            Some(&known) => known,
            None => {
                // No more than there are numbers of CPUs, so these are not counted among the others.
                let uuid = TRACKS_MAX + 1 + u64::from(cpu);
                packets.track(|message| {
                    message.uint(track::UUID, uuid);
                    message.text(track::NAME, &format!("records lost, CPU {cpu}"));
                })?;
                (uuid, 0)
            }
        };
        let start_ns = start_ns.max(drawn_ns);
        let end_ns = end_ns.max(start_ns);
        self.losses.insert(cpu, (track, end_ns));
        Ok((track, start_ns, end_ns))
    }

    fn next(&mut self) -> Option<u64> {
        if self.last >= TRACKS_MAX {
            return None;
        }
        self.last += 1;
        Some(self.last)
    }
}

/// Ids are `int32` in Perfetto, as in the kernel.
fn number(id: u32) -> i64 {
    id.cast_signed().into()
}
