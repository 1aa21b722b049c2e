//! What the page draws of one lane in one stretch of time, and its bytes.
//!
//! The rule: a call at least one bucket wide comes back exactly; a narrower one is summed into the
//! bucket in which it began. See `docs/wire.md`.

use crate::model::{Arch, Call, CallClass, Copying, OffCpu, Sum, call_class};

/// Buckets in a tile.
pub const TILE_BUCKETS: u64 = 512;
/// The highest level: buckets of 2⁴⁰ ns, 18 minutes.
pub const LEVEL_MAX: u8 = 40;
/// `WST1`
const MAGIC: u32 = 0x3154_5357;

/// A stretch of time, cut into buckets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) level: u8,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    pub(super) bucket_ns: u64,
}

impl Grid {
    /// The tile of this level and index; `None` beyond the end of time.
    pub(super) fn new(level: u8, index: u64) -> Option<Self> {
        let bucket_ns = 1_u64
            .checked_shl(level.into())
            .filter(|_| level <= LEVEL_MAX)?;
        let width_ns = bucket_ns * TILE_BUCKETS;
        let start_ns = index.checked_mul(width_ns)?;
        Some(Self {
            level,
            start_ns,
            end_ns: start_ns.checked_add(width_ns)?,
            bucket_ns,
        })
    }

    pub(super) fn bucket(&self, ns: u64) -> u64 {
        ns.saturating_sub(self.start_ns) / self.bucket_ns
    }

    pub(super) fn bucket_end_ns(&self, bucket: u64) -> u64 {
        self.start_ns + (bucket + 1) * self.bucket_ns
    }
}

/// The answer for one lane and one stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tile {
    /// The architecture of the calls' numbers, if it is known.
    pub(super) arch: Option<Arch>,
    /// It never changes.
    pub sealed: bool,
    /// Calls at least one bucket wide that overlap it.
    pub calls: Vec<Call>,
    /// Times off the CPU at least one bucket wide that overlap it.
    pub spans: Vec<OffCpu>,
    /// What all narrower ones add up to, by bucket, where there are any.
    pub sums: Vec<(u32, Sum)>,
}

impl Tile {
    /// The bytes of `docs/wire.md`.
    pub fn encode(&self) -> Vec<u8> {
        let class = |nr| {
            self.arch
                .map_or(CallClass::Other, |arch| call_class(arch, nr))
        };
        let mut out = Columns::default();
        let flags = u32::from(self.sealed);
        let counts =
            [self.calls.len(), self.spans.len(), self.sums.len()].map(|count| count as u32);
        out.u32s([MAGIC, flags, counts[0], counts[1], counts[2], 0, 0, 0].into_iter());
        let calls = || self.calls.iter();
        out.f64s(calls().map(|call| call.start_ns as f64));
        out.f64s(calls().map(|call| call.end_ns as f64));
        out.f64s(calls().map(|call| call.kernel_ns as f64));
        out.f64s(calls().map(|call| call.blocked_ns as f64));
        out.f64s(calls().map(|call| call.runnable_ns as f64));
        out.f64s(calls().map(|call| call.copying_ns as f64));
        out.f64s(calls().map(|call| call.copying.start_ns().map_or(f64::NAN, |at| at as f64)));
        out.f64s(calls().map(|call| call.other_ns as f64));
        out.u32s(calls().map(|call| call.nr));
        out.u32s(calls().map(|call| call_flags(call, class(call.nr))));
        let spans = || self.spans.iter();
        out.f64s(spans().map(|span| span.start_ns as f64));
        out.f64s(spans().map(|span| span.woken_ns.unwrap_or(span.start_ns) as f64));
        out.f64s(spans().map(|span| span.end_ns as f64));
        out.u32s(spans().map(span_flags));
        let sums = || self.sums.iter().map(|(_, sum)| sum);
        out.u32s(self.sums.iter().map(|(bucket, _)| *bucket));
        out.u32s(sums().map(|sum| sum.calls));
        out.f64s(sums().map(|sum| sum.kernel_ns as f64));
        out.f64s(sums().map(|sum| sum.blocked_ns as f64));
        out.f64s(sums().map(|sum| sum.runnable_ns as f64));
        out.f64s(sums().map(|sum| sum.copying_ns as f64));
        out.f64s(sums().map(|sum| sum.outside_blocked_ns as f64));
        out.f64s(sums().map(|sum| sum.outside_runnable_ns as f64));
        out.f64s(sums().map(|sum| sum.other_ns as f64));
        out.bytes
    }
}

fn call_flags(call: &Call, class: CallClass) -> u32 {
    let class = match class {
        CallClass::Readiness => 64,
        CallClass::Receive => 128,
        CallClass::Send => 256,
        CallClass::Connect => 512,
        CallClass::Uring | CallClass::NoReturn | CallClass::Restart | CallClass::Other => 0,
    };
    let flag = |on: bool, bit: u32| if on { bit } else { 0 };
    flag(call.began_before, 1)
        | flag(call.killed, 2)
        | flag(matches!(call.copying, Copying::Inferred(_)), 4)
        | flag(call.continues, 8)
        | flag(call.is_check(), 16)
        | flag(call.ret.is_some_and(|ret| ret < 0), 32)
        | flag(call.unseen, 1024)
        | class
}

fn span_flags(span: &OffCpu) -> u32 {
    let flag = |on: bool, bit: u32| if on { bit } else { 0 };
    flag(span.in_call, 1) | flag(span.woken_ns.is_none(), 2) | flag(span.unseen, 4)
}

/// Little-endian columns, each aligned to 8 bytes.
#[derive(Default)]
struct Columns {
    bytes: Vec<u8>,
}

impl Columns {
    fn u32s(&mut self, values: impl Iterator<Item = u32>) {
        values.for_each(|value| self.bytes.extend(value.to_le_bytes()));
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }

    fn f64s(&mut self, values: impl Iterator<Item = f64>) {
        values.for_each(|value| self.bytes.extend(value.to_le_bytes()));
    }
}
