//! `waitscope`: shows where a running process waits and where it copies.
//!
//! Data flows one way: `attach` → `drain` → `model` → `recording` and `store` → `export`, `report`, `serve`.
pub mod attach;
pub mod model;
pub mod text;
