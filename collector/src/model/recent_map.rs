//! A map by small numbers (thread, process, syscall) that looks first where it looked last: events come in runs of one
//! thread, and each model asks for that thread at every one.
//!
//! It never holds more than its limit, whatever it is asked for: what finds no room is not there.

use std::cell::Cell;

use super::id_map::IdMap;

/// A bounded map by ids.
#[derive(Clone, Debug)]
pub(crate) struct RecentMap<V> {
    entries: Vec<(u32, V)>,
    /// Where in `entries` an id is.
    places: IdMap<u32, usize>,
    /// Where the last one that was asked for is, or was.
    recent: Cell<usize>,
    limit: usize,
}

impl<V> RecentMap<V> {
    /// Empty, with room for so many.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            entries: Vec::new(),
            places: IdMap::default(),
            recent: Cell::new(0),
            limit,
        }
    }

    fn place(&self, id: u32) -> Option<usize> {
        let recent = self.recent.get();
        if self
            .entries
            .get(recent)
            .is_some_and(|(known, _)| *known == id)
        {
            return Some(recent);
        }
        let place = *self.places.get(&id)?;
        self.recent.set(place);
        Some(place)
    }

    pub(crate) fn get(&self, id: u32) -> Option<&V> {
        let (_, value) = self.entries.get(self.place(id)?)?;
        Some(value)
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut V> {
        let place = self.place(id)?;
        let (_, value) = self.entries.get_mut(place)?;
        Some(value)
    }

    /// What is there, or else what `make` makes; `None` if there is no room for that.
    pub(crate) fn get_or(&mut self, id: u32, make: impl FnOnce() -> V) -> Option<&mut V> {
        let place = match self.place(id) {
            Some(place) => place,
            None if self.entries.len() >= self.limit => return None,
            None => {
                let place = self.entries.len();
                self.entries.push((id, make()));
                self.places.insert(id, place);
                place
            }
        };
        let (_, value) = self.entries.get_mut(place)?;
        Some(value)
    }

    pub(crate) fn remove(&mut self, id: u32) {
        let Some(place) = self.places.remove(&id) else {
            return;
        };
        self.entries.swap_remove(place);
        if let Some((moved, _)) = self.entries.get(place) {
            self.places.insert(*moved, place);
        }
    }

    /// All of them, in no order that means anything.
    pub(crate) fn into_entries(self) -> Vec<(u32, V)> {
        self.entries
    }

    /// See [`into_entries`](Self::into_entries).
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(u32, V)> {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Any order of asking, adding and removing, beside a map that is not ours.
    #[test]
    fn it_holds_what_a_plain_map_holds_up_to_its_limit() {
        const LIMIT: usize = 20;
        let mut ours = RecentMap::new(LIMIT);
        let mut plain = BTreeMap::new();
        let mut state = 1_u32;
        for step in 0..20_000_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let id = (state >> 16) % 32;
            match state >> 29 {
                0 | 1 => {
                    ours.remove(id);
                    plain.remove(&id);
                }
                2 | 3 => {
                    let room = plain.len() < LIMIT || plain.contains_key(&id);
                    let added = ours.get_or(id, || step).copied();
                    let wanted = room.then(|| *plain.entry(id).or_insert(step));
                    assert_eq!(added, wanted, "step {step}, id {id}");
                }
                4 => {
                    if let (Some(ours), Some(plain)) = (ours.get_mut(id), plain.get_mut(&id)) {
                        *ours += 1;
                        *plain += 1;
                    }
                }
                _ => assert_eq!(ours.get(id), plain.get(&id), "step {step}, id {id}"),
            }
            assert_eq!(ours.iter().count(), plain.len(), "step {step}");
        }
        let all: BTreeMap<u32, u32> = ours.iter().copied().collect();
        assert_eq!(all, plain);
    }
}
