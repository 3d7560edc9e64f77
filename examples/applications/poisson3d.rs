//! Poisson's equation in a box, by multigrid or conjugate gradients with it, on several MPI ranks ×
//! threads.
//!
//! Equation: −∇·(β∇u) = f on [0, 1]³. Method: finite volumes of second order; residuals in double
//! precision, multigrid in single or double. The right-hand side is 1, a dataset of an HDF5 file
//! (`--input`; its cells are cubes), or a formula whose exact solution is known (`--exact`): then
//! the largest error is printed, which falls by four when the cells are halved. A solve that does
//! not converge ends with an error.
//!
//! ```sh
//! cargo build --release --example poisson3d
//! target/release/examples/poisson3d --cells 128 --tol 1e-8
//! mpirun -n 8 target/release/examples/poisson3d --cells 256 --coefficient jump --solver mgcg64 --plot convergence.svg --output u.h5
//! mpirun -n 2 target/release/examples/poisson3d --input u.h5 --dataset u --png solution.png
//! ```

#[path = "common/cli.rs"]
mod cli;
#[path = "poisson3d/plot.rs"]
mod plot;

use std::f64::consts::PI;
use std::path::PathBuf;
use std::time::Instant;

use clap::ValueEnum;
use parhelion::Error;
use parhelion::prelude::*;
use parhelion::solvers::{Cycle, Elliptic, Identity, Krylov, Mean, MultigridBuilder, Outcome, Real};
use parhelion::watch::Picture;

/// Poisson's equation in a box.
#[derive(clap::Parser)]
struct Options {
    /// Cells per axis.
    #[arg(long, default_value_t = 64, conflicts_with = "input")]
    cells: usize,
    /// HDF5 file with the right-hand side, whose shape gives the cells per axis.
    #[arg(long)]
    input: Option<PathBuf>,
    /// Dataset with the right-hand side in that file.
    #[arg(long, default_value = "f", requires = "input")]
    dataset: String,
    /// Residual at which to stop, relative to the right-hand side.
    #[arg(long, default_value_t = 1e-8)]
    tol: f64,
    /// Condition at the walls: the value 0, no flux, periodic axes (no walls), or the value 0 on
    /// axis 0 and no flux elsewhere.
    #[arg(long, value_enum, default_value_t = Walls::Dirichlet)]
    walls: Walls,
    /// The coefficient β: 1, a smooth one, or one that jumps between 1 and 10⁶ from block to block.
    #[arg(long, value_enum, default_value_t = Coefficient::One)]
    coefficient: Coefficient,
    /// Multigrid cycles in single or double precision, conjugate gradients with them, or plain
    /// conjugate gradients, pipelined or not.
    #[arg(long, value_enum, default_value_t = Solver::Mg32)]
    solver: Solver,
    /// The order in which multigrid visits the levels.
    #[arg(long, value_enum, default_value_t = Order::V)]
    cycle: Order,
    /// Sweeps of the smoother before and after the coarse correction.
    #[arg(long, default_value_t = 1)]
    sweeps: usize,
    /// Print the cost and the convergence of each level of multigrid.
    #[arg(long)]
    levels: bool,
    /// A right-hand side whose solution is known: sin πz sin πy sin πx (with walls of value 0 and
    /// β = 1).
    #[arg(long, conflicts_with = "input")]
    exact: bool,
    /// Maximum number of iterations of conjugate gradients.
    #[arg(long, default_value_t = 100_000)]
    max_iterations: usize,
    /// Process grid, such as 2x2x1. Default: chosen from the number of ranks.
    #[arg(long)]
    procs: Option<cli::Procs<3>>,
    /// Threads per rank. Default: the rank's share of the cores.
    #[arg(long)]
    threads: Option<usize>,
    /// SVG file for a plot of the residual after each iteration.
    #[arg(long)]
    plot: Option<PathBuf>,
    /// PNG file for a picture of the middle plane of the solution.
    #[arg(long)]
    png: Option<PathBuf>,
    /// HDF5 file for the solution.
    #[arg(long)]
    output: Option<PathBuf>,
    #[command(flatten)]
    measuring: cli::Measuring,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Walls {
    Dirichlet,
    Neumann,
    Periodic,
    Mixed,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Coefficient {
    One,
    Smooth,
    Jump,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Solver {
    Mgcg32,
    Mgcg64,
    Mg32,
    Mg64,
    Cg,
    PipelinedCg,
}

#[derive(Clone, Copy, ValueEnum)]
enum Order {
    V,
    W,
    F,
    Full,
}

fn main() -> parhelion::Result<()> {
    let (world, options) = cli::start(|options: &Options| options.threads)?;
    world.agree(check(&options))?;
    let files = [("--plot", &options.plot), ("--png", &options.png), ("--output", &options.output)];
    let files = files.map(|(option, path)| (option, path.as_deref()));
    cli::check_files(&world, files.into_iter().chain(options.measuring.files()))?;
    options.measuring.begin(&world);
    let file = options.input.as_ref().map(|path| Input::open(&world, path)).transpose()?;
    let shape: [usize; 3] = match &file {
        None => [options.cells; 3],
        Some(file) => {
            let shape = file.shape(&options.dataset)?;
            let wrong =
                || format!("dataset '{}' has the shape {shape:?}; 3 axes are needed", options.dataset);
            world.agree(shape.try_into().map_err(|_| Error::other(wrong())))?
        }
    };
    let longest = shape.into_iter().fold(1, usize::max) as f64;
    let extent = shape.map(|cells| cells as f64 / longest);
    let mut grid = Grid::builder(shape).extent(extent).periodic([options.walls == Walls::Periodic; 3]);
    if let Some(cli::Procs(procs)) = options.procs {
        grid = grid.procs(procs);
    }
    let grid = grid.build(&world)?;
    let (mut f, mut u) = (grid.field::<f64>("f"), grid.field::<f64>("u"));
    match (&file, options.exact, options.walls) {
        (Some(file), ..) => file.read_into(&options.dataset, &mut f)?,
        (_, true, _) => f.fill_with(|x| 3.0 * PI * PI * mode(x)),
        (_, false, Walls::Dirichlet | Walls::Mixed) => f.fill(1.0),
        // Without a wall of given value, a right-hand side must have the mean 0.
        (_, false, _) => f.fill_with(|x| x.map(|x| (2.0 * PI * x).cos()).iter().product()),
    }

    world.barrier();
    let start = Instant::now();
    let mut jumps = None;
    let mut problem = Elliptic::builder(&grid);
    for face in Face::all::<3>() {
        let fixed = options.walls == Walls::Dirichlet || options.walls == Walls::Mixed && face.axis == 0;
        if fixed {
            problem = problem.wall(face, Boundary::Dirichlet(0.0));
        }
    }
    match options.coefficient {
        Coefficient::One => {}
        Coefficient::Smooth => {
            problem = problem
                .coefficient_at(|x| 1.0 + 0.25 * x.map(|x| (2.0 * PI * x).sin()).iter().product::<f64>());
        }
        Coefficient::Jump => {
            let beta = jumps.insert(grid.field::<f64>("beta"));
            beta.fill_with(|x| {
                if x.map(|x| (5.0 * x) as usize).iter().sum::<usize>().is_multiple_of(2) { 1.0 } else { 1e6 }
            });
            problem = problem.coefficient_of(beta, Mean::Harmonic);
        }
    }
    let operator = problem.build()?;
    let (outcome, [setup, seconds]) = solve(&operator, &options, &f, &mut u, start)?;
    let fingerprint = u.fingerprint();
    if world.rank() == 0 {
        let [depth, height, width] = shape;
        println!("{depth} × {height} × {width} cells: {outcome}");
        println!("set-up {setup:.3} s, set-up and solve {seconds:.3} s; fingerprint {fingerprint:016x}");
    }
    if options.exact {
        let mut error = grid.field::<f64>("error");
        error.fill_with(mode);
        error.zip_mut_with(&u, |exact, &u| *exact = u - *exact)?;
        let largest = error.norm_max();
        if world.rank() == 0 {
            println!("largest error {largest:.3e}");
        }
    }
    if let Some(path) = &options.plot {
        let plotted = if world.rank() == 0 { plot::save(&outcome, path) } else { Ok(()) };
        world.agree(plotted.map_err(Error::other))?;
    }
    if let Some(path) = &options.png {
        Picture::new().save(&u, path)?;
    }
    if let Some(path) = &options.output {
        Output::create(&world, path)?.write(&u)?.finish()?;
    }
    options.measuring.end(&world)?;
    let why =
        || Error::other(format!("the solve {outcome}; --max-iterations, --tol or another --solver may help"));
    world.agree(if outcome.converged() { Ok(()) } else { Err(why()) })
}

/// Checks that the options are compatible.
fn check(options: &Options) -> parhelion::Result<()> {
    if options.exact && (options.walls != Walls::Dirichlet || options.coefficient != Coefficient::One) {
        return Err(Error::other(
            "--exact knows the solution for --walls dirichlet and --coefficient one only; leave it out, or the others",
        ));
    }
    Ok(())
}

fn mode(x: [f64; 3]) -> f64 {
    x.map(|x| (PI * x).sin()).iter().product()
}

/// Solves with the method of the command line. Also returns the seconds from `start` until the
/// solver was set up, and until the end.
fn solve(
    operator: &Elliptic<3>,
    options: &Options,
    f: &Field<f64, 3>,
    u: &mut Field<f64, 3>,
    start: Instant,
) -> parhelion::Result<(Outcome, [f64; 2])> {
    let method = match options.solver {
        Solver::Mgcg32 | Solver::Mg32 => return solve_by_multigrid::<f32>(operator, options, f, u, start),
        Solver::Mgcg64 | Solver::Mg64 => return solve_by_multigrid::<f64>(operator, options, f, u, start),
        Solver::Cg => limited(Krylov::cg(), options),
        Solver::PipelinedCg => limited(Krylov::pipelined_cg(), options),
    };
    let setup = start.elapsed().as_secs_f64();
    let outcome = method.solve(operator, &mut Identity, f, u)?;
    f.grid().world().barrier();
    Ok((outcome, [setup, start.elapsed().as_secs_f64()]))
}

fn limited(method: Krylov, options: &Options) -> Krylov {
    method.tolerance(options.tol).max_iterations(options.max_iterations)
}

/// Multigrid in one precision, alone or inside conjugate gradients.
fn solve_by_multigrid<T: Real>(
    operator: &Elliptic<3>,
    options: &Options,
    f: &Field<f64, 3>,
    u: &mut Field<f64, 3>,
    start: Instant,
) -> parhelion::Result<(Outcome, [f64; 2])> {
    let cycle = match options.cycle {
        Order::V => Cycle::V,
        Order::W => Cycle::W,
        Order::F => Cycle::F,
        Order::Full => Cycle::Full,
    };
    let builder = MultigridBuilder::new().cycle(cycle).sweeps(options.sweeps, options.sweeps);
    let mut multigrid = builder.build::<T, 3>(operator)?;
    let setup = start.elapsed().as_secs_f64();
    let outcome = if matches!(options.solver, Solver::Mg32 | Solver::Mg64) {
        multigrid.solve(f, u, options.tol)?
    } else {
        limited(Krylov::cg(), options).solve(operator, &mut multigrid, f, u)?
    };
    let world = f.grid().world();
    world.barrier();
    let seconds = start.elapsed().as_secs_f64();
    if options.levels {
        let report = multigrid.report()?;
        if world.rank() == 0 {
            println!("{report}");
        }
    }
    Ok((outcome, [setup, seconds]))
}
