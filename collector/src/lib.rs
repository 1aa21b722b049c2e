//! `waitscope`: shows where a running process waits and where it copies.
//!
//! Data flows one way: `attach` reads the kernel's records, `model` makes events of them, `drain` sums them up and gives them to `hands`, which
//! hands them to a `recording` and to the `store` behind the page that `serve` serves; the sums are a
//! `report`; `opened` puts a recording in a store, and `reading` tells how far it is where one is read beside that; `story` tells of one call what the export says of it and what is around it; `export` turns a recording into what other programs read, and `diff` tells what changed between two; `compare` sums up traces of two of the
//! `demo`'s servers. Only `cli` prints.
pub mod attach;
pub mod cli;
pub mod compare;
pub mod demo;
pub mod diff;
pub mod drain;
pub mod export;
pub mod hands;
pub mod model;
pub mod opened;
pub mod reading;
pub mod recording;
pub mod report;
pub mod serve;
pub mod store;
pub mod story;
pub mod text;
