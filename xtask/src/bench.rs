//! `cargo xtask bench`: which benchmarks there are and how each is run.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::Args;
use parhelion_launcher::{Cores, THREADS_VARIABLE, Vendor};

use crate::Failure;
use crate::build::Build;
use crate::setup::setup;
use crate::shape::Shape;
use crate::shell::{line, must, say};

#[derive(Args)]
pub(crate) struct Options {
    /// Which one, or `all`; without, they are listed
    name: Option<String>,
    /// Append one JSON object for each row to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// More arguments for the benchmark
    #[arg(last = true)]
    args: Vec<String>,
}

/// A benchmark: a `[[bench]]` target of that name.
struct Bench {
    name: &'static str,
    what: &'static str,
    package: &'static str,
    run: Run,
}

enum Run {
    /// Under `mpirun`, once for each ranks x threads.
    Ranks,
    /// By `cargo bench`, as one process with all cores.
    Node,
}

const BENCHES: [Bench; 7] = [
    Bench {
        name: "stencil",
        what: "time steps, plain and blocked, against memory traffic",
        package: "parhelion",
        run: Run::Ranks,
    },
    Bench {
        name: "halo",
        what: "packing and exchange of every face against memory copy and MPI_Sendrecv",
        package: "parhelion",
        run: Run::Ranks,
    },
    Bench {
        name: "reduce",
        what: "reproducible sums against plain ones",
        package: "parhelion",
        run: Run::Ranks,
    },
    Bench {
        name: "measure",
        what: "sweeps and exchanges that are measured against ones that are not",
        package: "parhelion",
        run: Run::Ranks,
    },
    Bench {
        name: "sweep",
        what: "stencil sweeps against memory bandwidth",
        package: "parhelion-kernels",
        run: Run::Node,
    },
    Bench { name: "io", what: "collective HDF5 against plain files", package: "parhelion", run: Run::Ranks },
    Bench { name: "denoise", what: "the main job against ITK", package: "parhelion", run: Run::Ranks },
];

/// Runs one benchmark, or all, or lists them.
pub(crate) fn bench(mpi: Option<Vendor>, options: &Options) -> Result<(), Failure> {
    let Some(name) = &options.name else {
        BENCHES.iter().for_each(|bench| println!("{:8} {}", bench.name, bench.what));
        return Ok(());
    };
    let chosen: Vec<&Bench> = BENCHES.iter().filter(|bench| name == "all" || name == bench.name).collect();
    if chosen.is_empty() {
        let names = BENCHES.map(|bench| bench.name).join(", ");
        return Err(format!("no benchmark is called `{name}`; there are {names}, and `all`").into());
    }
    let mut args = options.args.clone();
    if let Some(file) = &options.json {
        // absolute: the programs run at the root of the workspace
        args.extend(["--json".into(), std::path::absolute(file)?.display().to_string()]);
    }
    let build = setup(mpi)?;
    chosen.into_iter().try_for_each(|bench| match bench.run {
        Run::Ranks => on_ranks(bench, &build, &args),
        Run::Node => on_node(bench, &build, &args),
    })
}

fn on_ranks(bench: &Bench, build: &Build, args: &[String]) -> Result<(), Failure> {
    let program = executable(bench, build)?;
    let cores = Cores::available();
    for shape in Shape::spread(&cores) {
        say(format_args!("{}: {} ranks x {} threads", bench.name, shape.ranks, shape.threads));
        let launch = build.launch(&program).args(args).ranks(shape.ranks).threads(shape.threads);
        let launch = launch.binding(shape.binding(&cores));
        println!("$ {launch}");
        let status = launch.run()?;
        if !status.success() {
            return Err(format!("benchmark {} failed on {shape} ({status})", bench.name).into());
        }
    }
    Ok(())
}

fn on_node(bench: &Bench, build: &Build, args: &[String]) -> Result<(), Failure> {
    let mut command = build.cargo(&["bench", "--package", bench.package, "--bench", bench.name, "--"]);
    command.args(args).env(THREADS_VARIABLE, Cores::available().physical.to_string());
    must(&mut command)
}

/// Builds the benchmark and asks cargo where it is.
fn executable(bench: &Bench, build: &Build) -> Result<PathBuf, Failure> {
    let args = ["bench", "--no-run", "--package", bench.package, "--bench", bench.name, "--message-format"];
    let mut command = build.cargo(&args);
    command.arg("json-render-diagnostics").stdin(Stdio::null()).stderr(Stdio::inherit());
    println!("$ {}", line(&command));
    let output = command.output()?;
    let messages = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("benchmark {} does not build", bench.name).into());
    }
    let program = messages.lines().rev().find_map(|message| executable_in(message, bench.name));
    program.ok_or_else(|| format!("cargo does not say where it put benchmark {}", bench.name).into())
}

/// The path in cargo's message about the bench target `name`, if `message` is that.
fn executable_in(message: &str, name: &str) -> Option<PathBuf> {
    let about = message.contains(r#""kind":["bench"]"#) && message.contains(&format!(r#""name":"{name}""#));
    let path = message.split_once(r#""executable":""#)?.1.split('"').next()?;
    about.then(|| Path::new(path).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_read_from_cargos_message() {
        let message = r#"{"reason":"compiler-artifact","target":{"kind":["bench"],"name":"halo"},"executable":"/t/release/deps/halo-1","fresh":true}"#;
        assert_eq!(executable_in(message, "halo"), Some("/t/release/deps/halo-1".into()));
        assert_eq!(executable_in(message, "io"), None);
        assert_eq!(executable_in(&message.replace(r#""/t/release/deps/halo-1""#, "null"), "halo"), None);
    }
}
