//! Any bytes, read as a recording to its end, and shown as `open` and `report` show one.
//!
//! It must never know which bytes are a recording.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use waitscope::recording::Reader;
use waitscope_fuzz::{Sinks, recordings};

fuzz_target!(
    init: recordings("recording").expect("write the first inputs"),
    |bytes: &[u8]| {
        let Ok(mut reader) = Reader::new(Cursor::new(bytes.to_vec()), bytes.len() as u64) else {
            return;
        };
        let mut sinks = Sinks::new(reader.trace());
        while let Some(events) = reader.next_batch().expect("start a thread") {
            sinks.take(events);
        }
        sinks.show();
    }
);
