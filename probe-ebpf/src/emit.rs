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
use probe_ebpf::{Counters, Head, KIND_FD, KIND_LIFE, LOST_STATE, RING_BYTES};

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
    fn head_of(&self) -> Head;
}

macro_rules! records {
    ($($record:ident),*) => {$(
        impl Record for probe_ebpf::$record {
            #[inline(always)]
            fn head_of(&self) -> Head {
                self.head
            }
        }
    )*};
}

records!(Call, Brief, OffCpu, Life, Fd, Request);

impl<const N: usize> Record for probe_ebpf::Ready<N> {
    #[inline(always)]
    fn head_of(&self) -> Head {
        self.head
    }
}

/// Hands a record over, or counts it as lost. It is written where it is read from: no copy on the way.
#[inline(always)]
pub(crate) fn emit<R: Record>(record: R) {
    emit_in_place(record.head_of(), |place: *mut R| {
        // SAFETY: it is room for a record, aligned to 8 bytes.
        unsafe { place.write(record) };
    });
}

/// The same for a record too large for the stack: `fill` writes all of it but the head.
#[inline(always)]
pub(crate) fn emit_in_place<R: Record>(head: Head, fill: impl FnOnce(*mut R)) {
    let Some(counters) = counters() else { return };
    counters.made += 1;
    let state = head.kind == KIND_FD || head.kind == KIND_LIFE;
    // More than 31 bits can't be told; and who lost two billion has the sums.
    let lost = counters.lost_pending as u32 & !LOST_STATE;
    let head = Head {
        lost: if counters.lost_state == 0 {
            lost
        } else {
            lost | LOST_STATE
        },
        // SAFETY: the helper takes nothing and always succeeds.
        cpu: unsafe { bpf_get_smp_processor_id() } as u16,
        ..head
    };
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
        if state {
            counters.lost_state = 1;
        }
        return;
    };
    counters.lost_pending = 0;
    counters.lost_state = 0;
    let place = room.as_mut_ptr();
    fill(place);
    // SAFETY: every record begins with its head.
    unsafe { place.cast::<Head>().write(head) };
    room.submit(wake.into());
}
