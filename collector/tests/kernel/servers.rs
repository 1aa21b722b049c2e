//! Servers of somebody else's as targets: started on a port of their own, and ended by their process id.

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{sys::signal::Signal, unistd::Pid};

use super::child::signal_pid;

/// A running server. Ended with its owner.
pub(crate) struct Server(Child);

impl Server {
    /// Starts it; returns when it listens.
    pub(crate) fn start(program: &str, args: &[&str], port: u16) -> Self {
        let child = Command::new(program)
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("start {program}: {error}"));
        let server = Self(child);
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{program} does not listen");
    }

    /// nginx with so many workers, its files in this directory, these words in its `events` and these in its `http`.
    pub(crate) fn nginx(
        directory: &Path,
        port: u16,
        workers: usize,
        events: &str,
        http: &str,
    ) -> Self {
        let path = directory.display();
        let config = format!(
            "daemon off; worker_processes {workers}; error_log {path}/error.log; pid {path}/pid;\n\
             events {{ worker_connections 256; {events} }}\n\
             http {{ client_body_temp_path {path}/b; proxy_temp_path {path}/p;\n\
             fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;\n\
             server {{ listen 127.0.0.1:{port}; {http} }} }}\n"
        );
        let file = directory.join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        Self::start("nginx", &["-c", &file.display().to_string()], port)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Its children, once there are so many.
    pub(crate) fn children(&self, count: usize) -> Vec<u32> {
        let pid = self.pid();
        for _ in 0..500 {
            let children =
                std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
            let children: Vec<u32> = children
                .split_ascii_whitespace()
                .map(|child| child.parse().unwrap())
                .collect();
            if children.len() == count {
                return children;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("process {pid} has not {count} children");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        signal_pid(self.pid(), Signal::SIGCONT);
        signal_pid(self.pid(), Signal::SIGTERM);
        for _ in 0..200 {
            if matches!(self.0.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // redis refuses to end while it writes its first append-only file.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Runs a program to its end, which must be a good one.
pub(crate) fn run(program: &str, args: &[&str]) {
    let status = Command::new(program)
        .args(args)
        .stdout(Stdio::null())
        .status();
    assert!(
        status
            .unwrap_or_else(|error| panic!("run {program}: {error}"))
            .success()
    );
}

/// A process that is stopped. It goes on when this goes, since one that is stopped does not end when it is told to.
#[must_use]
pub(crate) struct Stopped(u32);

impl Drop for Stopped {
    fn drop(&mut self) {
        // It may have been killed meanwhile.
        let _ = nix::sys::signal::kill(Pid::from_raw(self.0 as i32), Signal::SIGCONT);
    }
}

/// Stops a process, and returns when all of its threads have stopped.
pub(crate) fn stop(pid: u32) -> Stopped {
    let stopped = Stopped(pid);
    signal_pid(pid, Signal::SIGSTOP);
    for _ in 0..2000 {
        let all_stopped = std::fs::read_dir(format!("/proc/{pid}/task"))
            .unwrap()
            .all(|task| {
                let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap();
                stat.rsplit(')')
                    .next()
                    .unwrap()
                    .trim_start()
                    .starts_with('T')
            });
        if all_stopped {
            return stopped;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("process {pid} does not stop");
}
