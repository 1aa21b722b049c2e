//! The contract between the kernel side and user space: the records, the names of maps and
//! globals, and the compiled object itself.
//!
//! This is the only definition of a record. It must never depend on anything, allocate, or hold
//! a fact about one kernel or one architecture: those are resolved in user space and handed to
//! the programs as read-only globals.
//!
//! All times are nanoseconds of `CLOCK_BOOTTIME` (`bpf_ktime_get_boot_ns`).
#![cfg_attr(target_arch = "bpf", no_std)]
#![forbid(unsafe_code)]

mod contract;

pub use contract::*;

// Both sides must agree to the byte, and no padding may leak kernel memory.
const _: () = {
    assert!(size_of::<Head>() == 16);
    assert!(size_of::<Call>() == 184);
    assert!(size_of::<Brief>() == 72);
    assert!(size_of::<Fd>() == 16 + 16 + 16 + 8 + 8 + 8 + 16 + 32 + NAME_BYTES + 8);
    assert!(size_of::<Ready<READY_SMALL>>() == 48 + READY_SMALL * 8);
    assert!(size_of::<FileOffsets>() == 26 * 4);
    assert!(size_of::<RequestOffsets>() == 16 * 4);
    assert!(size_of::<Request>() == 16 + 3 * 8 + 8 * 4);
    assert!(size_of::<OffCpu>() == 88);
    assert!(size_of::<Life>() == 48);
    assert!(size_of::<Syscall>() == 4);
    assert!(size_of::<Seed>() == 40);
    assert!(size_of::<Thread>() == 184 + 7 * 8 + 10 * 4 + 16 + 32);
    assert!(THREAD_SLOTS.is_power_of_two());
    // Claimed as one number of 64 bits.
    assert!(core::mem::offset_of!(Head, pid) == 8 && core::mem::offset_of!(Head, tid) == 12);
};

/// The compiled programs, as `cargo xtask ebpf` made them from this crate's sources.
#[cfg(not(target_arch = "bpf"))]
pub fn object() -> &'static [u8] {
    /// An ELF file is read in place, so it must stand where its headers are aligned.
    #[repr(C, align(32))]
    struct Aligned<B: ?Sized>(B);
    static OBJECT: &Aligned<[u8]> = &Aligned(*include_bytes!("../object/waitscope-probe.bpf.o"));
    &OBJECT.0
}
