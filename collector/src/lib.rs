//! dev
pub mod attach;
pub mod model;
pub mod store;
pub mod text;
