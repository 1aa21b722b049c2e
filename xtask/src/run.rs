//! Running other programs, with errors that name what was run.
//!
//! It must never hand a command to a shell: arguments stay arguments.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    // Where a program is says nothing about what is run.
    let name = program.file_name().unwrap_or(program.as_os_str());
    let mut line = name.to_string_lossy().into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

/// Says what is run, runs it with our own output, and fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    println!("$ {line}");
    let status = command.status().with_context(|| format!("run {line}"))?;
    if !status.success() {
        bail!("run {line}: {status}");
    }
    Ok(())
}

/// As [`run`], and shows each line of its standard output to `see` too.
pub(crate) fn watch(command: &mut Command, mut see: impl FnMut(&str)) -> Result<()> {
    let line = line(command);
    println!("$ {line}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("run {line}"))?;
    if let Some(stdout) = child.stdout.take() {
        for text in BufReader::new(stdout).split(b'\n') {
            let text = text.with_context(|| format!("read the output of {line}"))?;
            let text = String::from_utf8_lossy(&text);
            println!("{text}");
            see(&text);
        }
    }
    let status = child.wait().with_context(|| format!("wait for {line}"))?;
    if !status.success() {
        bail!("run {line}: {status}");
    }
    Ok(())
}

/// What it prints on standard output; fails if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = line(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("run {line}"))?;
    if !output.status.success() {
        bail!("run {line}: {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("read the output of {line}"))
}

/// Whether it can be run and ends well; its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
