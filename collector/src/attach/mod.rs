//! From a process id to armed programs, and back to no rights at all.

mod abi;
mod btf;
mod doctor;
mod failure;
mod kernel;
mod load;
mod object;
mod open_files;
mod rights;
mod seed;
mod session;
mod sockets;
mod syscalls;
mod target;

pub use doctor::{Finding, State, examine};
pub use failure::Unsupported;
pub use rights::{become_invoking_user, drop_all, invoking_user};
pub use session::{Detail, Finished, Options, Session, Totals};
pub use target::Target;

/// What the ring's next entry says, for whoever feeds it with any bytes.
#[cfg(fuzzing)]
#[doc(hidden)]
pub fn record(bytes: &[u8]) -> Option<crate::model::Record> {
    abi::record(bytes)
}
