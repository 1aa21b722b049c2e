//! How a recording is kept, as it was typed. It must never act on it.

use std::time::Duration;

use clap::Args;

use super::quantity::{duration, size};
use crate::recording::Rotation;

/// How a recording is kept.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Recording in several files")]
pub(crate) struct Keeping {
    /// Begin another file once one has this size: 500MiB, 1GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) rotate_size: Option<u64>,
    /// Begin another file after this time: 10m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) rotate_every: Option<Duration>,
    /// Keep so many files of this trace, and remove older ones
    #[arg(long, value_name = "FILES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: Option<u32>,
}

impl Keeping {
    /// What it means.
    pub(crate) fn rotation(&self) -> Rotation {
        Rotation {
            size_bytes: self.rotate_size,
            every: self.rotate_every,
            keep: self.keep.map(|keep| keep as usize),
        }
    }

    /// What is wrong with it, if a recording is or is not wanted.
    pub(crate) fn fault(&self, records: bool) -> Option<&'static str> {
        let rotates = self.rotate_size.is_some() || self.rotate_every.is_some();
        if rotates && !records {
            Some(
                "--rotate-size and --rotate-every need a recording: give --record FILE, and no --flight",
            )
        } else if self.keep.is_some() && !rotates {
            Some("--keep needs --rotate-size or --rotate-every")
        } else {
            None
        }
    }
}
