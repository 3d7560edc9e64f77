//! `hypre_poisson.c`, compiled when the bench runs, as a separate MPI job that makes one solve per
//! request.
//!
//! The job is separate because it has as many ranks as this one has ranks × threads, and the MPI
//! that hypre was built with.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use parhelion_launcher::{Launch, Mpirun, Vendor, quoted};
use serde::Deserialize;

/// The environment variable with the folder of a custom hypre, built with the MPI of this program.
const FOLDER_VARIABLE: &str = "HYPRE_DIR";

/// Debian's folder of its headers.
const DEBIAN: &str = "/usr/include/hypre";

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/hypre_poisson.c");

/// A solve by hypre.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Solved {
    /// Seconds to set the solvers up, and to solve.
    pub(crate) setup: f64,
    pub(crate) solve: f64,
    pub(crate) iterations: usize,
    /// Largest value, that of the probe, and the mean of the solution.
    pub(crate) largest: f64,
    pub(crate) probe: f64,
    pub(crate) mean: f64,
    ranks: usize,
}

/// A job that answers requests: see `hypre_poisson.c`.
pub(crate) struct Hypre {
    job: Child,
    ranks: usize,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Hypre {
    /// Starts the job with this many ranks, after compiling it. `Err` gives the reason if that
    /// fails.
    pub(crate) fn start(ranks: usize) -> Result<Self, String> {
        let (program, mpirun) = compile()?;
        let launch = Launch::new(&mpirun, program).ranks(ranks);
        // The new job must not inherit this one's variables and binding to cores.
        let everywhere = if cfg!(target_os = "linux") { "taskset --cpu-list 0-1023" } else { "" };
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec {everywhere} {launch}")]);
        for (name, _) in std::env::vars_os() {
            let of_mpi = ["OMPI_", "PMIX_", "PMI_", "PRTE_", "HYDRA_", "HYDI_"];
            if of_mpi.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                shell.env_remove(name);
            }
        }
        let job = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut job = job.map_err(|error| format!("its job does not start: {error}"))?;
        let (requests, answers) = (job.stdin.take(), job.stdout.take());
        let answers = BufReader::new(answers.ok_or("its output is not piped")?);
        Ok(Self { job, ranks, requests, answers })
    }

    /// Solves a problem of this kind on `cells`³ cells, `tuned` or with default options.
    pub(crate) fn solve(
        &mut self,
        kind: &str,
        cells: usize,
        tolerance: f64,
        tuned: bool,
    ) -> Result<Solved, String> {
        let ended = |error: std::io::Error| format!("hypre ended: {error}");
        let how = if tuned { "tuned" } else { "default" };
        let requests = self.requests.as_mut().ok_or("hypre ended")?;
        writeln!(requests, "{kind} {cells} {tolerance:e} {how}").map_err(ended)?;
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(ended)?;
        let solved: Solved = serde_json::from_str(&line)
            .map_err(|error| format!("hypre answered `{}` to {kind} {cells}: {error}", line.trim()))?;
        if solved.ranks == self.ranks {
            return Ok(solved);
        }
        Err(format!("hypre ran on {} ranks instead of {}: it has another MPI", solved.ranks, self.ranks))
    }
}

impl Drop for Hypre {
    fn drop(&mut self) {
        // The end of its input ends the program.
        self.requests = None;
        let _ = self.job.wait();
    }
}

/// Compiles the program and returns it with the `mpirun` that starts it, or the reason why that
/// fails.
fn compile() -> Result<(PathBuf, Mpirun), String> {
    let own = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
    let (mpirun, mpicc) = if own.is_some() {
        let named = std::env::var_os("MPICC").unwrap_or_else(|| "mpicc".into());
        (Mpirun::find(), named)
    } else {
        // Debian's hypre is built with Open MPI, whatever this program is built with.
        if !Path::new(DEBIAN).join("HYPRE.h").exists() {
            return Err(format!(
                "install it (Debian: sudo apt-get install libhypre-dev libopenmpi-dev), or set {FOLDER_VARIABLE} to where it is"
            ));
        }
        (Mpirun::find_vendor(Vendor::OpenMpi), "mpicc.openmpi".into())
    };
    let mpirun = mpirun.map_err(|error| error.to_string())?;
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hypre_poisson");
    let mut compiler = Command::new(&mpicc);
    compiler.args(["-O3", "-march=native", "-o"]).args([&program, Path::new(SOURCE)]);
    match own {
        Some(folder) => {
            let libraries = folder.join("lib");
            compiler.arg("-I").arg(folder.join("include")).arg("-L").arg(&libraries);
            compiler.arg(format!("-Wl,-rpath,{}", libraries.display()));
        }
        None => drop(compiler.args(["-I", DEBIAN])),
    }
    let failed = |why: &str| format!("{} does not compile its driver: {why}", quoted(&mpicc));
    let output = compiler.args(["-lHYPRE", "-lm"]).output().map_err(|error| failed(&error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok((program, mpirun))
}
