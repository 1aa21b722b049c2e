//! Any bytes, as entries of the ring: records, the events made of them, and what is shown of those.
//!
//! Entries have the length of a record where the input does not say otherwise, and mostly its kind: of other entries
//! almost none would be a record. It must never make a record sound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probe_ebpf::{
    Brief, Call, Fd, KIND_BRIEF, KIND_CALL, KIND_FD, KIND_LIFE, KIND_OFF_CPU, KIND_READY,
    KIND_REQUEST, Life, OffCpu, READY_LARGE, READY_SMALL, Ready, Request,
};
use waitscope::attach::record;
use waitscope::model::{Arch, Intake};
use waitscope_fuzz::{Sinks, seed, trace};

/// The kinds, and how long each is.
const KINDS: [(u16, usize); 8] = [
    (KIND_CALL, size_of::<Call>()),
    (KIND_BRIEF, size_of::<Brief>()),
    (KIND_OFF_CPU, size_of::<OffCpu>()),
    (KIND_LIFE, size_of::<Life>()),
    (KIND_FD, size_of::<Fd>()),
    (KIND_REQUEST, size_of::<Request>()),
    (KIND_READY, size_of::<Ready<READY_SMALL>>()),
    (KIND_READY, size_of::<Ready<READY_LARGE>>()),
];
/// In the byte before an entry: it is as long as the next byte says, and of whatever kind.
const AS_IT_IS: u8 = 0x80;

/// Takes the next entry off the input; what the input lacks is zero.
fn entry(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let mut byte = || {
        let (&first, others) = rest.split_first()?;
        *rest = others;
        Some(first)
    };
    let tag = byte()?;
    let (kind, length) = if tag & AS_IT_IS != 0 {
        (None, usize::from(byte()?))
    } else {
        let (kind, length) = KINDS[usize::from(tag) % KINDS.len()];
        (Some(kind), length)
    };
    let (bytes, others) = rest.split_at(length.min(rest.len()));
    *rest = others;
    let mut entry = bytes.to_vec();
    entry.resize(length, 0);
    if let Some(kind) = kind {
        entry[..2].copy_from_slice(&kind.to_ne_bytes());
    }
    Some(entry)
}

/// An entry of each kind, all zero but for its kind: these are sound.
fn zeros() -> Vec<u8> {
    let entry = |(tag, (_, length)): (u8, (u16, usize))| {
        let mut entry = vec![0; 1 + length];
        entry[0] = tag;
        entry
    };
    let mut all = vec![0];
    all.extend((0..).zip(KINDS).flat_map(entry));
    all
}

fuzz_target!(
    init: seed("record", "zeros", &zeros()).expect("write the first input"),
    |bytes: &[u8]| {
        let Some((&first, mut rest)) = bytes.split_first() else {
            return;
        };
        // Some times may be before the trace.
        let start_ns = u64::from(first) << 10;
        let mut sinks = Sinks::new(&trace(start_ns));
        let mut intake = Intake::new(Arch::X86_64, start_ns);
        let mut events = Vec::new();
        while let Some(entry) = entry(&mut rest) {
            if let Some(record) = record(&entry) {
                intake.take(&record, &mut events);
            }
        }
        intake.finish(&mut events);
        intake.tail_gaps(intake.last_ns(), &[1, 2], &mut events);
        sinks.take(events);
        sinks.show();
    }
);
