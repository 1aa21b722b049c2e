//! What the running kernel is like: release, architecture, hooks, and where its fields stand.
//!
//! The only place that knows an architecture's registers by name. It must never assume an offset:
//! what is not in the kernel's own description is missing, and said to be.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use anyhow::{Context as _, Result};
use probe_ebpf::{
    FileOffsets, PREEMPT_COUNT_HOOKED, PREEMPT_COUNT_IN_TASK, PREEMPT_COUNT_PER_CPU,
    PREEMPT_COUNT_UNKNOWN, RequestOffsets,
};

use super::{
    btf::{Btf, kind},
    session::Detail,
};
use crate::model::Arch;

/// Where the kernel describes its types.
pub(crate) const BTF_PATH: &str = "/sys/kernel/btf/vmlinux";

/// The hooks, in the order in which they are attached: those that close what others open come
/// first, so that no call is seen to begin that could not be seen to end.
pub(crate) const HOOKS: [&str; 8] = [
    "sched_switch",
    "sched_waking",
    "sched_process_fork",
    "sched_process_exec",
    "sched_process_exit",
    "skb_copy_datagram_iovec",
    "sys_exit",
    "sys_enter",
];

/// Hooks that only newer kernels have (Linux 6.3): without them, how long data lay unread is not known.
pub(crate) const ARRIVAL_HOOKS: [&str; 2] = ["sk_data_ready", "sock_recv_length"];

/// Hooks that only newer kernels have (Linux 6.5), or none without `CONFIG_IO_URING`: without them, requests of an
/// `io_uring` are not known. What closes comes first.
pub(crate) const REQUEST_HOOKS: [&str; 2] = ["io_uring_complete", "io_uring_submit_req"];

/// Hooks on interrupts, attached only where nothing else says whether one is being served.
pub(crate) const INTERRUPT_HOOKS: [&str; 6] = [
    "softirq_entry",
    "softirq_exit",
    "irq_handler_entry",
    "irq_handler_exit",
    "hrtimer_expire_entry",
    "hrtimer_expire_exit",
];

/// The kernel and machine, by name.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// `uname -r`
    pub(crate) release: String,
    /// `uname -m`
    pub(crate) arch: String,
    /// `uname -n`
    pub(crate) host: String,
}

impl Machine {
    pub(crate) fn read() -> Result<Self> {
        let name = nix::sys::utsname::uname().context("ask the kernel for its name")?;
        Ok(Self {
            release: name.release().to_string_lossy().into_owned(),
            arch: name.machine().to_string_lossy().into_owned(),
            host: name.nodename().to_string_lossy().into_owned(),
        })
    }
}

/// Where the programs find things: the values of their read-only globals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offsets {
    pub(crate) regs_args: [u32; 5],
    pub(crate) regs_nr: u32,
    pub(crate) switch_has_state: bool,
    pub(crate) task_state: u32,
    pub(crate) task_pid: u32,
    pub(crate) task_tgid: u32,
    /// 0 if it is not known.
    pub(crate) task_started: u32,
    pub(crate) task_slept: u32,
    pub(crate) task_preempted: u32,
    pub(crate) task_on_cpu: u32,
    /// 0 if it is not known.
    pub(crate) task_run_delay: u32,
    /// 0 if it is not known.
    pub(crate) task_pending: u32,
    /// 0 if it is not known.
    pub(crate) task_seccomp: u32,
    pub(crate) compat_word: u32,
    pub(crate) compat_bit: u32,
    pub(crate) preempt_count: u32,
    pub(crate) preempt_count_offset: u32,
    /// BTF id of the per-CPU variable with the preemption counter, or 0.
    pub(crate) preempt_count_variable: u32,
    /// The kernel tells when data comes for a socket.
    pub(crate) arrivals: bool,
    /// The kernel tells of requests of an `io_uring`.
    pub(crate) requests: bool,
    pub(crate) file: FileOffsets,
    pub(crate) request: RequestOffsets,
}

impl Offsets {
    /// The hooks that this kernel needs, in the order in which they are attached.
    pub(crate) fn hooks(&self, detail: Detail) -> impl Iterator<Item = &'static str> {
        let interrupts = match self.preempt_count {
            PREEMPT_COUNT_HOOKED => &INTERRUPT_HOOKS[..],
            _ => &[],
        };
        let arrivals = match self.arrivals && detail >= Detail::Names {
            true => &ARRIVAL_HOOKS[..],
            false => &[],
        };
        let requests = match self.requests && detail >= Detail::Names {
            true => &REQUEST_HOOKS[..],
            false => &[],
        };
        let optional = interrupts.iter().chain(arrivals).chain(requests);
        optional.chain(&HOOKS).copied()
    }

    pub(crate) fn resolve(btf: &Btf, arch: Arch) -> Result<Self> {
        let field = |of: &str, path: &[&str]| {
            btf.offset(of, path)
                .with_context(|| format!("find {of}.{} in {BTF_PATH}", path.join(".")))
        };
        let (regs_args, regs_nr) = match arch {
            Arch::X86_64 => {
                let mut args = [0; 5];
                for (arg, name) in args.iter_mut().zip(["di", "si", "dx", "r10", "r8"]) {
                    *arg = field("pt_regs", &[name])?;
                }
                (args, field("pt_regs", &["orig_ax"])?)
            }
            Arch::Aarch64 => {
                let regs = field("pt_regs", &["regs"])?;
                // The first argument's register returns the result; this one keeps the argument.
                let first = field("pt_regs", &["orig_x0"])?;
                let args = [first, regs + 8, regs + 16, regs + 24, regs + 32];
                (args, field("pt_regs", &["syscallno"])?)
            }
        };
        let switch_arguments = btf
            .hook_arguments("sched_switch")
            .with_context(|| format!("find the hook sched_switch in {BTF_PATH}"))?;
        // Renamed in Linux 5.14: https://github.com/torvalds/linux/commit/2f064a59a11ff9bc22e52e9678bc601404c7cb34
        let task_state =
            field("task_struct", &["__state"]).or_else(|_| field("task_struct", &["state"]))?;
        let (compat_word, compat_bit) = compat(btf, arch);
        let (preempt_count, preempt_count_variable, preempt_count_offset) =
            preempt_count(btf, arch);
        Ok(Self {
            regs_args,
            regs_nr,
            switch_has_state: switch_arguments >= 4,
            task_state,
            task_pid: field("task_struct", &["pid"])?,
            task_tgid: field("task_struct", &["tgid"])?,
            // Named so since Linux 5.5.
            task_started: btf.offset("task_struct", &["start_boottime"]).unwrap_or(0),
            task_slept: field("task_struct", &["nvcsw"])?,
            task_preempted: field("task_struct", &["nivcsw"])?,
            task_on_cpu: field("task_struct", &["on_cpu"])?,
            // Only where the kernel keeps sums for `/proc/PID/schedstat` (`CONFIG_SCHED_INFO`).
            task_run_delay: btf
                .offset("task_struct", &["sched_info", "run_delay"])
                .unwrap_or(0),
            task_pending: btf
                .offset("task_struct", &["pending", "signal", "sig"])
                .unwrap_or(0),
            // Only with `CONFIG_SECCOMP`.
            task_seccomp: btf.offset("task_struct", &["seccomp", "mode"]).unwrap_or(0),
            compat_word,
            compat_bit,
            preempt_count,
            preempt_count_offset,
            preempt_count_variable,
            arrivals: has_all(btf, &ARRIVAL_HOOKS),
            requests: has_all(btf, &REQUEST_HOOKS),
            file: file(btf),
            request: request(btf),
        })
    }
}

/// Where the kernel keeps what stands behind a descriptor. What it does not have stays 0, and unknown.
fn file(btf: &Btf) -> FileOffsets {
    let at = |of: &str, path: &[&str]| btf.offset(of, path).unwrap_or(0);
    let common = |field: &str| at("sock", &["__sk_common", field]);
    FileOffsets {
        task_files: at("task_struct", &["files"]),
        files_fdt: at("files_struct", &["fdt"]),
        fdt_max: at("fdtable", &["max_fds"]),
        fdt_fd: at("fdtable", &["fd"]),
        file_inode: at("file", &["f_inode"]),
        file_dentry: at("file", &["f_path", "dentry"]),
        file_private: at("file", &["private_data"]),
        inode_mode: at("inode", &["i_mode"]),
        inode_number: at("inode", &["i_ino"]),
        dentry_name: at("dentry", &["d_name", "name"]),
        socket_sk: at("socket", &["sk"]),
        sk_family: common("skc_family"),
        sk_type: at("sock", &["sk_type"]),
        sk_protocol: at("sock", &["sk_protocol"]),
        sk_local_port: common("skc_num"),
        sk_peer_port: common("skc_dport"),
        sk_local_v4: common("skc_rcv_saddr"),
        sk_peer_v4: common("skc_daddr"),
        sk_local_v6: common("skc_v6_rcv_saddr"),
        sk_peer_v6: common("skc_v6_daddr"),
        sk_peer_pid: at("sock", &["sk_peer_pid"]),
        // The number in the machine's own namespace is the first.
        pid_number: at("pid", &["numbers"]) + at("upid", &["nr"]),
        unix_address: at("unix_sock", &["addr"]),
        unix_peer: at("unix_sock", &["peer"]),
        unix_address_len: at("unix_address", &["len"]),
        unix_address_name: at("unix_address", &["name"]),
    }
}

fn has_all(btf: &Btf, hooks: &[&str]) -> bool {
    hooks.iter().all(|hook| btf.hook_arguments(hook).is_some())
}

/// Where the kernel keeps what a request of an `io_uring` is, likewise.
fn request(btf: &Btf) -> RequestOffsets {
    /// Arguments of `io_uring_complete` since Linux 6.14: ring, request, `io_uring_cqe`.
    const WITH_CQE: usize = 3;
    let at = |of: &str, path: &[&str]| btf.offset(of, path).unwrap_or(0);
    let has_cqe = btf.hook_arguments("io_uring_complete") == Some(WITH_CQE);
    RequestOffsets {
        opcode: at("io_kiocb", &["opcode"]),
        flags: at("io_kiocb", &["flags"]),
        user_data: at("io_kiocb", &["cqe", "user_data"]),
        ring: at("io_kiocb", &["ctx"]),
        fd: at("io_kiocb", &["cqe", "fd"]),
        cqe_res: at("io_uring_cqe", &["res"]),
        cqe_flags: at("io_uring_cqe", &["flags"]),
        complete_has_cqe: has_cqe.into(),
        // Each of these begins with a pointer, so that 0 is where none of them is.
        accept_slot: at("io_accept", &["file_slot"]),
        open_slot: at("io_open", &["file_slot"]),
        socket_slot: at("io_socket", &["file_slot"]),
        close_fd: at("io_close", &["fd"]),
        epoll_epfd: at("io_epoll", &["epfd"]),
        epoll_op: at("io_epoll", &["op"]),
        epoll_fd: at("io_epoll", &["fd"]),
        epoll_event: at("io_epoll", &["event"]),
    }
}

/// The bit that marks a 32-bit call: `TS_COMPAT`
/// (<https://github.com/torvalds/linux/blob/v6.12/arch/x86/include/asm/thread_info.h#L217>) and `TIF_32BIT`
/// (<https://github.com/torvalds/linux/blob/v6.12/arch/arm64/include/asm/thread_info.h#L76>).
fn compat(btf: &Btf, arch: Arch) -> (u32, u32) {
    let (path, bit) = match arch {
        Arch::X86_64 => (["thread_info", "status"], 0x2),
        Arch::Aarch64 => (["thread_info", "flags"], 1 << 22),
    };
    btf.offset("task_struct", &path)
        .map_or((0, 0), |word| (word, bit))
}

/// Where the preemption counter stands: kind, BTF id of the variable if any, offset.
///
/// On x86 it is a per-CPU variable of its own, or between Linux 6.2 and 6.14 in `pcpu_hot`. Where it is
/// out of reach, hooks on interrupts take its place.
fn preempt_count(btf: &Btf, arch: Arch) -> (u32, u32, u32) {
    let hooked = has_all(btf, &INTERRUPT_HOOKS);
    let unknown = (
        if hooked {
            PREEMPT_COUNT_HOOKED
        } else {
            PREEMPT_COUNT_UNKNOWN
        },
        0,
        0,
    );
    let variable = |name: &str| {
        btf.find(kind::VAR, name)
            .filter(|_| btf.has_helper(THIS_CPU) && is_kernel_symbol(name).unwrap_or(false))
    };
    match arch {
        Arch::X86_64 => {
            if let Some(id) = variable("__preempt_count") {
                return (PREEMPT_COUNT_PER_CPU, id, 0);
            }
            match (
                variable("pcpu_hot"),
                btf.offset("pcpu_hot", &["preempt_count"]),
            ) {
                (Some(id), Some(offset)) => (PREEMPT_COUNT_PER_CPU, id, offset),
                _ => unknown,
            }
        }
        Arch::Aarch64 => btf
            .offset("task_struct", &["thread_info", "preempt_count"])
            .map_or(unknown, |offset| (PREEMPT_COUNT_IN_TASK, 0, offset)),
    }
}

/// The helper through which they look at a per-CPU variable, since Linux 5.10.
const THIS_CPU: &str = "this_cpu_ptr";

/// Whether the kernel can find a variable by name, which it must to give a program its address: one
/// built without `CONFIG_KALLSYMS_ALL` describes variables in its BTF and yet can't.
fn is_kernel_symbol(name: &str) -> std::io::Result<bool> {
    for line in BufReader::new(File::open("/proc/kallsyms")?).lines() {
        if line?.split_ascii_whitespace().nth(2) == Some(name) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The kernel's description, if it has one.
pub(crate) fn btf() -> Result<Btf> {
    Btf::read(Path::new(BTF_PATH))
}
