//! The programs' entry points: which hook calls which handler.
//!
//! It must never hold logic of its own; each concern has a file.
#![cfg_attr(target_arch = "bpf", no_std, no_main)]

#[cfg(not(target_arch = "bpf"))]
fn main() {}
