//! Bytes from the kernel to the types of the contract, and back. One of the few files with `unsafe`:
//! it holds nothing else.

use probe_ebpf::{
    Brief, Call, Control, Counters, Fd, FileOffsets, Head, Life, OffCpu, READY_LARGE, READY_SMALL,
    Ready, Request, RequestOffsets, Seed, Syscall, Thread,
};

use crate::model::Record;

/// A type of the contract, as aya's maps want it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Plain<T: Copy>(pub(crate) T);

/// Types that any bytes of the right length are a value of.
///
/// # Safety
/// `repr(C)`, integers and arrays of integers only, no padding.
unsafe trait AnyBytes: Copy + 'static {}

// SAFETY: their layout is asserted in the contract, field by field all integers, without padding.
unsafe impl AnyBytes for Head {}
// SAFETY: as above.
unsafe impl AnyBytes for Call {}
// SAFETY: as above.
unsafe impl AnyBytes for Brief {}
// SAFETY: as above.
unsafe impl AnyBytes for Seed {}
// SAFETY: as above.
unsafe impl AnyBytes for Fd {}
// SAFETY: as above, and so is every array of words.
unsafe impl<const N: usize> AnyBytes for Ready<N> {}
// SAFETY: as above.
unsafe impl AnyBytes for FileOffsets {}
// SAFETY: as above.
unsafe impl AnyBytes for Request {}
// SAFETY: as above.
unsafe impl AnyBytes for RequestOffsets {}
// SAFETY: as above.
unsafe impl AnyBytes for OffCpu {}
// SAFETY: as above.
unsafe impl AnyBytes for Life {}
// SAFETY: as above.
unsafe impl AnyBytes for Thread {}
// SAFETY: as above.
unsafe impl AnyBytes for Control {}
// SAFETY: as above.
unsafe impl AnyBytes for Counters {}
// SAFETY: as above.
unsafe impl AnyBytes for Syscall {}

// SAFETY: `Plain` is transparent, and any bytes are a value of `T`.
unsafe impl<T: AnyBytes> aya::Pod for Plain<T> {}

/// A record from the bytes of one entry of the ring. `None` if they are none of this contract.
pub(crate) fn record(bytes: &[u8]) -> Option<Record> {
    match read::<Head>(bytes.get(..size_of::<Head>())?)?.kind {
        probe_ebpf::KIND_CALL => read(bytes).map(Record::Call),
        probe_ebpf::KIND_BRIEF => read::<Brief>(bytes).map(|brief| Record::Call(brief.into())),
        probe_ebpf::KIND_OFF_CPU => read(bytes).map(Record::OffCpu),
        probe_ebpf::KIND_REQUEST => read(bytes).map(Record::Request),
        probe_ebpf::KIND_LIFE => read(bytes).map(Record::Life),
        probe_ebpf::KIND_FD => read(bytes).map(|fd| Record::Fd(Box::new(fd))),
        probe_ebpf::KIND_READY => {
            let ready = read(bytes).or_else(|| read(bytes).map(enlarge))?;
            Some(Record::Ready(Box::new(ready)))
        }
        _ => None,
    }
}

/// A small record as a large one.
fn enlarge(small: Ready<READY_SMALL>) -> Ready<READY_LARGE> {
    let Ready {
        head,
        enter_ns,
        at_ns,
        what,
        epfd,
        count,
        ret,
        raw: few,
    } = small;
    let mut raw = [0; READY_LARGE];
    for (to, from) in raw.iter_mut().zip(few) {
        *to = from;
    }
    Ready {
        head,
        enter_ns,
        at_ns,
        what,
        epfd,
        count,
        ret,
        raw,
    }
}

fn read<T: AnyBytes>(bytes: &[u8]) -> Option<T> {
    if bytes.len() != size_of::<T>() {
        return None;
    }
    // SAFETY: the length is right, any bytes are a value, and the read needs no alignment.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_record_are_refused() {
        assert_eq!(record(&[]), None);
        assert_eq!(record(&[1, 0, 0]), None);
        assert_eq!(record(&[0xff; 176]), None, "unknown kind");
        let mut call = [0; size_of::<Call>() + 8];
        call[0] = probe_ebpf::KIND_CALL as u8;
        assert_eq!(record(&call), None, "too long");
        assert_eq!(record(&call[..size_of::<Call>() - 8]), None, "too short");
        assert!(matches!(
            record(&call[..size_of::<Call>()]),
            Some(Record::Call(_))
        ));
    }
}
