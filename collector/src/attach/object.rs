//! The compiled programs, with the one thing put in that no global can hold: a kernel variable's id.

use probe_ebpf::PER_CPU_MARK;

/// Bytes of a 64-bit load: opcode, registers, offset, low half, then a second slot with the high half.
const LOAD_BYTES: usize = 16;
/// `BPF_LD | BPF_IMM | BPF_DW`
const LOAD_OPCODE: u8 = 0x18;
/// `BPF_PSEUDO_BTF_ID`: the immediate is the BTF id of a kernel variable.
const PSEUDO_BTF_ID: u8 = 3;

/// The object with every marked load turned into a load of this variable's address. With 0 it stays
/// as it is: the programs then never come to it.
pub(crate) fn with_per_cpu_variable(object: &[u8], btf_id: u32) -> Vec<u8> {
    let mut patched = object.to_vec();
    if btf_id == 0 {
        return patched;
    }
    let low = (PER_CPU_MARK as u32).to_le_bytes();
    let high = ((PER_CPU_MARK >> 32) as u32).to_le_bytes();
    // Instructions are 8 bytes long and their sections are aligned to that.
    for at in (0..patched.len().saturating_sub(LOAD_BYTES - 1)).step_by(8) {
        let Some(
            [
                opcode,
                registers,
                _,
                _,
                l0,
                l1,
                l2,
                l3,
                0,
                0,
                0,
                0,
                h0,
                h1,
                h2,
                h3,
            ],
        ) = patched.get_mut(at..at + LOAD_BYTES)
        else {
            continue;
        };
        if *opcode == LOAD_OPCODE && [*l0, *l1, *l2, *l3] == low && [*h0, *h1, *h2, *h3] == high {
            *registers = (*registers & 0x0f) | (PSEUDO_BTF_ID << 4);
            [*l0, *l1, *l2, *l3] = btf_id.to_le_bytes();
            [*h0, *h1, *h2, *h3] = [0; 4];
        }
    }
    patched
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_loads_get_the_id_and_nothing_else_changes() {
        let object = probe_ebpf::object();
        let patched = with_per_cpu_variable(object, 0x0102_0304);
        let differing: Vec<usize> = (0..object.len())
            .filter(|&at| object[at] != patched[at])
            .collect();
        assert!(
            !differing.is_empty(),
            "the object holds no mark: no waker's context would be known"
        );
        for at in differing {
            let load = at & !7;
            assert!(
                object[load] == LOAD_OPCODE || object[load - 8] == LOAD_OPCODE,
                "byte {at} is in no load"
            );
        }
        assert_eq!(with_per_cpu_variable(object, 0), object);
    }
}
