//! The demo's two processes, as the product starts them: that they work, and that they go.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use waitscope::demo::Demo;

/// Generous: what is waited for takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

fn start() -> Demo {
    Demo::start(Path::new(env!("CARGO_BIN_EXE_waitscope")), None, None).unwrap()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(10));
    }
}

/// The names of the threads of a process, sorted.
fn threads(pid: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let name = |task: std::io::Result<fs::DirEntry>| {
        fs::read_to_string(task.unwrap().path().join("comm"))
            .unwrap()
            .trim_end()
            .to_owned()
    };
    let mut names: Vec<String> = tasks.map(name).collect();
    names.sort();
    names
}

/// Context switches of a process's main thread that it made by waiting.
fn waits(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

/// Processes whose parent is `pid`, and which are no zombies.
fn children(pid: u32) -> Vec<u32> {
    let stat = |entry: fs::DirEntry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let (state, parent) = (fields.next()?, fields.next()?);
        (state != "Z" && parent == pid.to_string())
            .then(|| entry.file_name().to_str()?.parse().ok())?
    };
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| stat(entry.unwrap()))
        .collect()
}

#[test]
fn the_server_shows_a_lane_for_each_of_its_kinds_of_waiting() {
    let demo = start();
    let wanted = ["demo-loop", "demo-ticker", "demo-worker"];
    // A thread gives itself its name, and on a busy machine it may be a while before it runs.
    for _ in 0..500 {
        if threads(demo.pid()) == wanted {
            break;
        }
        sleep(Duration::from_millis(10));
    }
    assert_eq!(threads(demo.pid()), wanted);
}

#[test]
fn the_server_waits_and_is_woken_again_and_again() {
    let demo = start();
    let before = waits(demo.pid());
    eventually("a hundred turns of the loop", || {
        waits(demo.pid()) > before + 100
    });
}

#[test]
fn dropping_the_demo_leaves_no_process_behind() {
    let demo = start();
    let server = demo.pid();
    assert!(children(std::process::id()).contains(&server));
    drop(demo);
    assert!(
        !Path::new(&format!("/proc/{server}")).exists(),
        "the server {server} is still there"
    );
}

#[test]
fn a_program_that_is_no_demo_is_reported_and_not_waited_for() {
    let error = Demo::start(Path::new("/bin/true"), None, None).unwrap_err();
    assert!(format!("{error:#}").contains("ended at once"), "{error:#}");
}
