//! Devito from PyPI in a separate Python process, which makes one timed run per request.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

/// The version to install, as an argument of pip.
pub(crate) const PINNED: &str = include_str!("requirements.txt");

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers");

/// A Python process that answers requests: see `devito_peer.py`.
pub(crate) struct Devito {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Devito {
    /// Starts Devito with this many threads, after installing it. `Err` gives the reason if that
    /// fails.
    pub(crate) fn start(threads: usize) -> Result<Self, String> {
        // Devito compiles the code that it generates.
        succeed(Command::new("gcc").arg("--version"), "gcc")?;
        let mut process = Command::new(environment()?.join("bin/python"))
            .arg(Path::new(FOLDER).join("devito_peer.py"))
            .env("OMP_NUM_THREADS", threads.to_string())
            .env("DEVITO_ARCH", "gcc")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("its Python does not start: {error}"))?;
        let (requests, answers) = (process.stdin.take(), process.stdout.take());
        let answers = BufReader::new(answers.expect("it is piped"));
        Ok(Self { process, requests, answers })
    }

    /// Sends a request and waits for the answer.
    pub(crate) fn ask(&mut self, request: &str) -> Result<Value, String> {
        let ended = |error: std::io::Error| format!("Devito ended: {error}");
        let mut requests = self.requests.as_ref().expect("only `drop` takes it");
        writeln!(requests, "{request}").map_err(ended)?;
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(ended)?;
        serde_json::from_str(&line).map_err(|_| format!("Devito failed at `{request}`"))
    }
}

impl Drop for Devito {
    fn drop(&mut self) {
        // The end of its input ends the program.
        self.requests = None;
        let _ = self.process.wait();
    }
}

/// A virtual environment with the versions of `requirements.txt`, made once beside the benches.
fn environment() -> Result<PathBuf, String> {
    // Each version has its own environment.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers").join(PINNED.trim_end());
    let complete = folder.join("complete");
    if complete.exists() {
        return Ok(folder);
    }
    println!("installing {} into {}", PINNED.trim_end(), folder.display());
    let python = "python3 -m venv (Debian: sudo apt-get install python3-venv)";
    succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder), python)?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    succeed(pip.args(["--timeout", "20", "--retries", "1", PINNED.trim_end()]), "pip")?;
    fs::write(complete, "").map_err(|error| error.to_string())?;
    Ok(folder)
}

/// Runs a command. If it fails, `Err` has the last line of its output.
fn succeed(command: &mut Command, name: &str) -> Result<Output, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let texts = [&output.stderr, &output.stdout].map(|text| String::from_utf8_lossy(text));
    let words = texts.iter().find_map(|text| text.trim().lines().last());
    Err(format!("{name}: {}", words.unwrap_or("failed without a word")))
}
