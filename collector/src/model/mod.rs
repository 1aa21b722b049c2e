//! What a trace is made of, and how the kernel's records become it.
//!
//! Pure code: no files, no clock, no kernel, no HTTP. Everything that shows, stores or exports a
//! trace works on the [`Event`]s defined here, live and replayed alike.

mod arguments;
mod call_kind;
mod cause;
mod chain;
mod descriptor;
pub(crate) mod descriptor_name;
mod descriptors;
mod event;
mod finding;
pub(crate) mod id_map;
mod intake;
mod io_model;
mod known;
mod loop_thread;
mod names;
mod operation;
mod process_readiness;
pub(crate) mod ready_set;
pub(crate) mod recent_map;
pub(crate) mod registry;
mod request;
mod sketch;
mod table;
mod trace;
mod trigger;
mod turn;
mod turns;
mod whys;

pub use call_kind::{CallKind, CallKinds};
pub use cause::{Cause, Why};
pub use chain::{At, Chain, Chains, LINKS_MAX, Link};
pub use descriptor::{Descriptor, DescriptorKind, Ready, Request, readiness};
pub use descriptors::Descriptors;
pub use event::{
    Call, Context, Copying, End, Event, Gap, Life, LifeKind, OffCpu, OpenThread, Timeout, Waker,
};
pub use finding::{Finding, Findings, On, Severity, Unacted, What};
pub use intake::{Intake, Record};
pub use io_model::{IoEvidence, IoModel, Multiplexer, Trigger};
pub use known::Known;
pub use names::{Arch, CallClass, call_class, call_name};
pub use operation::operation_name;
pub use process_readiness::ProcessReadiness;
pub use sketch::{
    GLANCE_BITS, GLANCE_BITS_MAX, Off, Piece, Run, SHORT_BITS, Series, Sketch, Sketcher, Sum,
};
pub use table::{Marks, Numbers, RowKind, Table, Texts, cell};
pub use trace::Trace;
pub use trigger::{Condition, Fired, Rule, Triggers};
pub use turn::{Stall, Turn};
pub use turns::Turns;
pub use whys::Whys;
