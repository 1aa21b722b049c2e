//! How many readiness calls all threads of a process have made: where one waits for all, those that read on its word
//! are not polling.
//!
//! Bounded: of processes beyond the bound it is not known, which is not none.

use super::CallKind;
use super::recent_map::RecentMap;

/// Processes whose readiness calls are counted.
const PROCESSES_MAX: usize = 16_384;

/// Readiness calls so far, by process.
#[derive(Clone, Debug)]
pub struct ProcessReadiness(RecentMap<u64>);

impl Default for ProcessReadiness {
    fn default() -> Self {
        Self(RecentMap::new(PROCESSES_MAX))
    }
}

impl ProcessReadiness {
    /// Takes in a call, and says how many readiness calls its process has made, this one with them if it is one;
    /// `None` if there are too many processes.
    pub fn call(&mut self, pid: u32, kind: CallKind) -> Option<u64> {
        let count = self.0.get_or(pid, || 0)?;
        *count += u64::from(kind.is_readiness());
        Some(*count)
    }
}
