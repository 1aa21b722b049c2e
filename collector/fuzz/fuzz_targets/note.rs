//! Any bytes, as the note beside a batch once it is unpacked, shown twice: as one batch and as the next.
//!
//! It begins behind the checksum, which no mutation gets past. It must never make a note sound.
#![no_main]

use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use waitscope::recording::{Batches, sketch_of_bytes};
use waitscope::store::Store;
use waitscope_fuzz::{STORE_BYTES, notes, show, trace};

fuzz_target!(
    init: notes("note").expect("write the first inputs"),
    |bytes: &[u8]| {
        let Ok(sketch) = sketch_of_bytes(bytes) else {
            return;
        };
        let never = Arc::<OnceLock<Batches>>::default();
        let mut store = Store::shelved(trace(0), STORE_BYTES, Box::new(never));
        store.sketch(sketch.clone());
        store.sketch(sketch);
        show(&store);
    }
);
