//! What a CPU is doing: running its thread, or an interrupt on top of it. It decides whether the thread
//! that runs as another is woken did the waking, or was only there.
//!
//! Where the kernel's preemption counter can be read, that says it all. Where not, hooks on the
//! interrupts themselves do, at the price of a few nanoseconds for each interrupt of the machine.

use aya_ebpf::{macros::map, maps::PerCpuArray};
use probe_ebpf::{CONTEXT_HARDIRQ, CONTEXT_NMI, CONTEXT_SOFTIRQ, CONTEXT_TASK, CONTEXT_UNKNOWN};

use crate::kernel;

/// A soft interrupt is being served.
pub(crate) const SOFTIRQ: u32 = 1;
/// A device's handler runs.
pub(crate) const HANDLER: u32 = 2;
/// A high-resolution timer's function runs.
pub(crate) const HRTIMER: u32 = 4;

/// What the hooks saw begin and not end, on each CPU.
#[map]
static INTERRUPTS: PerCpuArray<u32> = PerCpuArray::with_max_entries(1, 0);

/// An interrupt of this kind begins.
#[inline(always)]
pub(crate) fn enter(kind: u32) {
    if let Some(kinds) = INTERRUPTS.get_ptr_mut(0) {
        // SAFETY: each CPU has its own, and an interrupt on top of this leaves it as it found it.
        unsafe { *kinds |= kind };
    }
}

/// An interrupt of this kind ends. None nests in one of its own kind.
#[inline(always)]
pub(crate) fn leave(kind: u32) {
    if let Some(kinds) = INTERRUPTS.get_ptr_mut(0) {
        // SAFETY: as in `enter`.
        unsafe { *kinds &= !kind };
    }
}

/// What this CPU is doing now: one of the contract's contexts.
#[inline(always)]
pub(crate) fn now() -> u32 {
    if let Some(count) = kernel::preempt_count() {
        from_preempt_count(count)
    } else if kernel::interrupts_are_hooked() {
        INTERRUPTS
            .get(0)
            .map_or(CONTEXT_UNKNOWN, |kinds| from_hooks(*kinds))
    } else {
        CONTEXT_UNKNOWN
    }
}

/// The counter's bits have stood like this since Linux 2.6:
/// <https://github.com/torvalds/linux/blob/v6.12/include/linux/preempt.h#L14-L54>
#[inline(always)]
fn from_preempt_count(count: u32) -> u32 {
    const SOFTIRQ_SERVED: u32 = 0x0000_0100;
    const ANY_HARDIRQ: u32 = 0x000f_0000;
    const ANY_NMI: u32 = 0x00f0_0000;
    if count & ANY_NMI != 0 {
        CONTEXT_NMI
    } else if count & ANY_HARDIRQ != 0 {
        CONTEXT_HARDIRQ
    } else if count & SOFTIRQ_SERVED != 0 {
        CONTEXT_SOFTIRQ
    } else {
        CONTEXT_TASK
    }
}

#[inline(always)]
fn from_hooks(kinds: u32) -> u32 {
    if kinds & (HANDLER | HRTIMER) != 0 {
        CONTEXT_HARDIRQ
    } else if kinds & SOFTIRQ != 0 {
        CONTEXT_SOFTIRQ
    } else {
        CONTEXT_TASK
    }
}
