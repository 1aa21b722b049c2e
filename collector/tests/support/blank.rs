//! Events of which nothing is known but whose they are: tests fill in what they are about, and a new field is added
//! here only.
#![allow(dead_code, reason = "each test uses its own part")]

use waitscope::model::{Call, Copying, Descriptor, DescriptorKind, Timeout};

/// A TCP socket that was there before, and still is.
pub(crate) fn descriptor(pid: u32, fd: i32, id: u32) -> Descriptor {
    Descriptor {
        id,
        pid,
        fd,
        kind: DescriptorKind::Tcp,
        name: String::new(),
        local: None,
        peer: None,
        peer_pid: None,
        object: 0,
        opened_ns: None,
        closed_ns: None,
    }
}

/// A call that took no time, never slept and returned 0.
pub(crate) fn call(pid: u32, tid: u32, nr: u32) -> Call {
    Call {
        pid,
        tid,
        cpu: 0,
        nr,
        start_ns: 0,
        end_ns: 0,
        kernel_ns: 0,
        blocked_ns: 0,
        runnable_ns: 0,
        copying_ns: 0,
        copying: Copying::None,
        sleeps: 0,
        preemptions: 0,
        first_sleep_ns: None,
        last_wake_ns: None,
        waker: None,
        fd: None,
        descriptor: None,
        ready_delay_ns: None,
        requested: None,
        timeout: Timeout::Unknown,
        ret: Some(0),
        began_before: false,
        killed: false,
        continues: false,
        unseen: false,
        others: 0,
        other_ns: 0,
    }
}
