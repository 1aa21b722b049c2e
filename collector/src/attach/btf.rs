//! The kernel's own description of its types (BTF): where fields stand, and what hooks hand over.
//!
//! Only what offsets need. Every read is bounds-checked: a damaged description is an error, never a
//! panic. Layout: <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/btf.h>

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

const MAGIC: u16 = 0xeb9f;

/// Kinds of types, as numbered by the kernel.
pub(crate) mod kind {
    pub(crate) const PTR: u32 = 2;
    pub(crate) const STRUCT: u32 = 4;
    pub(crate) const UNION: u32 = 5;
    pub(crate) const ENUM: u32 = 6;
    pub(crate) const TYPEDEF: u32 = 8;
    pub(crate) const VOLATILE: u32 = 9;
    pub(crate) const CONST: u32 = 10;
    pub(crate) const RESTRICT: u32 = 11;
    pub(crate) const FUNC_PROTO: u32 = 13;
    pub(crate) const VAR: u32 = 14;
    pub(crate) const TYPE_TAG: u32 = 18;
}

/// A kernel's types.
pub(crate) struct Btf {
    data: Vec<u8>,
    /// Where each type begins in `data`; type ids count from 1.
    types: Vec<usize>,
    strings: std::ops::Range<usize>,
}

/// One type's fixed part.
#[derive(Clone, Copy)]
struct Type {
    name: u32,
    kind: u32,
    flag: bool,
    len: usize,
    /// Size, or the type referred to.
    refers: u32,
    /// Where its variable part begins.
    body: usize,
}

impl Btf {
    /// Reads `/sys/kernel/btf/vmlinux` or another file of its kind.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let data = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        Self::parse(data).with_context(|| format!("understand {}", path.display()))
    }

    /// Takes a description apart. Big-endian ones are refused, as no supported kernel has one.
    pub(crate) fn parse(data: Vec<u8>) -> Result<Self> {
        let u16_at = |at: usize| Some(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?));
        let u32_at = |at: usize| u32_at(&data, at);
        ensure!(
            u16_at(0) == Some(MAGIC),
            "not a little-endian BTF description"
        );
        let header = u32_at(4).context("cut off in its header")? as usize;
        let section = |at: usize| -> Option<std::ops::Range<usize>> {
            let start = header.checked_add(u32_at(at)? as usize)?;
            let end = start.checked_add(u32_at(at + 4)? as usize)?;
            (end <= data.len()).then_some(start..end)
        };
        let all_types = section(8).context("its types are cut off")?;
        let strings = section(16).context("its strings are cut off")?;
        let mut types = Vec::new();
        let mut at = all_types.start;
        while at < all_types.end {
            types.push(at);
            let Some(ty) = type_at(&data, at) else {
                bail!("a type is cut off")
            };
            at = ty.body + body_size(&ty).with_context(|| format!("unknown kind {}", ty.kind))?;
        }
        ensure!(at == all_types.end, "its last type is cut off");
        Ok(Self {
            data,
            types,
            strings,
        })
    }

    fn get(&self, id: u32) -> Option<Type> {
        let at = *self.types.get((id as usize).checked_sub(1)?)?;
        type_at(&self.data, at)
    }

    fn name(&self, offset: u32) -> &[u8] {
        let strings = self.data.get(self.strings.clone()).unwrap_or_default();
        let from = strings.get(offset as usize..).unwrap_or_default();
        from.split(|&byte| byte == 0).next().unwrap_or_default()
    }

    /// The id of the type of this kind and name.
    pub(crate) fn find(&self, kind: u32, name: &str) -> Option<u32> {
        (1..=self.types.len() as u32).find(|&id| {
            self.get(id).is_some_and(|ty| {
                ty.kind == kind && ty.name != 0 && self.name(ty.name) == name.as_bytes()
            })
        })
    }

    /// The type behind names and qualifiers.
    fn strip(&self, mut id: u32) -> Option<Type> {
        // A chain longer than this is a loop.
        for _ in 0..32 {
            let ty = self.get(id)?;
            match ty.kind {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                    id = ty.refers;
                }
                _ => return Some(ty),
            }
        }
        None
    }

    /// Bytes from the start of a struct to a field, by the path of names to it, through unnamed
    /// members where there are any: `("task_struct", ["thread_info", "flags"])`.
    pub(crate) fn offset(&self, of: &str, path: &[&str]) -> Option<u32> {
        let mut ty = self.get(self.find(kind::STRUCT, of)?)?;
        let mut bits = 0;
        for name in path {
            let (at, member) = self.member(&ty, name, 0)?;
            bits += at;
            ty = self.strip(member)?;
        }
        (bits % 8 == 0).then_some(bits / 8)
    }

    /// Bit offset and type of a member, looked for in unnamed members too.
    fn member(&self, ty: &Type, name: &str, depth: u32) -> Option<(u32, u32)> {
        if !(ty.kind == kind::STRUCT || ty.kind == kind::UNION) || depth > 8 {
            return None;
        }
        (0..ty.len).find_map(|index| {
            let at = ty.body + index * 12;
            let member_name = u32_at(&self.data, at)?;
            let member_type = u32_at(&self.data, at + 4)?;
            let offset = u32_at(&self.data, at + 8)?;
            // With the flag, the upper byte is a bit field's width.
            let bits = if ty.flag {
                offset & 0x00ff_ffff
            } else {
                offset
            };
            if member_name != 0 && self.name(member_name) == name.as_bytes() {
                return Some((bits, member_type));
            }
            if !self.name(member_name).is_empty() {
                return None;
            }
            let (inner, found) = self.member(&self.strip(member_type)?, name, depth + 1)?;
            Some((bits + inner, found))
        })
    }

    /// Whether programs may call this helper: the kernel lists them all, by number, in an enum.
    pub(crate) fn has_helper(&self, helper: &str) -> bool {
        let wanted = format!("BPF_FUNC_{helper}");
        let Some(list) = self
            .find(kind::ENUM, "bpf_func_id")
            .and_then(|id| self.get(id))
        else {
            return false;
        };
        (0..list.len).any(|index| {
            u32_at(&self.data, list.body + index * 8)
                .is_some_and(|name| self.name(name) == wanted.as_bytes())
        })
    }

    /// How many arguments a hook hands over, or `None` if the kernel has no such hook.
    pub(crate) fn hook_arguments(&self, hook: &str) -> Option<usize> {
        let named = self.find(kind::TYPEDEF, &format!("btf_trace_{hook}"))?;
        let pointer = self.strip(named)?;
        if pointer.kind != kind::PTR {
            return None;
        }
        let proto = self.strip(pointer.refers)?;
        // The first parameter is the hook's own data.
        (proto.kind == kind::FUNC_PROTO).then(|| proto.len.saturating_sub(1))
    }
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        data.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

fn type_at(data: &[u8], at: usize) -> Option<Type> {
    let info = u32_at(data, at + 4)?;
    Some(Type {
        name: u32_at(data, at)?,
        kind: (info >> 24) & 0x1f,
        flag: info >> 31 != 0,
        len: (info & 0xffff) as usize,
        refers: u32_at(data, at + 8)?,
        body: at + 12,
    })
}

/// Bytes of a type's variable part.
fn body_size(ty: &Type) -> Option<usize> {
    Some(match ty.kind {
        1 | 14 | 17 => 4,               // INT, VAR, DECL_TAG
        3 => 12,                        // ARRAY
        4 | 5 | 15 | 19 => 12 * ty.len, // STRUCT, UNION, DATASEC, ENUM64
        6 | 13 => 8 * ty.len,           // ENUM, FUNC_PROTO
        2 | 7..=12 | 16 | 18 => 0,      // PTR, FWD … FUNC, FLOAT, TYPE_TAG
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_cut_anywhere_or_not_one_at_all_is_an_error() {
        let Ok(whole) = std::fs::read("/sys/kernel/btf/vmlinux") else {
            panic!("this machine's kernel has no BTF, and the kernel tests need one");
        };
        for cut in [0, 1, 8, 23, 24, 4096, whole.len() - 1] {
            assert!(Btf::parse(whole[..cut].to_vec()).is_err(), "cut at {cut}");
        }
        assert!(Btf::parse(b"not BTF, but long enough for a header".to_vec()).is_err());
    }

    #[test]
    fn fields_are_found_where_the_kernel_has_them() {
        let btf = Btf::read(Path::new("/sys/kernel/btf/vmlinux")).unwrap();
        // The only struct that user space knows by heart: its layout is fixed for ever.
        assert_eq!(btf.offset("itimerspec64", &["it_interval"]), Some(0));
        assert_eq!(btf.offset("itimerspec64", &["it_value"]), Some(16));
        assert_eq!(
            btf.offset("itimerspec64", &["it_value", "tv_nsec"]),
            Some(24)
        );
        assert_eq!(btf.offset("itimerspec64", &["no_such_field"]), None);
        assert_eq!(btf.hook_arguments("sys_enter"), Some(2));
        assert_eq!(btf.hook_arguments("no_such_hook"), None);
        assert!(btf.has_helper("ktime_get_boot_ns"));
        assert!(!btf.has_helper("no_such_helper"));
    }
}
