//! When records were lost: a bounded list, in which no loss is ever forgotten.

use crate::model::Gap;

/// Gaps at most; beyond it, neighbours become one.
const GAPS_MAX: usize = 1000;

/// When records were lost.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    gaps: Vec<Gap>,
    lost: u64,
}

impl Gaps {
    pub(super) fn push(&mut self, gap: Gap) {
        self.lost = self.lost.saturating_add(gap.lost);
        self.gaps.push(gap);
        if self.gaps.len() > GAPS_MAX {
            self.gaps.sort_by_key(|gap| gap.start_ns);
            self.gaps = self.gaps.chunks(2).filter_map(merge).collect();
        }
    }

    pub(super) fn all(&self) -> &[Gap] {
        &self.gaps
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}

fn merge(pair: &[Gap]) -> Option<Gap> {
    pair.iter().copied().reduce(|one, other| Gap {
        cpu: one.cpu,
        start_ns: one.start_ns.min(other.start_ns),
        end_ns: one.end_ns.max(other.end_ns),
        lost: one.lost.saturating_add(other.lost),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_gaps_there_are_the_list_is_bounded_and_nothing_is_forgotten() {
        let mut gaps = Gaps::default();
        for number in 0..10_000_u64 {
            let start_ns = number * 10;
            gaps.push(Gap {
                cpu: 0,
                start_ns,
                end_ns: start_ns + 5,
                lost: 3,
            });
        }
        assert!(gaps.all().len() <= GAPS_MAX);
        assert_eq!(gaps.lost(), 30_000);
        assert_eq!(gaps.all().iter().map(|gap| gap.lost).sum::<u64>(), 30_000);
        assert_eq!(gaps.all().iter().map(|gap| gap.end_ns).max(), Some(99_995));
    }
}
