//! The MG benchmark of the NAS Parallel Benchmarks 3.4: V-cycle multigrid for a Poisson-like
//! problem on a periodic grid, on several MPI ranks × threads.
//!
//! Equation: A u = v on n³ points, with charges ±1 at 20 points that a random number generator
//! chooses. Method: that of the benchmark, whose rules fix all stencils; prints the norm of the
//! residual and whether it is the official one, to 1e-8. (D. Bailey et al., *The NAS Parallel
//! Benchmarks*, RNR-94-007, section 2.3.)
//!
//! ```sh
//! cargo build --release --example npb_mg
//! target/release/examples/npb_mg --class S
//! mpirun -n 8 target/release/examples/npb_mg --class B
//! ```
//!
//! The residual of the finest level is never stored: one pass restricts it as it computes it,
//! another interpolates the correction, computes the residual again and smooths
//! (`npb_mg/passes.rs`). Operations are counted as the benchmark prescribes.
//!
//! Large levels are spread over all ranks; where a granule keeps blocks of all of them in the same
//! places, a coarse point and the fine points around it are on one rank. Levels of 16³ points and
//! fewer are gathered: every rank computes them by itself.

#[path = "common/cli.rs"]
mod cli;
#[path = "npb_mg/cycle.rs"]
mod cycle;
#[path = "npb_mg/passes.rs"]
mod passes;
#[path = "npb_mg/random.rs"]
mod random;
#[path = "npb_mg/stencils.rs"]
mod stencils;
#[path = "npb_mg/transfer.rs"]
mod transfer;

use std::time::Instant;

use cycle::{Class, Multigrid};

/// The MG benchmark of the NAS Parallel Benchmarks.
#[derive(clap::Parser)]
struct Options {
    /// Size of the problem.
    #[arg(long, value_enum, default_value_t = Class::S, ignore_case = true)]
    class: Class,
    /// Process grid, such as 2x2x1. Default: chosen from the number of ranks.
    #[arg(long)]
    procs: Option<cli::Procs<3>>,
    /// Threads per rank. Default: the rank's share of the cores.
    #[arg(long)]
    threads: Option<usize>,
    #[command(flatten)]
    measuring: cli::Measuring,
}

fn main() -> parhelion::Result<()> {
    let (world, options) = cli::start(|options: &Options| options.threads)?;
    cli::check_files(&world, options.measuring.files())?;
    options.measuring.begin(&world);
    let class = options.class;
    let (n, iterations, official) = class.problem();
    let mut multigrid = Multigrid::new(&world, class, options.procs.map(|cli::Procs(procs)| procs))?;
    let say = |text: String| {
        if world.rank() == 0 {
            println!("{text}")
        }
    };

    // As the benchmark does: one iteration untimed, then from the start.
    multigrid.iterate()?;
    multigrid.reset();
    say(format!("class {class:?}, {n}³ points: residual {:.13e}", multigrid.norm()?));
    world.barrier();
    let start = Instant::now();
    for _ in 0..iterations {
        multigrid.iterate()?;
    }
    let norm = multigrid.norm()?;
    world.barrier();
    let seconds = start.elapsed().as_secs_f64();
    let error = (norm - official).abs() / official;
    let fingerprint = multigrid.solution().fingerprint();
    let verdict = if error <= 1e-8 { "verified" } else { "NOT VERIFIED" };
    say(format!("residual {norm:.13e} after {iterations} iterations, official {official:.13e}: {verdict}"));
    say(format!("{seconds:.3} s, {:.1} Mop/s; fingerprint {fingerprint:016x}", class.mop() / seconds));
    options.measuring.end(&world)
}
