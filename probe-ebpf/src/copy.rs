//! The moment in which the kernel begins to copy received bytes to the user.

use probe_ebpf::{CLASS_RECEIVE, FLAG_BEGAN_BEFORE, FLAG_COPY_SEEN, NO_CALL};

use crate::{kernel, sched, target, thread};

/// The kernel begins to copy, for the thread that runs now. From the first time on, the call's time on
/// the CPU is copying.
#[inline(always)]
pub(crate) fn began() {
    let task = kernel::current();
    if !target::is_target(kernel::pid(task)) || target::armed_ns().is_none() {
        return;
    }
    let Some(thread) = thread::find(kernel::tid(task)) else {
        return;
    };
    sched::settle(thread, task);
    let unknown = thread.call.flags & FLAG_BEGAN_BEFORE != 0;
    if thread.call.nr == NO_CALL
        || thread.call.flags & FLAG_COPY_SEEN != 0
        || !(thread.class == u32::from(CLASS_RECEIVE) || unknown)
    {
        return;
    }
    let now = thread::account(thread, kernel::now());
    thread.call.flags |= FLAG_COPY_SEEN;
    thread.call.copy_ns = now;
}
