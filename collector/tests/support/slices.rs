//! The slices that an export for viewers of traces must have.

use std::collections::BTreeMap;

use waitscope::model::{Arch, Event, call_name};

/// What must come out, from the events alone: by category and name, how many slices and how long.
pub(crate) fn expected_slices(events: &[Event]) -> BTreeMap<(String, String), (u64, u64)> {
    let mut sums: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    let mut add = |category: &str, name: &str, count: u64, nanos: u64| {
        let sum = sums.entry((category.into(), name.into())).or_default();
        *sum = (sum.0 + count, sum.1 + nanos);
    };
    for event in events {
        match event {
            Event::Call(call) => {
                add(
                    "call",
                    &call_name(Arch::X86_64, call.nr),
                    1,
                    call.duration_ns(),
                );
                add("phase", "kernel", 0, call.kernel_ns);
                add("phase", "blocked", 0, call.blocked_ns);
                add("phase", "runnable", 0, call.runnable_ns);
                add("phase", "copying", 0, call.copying_ns);
            }
            Event::OffCpu(span) if !span.in_call => {
                add("offcpu", "blocked", 0, span.blocked_ns());
                add("offcpu", "runnable", 0, span.runnable_ns());
            }
            Event::Open(open) => {
                let category = if open.nr.is_some() { "phase" } else { "offcpu" };
                let (off, woken) = (open.off_since_ns.unwrap(), open.woken_ns.unwrap());
                add(category, "blocked", 0, woken - off);
                add(category, "runnable", 0, open.at_ns - woken);
                if let Some(Some(nr)) = open.nr {
                    add(
                        "call",
                        &call_name(Arch::X86_64, nr),
                        1,
                        open.at_ns - open.since_ns,
                    );
                    add("phase", "kernel", 0, open.kernel_ns);
                }
            }
            _ => {}
        }
    }
    sums
}
