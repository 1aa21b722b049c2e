//! Which calls a question is about.

/// Those that begin in a stretch of time, and of them those that are as wanted. The default is all there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// They begin then or later.
    pub from_ns: u64,
    /// They begin before then.
    pub to_ns: u64,
    /// They last that long or longer.
    pub least_ns: u64,
    /// They last no longer.
    pub most_ns: u64,
    /// They are of this lane.
    pub lane: Option<u32>,
    /// They have this syscall number.
    pub nr: Option<u32>,
    /// They work on this descriptor.
    pub descriptor: Option<u32>,
    /// They returned an error, or something else; one that never returned did neither.
    pub failed: Option<bool>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            from_ns: 0,
            to_ns: u64::MAX,
            least_ns: 0,
            most_ns: u64::MAX,
            lane: None,
            nr: None,
            descriptor: None,
            failed: None,
        }
    }
}
