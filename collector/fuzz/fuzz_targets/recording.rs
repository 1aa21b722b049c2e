//! Any bytes, read as a recording to its end, and shown as `open` and `report` show one.
//!
//! It must never know which bytes are a recording.
#![no_main]

use std::fs;
use std::io::Cursor;
use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use waitscope::model::{Event, Trace};
use waitscope::recording::{Batches, Reader};
use waitscope::store::Store;
use waitscope_fuzz::{STORE_BYTES, Sinks, recordings, show};

fuzz_target!(
    init: recordings("recording").expect("write the first inputs"),
    |bytes: &[u8]| {
        let Ok(mut reader) = Reader::new(Cursor::new(bytes.to_vec()), bytes.len() as u64) else {
            return;
        };
        let trace = reader.trace().clone();
        let mut sinks = Sinks::new(&trace);
        let mut batches = Vec::new();
        while let Some(events) = reader.next_batch().expect("start a thread") {
            batches.push(events.clone());
            sinks.take(events);
        }
        sinks.show();
        at_a_glance(bytes, &trace);
        in_short(bytes, &trace, &batches);
    }
);

/// Reads no rows of the same bytes where notes say enough, as the page opens a file first.
fn at_a_glance(bytes: &[u8], trace: &Trace) {
    let mut reader = Reader::glance_from(Cursor::new(bytes.to_vec()), bytes.len() as u64)
        .expect("its header could be read before");
    let never = Arc::<OnceLock<Batches>>::default();
    let mut store = Store::shelved(trace.clone(), STORE_BYTES, Box::new(never));
    while let Some(sketch) = reader.next_batch().expect("start a thread") {
        store.sketch(sketch);
    }
    show(&store);
}

/// Reads the same bytes in short from a file, as the page opens one, and brings batches from it again.
fn in_short(bytes: &[u8], trace: &Trace, batches: &[Vec<Event>]) {
    let path = std::env::temp_dir().join(format!("waitscope-fuzz-{}", std::process::id()));
    fs::write(&path, bytes).expect("write a file");
    let reader = Reader::sketch(&path);
    fs::remove_file(&path).expect("remove it");
    let mut reader = reader.expect("its header could be read before");
    let calls: usize = batches.iter().map(|batch| count(batch)).sum();
    let whole = batches.len();
    let again = Arc::<OnceLock<Batches>>::default();
    let mut store = Store::shelved(trace.clone(), STORE_BYTES, Box::new(again.clone()));
    let mut sketched = 0;
    while let Some(sketch) = reader.next_batch().expect("start a thread") {
        store.sketch(sketch);
        sketched += 1;
    }
    if let Some(found) = reader.batches().expect("open the file twice") {
        let _new = again.set(found);
    }
    // A cell that only a closer look needs may be damaged.
    assert!(sketched >= whole, "{sketched} of {whole} batches");
    if sketched == whole {
        assert_eq!(store.state().calls, calls as u64, "calls in short");
    }
    show(&store);
}

fn count(batch: &[Event]) -> usize {
    let calls = batch.iter().filter(|event| matches!(event, Event::Call(_)));
    calls.count()
}
