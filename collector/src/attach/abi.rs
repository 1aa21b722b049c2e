//! Bytes from the kernel to the types of the contract, and back. One of the few files with `unsafe`:
//! it holds nothing else.

use probe_ebpf::{Brief, Call, Control, Counters, Head, Life, OffCpu, Seed, Syscall, Thread};

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
        probe_ebpf::KIND_LIFE => read(bytes).map(Record::Life),
        _ => None,
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
