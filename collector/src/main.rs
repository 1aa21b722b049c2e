//! The plot: parse, build, wire, run.
fn main() {}
