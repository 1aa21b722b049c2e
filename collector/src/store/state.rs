//! How far a trace has come, and what of it is there: what the page is told ten times a second.
//!
//! It must stay small however long the trace is.

use super::Store;
use crate::model::{End, Gap, OpenThread};

/// Open threads told to the page at most.
const OPEN_MAX: usize = 512;

/// How far a trace has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// How far it has come.
    pub now_ns: u64,
    /// Before this, closed calls never change.
    pub sealed_ns: u64,
    /// Before this, calls were let go to bound the memory.
    pub kept_ns: u64,
    /// After this, all that was told is there: an export begins here.
    pub held_ns: u64,
    /// Pictures of this level and above are whole all the same.
    pub whole_level: u8,
    /// It is over.
    pub ended: bool,
    /// Calls so far.
    pub calls: u64,
    /// Times off the CPU so far.
    pub offcpu: u64,
    /// Records that were lost.
    pub lost: u64,
    /// Calls and times off the CPU that came out of order, and are not shown.
    pub disordered: u64,
    /// When records were lost, at most 1000, neighbours merged beyond that.
    pub gaps: Vec<Gap>,
    /// How many lanes there are.
    pub lanes: u32,
    /// Grows when a lane comes or changes.
    pub lanes_version: u64,
    /// What threads are doing now, by lane, at most 512.
    pub open: Vec<(u32, OpenThread)>,
    /// Memory taken.
    pub bytes: u64,
    /// Batches of the file that could not be read again, or that hold other things than were summed, as where they are out
    /// of order: what is in them is missing from close pictures.
    pub unread: u64,
    /// How the trace ended, if it said so.
    pub end: Option<End>,
}

impl Store {
    /// How far the trace has come.
    pub fn state(&self) -> State {
        let open = self
            .lanes
            .iter()
            .filter_map(|lane| Some((lane.info.lane, lane.open?)));
        let shelf = self.shelving.as_ref().map(|shelving| &shelving.shelf);
        State {
            now_ns: self.now_ns,
            sealed_ns: self.sealed_ns,
            kept_ns: self.kept_ns,
            held_ns: self.notes.held_ns(self.kept_ns),
            whole_level: self.base,
            ended: self.end.is_some(),
            calls: self.calls,
            offcpu: self.offcpu,
            lost: self.gaps.lost(),
            disordered: self.disordered,
            gaps: self.gaps.all().to_vec(),
            lanes: self.lanes.len() as u32,
            lanes_version: self.lanes_version,
            open: open.take(OPEN_MAX).collect(),
            bytes: self.bytes + shelf.map_or(0, |shelf| shelf.bytes()),
            unread: self.unread(),
            end: self.end,
        }
    }
}
