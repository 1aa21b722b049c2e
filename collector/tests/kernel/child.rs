//! A small Python program as target: it says when it is ready, acts when told, and tells what it saw.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A running script. Ended with its owner.
pub(crate) struct Script {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// What every script begins with: it waits to be told to go.
const PRELUDE: &str = "import sys, os, time, socket, select, signal, threading, mmap\n\
    def say(*words):\n    os.write(1, (' '.join(map(str, words)) + '\\n').encode())\n\
    def hear():\n    return sys.stdin.readline()\n";

impl Script {
    /// Starts it; returns when it has said `ready`.
    pub(crate) fn start(body: &str) -> Self {
        let mut child = Command::new("python3")
            .args(["-u", "-c", &format!("{PRELUDE}{body}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start python3");
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut script = Self {
            child,
            stdin,
            stdout,
        };
        assert_eq!(script.hear(), "ready");
        script
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to it.
    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    /// The next line it writes.
    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next line it writes, as numbers.
    pub(crate) fn hear_numbers(&mut self) -> Vec<u64> {
        let line = self.hear();
        line.split(' ')
            .map(|word| {
                word.parse()
                    .unwrap_or_else(|_| panic!("not numbers: {line:?}"))
            })
            .collect()
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        signal_pid(self.pid(), signal);
    }

    /// Ends it, whatever it does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) {
        self.child.wait().unwrap();
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to one process.
pub(crate) fn signal_pid(pid: u32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), signal).unwrap();
}
