//! The page's tests, with the demo running for those that look at a live page.

use anyhow::Result;

use super::tally::Tally;
use crate::live::Demo;
use crate::node::Node;
use crate::run;

/// Runs them all; `live` is whether the demo can be traced here.
pub(super) fn run(node: &Node, live: bool, tally: &mut Tally) -> Result<()> {
    let mut tests = node.node()?;
    // One file at a time: a browser measures, and two cores are not many.
    tests.args(["--test", "--test-concurrency=1", "--test-reporter=tap"]);
    if !live {
        return run::watch(&mut tests, |line| tally.node(line));
    }
    let demo = Demo::start()?;
    tests.env("WAITSCOPE_URL", demo.address());
    let tested = run::watch(&mut tests, |line| tally.node(line));
    let ended = demo.end();
    tested.and(ended)
}
