//! `cargo xtask bench`: the benchmarks and how each is run.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use parhelion_launcher::{Cores, THREADS_VARIABLE, Vendor};

use crate::Failure;
use crate::build::Build;
use crate::install::{Need, install};
use crate::setup::setup;
use crate::shape::Shape;
use crate::shell::{line, must, say};

#[derive(Args)]
pub(crate) struct Options {
    /// Name of a benchmark, or `all`; omit it to list them
    name: Option<String>,
    /// Append each row of the result to this file, as a JSON object
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Ranks x threads to run on [default: chosen for this machine]
    #[arg(long, value_name = "RxT,...", value_delimiter = ',')]
    shapes: Vec<Shape>,
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

/// Number of times each shape of a scaling benchmark is measured.
const ROUNDS_OF_SCALING: usize = 3;

enum Run {
    /// Under `mpirun`, once for each way to fill the cores with ranks x threads.
    Ranks,
    /// Like `Ranks`, and on one core.
    RanksAndOne,
    /// Under `mpirun` with one thread per rank and messages over TCP.
    SlowTransport,
    /// Under `mpirun` on 1, 2, 4, … cores, in several rounds, followed by a summary.
    Scaling,
    /// By `cargo bench`, as one process on all cores.
    Node,
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "overlap",
        what: "how much of an exchange over TCP is hidden behind computing",
        package: "parhelion",
        run: Run::SlowTransport,
    },
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
        what: "the overhead of measuring sweeps and exchanges",
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
    Bench {
        name: "checkpoint",
        what: "checkpoints against plain files, and what they cost a run",
        package: "parhelion",
        run: Run::Ranks,
    },
    Bench { name: "denoise", what: "image denoising against ITK", package: "parhelion", run: Run::Ranks },
    Bench {
        name: "prk",
        what: "the Parallel Research Kernels stencil against memory bandwidth and plain C",
        package: "parhelion",
        run: Run::RanksAndOne,
    },
    Bench {
        name: "peers",
        what: "heat and waves against Devito on the same cores",
        package: "parhelion",
        run: Run::Ranks,
    },
    Bench {
        name: "poisson",
        what: "elliptic solves against hypre and against sweeps that compute the residual",
        package: "parhelion",
        run: Run::Ranks,
    },
    Bench {
        name: "npb",
        what: "MG of the NAS Parallel Benchmarks, classes A and B, against memory traffic",
        package: "parhelion",
        run: Run::Ranks,
    },
    Bench {
        name: "krylov",
        what: "iterations of Krylov methods against memory bandwidth, and latency hidden by pipelining",
        package: "parhelion",
        run: Run::Ranks,
    },
    Bench {
        name: "scaling",
        what: "strong and weak scaling over ranks x threads, with a plot",
        package: "parhelion",
        run: Run::Scaling,
    },
];

/// Runs one benchmark or all of them, or lists them.
pub(crate) fn bench(mpi: Option<Vendor>, options: &Options) -> Result<(), Failure> {
    let Some(name) = &options.name else {
        BENCHES.iter().for_each(|bench| println!("{:10} {}", bench.name, bench.what));
        return Ok(());
    };
    let chosen: Vec<&Bench> = BENCHES.iter().filter(|bench| name == "all" || name == bench.name).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        let names = names.join(", ");
        return Err(format!("there is no benchmark `{name}`; choose one of {names}, or `all`").into());
    }
    // Absolute, because the programs run at the root of the workspace.
    let json = options.json.as_ref().map(std::path::absolute).transpose()?;
    let build = setup(mpi)?;
    let cores = Cores::available();
    let shapes = |usual: Vec<Shape>| if options.shapes.is_empty() { usual } else { options.shapes.clone() };
    let spread = Shape::spread(&cores);
    chosen.into_iter().try_for_each(|bench| {
        if bench.name == "poisson" {
            find_hypre(&build);
        }
        let mut args = options.args.clone();
        if let Some(file) = &json {
            args.extend(["--json".into(), file.display().to_string()]);
        }
        match bench.run {
            Run::Ranks => on_ranks(bench, &build, &cores, &shapes(spread.clone()), &args),
            Run::RanksAndOne => {
                let mut all = vec![Shape { ranks: 1, threads: 1 }];
                all.extend(spread.iter().filter(|shape| shape.cores() > 1));
                on_ranks(bench, &build, &cores, &shapes(all), &args)
            }
            Run::SlowTransport => {
                let ranks = Shape { ranks: cores.physical.max(2), threads: 1 };
                on_ranks(bench, &build, &cores, &shapes(vec![ranks]), &args)
            }
            Run::Scaling => {
                scaling(bench, &build, &cores, &shapes(Shape::ladder(&cores)), &options.args, json.as_deref())
            }
            Run::Node => on_node(bench, &build, &args),
        }
    })
}

/// Installs hypre if possible; without it, the benchmark says so and measures Parhelion alone.
fn find_hypre(build: &Build) {
    if std::env::var_os("HYPRE_DIR").is_some() || Path::new("/usr/include/hypre/HYPRE.h").exists() {
        return;
    }
    if let Err(failure) = install(&[Need::Hypre], build.mpirun.vendor()) {
        say(format_args!("{failure}; or set HYPRE_DIR to the folder of one built with this MPI"));
    }
}

fn on_ranks(
    bench: &Bench,
    build: &Build,
    cores: &Cores,
    shapes: &[Shape],
    args: &[String],
) -> Result<(), Failure> {
    let program = executable(bench, build)?;
    shapes.iter().try_for_each(|&shape| on_shape(bench, build, cores, &program, shape, args))
}

fn on_shape(
    bench: &Bench,
    build: &Build,
    cores: &Cores,
    program: &Path,
    shape: Shape,
    args: &[String],
) -> Result<(), Failure> {
    say(format_args!("{}: {} ranks x {} threads", bench.name, shape.ranks, shape.threads));
    let launch = build.launch(program).args(args).ranks(shape.ranks).threads(shape.threads);
    let mut launch = launch.binding(shape.binding(cores));
    if matches!(bench.run, Run::SlowTransport) {
        launch = launch.slow_transport().env("PARHELION_HALO", "messages");
    }
    println!("$ {launch}");
    let status = launch.run()?;
    if status.success() {
        return Ok(());
    }
    Err(format!("benchmark {} failed on {shape} ({status})", bench.name).into())
}

/// Measures all shapes in rounds, because the speed of a machine drifts, then runs the program to
/// summarize them.
fn scaling(
    bench: &Bench,
    build: &Build,
    cores: &Cores,
    shapes: &[Shape],
    args: &[String],
    json: Option<&Path>,
) -> Result<(), Failure> {
    let program = executable(bench, build)?;
    let folder = build.target().join("bench");
    fs::create_dir_all(&folder)?;
    let (rows, plot) = (folder.join("scaling.jsonl"), folder.join("scaling.svg"));
    fs::write(&rows, "")?;
    let with_rows = [args, &["--json".into(), rows.display().to_string()]].concat();
    for round in 1..=ROUNDS_OF_SCALING {
        say(format_args!("round {round} of {ROUNDS_OF_SCALING}"));
        shapes.iter().try_for_each(|&shape| on_shape(bench, build, cores, &program, shape, &with_rows))?;
    }
    if let Some(file) = json {
        let text = fs::read(&rows)?;
        OpenOptions::new().create(true).append(true).open(file)?.write_all(&text)?;
    }
    must(Command::new(program).arg("--summarize").arg(rows).arg("--plot").arg(plot))
}

fn on_node(bench: &Bench, build: &Build, args: &[String]) -> Result<(), Failure> {
    let mut command = build.cargo(&["bench", "--package", bench.package, "--bench", bench.name, "--"]);
    command.args(args).env(THREADS_VARIABLE, Cores::available().physical.to_string());
    must(&mut command)
}

/// Builds the benchmark and returns the path that cargo reports.
fn executable(bench: &Bench, build: &Build) -> Result<PathBuf, Failure> {
    let args = ["bench", "--no-run", "--package", bench.package, "--bench", bench.name, "--message-format"];
    let mut command = build.cargo(&args);
    command.arg("json-render-diagnostics").stdin(Stdio::null()).stderr(Stdio::inherit());
    println!("$ {}", line(&command));
    let output = command.output()?;
    let messages = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("benchmark {} failed to build", bench.name).into());
    }
    let program = messages.lines().rev().find_map(|message| executable_in(message, bench.name));
    program.ok_or_else(|| format!("cargo did not report the path of benchmark {}", bench.name).into())
}

/// The path of the bench target `name`, if this is cargo's message about it.
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
