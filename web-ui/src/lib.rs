//! The page's files, embedded in the program exactly as they stand in `assets/`.
//!
//! A leaf: it must never know what the page shows or who serves it.
