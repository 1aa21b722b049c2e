//! What the kernel itself says that each of our programs takes: `kernel.bpf_stats_enabled`.
//!
//! Counting costs some time of its own, so it must never be on while anything else is measured.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::tracer::{Kind, Tracer};
use crate::run;

const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// Runs `work` under waitscope with the kernel's counting on, and prints it per program.
pub(super) fn print(pid: u32, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let others = programs()?;
    let tracer = Tracer::start(Kind::Waitscope, pid)?;
    let counting = Counting::on()?;
    let worked = work();
    let counted = programs();
    drop(counting);
    tracer.stop()?;
    worked?;
    println!(
        "{:<22} {:>10} {:>10}   (by the kernel, its own counting included)",
        "program", "runs", "ns a run"
    );
    for (id, Program { name, runs, ns }) in counted? {
        if !others.contains_key(&id) && runs > 0 {
            println!("{name:<22} {runs:>10} {:>10.0}", ns as f64 / runs as f64);
        }
    }
    Ok(())
}

struct Program {
    name: String,
    runs: u64,
    ns: u64,
}

/// All eBPF programs there are, by their ids.
fn programs() -> Result<BTreeMap<u32, Program>> {
    let text = run::output(Command::new("bpftool").args(["prog", "show"]))?;
    Ok(text.lines().filter_map(parse).collect())
}

/// `12: tracing  name sys_exit  tag 0123456789abcdef  gpl run_time_ns 5 run_cnt 1`
fn parse(line: &str) -> Option<(u32, Program)> {
    let (id, rest) = line.split_once(": ")?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let after = |key: &str| {
        let at = words.iter().position(|word| *word == key)?;
        words.get(at + 1).copied()
    };
    let number = |key: &str| after(key).and_then(|value| value.parse().ok()).unwrap_or(0);
    let name = after("name").unwrap_or("?").to_owned();
    Some((
        id.parse().ok()?,
        Program {
            name,
            runs: number("run_cnt"),
            ns: number("run_time_ns"),
        },
    ))
}

/// The kernel's counting, as it was before when this is dropped.
struct Counting {
    before: String,
}

impl Counting {
    fn on() -> Result<Self> {
        let before = fs::read_to_string(SWITCH).with_context(|| format!("read {SWITCH}"))?;
        fs::write(SWITCH, "1").with_context(|| format!("write {SWITCH}"))?;
        Ok(Self { before })
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        if let Err(error) = fs::write(SWITCH, self.before.trim()) {
            println!(
                "write {SWITCH}: {error}; it was {:?} before",
                self.before.trim()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_program_with_counts_is_read_and_one_without_has_none() {
        let (id, program) =
            parse("35: tracing  name sys_exit  tag 6de  gpl run_time_ns 3100 run_cnt 10").unwrap();
        assert_eq!(
            (id, program.name.as_str(), program.runs, program.ns),
            (35, "sys_exit", 10, 3100)
        );
        let (_, program) = parse("7: cgroup_skb  name sd_fw  tag 6de  gpl").unwrap();
        assert_eq!((program.runs, program.ns), (0, 0));
        assert!(parse("\tloaded_at 2026-01-01T00:00:00+0000  uid 0").is_none());
    }
}
