//! The findings so far: one for each kind, thread and descriptor, the worst of them.
//!
//! Never more than [`KEPT_MAX`], whatever the trace.

use super::{Finding, What};

/// Findings that are kept. Nobody reads as many; the lightest make room.
const KEPT_MAX: usize = 256;

/// The findings so far.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    kept: Vec<Finding>,
}

/// What makes two findings one.
fn key(finding: &Finding) -> (&'static str, u32, u32, Option<u32>, Option<&str>) {
    let call = match &finding.what {
        What::BlockingInLoop { call, .. } => Some(call.as_str()),
        _ => None,
    };
    let on = finding.on.as_ref().map(|on| on.id);
    (finding.what.word(), finding.pid, finding.tid, on, call)
}

/// What a finding must weigh more to take another's place: the kind first, then the number.
fn rank(finding: &Finding) -> (std::cmp::Reverse<super::Severity>, u64) {
    let what = &finding.what;
    (std::cmp::Reverse(what.severity()), what.weight())
}

impl List {
    pub(super) fn add(&mut self, mut finding: Finding) {
        let same = self.kept.iter_mut().find(|kept| key(kept) == key(&finding));
        if let Some(kept) = same {
            finding.times = finding.times.saturating_add(kept.times);
            if finding.what.weight() > kept.what.weight() {
                *kept = finding;
            } else {
                kept.times = finding.times;
            }
            return;
        }
        if self.kept.len() < KEPT_MAX {
            self.kept.push(finding);
            return;
        }
        if let Some(lightest) = self.kept.iter_mut().min_by_key(|kept| rank(kept))
            && rank(lightest) < rank(&finding)
        {
            *lightest = finding;
        }
    }

    /// Between these times records were lost: what rests on all of them there is not known.
    pub(super) fn lost(&mut self, start_ns: u64, end_ns: u64) {
        self.kept.retain(|finding| {
            !finding.what.needs_all_records()
                || finding.end_ns < start_ns
                || end_ns < finding.start_ns
        });
    }

    /// All of them, the worst first.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        let order = |finding: &Finding| {
            let what = &finding.what;
            (
                what.severity(),
                what.place(),
                std::cmp::Reverse(what.weight()),
                finding.start_ns,
                finding.tid,
            )
        };
        self.kept.sort_by_key(order);
        self.kept
    }
}

impl What {
    /// Its place among the kinds.
    fn place(&self) -> u8 {
        match self {
            Self::HangUpIgnored(_) => 0,
            Self::Spin(_) => 1,
            Self::BlockingInLoop { .. } => 2,
            Self::NeverRead(_) => 3,
            Self::AgainStorm { .. } => 4,
            Self::MostlyAgain { .. } => 5,
            Self::Herd { .. } => 6,
            Self::BusyPolling { .. } => 7,
            Self::RunQueue { .. } => 8,
            Self::LateReading { .. } => 9,
            Self::TinyReads { .. } => 10,
            Self::SmallBatches { .. } => 11,
        }
    }
}
