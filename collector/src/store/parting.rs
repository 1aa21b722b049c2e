//! A batch of a file, parted among the lanes that have something in it.
//!
//! It must refuse what the store refused as it was summed, and sees by that whether the file still is what it was.

use std::sync::Arc;

use super::{
    items::Items,
    spans::Spans,
    tracks::{Ends, Found, Tracks},
};
use crate::model::{Ready, RowKind, Table, cell, id_map::IdMap};

/// What one lane has in a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) lane: u32,
    pub(super) tid: u32,
    /// How many there are, and where the first begins.
    pub(super) items: (u32, u64),
    /// The same of times off the CPU.
    pub(super) spans: (u32, u64),
    /// When the last of either ended: another thread may have the number after that.
    pub(super) end_ns: u64,
}

/// The rows of a lane.
struct Rows {
    part: Part,
    ends: Ends,
    items: Vec<u32>,
    spans: Vec<u32>,
    /// What calls found, each with the place of its call among the items.
    ready: Vec<(u32, Ready)>,
    /// What the next call found.
    found: Found,
}

struct Lanes {
    lanes: Vec<Rows>,
    by_tid: IdMap<u32, Vec<usize>>,
}

impl Lanes {
    fn new(parts: &[Part]) -> Self {
        let mut by_tid: IdMap<u32, Vec<usize>> = IdMap::default();
        for (at, part) in parts.iter().enumerate() {
            by_tid.entry(part.tid).or_default().push(at);
        }
        let rows = |part: &Part| Rows {
            part: *part,
            ends: Ends {
                items_ns: part.items.1,
                spans_ns: part.spans.1,
            },
            items: Vec::new(),
            spans: Vec::new(),
            ready: Vec::new(),
            found: Found::default(),
        };
        Self {
            lanes: parts.iter().map(rows).collect(),
            by_tid,
        }
    }

    /// The lane of a thread at this time: those of one number follow one another.
    fn of(&mut self, tid: u32, at_ns: u64) -> Option<&mut Rows> {
        let lanes = &self.lanes;
        let is_then = |&&at: &&usize| lanes.get(at).is_some_and(|rows| at_ns <= rows.part.end_ns);
        let at = *self.by_tid.get(&tid)?.iter().find(is_then)?;
        self.lanes.get_mut(at)
    }

    fn ready(&mut self, ready: Ready) {
        if let Some(rows) = self.of(ready.tid, ready.call_start_ns) {
            rows.found.push(ready);
        }
    }
}

impl Rows {
    fn call(&mut self, row: u32, table: &Table<'_>) {
        let at = row as usize;
        let (start_ns, end_ns) = (cell(table.start_ns, at), cell(&table.end_ns, at));
        if !(self.ends).accepts_call(start_ns, end_ns, table.phases_ns(at)) {
            return;
        }
        self.ends.items_ns = end_ns;
        let item = self.items.len() as u32;
        let found = self.found.take(start_ns);
        self.ready.extend(found.map(|ready| (item, ready)));
        self.items.push(row);
    }

    fn span(&mut self, row: u32, table: &Table<'_>) {
        let off = table.off(row as usize);
        if !self.ends.accepts_span(&off) {
            return;
        }
        self.ends.spans_ns = off.end_ns;
        self.spans.push(row);
        if !off.in_call {
            self.ends.items_ns = off.end_ns;
            self.items.push(row);
        }
    }

    /// All of it, if it is all that was summed: or else the file is another.
    fn tracks(self, table: &Table<'_>) -> Option<Tracks> {
        let (items, spans) = (self.items.len(), self.spans.len());
        let same = items == self.part.items.0 as usize && spans == self.part.spans.0 as usize;
        same.then(|| {
            let items = Items::gather(table, &self.items, &self.ready);
            Tracks::whole(items, Spans::gather(table, &self.spans), self.ends)
        })
    }
}

/// What each lane did in a batch, by its number. `before` is what calls of it found that the batch before says.
pub(super) fn tracks(
    parts: &[Part],
    before: &[Ready],
    table: &Table<'_>,
) -> Option<IdMap<u32, Arc<Tracks>>> {
    let mut lanes = Lanes::new(parts);
    before.iter().for_each(|ready| lanes.ready(*ready));
    let mut ready = table.ready.iter().peekable();
    for (row, kind) in (0..).zip(&table.kinds) {
        let at = row as usize;
        match kind {
            RowKind::Call => {
                if let Some(rows) = lanes.of(cell(table.tid, at), cell(&table.end_ns, at)) {
                    rows.call(row, table);
                }
            }
            RowKind::OffCpu => {
                if let Some(rows) = lanes.of(cell(table.tid, at), cell(&table.end_ns, at)) {
                    rows.span(row, table);
                }
            }
            RowKind::Ready => {
                while let Some((_, ready)) = ready.next_if(|(of, _)| *of == row) {
                    lanes.ready(*ready);
                }
            }
            RowKind::Other => {}
        }
    }
    let tracks = |rows: Rows| Some((rows.part.lane, Arc::new(rows.tracks(table)?)));
    lanes.lanes.into_iter().map(tracks).collect()
}
