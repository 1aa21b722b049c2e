//! What this kernel and this user allow, what is missing, and how to get it.
//!
//! It tries what `attach` does, down to attaching: a hook that loads may still refuse to attach.

use std::fs;

use caps::Capability;
use serde::Serialize;

use super::{
    btf::Btf,
    failure::{GET_RIGHTS, GET_TYPES, Unsupported, holds},
    kernel::{BTF_PATH, HOOKS, Machine, Offsets, btf},
    load::{Probe, Wish},
    session::Detail,
    target::{ensure_own_clock, ensure_own_namespace},
};
use crate::model::Arch;

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub state: State,
    /// What was seen.
    pub seen: String,
    /// How to get it, where something is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way_out: Option<String>,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As needed.
    Good,
    /// Tracing works, with less to see.
    Reduced,
    /// Tracing does not work.
    Missing,
}

/// Everything that tracing needs, in the order in which it needs it.
pub fn examine() -> Vec<Finding> {
    let mut findings = Vec::new();
    let machine = Machine::read().ok();
    let arch = machine
        .as_ref()
        .and_then(|machine| Arch::from_machine(&machine.arch));
    findings.push(kernel(machine.as_ref(), arch));
    let btf = btf();
    findings.push(match &btf {
        Ok(_) => good("kernel types (BTF)", BTF_PATH),
        Err(error) => missing("kernel types (BTF)", &format!("{error:#}"), GET_TYPES),
    });
    findings.extend(capabilities());
    findings.push(match ensure_own_namespace() {
        Ok(()) => good("PID namespace", "the machine's own"),
        Err(_) => missing(
            "PID namespace",
            "waitscope runs inside one, where PIDs mean other processes than to the kernel",
            "run it on the host, or in a container with the host's PIDs (--pid=host)",
        ),
    });
    findings.push(match ensure_own_clock() {
        Ok(()) => good("time namespace", "the machine's own"),
        Err(_) => missing(
            "time namespace",
            "waitscope runs inside one, where the clock is not that of the kernel",
            "run it outside, on the host",
        ),
    });
    findings.push(lockdown());
    if let (Ok(btf), Some(arch)) = (&btf, arch) {
        findings.extend(hooks(btf, arch));
    }
    findings
}

fn kernel(machine: Option<&Machine>, arch: Option<Arch>) -> Finding {
    let Some(machine) = machine else {
        return missing("kernel", "it does not say its name", "none is known");
    };
    let seen = format!("{} on {}", machine.release, machine.arch);
    match (arch, is_new_enough(&machine.release)) {
        (None, _) => missing("kernel", &seen, "x86_64 and aarch64 are supported"),
        (_, Some(false)) => missing(
            "kernel",
            &seen,
            "before Linux 5.19, nothing of a trace can be read once the rights to begin one are given up",
        ),
        _ => good("kernel", &seen),
    }
}

/// Whether a release is at least 5.19; `None` if it does not begin with two numbers. Before, with
/// `kernel.unprivileged_bpf_disabled` as distributions set it, bpf(2) refuses even to read a map that is
/// open already:
/// <https://github.com/torvalds/linux/commit/c8644cd0efe719608ddcb341bcf087d4bc0bf6b8>
fn is_new_enough(release: &str) -> Option<bool> {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
    let major: u32 = numbers.next()?.parse().ok()?;
    let minor: u32 = numbers.next()?.parse().ok()?;
    Some((major, minor) >= (5, 19))
}

fn capabilities() -> Vec<Finding> {
    let check = |capability: Capability, for_what: &str, state| {
        let what = format!("{capability}, to {for_what}");
        if holds(capability) {
            good(&what, "held")
        } else {
            Finding {
                what,
                state,
                seen: "not held".into(),
                way_out: Some(GET_RIGHTS.into()),
            }
        }
    };
    vec![
        check(Capability::CAP_BPF, "load programs", State::Missing),
        check(
            Capability::CAP_PERFMON,
            "attach them to the kernel's tracepoints",
            State::Missing,
        ),
        check(
            Capability::CAP_SYS_PTRACE,
            "see what threads of other users did before",
            State::Reduced,
        ),
    ]
}

fn lockdown() -> Finding {
    let what = "kernel lockdown";
    match fs::read_to_string("/sys/kernel/security/lockdown") {
        Ok(text) if text.contains("[confidentiality]") => Finding {
            what: what.into(),
            state: State::Reduced,
            seen: "confidentiality".into(),
            way_out: Some(
                "the programs may be refused; boot without lockdown=confidentiality".into(),
            ),
        },
        Ok(text) => good(what, text.trim()),
        Err(_) => good(what, "none"),
    }
}

fn missing_hooks(btf: &Btf) -> impl Iterator<Item = Finding> {
    let hooks = HOOKS
        .iter()
        .filter(|hook| btf.hook_arguments(hook).is_none());
    hooks.map(|hook| {
        missing(
            &format!("hook {hook}"),
            "this kernel has none",
            "run a newer kernel",
        )
    })
}

fn hooks(btf: &Btf, arch: Arch) -> Vec<Finding> {
    let mut findings: Vec<_> = missing_hooks(btf).collect();
    let offsets = match Offsets::resolve(btf, arch) {
        Ok(offsets) => offsets,
        Err(error) => {
            let seen = format!("{error:#}");
            findings.push(missing(
                "kernel fields",
                &seen,
                "report this kernel to waitscope",
            ));
            return findings;
        }
    };
    if offsets.preempt_count == probe_ebpf::PREEMPT_COUNT_UNKNOWN {
        findings.push(Finding {
            what: "context of wake-ups".into(),
            state: State::Reduced,
            seen: "not known: a wake-up by an interrupt can't be told from one by the thread it interrupted".into(),
            way_out: Some("run a kernel built with CONFIG_KALLSYMS_ALL".into()),
        });
    }
    let optional = [
        (offsets.arrivals, "ready delay", "Linux 6.3"),
        (offsets.requests, "requests of io_uring", "Linux 6.5"),
    ];
    for (_, what, since) in optional.into_iter().filter(|(there, ..)| !there) {
        findings.push(Finding {
            what: what.into(),
            state: State::Reduced,
            seen: "not known: this kernel has no hooks for it".into(),
            way_out: Some(format!("run {since} or newer")),
        });
    }
    let wish = Wish {
        pid: std::process::id(),
        follow: false,
        verbose: false,
        detail: Detail::All,
    };
    findings.push(match Probe::load(wish, arch, &offsets) {
        Ok(_) => good(
            "load and attach the programs",
            &format!("all {}, by tp_btf", offsets.hooks(Detail::All).count()),
        ),
        Err(error) => {
            let cause = error.downcast_ref::<Unsupported>().map(Unsupported::cause);
            let seen = cause.unwrap_or_else(|| format!("{error:#}"));
            missing(
                "load and attach the programs",
                &seen,
                "get what is missing above",
            )
        }
    });
    findings
}

fn good(what: &str, seen: &str) -> Finding {
    Finding {
        what: what.into(),
        state: State::Good,
        seen: seen.into(),
        way_out: None,
    }
}

fn missing(what: &str, seen: &str, way_out: &str) -> Finding {
    Finding {
        what: what.into(),
        state: State::Missing,
        seen: seen.into(),
        way_out: Some(way_out.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn releases_are_told_apart_by_their_first_two_numbers() {
        for (release, expected) in [
            ("5.19.0", Some(true)),
            ("6.1.0-28-cloud-amd64", Some(true)),
            ("5.18.19", Some(false)),
            ("4.19.0-26-amd64", Some(false)),
            ("6.18.44-fc", Some(true)),
            ("10.0-rc1", Some(true)),
            ("mainline", None),
            ("", None),
        ] {
            assert_eq!(is_new_enough(release), expected, "{release}");
        }
    }
}
