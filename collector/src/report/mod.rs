//! A trace summed up to fit one screen: where the time went, by thread and by call.
//!
//! Memory is bounded whatever the trace, since the same sums are kept while one is being made.
//! `waitscope report --json` prints [`Report`]: its fields are a promise to programs.

mod calls;
mod descriptors;
mod errors;
mod growing;
mod lag_over_time;
pub(crate) mod latency;
mod loops;
mod over_time;
mod requests;
mod show;
mod show_chain;
mod show_requests;
mod show_turns;
mod stalls;
mod summing;
mod threads;
mod turns;
mod wakers;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

pub use calls::CallReport;
use calls::Calls;
use descriptors::Descriptors;
pub use descriptors::{DescriptorReport, ReadyDelayReport};
pub use growing::Growing;
pub use lag_over_time::LagOverTime;
pub use loops::LoopReport;
pub use over_time::OverTime;
pub use requests::RequestReport;
use requests::Requests;
pub use stalls::LongestTurn;
pub use summing::sum_up;
use threads::Lanes;
pub use threads::ThreadReport;
use turns::Loops;
pub use wakers::WakerReport;
use wakers::Wakers;

use crate::export::{Explained, FindingJson, explained_json};
use crate::model::{Arch, Call, CallKinds, Chains, End, Event, Findings, Gap, Trace};
use crate::recording::Reader;

/// The value of `format` in `waitscope report --json`.
pub const FORMAT: &str = "waitscope-report";
/// Its version. A field never changes its meaning within a version.
pub const VERSION: u32 = 1;

/// Longest waits, turns and gaps that are told.
const TOLD: usize = 5;

/// A whole recording summed up.
///
/// # Errors
/// The recording can't be read. One that is cut is summed up as far as it goes, and says so.
pub fn report(reader: Reader) -> Result<Report> {
    sum_up(reader, &mut |_, _| {})
}

/// Sums up a trace while it is made.
#[derive(Clone)]
pub struct Summary {
    trace: Trace,
    lanes: Lanes,
    calls: Calls,
    wakers: Wakers,
    requests: Requests,
    descriptors: Descriptors,
    loops: Loops,
    findings: Findings,
    chains: Chains,
    longest: Vec<(Call, Explained)>,
    gaps: Gaps,
    end: Option<End>,
    last_ns: u64,
    offcpu: u64,
}

impl Summary {
    /// Nothing yet of this trace.
    pub fn new(trace: &Trace) -> Self {
        let kinds = CallKinds::new(Arch::from_machine(&trace.arch));
        Self {
            trace: trace.clone(),
            lanes: Lanes::new(kinds.clone()),
            findings: Findings::new(kinds.clone()),
            calls: Calls::new(trace),
            wakers: Wakers::default(),
            requests: Requests::default(),
            descriptors: Descriptors::new(kinds.clone()),
            loops: Loops::new(trace, kinds),
            chains: Chains::default(),
            longest: Vec::new(),
            gaps: Gaps::default(),
            end: None,
            last_ns: 0,
            offcpu: 0,
        }
    }

    /// Adds an event.
    pub fn push(&mut self, event: &Event) {
        self.lanes.push(event);
        self.loops.push(event);
        self.findings.push(event);
        self.descriptors.push(event);
        let whys = self.findings.whys();
        self.chains.push(event, whys);
        for (_, explained) in &mut self.longest {
            explained.follow(event, whys);
        }
        let at = match event {
            Event::Call(call) => {
                self.calls.push(call);
                self.wait(call);
                call.end_ns
            }
            Event::OffCpu(span) => {
                self.offcpu += 1;
                self.wakers.push(span);
                span.end_ns
            }
            Event::Gap(gap) => {
                self.gaps.push(gap);
                gap.end_ns
            }
            Event::Life(life) => life.at_ns,
            // Both come with a call, or with what threads were found.
            Event::Descriptor(_) | Event::Ready(_) => return,
            Event::Request(request) => {
                self.requests.push(request);
                request.complete_ns.unwrap_or(0)
            }
            Event::Open(open) => open.at_ns,
            Event::End(end) => {
                self.end = Some(*end);
                end.at_ns
            }
        };
        self.last_ns = self.last_ns.max(at);
    }

    fn wait(&mut self, call: &Call) {
        let off = call.off_ns();
        let least = self.longest.last().map_or(0, |(least, _)| least.off_ns());
        if off == 0 || self.longest.len() == TOLD && off <= least {
            return;
        }
        let longer = |(longer, _): &(Call, _)| longer.off_ns() >= off;
        let at = self.longest.partition_point(longer);
        let arch = Arch::from_machine(&self.trace.arch);
        let explained = Explained::new(arch, call, self.findings.whys(), &self.chains);
        self.longest.insert(at, (call.clone(), explained));
        self.longest.truncate(TOLD);
    }

    /// The sums.
    pub fn finish(self) -> Report {
        let duration_ns = self.end.map_or(self.last_ns, |end| end.at_ns);
        let lost = self.end.map_or(self.gaps.lost, |end| end.lost);
        let Trace {
            pid,
            command,
            host,
            kernel,
            arch,
            start_unix_ns,
            backend,
            ..
        } = self.trace.clone();
        // Without its end, nobody knows what the threads did after their last record.
        let whole = lost == 0
            && self
                .end
                .is_some_and(|end| end.untracked == 0 && end.compat == 0);
        let (threads, threads_not_listed) = self.lanes.finish(duration_ns, whole);
        let turns = self.loops.finish();
        let descriptors = self.descriptors.finish();
        let known = Arch::from_machine(&self.trace.arch);
        let whys = self.findings.whys();
        let longest_waits = self.longest.iter();
        let longest_waits = longest_waits
            .map(|(call, explained)| explained_json(known, call, explained.told(whys)));
        let longest_waits = longest_waits.collect();
        let findings = self.findings.finish();
        Report {
            format: FORMAT,
            version: VERSION,
            trace: TraceReport {
                pid,
                command,
                host,
                kernel,
                arch,
                start_unix_ns,
                backend,
                duration_ns,
                ended: self.end.is_some(),
                made: self.end.map(|end| end.made),
                lost,
                untracked: self.end.map(|end| end.untracked),
                compat: self.end.map(|end| end.compat),
                unseen: self.end.map(|end| end.unseen),
                cut: None,
            },
            calls: self.calls.count(),
            offcpu: self.offcpu,
            findings: findings.iter().map(FindingJson::new).collect(),
            threads,
            events_of_threads_not_listed: threads_not_listed,
            by_call: self.calls.finish(),
            longest_waits,
            wakers: self.wakers.finish(),
            requests: self.requests.finish(),
            descriptors: descriptors.listed,
            calls_of_descriptors_not_listed: descriptors.calls_not_listed,
            ready_delay: descriptors.ready_delay,
            loops: turns.loops,
            longest_turns: turns.longest,
            turns_broken: turns.broken,
            turns_not_listed: turns.not_listed,
            gaps: self.gaps.count,
            longest_gaps: self.gaps.longest,
        }
    }
}

#[derive(Clone, Default)]
struct Gaps {
    count: u64,
    lost: u64,
    longest: Vec<GapReport>,
}

impl Gaps {
    fn push(&mut self, gap: &Gap) {
        self.count += 1;
        self.lost = self.lost.saturating_add(gap.lost);
        let Gap {
            cpu,
            start_ns,
            end_ns,
            lost,
        } = *gap;
        let length = end_ns.saturating_sub(start_ns);
        let at = self
            .longest
            .partition_point(|longer| longer.end_ns.saturating_sub(longer.start_ns) >= length);
        self.longest.insert(
            at,
            GapReport {
                cpu,
                start_ns,
                end_ns,
                lost,
            },
        );
        self.longest.truncate(TOLD);
    }
}

/// A trace summed up. Times are nanoseconds; text is what the kernel gave, unescaped.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: &'static str,
    /// [`VERSION`].
    pub version: u32,
    /// What holds for the whole trace.
    pub trace: TraceReport,
    /// Calls that ended.
    pub calls: u64,
    /// Times off the CPU that ended.
    pub offcpu: u64,
    /// What costs the target time, the worst first.
    pub findings: Vec<FindingJson>,
    /// Where each thread's time went, the busiest first.
    pub threads: Vec<ThreadReport>,
    /// Events of threads that are not in `threads`, for there are too many.
    pub events_of_threads_not_listed: u64,
    /// By name of the call, the one that took longest in all first.
    pub by_call: Vec<CallReport>,
    /// The calls that were off the CPU longest, as the JSON export has them, each with `why` its wait ended.
    pub longest_waits: Vec<Value>,
    /// Who ended waits, the most frequent first.
    pub wakers: Vec<WakerReport>,
    /// Requests of `io_uring`s by operation, the one that took longest in all first.
    pub requests: Vec<RequestReport>,
    /// Descriptors by what was done on them, the one with most calls first.
    pub descriptors: Vec<DescriptorReport>,
    /// Calls on known descriptors that are not in `descriptors`, for there are too many.
    pub calls_of_descriptors_not_listed: u64,
    /// How long data lay unread; `None` if that is not known of any.
    pub ready_delay: Option<ReadyDelayReport>,
    /// The threads that have an event loop, the one with most turns first.
    pub loops: Vec<LoopReport>,
    /// The turns with the most lag, the worst first.
    pub longest_turns: Vec<LongestTurn>,
    /// Turns that are in no sum, for records were lost in them.
    pub turns_broken: u64,
    /// Turns that are in no sum, for there are too many threads: at least so many.
    pub turns_not_listed: u64,
    /// How often records were lost.
    pub gaps: u64,
    /// The longest of these times.
    pub longest_gaps: Vec<GapReport>,
}

/// What holds for the whole trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceReport {
    /// The process it was started for.
    pub pid: u32,
    /// Its command line.
    pub command: String,
    /// The machine's name.
    pub host: String,
    /// The kernel's release.
    pub kernel: String,
    /// The architecture.
    pub arch: String,
    /// When it began, since 1970.
    pub start_unix_ns: u64,
    /// How the kernel was hooked.
    pub backend: String,
    /// How long it was, or if it has no end up to the last thing known.
    pub duration_ns: u64,
    /// Whether it has its end.
    pub ended: bool,
    /// Records made, those lost among them.
    pub made: Option<u64>,
    /// Records lost; without an end, at least so many.
    pub lost: u64,
    /// Times that a thread could not be tracked for want of room.
    pub untracked: Option<u64>,
    /// 32-bit calls, which are not recorded.
    pub compat: Option<u64>,
    /// Times off the CPU that are inferred, for the kernel kept their switches from its tracepoint.
    pub unseen: Option<u64>,
    /// What is missing from the recording.
    pub cut: Option<String>,
}

/// A time in which records were lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GapReport {
    /// On this CPU.
    pub cpu: u16,
    /// From here.
    pub start_ns: u64,
    /// To here.
    pub end_ns: u64,
    /// So many.
    pub lost: u64,
}
