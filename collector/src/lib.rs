//! `waitscope`: traces where a process waits and copies. See DESIGN in the README.
pub mod model;
