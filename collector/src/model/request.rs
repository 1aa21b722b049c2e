//! A request of an `io_uring`, from the record of it.
//!
//! Every number in it but the times is the traced program's own, and may be anything.

use probe_ebpf::{CQE_MORE, SQE_FIXED_FILE};

use super::{Request, operation::works_on_descriptor, registry::Registry};

/// What a record says. `relative_ns` counts a time of the record's clock from the start of the trace.
pub(super) fn request(
    record: &probe_ebpf::Request,
    registry: &Registry,
    relative_ns: impl Fn(u64) -> u64,
) -> Request {
    let probe_ebpf::Request {
        head,
        submit_ns,
        complete_ns,
        user_data,
        res,
        cqe_flags,
        fd,
        ring,
        opcode,
        sqe_flags,
        shot,
        reserved: _,
    } = *record;
    let some = |at_ns: u64| (at_ns != 0).then(|| relative_ns(at_ns));
    let (submit_ns, complete_ns) = (some(submit_ns), some(complete_ns));
    let is_descriptor = works_on_descriptor(opcode) && sqe_flags & SQE_FIXED_FILE == 0;
    let fd = Some(fd).filter(|&fd| fd >= 0 && is_descriptor);
    Request {
        pid: head.pid,
        tid: head.tid,
        ring: Some(ring).filter(|&ring| ring >= 0),
        opcode,
        fd,
        descriptor: fd
            .zip(submit_ns)
            .and_then(|(fd, at_ns)| registry.at(head.pid, fd, at_ns)),
        submit_ns,
        complete_ns,
        user_data,
        ret: complete_ns.is_some().then_some(res),
        shot,
        more: complete_ns.is_some() && cqe_flags & CQE_MORE != 0,
    }
}
