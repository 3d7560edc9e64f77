//! `cargo xtask test`: format, lints, documentation, both feature sets, all tests, a generated
//! crate, speed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use parhelion_launcher::{MPIRUN_ARGS_VARIABLE, Vendor};

use crate::Failure;
use crate::build::Build;
use crate::guard;
use crate::new;
use crate::setup::{components, setup};
use crate::shell::{line, root, say};

#[derive(Args)]
pub(crate) struct Options {
    /// Send all messages over TCP (Open MPI only)
    #[arg(long)]
    tcp: bool,
    /// Run long cases too: more numbers of ranks, longer sweeps (sets PARHELION_TEST_LONG=1)
    #[arg(long)]
    long: bool,
    /// More arguments for `cargo test`
    #[arg(last = true)]
    args: Vec<String>,
}

/// The ratio to a loop by hand below which a rule is certainly not vectorized, whatever else runs.
const CLIFF: f64 = 0.3;

/// The result of one command of the suite.
struct Stage {
    name: &'static str,
    passed: bool,
    time: Duration,
    /// The result lines of the test programs.
    results: Vec<String>,
}

/// Runs all stages, even if some fail, and returns an error that names those that failed.
pub(crate) fn test(mpi: Option<Vendor>, options: &Options) -> Result<(), Failure> {
    let build = setup(mpi)?;
    components()?;
    if options.tcp && build.mpirun.vendor() != Vendor::OpenMpi {
        return Err(format!("--tcp chooses a transport of Open MPI; this is {}", build.mpirun).into());
    }
    let lint = ["--all-targets", "--", "-D", "warnings"];
    let with = |command: &[&'static str], rest: &[&'static str]| build.cargo(&[command, rest].concat());
    let mut tests = build.cargo(&["test", "--workspace", "--no-fail-fast"]);
    tests.args(&options.args);
    if options.tcp {
        tests.env(MPIRUN_ARGS_VARIABLE, "--mca btl tcp,self");
    }
    if options.long {
        tests.env("PARHELION_TEST_LONG", "1");
    }
    let mut documentation = build.cargo(&["doc", "--workspace", "--no-deps"]);
    documentation.env("RUSTDOCFLAGS", "-D warnings");
    let commands = [
        ("format", build.cargo(&["fmt", "--all", "--check"])),
        ("lints", with(&["clippy", "--workspace"], &lint)),
        (
            "lints without HDF5",
            build.cargo(&["clippy", "-p", "parhelion", "--no-default-features", "--", "-D", "warnings"]),
        ),
        ("documentation", documentation),
        ("tests", tests),
        ("a new crate", generated(&build)?),
        ("speed guard", guard::command(&build, CLIFF, false)?),
    ];
    let stages =
        commands.into_iter().map(|(name, command)| stage(name, command)).collect::<Result<Vec<_>, _>>()?;
    summarize(&stages);
    let failed: Vec<_> = stages.iter().filter(|stage| !stage.passed).map(|stage| stage.name).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", ")).into()) }
}

/// Creates a crate as `cargo xtask new` does, and returns the command that runs its tests. It
/// builds in this workspace's target folder with the same profile, flags and lock file, so that
/// most dependencies are not compiled again.
fn generated(build: &Build) -> Result<Command, Failure> {
    let folder = build.target().join("new-crate");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    new::write(build, "new-crate", &folder)?;
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let mut command = build.cargo(&["test"]);
    command.current_dir(&folder).env("CARGO_TARGET_DIR", build.target());
    if std::env::var_os("RUSTFLAGS").is_none() {
        // Cargo joins the flags of this workspace's configuration and the crate's, which would be
        // other flags.
        command.env("RUSTFLAGS", "-C target-cpu=native");
    }
    Ok(command)
}

/// Runs a command, passing on its output and keeping the result lines in it.
fn stage(name: &'static str, mut command: Command) -> Result<Stage, Failure> {
    say(format_args!("{name}"));
    println!("$ {}", line(&command));
    let begin = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut results = Vec::new();
    for text in child.stdout.take().map(BufReader::new).into_iter().flat_map(|output| output.split(b'\n')) {
        let text = String::from_utf8_lossy(&text?).into_owned();
        println!("{text}");
        if text.starts_with("test result: ") {
            results.push(text);
        }
    }
    let passed = child.wait()?.success();
    Ok(Stage { name, passed, time: begin.elapsed(), results })
}

fn summarize(stages: &[Stage]) {
    println!();
    stages.iter().flat_map(|stage| &stage.results).for_each(|result| println!("{result}"));
    println!("\n{:24}{:>10}{:>10}", "stage", "result", "seconds");
    for stage in stages {
        let result = if stage.passed { "ok" } else { "FAILED" };
        println!("{:24}{result:>10}{:>10.1}", stage.name, stage.time.as_secs_f64());
    }
}
