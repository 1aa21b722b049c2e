//! What this kernel and this user do not allow.

use std::{fs, process::Command};

use crate::{
    product::{PROGRAM, Product, end_of, waitscope},
    script::{Script, WAITING},
};

const NOBODY: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups";

/// The product as a user without any right.
fn as_nobody(words: &str) -> Command {
    let _root = waitscope("");
    let (program, args) = NOBODY.split_once(' ').unwrap();
    let mut command = Command::new(program);
    command
        .args(args.split(' '))
        .arg(PROGRAM)
        .args(words.split(' '));
    command
}

#[test]
fn without_rights_it_says_which_are_missing_and_how_to_get_them() {
    let script = Script::start(WAITING);
    let pid = script.pid();
    let lacking = "not permitted without CAP_BPF and CAP_PERFMON; run it with sudo, or once \
        `sudo setcap cap_bpf,cap_perfmon,cap_sys_ptrace+ep` on the program";
    let ended = Product::start(&mut as_nobody(&format!("attach {pid}"))).end();
    ended.failed(
        3,
        &format!("attach to process {pid}: load the maps: {lacking}"),
    );
    let ended = Product::start(&mut as_nobody("run -- sleep 100")).end();
    assert_eq!(
        (
            ended.code,
            ended.times("not permitted without CAP_BPF and CAP_PERFMON")
        ),
        (3, 1),
        "{ended:?}"
    );
}

#[test]
fn the_doctor_says_the_same_in_a_table() {
    let ended = Product::start(&mut as_nobody("doctor")).end();
    assert_eq!((ended.code, ended.stderr.as_str()), (3, ""), "{ended:?}");
    for words in [
        "MISSING  CAP_BPF",
        "MISSING  CAP_PERFMON",
        "waitscope can't trace here",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {ended:?}");
    }
    let ended = end_of("doctor");
    assert!(
        ended.code == 0 && ended.stdout.contains("waitscope can trace here"),
        "{ended:?}"
    );
}

/// The product on a machine whose kernel describes itself like this, or not at all.
fn on_a_kernel_with(types: Option<&[u8]>, words: &str) -> Command {
    let _root = waitscope("");
    let directory = tempfile::tempdir().unwrap().keep();
    let file = directory.join("vmlinux");
    if let Some(types) = types {
        fs::write(&file, types).unwrap();
    }
    // A file system of this process alone, over the kernel's own.
    let script = format!(
        "mount --bind {0} /sys/kernel/btf && {{ trap 'umount -l /sys/kernel/btf; rm -r {0}' EXIT; {PROGRAM} {words}; }}",
        directory.display()
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]);
    command
}

#[test]
fn a_kernel_without_types_is_not_supported() {
    let script = Script::start(WAITING);
    let pid = script.pid();
    let ended = Product::start(&mut on_a_kernel_with(None, &format!("attach {pid}"))).end();
    ended.failed(
        3,
        &format!(
            "attach to process {pid}: read the kernel's types: read /sys/kernel/btf/vmlinux: No such file or directory \
             (os error 2); run a kernel of Linux 5.19 or newer with CONFIG_DEBUG_INFO_BTF, as those of all large \
             distributions are"
        ),
    );
    let ended = Product::start(&mut on_a_kernel_with(None, "doctor")).end();
    assert!(
        ended.code == 3 && ended.stdout.contains("MISSING  kernel types (BTF)"),
        "{ended:?}"
    );
}

#[test]
fn a_kernel_without_a_hook_is_not_supported_and_the_hook_is_named() {
    for hook in ["sched_switch", "skb_copy_datagram_iovec"] {
        let mut types = fs::read("/sys/kernel/btf/vmlinux").unwrap();
        let name = format!("\0btf_trace_{hook}\0").into_bytes();
        let at = types
            .windows(name.len())
            .position(|window| window == name)
            .unwrap();
        types[at + 1] = b'X';
        let script = Script::start(WAITING);
        let pid = script.pid();
        let ended = Product::start(&mut on_a_kernel_with(
            Some(&types),
            &format!("attach {pid}"),
        ))
        .end();
        assert_eq!(
            (ended.code, ended.stderr.lines().count()),
            (3, 1),
            "{ended:?}"
        );
        let begins = format!("waitscope: attach to process {pid}: ");
        assert!(
            ended.stderr.starts_with(&begins) && ended.stderr.contains(hook),
            "{ended:?}"
        );
        let ended = Product::start(&mut on_a_kernel_with(Some(&types), "doctor")).end();
        assert!(
            ended.code == 3 && ended.stdout.contains(&format!("MISSING  hook {hook}")),
            "{ended:?}"
        );
    }
}

#[test]
fn wrong_usage_has_a_code_of_its_own() {
    for words in [
        "",
        "attach",
        "run sleep",
        "record 1",
        "attach 1 --for soon",
        "open a b",
        "export --format xml f",
    ] {
        let ended = end_of(words);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (2, ""),
            "{words}: {ended:?}"
        );
        assert!(ended.stderr.contains("--help"), "{words}: {ended:?}");
    }
}
