//! Announces and runs other programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use parhelion_launcher::quoted;

use crate::Failure;

/// Root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).into()
}

/// Prints a line about the current step.
pub(crate) fn say(text: impl std::fmt::Display) {
    println!("xtask: {text}");
}

/// Returns the standard output of a program, or `None` if it cannot be started or fails.
pub(crate) fn answer(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The command as typed in a shell, with the environment that it adds.
pub(crate) fn line(command: &Command) -> String {
    let set = |(name, value): (&OsStr, Option<&OsStr>)| {
        value.map(|value| format!("{}={}", name.to_string_lossy(), quoted(value)))
    };
    let environment = command.get_envs().filter_map(set);
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(quoted);
    environment.chain(words).collect::<Vec<_>>().join(" ")
}

/// Announces a command and runs it.
pub(crate) fn run(command: &mut Command) -> Result<ExitStatus, Failure> {
    println!("$ {}", line(command));
    let status = command.status();
    status.map_err(|error| format!("cannot start `{}`: {error}", command.get_program().display()).into())
}

/// Announces a command and runs it; an error if it fails.
pub(crate) fn must(command: &mut Command) -> Result<(), Failure> {
    let status = run(command)?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", line(command)).into()) }
}
