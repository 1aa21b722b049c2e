//! Loads and attaches the two empty programs of `probe-ebpf/examples/floor.rs`, until standard input ends.
//!
//! What `cargo xtask bench overhead` measures against; it must never be used by the product.

use std::io::Read;

use anyhow::{Context, Result};
use aya::programs::BtfTracePoint;
use aya::{Btf, Ebpf};

fn main() -> Result<()> {
    let object = std::env::args().nth(1).context("usage: floor OBJECT")?;
    let mut ebpf = Ebpf::load_file(&object).with_context(|| format!("load {object}"))?;
    let btf = Btf::from_sys_fs().context("read the kernel's BTF")?;
    for (name, hook) in [("floor_enter", "sys_enter"), ("floor_exit", "sys_exit")] {
        let program = ebpf
            .program_mut(name)
            .with_context(|| format!("find {name} in {object}"))?;
        let program: &mut BtfTracePoint = program.try_into()?;
        program
            .load(hook, &btf)
            .with_context(|| format!("load {name}"))?;
        program
            .attach()
            .with_context(|| format!("attach {name} to {hook}"))?;
    }
    println!("attached");
    std::io::stdin()
        .read_to_end(&mut Vec::new())
        .context("wait for the end of standard input")?;
    Ok(())
}
