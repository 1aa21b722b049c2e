//! The file a trace is kept in: an Arrow IPC stream with one row for each [`Event`], and one for all that
//! a readiness call waited for.
//!
//! What is written is described for users in `docs/recording.md`. Nothing here may trust a file:
//! one that is cut at any byte, or damaged anywhere, gives what can be read and says what is missing.
//!
//! ```text
//!   header  | batch | batch | …  | last batch: its last row is the end | end of stream
//!   schema,   up to 65,536 rows, each column
//!   trace     compressed by itself
//! ```
//!
//! [`Event`]: crate::model::Event

mod batch;
mod check;
mod column;
mod disk;
mod encode;
mod flight;
mod frame;
mod note;
mod read;
mod rotate;
mod row;
mod schema;
mod set;
mod sketch;
mod table;
mod write;

pub use batch::{Batches, Decoded, Rows};
pub use flight::{Capture, Flight, FlightPlan, Flown};
#[doc(hidden)]
pub use note::sketch_of_bytes;
pub use read::{Cut, Reader};
pub use rotate::{Recorder, Rotation};
pub use write::Writer;

/// The value of `format` in the metadata of every recording.
pub const FORMAT: &str = "waitscope-recording";
/// The version written, and the newest that can be read.
pub const VERSION: u32 = 3;
/// Rows in a batch, at most: what a reader must be able to hold.
pub const ROWS_MAX: usize = 65_536;
