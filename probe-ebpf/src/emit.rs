//! Handing records over: the only user of the ring buffer, and the only place that loses anything.
//!
//! `made = delivered + lost` holds on every CPU, because both sides are counted here and nowhere
//! else. Programs on one CPU do not interrupt each other between reading and writing a counter:
//! the kernel runs them with preemption (or at least migration) off, and none runs in an interrupt
//! that makes records.

use aya_ebpf::{
    bindings::{BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    helpers::generated::bpf_get_smp_processor_id,
    macros::map,
    maps::{PerCpuArray, RingBuf},
};
use probe_ebpf::{Counters, Head, RING_BYTES};

use crate::kernel::global;

/// A wake-up is a self-interrupt on the traced thread's CPU, so the ring's fill is looked at only
/// once in so many records; user space comes by on its own much more often than that.
const LOOK_EVERY: u64 = 64;

#[unsafe(no_mangle)]
static WAKE_AT_BYTES: u32 = 0;

#[map]
static RECORDS: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);
#[map]
static COUNTERS: PerCpuArray<Counters> = PerCpuArray::with_max_entries(1, 0);

/// This CPU's counters.
#[inline(always)]
pub(crate) fn counters() -> Option<&'static mut Counters> {
    // SAFETY: each CPU has its own, see above.
    COUNTERS
        .get_ptr_mut(0)
        .map(|counters| unsafe { &mut *counters })
}

/// A record: it begins with a [`Head`].
pub(crate) trait Record: 'static {
    /// Its head.
    fn head(&mut self) -> &mut Head;
}

macro_rules! records {
    ($($record:ident),*) => {$(
        impl Record for probe_ebpf::$record {
            #[inline(always)]
            fn head(&mut self) -> &mut Head {
                &mut self.head
            }
        }
    )*};
}

records!(Call, Brief, OffCpu, Life);

/// Hands a record over, or counts it as lost. It is written where it is read from: no copy on the way.
#[inline(always)]
pub(crate) fn emit<R: Record>(mut record: R) {
    let Some(counters) = counters() else { return };
    counters.made += 1;
    let head = record.head();
    head.lost = counters.lost_pending as u32;
    // SAFETY: the helper takes nothing and always succeeds.
    head.cpu = unsafe { bpf_get_smp_processor_id() } as u16;
    let full = counters.made % LOOK_EVERY == 0
        && RECORDS.query(BPF_RB_AVAIL_DATA.into()) > global(&WAKE_AT_BYTES).into();
    let wake = if full {
        BPF_RB_FORCE_WAKEUP
    } else {
        BPF_RB_NO_WAKEUP
    };
    let Some(mut room) = RECORDS.reserve::<R>(0) else {
        counters.lost += 1;
        counters.lost_pending += 1;
        return;
    };
    counters.lost_pending = 0;
    room.write(record);
    room.submit(wake.into());
}
