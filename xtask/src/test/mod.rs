//! `cargo xtask test`: every test there is, on whatever machine this is.
//!
//! Nothing is skipped in silence: a step that can't be run has failed, and the table at the end says what
//! ran. Everything is built for release, once, because the tests of the kernel want the product.

mod kernel;
mod ledger;
mod page;
mod python;
mod tally;

use std::env;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::packages::{self, Package};
use crate::{check, ebpf, fuzz, node, place, run};
use ledger::Ledger;

/// What the tests use beside our own code: servers and loads to trace, and observers to compare with.
const PACKAGES: &[Package] = &[
    Package::for_program("redis-server", "redis-server").without_service("redis-server"),
    Package::for_program("redis-tools", "redis-benchmark"),
    Package::for_program("nginx-light", "nginx").without_service("nginx"),
    Package::for_program("gunicorn", "gunicorn"),
    Package::for_program("wrk", "wrk"),
    Package::for_program("strace", "strace"),
    Package::for_program("iproute2", "ss"),
    Package::for_program("lsof", "lsof"),
    Package::for_program("linux-perf", "perf"),
    Package::for_program("chromium", "chromium"),
];

/// How much to test.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave out what needs root; the table says so.
    #[arg(long)]
    no_root: bool,
    /// Build the eBPF object from source too and test that one. Always done where `CI=true`.
    #[arg(long)]
    fresh_object: bool,
    /// Run each fuzz target for a minute too. Always done where `CI=true`.
    #[arg(long)]
    fuzz: bool,
}

/// Runs all steps, whatever becomes of each, and fails if one did.
pub(crate) fn run(options: &Options) -> Result<()> {
    let everything = env::var_os("CI").is_some_and(|value| value == "true");
    let fresh = options.fresh_object || everything;
    let mut ledger = Ledger::default();
    let mut node = None;

    ledger.step("packages", |_| packages::ensure("test", PACKAGES));
    ledger.step("tools of the page", |_| {
        node = Some(node::Node::ensure()?);
        Ok(())
    });
    ledger.step("tools of Python", |_| python::ensure());
    ledger.step("format and lints", |_| check::rust());
    ledger.step("tidiness", |_| check::tidy());
    ledger.step("the object's stamp", |_| ebpf::check_stamp());
    // Without the packages that only tests use: those may turn on what the product forgot to ask for.
    ledger.step("product alone", |_| {
        run::run(cargo("check").args(["--package", "waitscope"]))
    });
    // Builds the product, too, which the steps after it run.
    ledger.step("tests", |tally| {
        run::watch(cargo_test().arg("--no-fail-fast"), |line| tally.cargo(line))
    });
    if options.no_root {
        ledger.left_out("tests of the kernel", "--no-root");
        ledger.left_out("page, on the running demo", "--no-root");
    } else {
        ledger.step("tests of the kernel", kernel::run);
    }
    match node {
        Some(node) => {
            ledger.step("types of the page", |_| check::types(&node));
            ledger.step("page", |tally| page::run(&node, !options.no_root, tally));
        }
        None => ledger.failed("page", "its tools are missing"),
    }
    if fresh {
        ledger.step("object, rebuilt from source", |tally| {
            kernel::fresh(options.no_root, tally)
        });
    } else {
        ledger.left_out(
            "object, rebuilt from source",
            "only with --fresh-object or CI=true",
        );
    }
    if options.fuzz || everything {
        ledger.step("fuzz targets", |_| fuzz::all(fuzz::SECONDS));
    } else {
        ledger.left_out("fuzz targets", "only with --fuzz or CI=true");
    }
    ledger.close()
}

/// `cargo test`, where a test that misses its tools fails. Always of the whole workspace: of less,
/// dependencies would have other features and be built again.
fn cargo_test() -> Command {
    let mut cargo = cargo("test");
    cargo
        .arg("--workspace")
        .env("WAITSCOPE_REQUIRE_ALL", "1")
        .env("WAITSCOPE_PYTHON", python::program());
    cargo
}

/// `cargo TASK` for release.
fn cargo(task: &str) -> Command {
    let mut cargo = Command::new(place::cargo());
    cargo
        .current_dir(place::workspace())
        .args([task, "--locked", "--release"]);
    cargo
}
