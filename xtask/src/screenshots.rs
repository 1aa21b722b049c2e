//! `cargo xtask screenshots`: the pictures in the README, of the page and of a turn, and one of each view in both themes, taken
//! from the running demo.
//!
//! It must never be needed for a test.

use anyhow::Result;

use crate::live::Demo;
use crate::node::Node;
use crate::packages::{self, Package};
use crate::{demo, place, run};

const SCRIPT: &str = "xtask/src/screenshots.mjs";
const PICTURE: &str = "docs/screenshot.png";
/// Of the views, to be looked at and not kept. In the target directory.
const VIEWS: &str = "screenshots";

/// Runs the demo for some seconds, and takes its picture.
pub(crate) fn run() -> Result<()> {
    packages::ensure(
        "take a picture",
        &[Package::for_program("chromium", "chromium")],
    )?;
    let node = Node::ensure()?;
    demo::build()?;
    let demo = Demo::start()?;
    let taken = run::run(
        node.node()?
            .arg(place::in_workspace(SCRIPT))
            .arg(demo.address())
            .arg(place::in_workspace(PICTURE))
            .arg(place::target().join(VIEWS)),
    );
    let ended = demo.end();
    taken.and(ended)
}
