//! Which process is meant.

use std::{fs, process::Command};

use crate::{
    product::{PROGRAM, Product, end_of, eventually, is_alive, waitscope},
    script::{PYTHON, Script, WAITING},
};

/// A number that no process has: they end below this one.
fn no_pid() -> u32 {
    fs::read_to_string("/proc/sys/kernel/pid_max")
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

#[test]
fn a_pid_that_nobody_has_is_a_failure_that_names_it() {
    let pid = no_pid();
    end_of(&format!("attach {pid}")).failed(
        1,
        &format!("find process {pid}: there is none; `ps -e` lists them"),
    );
    end_of("attach 0").failed(1, "find process 0: not a process id; they are 1 and above");
}

#[test]
fn a_name_that_nobody_has_is_a_failure_that_names_it() {
    end_of("attach no-such-name").failed(
        1,
        "find process no-such-name: none has that name; `ps -e` lists names",
    );
}

#[test]
fn waitscope_never_traces_itself() {
    // By its own PID, which it has in common with the shell that became it; and by a name that only it has.
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("itself-faults-test");
    fs::copy(PROGRAM, &own).unwrap();
    let record = |target: &str| {
        let mut shell = Command::new("sh");
        let file = directory.path().join("out");
        let command = format!(
            "exec {} record {target} -o {}",
            own.display(),
            file.display()
        );
        Product::start(shell.args(["-c", &command])).end()
    };
    let ended = record("$$");
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.stderr.contains("that is waitscope itself"),
        "{ended:?}"
    );
    record("itself-faults-t").failed(
        1,
        "find process itself-faults-t: none has that name; `ps -e` lists names",
    );
}

#[test]
fn a_name_is_shown_without_what_a_terminal_obeys() {
    let ended = end_of("attach \u{1b}[31mred");
    ended.failed(
        1,
        "find process \\u{1b}[31mred: none has that name; `ps -e` lists names",
    );
}

#[test]
fn a_name_that_several_have_lists_their_pids_and_one_that_a_single_process_has_is_traced() {
    let directory = tempfile::tempdir().unwrap();
    let name = "waits-for-faults-test";
    let program = directory.path().join(name);
    fs::copy(fs::canonicalize(PYTHON).unwrap(), &program).unwrap();
    let start = || Script::start_by(&mut Command::new(&program), WAITING);
    let (one, two) = (start(), start());
    let ended = end_of(&format!("attach {name}"));
    let mut pids = [one.pid(), two.pid()];
    pids.sort_unstable();
    let [low, high] = pids;
    ended.failed(
        1,
        &format!("find process {name}: 2 have that name ({low}, {high}); give one of the PIDs"),
    );
    drop(two);
    let file = directory.path().join("one");
    let mut command = waitscope(&format!("record {name} -o {}", file.display()));
    let mut product = Product::start(&mut command);
    product.says(&format!("tracing process {}", one.pid()));
    product.interrupt().said(0, "recorded");
}

#[test]
fn a_thread_of_the_kernel_is_no_target() {
    end_of("attach 2").failed(
        1,
        "find process 2: it is a thread of the kernel, which makes no system calls",
    );
}

/// Inside the namespace a process is forked with this PID, which nobody outside may have.
#[test]
fn a_pid_inside_a_containers_namespace_is_resolved() {
    let inner = no_pid() - 7;
    assert!(!is_alive(inner), "{inner} is taken on this machine");
    let body = format!(
        "open('/proc/sys/kernel/ns_last_pid', 'w').write('{}')\n\
         pid = os.fork()\n\
         if pid == 0:\n    hear()\n    os._exit(0)\n\
         assert pid == {inner}, pid\nsay('ready')\nos.waitpid(pid, 0)\n",
        inner - 1
    );
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--mount-proc", "--kill-child", PYTHON]);
    let _container = Script::start_by(&mut unshare, &body);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("inner");
    let mut product = Product::start(&mut waitscope(&format!(
        "record {inner} -o {}",
        file.display()
    )));
    let line = product.says("tracing process ");
    let outer: u32 = line.split(' ').nth(2).unwrap().parse().unwrap();
    let status = fs::read_to_string(format!("/proc/{outer}/status")).unwrap();
    assert!(
        status.contains(&format!("NSpid:\t{outer}\t{inner}\n")),
        "{status}"
    );
    product.interrupt().said(0, "recorded");
}

#[test]
fn inside_a_pid_namespace_it_says_that_it_can_see_nothing() {
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--mount-proc", PROGRAM, "attach", "1"]);
    let ended = Product::start(&mut unshare).end();
    ended.failed(3, "find the target: waitscope itself runs inside a PID namespace, whose PIDs the kernel's programs \
        do not see; run it on the host, or in a container with the host's PIDs (--pid=host)");
}

#[test]
fn inside_a_time_namespace_it_says_that_its_clock_is_another() {
    let mut unshare = Command::new("unshare");
    let own = std::process::id().to_string();
    unshare.args(["--time", "--boottime", "1000", PROGRAM, "attach", &own]);
    let ended = Product::start(&mut unshare).end();
    ended.failed(3, "find the target: waitscope itself runs inside a time namespace, whose clock is not that of the \
        kernel's programs; run it outside, on the host");
}

#[test]
fn children_that_are_followed_are_traced_until_the_last_has_ended() {
    let mut script = Script::start(
        "say('ready')\nhear()\nr, w = os.pipe()\n\
         if os.fork() == 0:\n    os.close(0)\n    os.read(r, 1)\n    os.write(w, b'x')\n    select.select([], [], [], 0.01)\n    os._exit(0)\n\
         say('forked')\nhear()\nif os.fork() == 0:\n    time.sleep(0.3)\n    os.write(w, b'y')\n    os._exit(0)\n",
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("followed");
    let mut product = Product::start(&mut waitscope(&format!(
        "record {} --follow -o {}",
        script.pid(),
        file.display()
    )));
    product.says("recording to");
    script.tell("go");
    assert_eq!(script.hear(), "forked");
    script.tell("end");
    script.wait();
    // The target is gone; the trace ends by itself, and only after the last child's last call.
    let ended = product.end();
    ended.said(0, "recorded");
    // The children's last call is in it.
    end_of(&format!("report {}", file.display())).reports_select();
}

#[test]
fn a_target_that_ends_ends_its_recording_in_order() {
    let mut script = Script::start(WAITING);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ended");
    let mut product = Product::start(&mut waitscope(&format!(
        "record {} -o {}",
        script.pid(),
        file.display()
    )));
    product.says("recording to");
    script.tell("end");
    let ended = product.end();
    ended.said(0, "recorded");
    eventually("the script is gone", || !is_alive(script.pid()));
    assert!(
        !end_of(&format!("report {}", file.display()))
            .stdout
            .contains("!!"),
        "a whole recording"
    );
}
