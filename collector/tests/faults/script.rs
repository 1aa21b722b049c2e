//! A small Python program as target: it says when it is ready, and goes on when told.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A running script. Killed with its owner.
pub(crate) struct Script {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// The system's own: what stands first in the path may be a script that looks for another one.
pub(crate) const PYTHON: &str = "/usr/bin/python3";

const PRELUDE: &str = "import os, select, socket, sys, time\n\
    def say(*words): os.write(1, (' '.join(map(str, words)) + '\\n').encode())\n\
    def hear(): return sys.stdin.readline()\n";

/// Reads and writes a pipe without end, once it was told to go.
pub(crate) const BUSY: &str = "say('ready')\nhear()\nr, w = os.pipe()\n\
    while True:\n    os.write(w, b'x' * 64)\n    select.select([r], [], [])\n    os.read(r, 64)\n";

/// Waits to be told to end.
pub(crate) const WAITING: &str = "say('ready')\nhear()\n";

impl Script {
    /// Starts it; returns when it has said `ready`.
    pub(crate) fn start(body: &str) -> Self {
        Self::start_by(&mut Command::new(PYTHON), body)
    }

    /// As `start`, by a command to which the script is the last arguments.
    pub(crate) fn start_by(python: &mut Command, body: &str) -> Self {
        let command = python.args(["-u", "-c", &format!("{PRELUDE}{body}")]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut script = Self {
            child,
            stdin,
            stdout: BufReader::new(stdout),
        };
        assert_eq!(script.hear(), "ready");
        script
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

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
