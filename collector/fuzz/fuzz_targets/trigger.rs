//! Any text, read as the condition of a trigger.
//!
//! It must never know which text is one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waitscope::model::Rule;
use waitscope_fuzz::seed;

fuzz_target!(
    init: for (name, text) in [
        ("turn", "turn > 50"),
        ("call", "epoll_wait > 1"),
        ("again", "again > 1000/s"),
        ("signal", "signal USR1"),
        ("page", "page"),
    ] {
        seed("trigger", name, text.as_bytes()).expect("write the first inputs");
    },
    |text: &str| {
        if let Ok(rule) = Rule::parse(text, |time| time.parse().ok()) {
            assert_eq!(rule.text, text.trim(), "a rule is told as it was written");
        }
    }
);
