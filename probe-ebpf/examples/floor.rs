//! Two empty programs, on the entry and the exit of every syscall: the least that any tracer on these
//! hooks can cost. `cargo xtask bench overhead` measures against it.
//!
//! It must never do anything, and is no part of the product.
#![cfg_attr(target_arch = "bpf", no_std, no_main)]

#[cfg(not(target_arch = "bpf"))]
fn main() {}

#[cfg(target_arch = "bpf")]
mod programs {
    use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

    #[btf_tracepoint(function = "sys_enter")]
    fn floor_enter(_context: BtfTracePointContext) -> i32 {
        0
    }

    #[btf_tracepoint(function = "sys_exit")]
    fn floor_exit(_context: BtfTracePointContext) -> i32 {
        0
    }

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        loop {}
    }

    // The hooks are for programs under the GPL only.
    #[unsafe(link_section = "license")]
    #[unsafe(no_mangle)]
    static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
}
