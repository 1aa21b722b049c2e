//! Whom to trace. Asked first by every program, so that a thread of another process pays one
//! comparison.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap},
};
use probe_ebpf::{Control, TARGETS_MAX};

use crate::kernel::global;

#[unsafe(no_mangle)]
static TARGET: u32 = 0;
#[unsafe(no_mangle)]
static FOLLOW: u32 = 0;

#[map]
static TARGETS: HashMap<u32, u8> = HashMap::with_max_entries(TARGETS_MAX, 0);
#[map]
static CONTROL: Array<Control> = Array::with_max_entries(1, 0);

/// Whether this process is traced.
#[inline(always)]
pub(crate) fn is_target(pid: u32) -> bool {
    match global(&TARGET) {
        // SAFETY: only whether it is there matters, not the value.
        0 => unsafe { TARGETS.get(pid) }.is_some(),
        target => target == pid,
    }
}

/// When tracing was armed, or `None` as long as it is not.
#[inline(always)]
pub(crate) fn armed_ns() -> Option<u64> {
    match CONTROL.get(0) {
        Some(control) if control.armed_ns != 0 => Some(control.armed_ns),
        _ => None,
    }
}

/// Whether children are traced too.
#[inline(always)]
pub(crate) fn follows() -> bool {
    global(&FOLLOW) != 0
}

/// Begins to trace a process. Returns whether there was room; user space takes it off the list when
/// its last thread has ended.
#[inline(always)]
pub(crate) fn add(pid: u32) -> bool {
    TARGETS.insert(pid, 1, 0).is_ok()
}
