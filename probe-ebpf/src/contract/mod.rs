//! The contract, one file a concern. It must never depend on anything outside of it.

mod descriptor;
mod names;
mod record;
mod request;
mod state;
mod syscall;

pub use descriptor::*;
pub use names::*;
pub use record::*;
pub use request::*;
pub use state::*;
pub use syscall::*;
