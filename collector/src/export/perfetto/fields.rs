//! Numbers of the fields and values that we write, as Perfetto's own definitions have them:
//! <https://github.com/google/perfetto/tree/246b14de886b982a465bd80a832f7d21d2b63866/protos/perfetto/trace>.

/// `Trace`
pub(super) mod trace {
    pub(in super::super) const PACKET: u32 = 1;
}

/// `TracePacket`
pub(super) mod packet {
    pub(in super::super) const CLOCK_SNAPSHOT: u32 = 6;
    pub(in super::super) const TIMESTAMP: u32 = 8;
    pub(in super::super) const SEQUENCE_ID: u32 = 10;
    pub(in super::super) const TRACK_EVENT: u32 = 11;
    pub(in super::super) const INTERNED_DATA: u32 = 12;
    pub(in super::super) const SEQUENCE_FLAGS: u32 = 13;
    pub(in super::super) const DEFAULTS: u32 = 59;
    pub(in super::super) const TRACK_DESCRIPTOR: u32 = 60;
    /// Of `SEQUENCE_FLAGS`: names are given from here on.
    pub(in super::super) const STATE_CLEARED: u64 = 1;
    /// Likewise: names that were given are needed.
    pub(in super::super) const NEEDS_STATE: u64 = 2;
}

/// `TracePacketDefaults`
pub(super) mod defaults {
    pub(in super::super) const TIMESTAMP_CLOCK_ID: u32 = 58;
}

/// `ClockSnapshot`, its `Clock`, and `BuiltinClock`
pub(super) mod clock {
    pub(in super::super) const CLOCKS: u32 = 1;
    pub(in super::super) const PRIMARY: u32 = 2;
    pub(in super::super) const ID: u32 = 1;
    pub(in super::super) const TIMESTAMP: u32 = 2;
    pub(in super::super) const REALTIME: u64 = 1;
    pub(in super::super) const BOOTTIME: u64 = 6;
}

/// `TrackDescriptor`, with `ProcessDescriptor`, `ThreadDescriptor` and `CounterDescriptor`
pub(super) mod track {
    pub(in super::super) const UUID: u32 = 1;
    pub(in super::super) const NAME: u32 = 2;
    pub(in super::super) const PROCESS: u32 = 3;
    pub(in super::super) const THREAD: u32 = 4;
    pub(in super::super) const PARENT_UUID: u32 = 5;
    pub(in super::super) const COUNTER: u32 = 8;
    pub(in super::super) const PROCESS_PID: u32 = 1;
    pub(in super::super) const PROCESS_NAME: u32 = 6;
    pub(in super::super) const THREAD_PID: u32 = 1;
    pub(in super::super) const THREAD_TID: u32 = 2;
    pub(in super::super) const THREAD_NAME: u32 = 5;
    pub(in super::super) const COUNTER_UNIT_NAME: u32 = 6;
}

/// `TrackEvent`
pub(super) mod event {
    pub(in super::super) const CATEGORY_IIDS: u32 = 3;
    pub(in super::super) const ANNOTATIONS: u32 = 4;
    pub(in super::super) const TYPE: u32 = 9;
    pub(in super::super) const NAME_IID: u32 = 10;
    pub(in super::super) const TRACK_UUID: u32 = 11;
    pub(in super::super) const DOUBLE_COUNTER_VALUE: u32 = 44;
    pub(in super::super) const FLOW_IDS: u32 = 47;
    pub(in super::super) const TERMINATING_FLOW_IDS: u32 = 48;
    /// Of `TYPE`.
    pub(in super::super) const BEGIN: u64 = 1;
    pub(in super::super) const END: u64 = 2;
    pub(in super::super) const INSTANT: u64 = 3;
    pub(in super::super) const COUNTER: u64 = 4;
}

/// `InternedData`, and each of its names
pub(super) mod interned {
    pub(in super::super) const CATEGORIES: u32 = 1;
    pub(in super::super) const EVENT_NAMES: u32 = 2;
    pub(in super::super) const ANNOTATION_NAMES: u32 = 3;
    pub(in super::super) const ANNOTATION_TEXTS: u32 = 29;
    pub(in super::super) const IID: u32 = 1;
    pub(in super::super) const NAME: u32 = 2;
}

/// `DebugAnnotation`
pub(super) mod annotation {
    pub(in super::super) const NAME_IID: u32 = 1;
    pub(in super::super) const BOOL: u32 = 2;
    pub(in super::super) const UINT: u32 = 3;
    pub(in super::super) const INT: u32 = 4;
    pub(in super::super) const TEXT_IID: u32 = 17;
}
