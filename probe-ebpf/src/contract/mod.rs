//! The contract, one file a concern. It must never depend on anything outside of it.

mod descriptor;
mod names;
mod record;
mod state;
mod syscall;

pub use descriptor::*;
pub use names::*;
pub use record::*;
pub use state::*;
pub use syscall::*;
