//! Counts of durations, in slots that grow with the duration: none is wider than a fixed part of what is in it.

/// How often durations fell into each slot. `BITS` gives `2^BITS` slots between a duration and its double, so that
/// the bounds of a slot tell a duration to one part in `2^BITS`; below `2^BITS` ns, exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram<const BITS: u32> {
    counts: Vec<u64>,
}

impl<const BITS: u32> Histogram<BITS> {
    /// The slot of a duration.
    pub fn slot(duration_ns: u64) -> usize {
        let octave = duration_ns.checked_ilog2().unwrap_or(0);
        let shift = octave.saturating_sub(BITS);
        ((u64::from(shift) << BITS) + (duration_ns >> shift)) as usize
    }

    /// The shortest and the longest duration of a slot.
    pub fn bounds_ns(slot: usize) -> (u64, u64) {
        let slot = slot as u64;
        let shift = (slot >> BITS).saturating_sub(1) as u32;
        let first = (slot - (u64::from(shift) << BITS))
            .checked_shl(shift)
            .unwrap_or(u64::MAX);
        let width = 1_u64.checked_shl(shift).unwrap_or(u64::MAX);
        (first, first.saturating_add(width - 1))
    }

    pub(super) fn add(&mut self, duration_ns: u64) {
        let slot = Self::slot(duration_ns);
        // There are at most 2^BITS slots for each of 64 octaves.
        if self.counts.len() <= slot {
            self.counts.resize(slot + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(slot) {
            *count += 1;
        }
    }

    /// The slots that are not empty, with their counts, in order.
    pub fn slots(&self) -> impl Iterator<Item = (usize, u64)> {
        let counts = self.counts.iter().copied().enumerate();
        counts.filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::Histogram;

    #[test]
    fn slots_follow_one_another_without_a_hole_and_are_as_narrow_as_promised() {
        type Fine = Histogram<5>;
        let last = Fine::slot(u64::MAX);
        assert_eq!(Fine::bounds_ns(0).0, 0);
        assert_eq!(Fine::bounds_ns(last).1, u64::MAX);
        for slot in 0..=last {
            let (first, end) = Fine::bounds_ns(slot);
            assert_eq!((Fine::slot(first), Fine::slot(end)), (slot, slot));
            assert!(end - first <= first / 32, "slot {slot}: {first} to {end}");
            if slot < last {
                assert_eq!(end + 1, Fine::bounds_ns(slot + 1).0, "after slot {slot}");
            }
        }
    }
}
