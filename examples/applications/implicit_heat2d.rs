//! Implicit heat conduction after the TeaLeaf mini-app (UK-MAC), on several MPI ranks × threads.
//!
//! Equation: ∂u/∂t = ∇·(K⁻¹∇u) on a box without flux through its walls, where u = ρe and K = ρ (or
//! 1/ρ, as the deck says). Method: backward Euler; each step solves (1 − Δt ∇·(K⁻¹∇)) u' = u, with
//! the coefficient at a face the mean (1/K₁ + 1/K₂)/2. At the end e = u/ρ, and Σ Vρu is the
//! temperature that TeaLeaf's decks are checked by. With `--solver cg` it is the same algorithm as
//! TeaLeaf's; `mgcg` is conjugate gradients with multigrid.
//!
//! ```sh
//! cargo build --release --example implicit_heat2d
//! target/release/examples/implicit_heat2d --cells 250 --solver cg
//! mpirun -n 4 target/release/examples/implicit_heat2d --deck tea.in --output heat.h5 --png heat.png
//! ```

#[path = "common/cli.rs"]
mod cli;
#[path = "implicit_heat2d/deck.rs"]
mod deck;

use std::path::PathBuf;
use std::time::Instant;

use clap::ValueEnum;
use deck::Deck;
use parhelion::prelude::*;
use parhelion::solvers::{Elliptic, Identity, Krylov, Mean, Multigrid};

/// Implicit heat conduction after TeaLeaf.
#[derive(clap::Parser)]
struct Options {
    /// Cells per axis, instead of the deck's.
    #[arg(long)]
    cells: Option<usize>,
    /// Time steps, instead of the deck's.
    #[arg(long)]
    steps: Option<usize>,
    /// A deck in TeaLeaf's format; that of its benchmarks if not given.
    #[arg(long)]
    deck: Option<PathBuf>,
    /// Plain conjugate gradients, or with multigrid.
    #[arg(long, value_enum, default_value_t = Solver::Mgcg)]
    solver: Solver,
    /// Process grid, such as 2x2. Default: chosen from the number of ranks.
    #[arg(long)]
    procs: Option<cli::Procs<2>>,
    /// Threads per rank. Default: the rank's share of the cores.
    #[arg(long)]
    threads: Option<usize>,
    /// PNG file for a picture of the temperature at the end.
    #[arg(long)]
    png: Option<PathBuf>,
    /// HDF5 file for the temperature at the end.
    #[arg(long)]
    output: Option<PathBuf>,
    #[command(flatten)]
    measuring: cli::Measuring,
}

#[derive(Clone, Copy, ValueEnum)]
enum Solver {
    Cg,
    Mgcg,
}

type At<'a> = Point<'a, f64, 2, 0>;

fn main() -> parhelion::Result<()> {
    let (world, options) = cli::start(|options: &Options| options.threads)?;
    let files = [("--png", options.png.as_deref()), ("--output", options.output.as_deref())];
    cli::check_files(&world, files.into_iter().chain(options.measuring.files()))?;
    options.measuring.begin(&world);
    let text = options.deck.as_ref().map_or_else(|| Ok(deck::BENCHMARK.to_owned()), std::fs::read_to_string);
    let deck: parhelion::Result<Deck> =
        text.map_err(parhelion::Error::from).and_then(|text| text.parse().map_err(parhelion::Error::other));
    let deck = world.agree(deck)?;
    let cells = options.cells.map_or(deck.cells, |n| [n; 2]);
    let steps = options.steps.unwrap_or(deck.steps);

    let extent = [0, 1].map(|a| deck.high[a] - deck.low[a]);
    let mut grid = Grid::builder(cells).origin(deck.low).extent(extent);
    if let Some(cli::Procs(procs)) = options.procs {
        grid = grid.procs(procs);
    }
    let grid = grid.build(&world)?;
    let spacing = grid.spacing();
    let (mut density, mut energy) = (grid.field::<f64>("density"), grid.field::<f64>("energy"));
    let mut u = grid.field_builder::<f64>("temperature").build()?;
    density.fill_with(|place| deck.state_at(place, spacing).density);
    energy.fill_with(|place| deck.state_at(place, spacing).energy);
    u.copy_from(&density)?;
    u.zip_mut_with(&energy, |density, &energy| *density *= energy)?;
    let mut conduction = grid.field::<f64>("conduction");
    let reciprocal = deck.conductivity_is_reciprocal;
    conduction.copy_from(&density)?;
    conduction.map_inplace(|density| {
        *density = deck.time_step * if reciprocal { *density } else { 1.0 / *density }
    });

    let operator =
        Elliptic::builder(&grid).coefficient_of(&conduction, Mean::Arithmetic).shift(1.0).build()?;
    let mut multigrid = Multigrid::<f64, 2>::new(&operator)?;
    let mut before = grid.field::<f64>("before");
    let method = Krylov::cg().tolerance(deck.tolerance).max_iterations(deck.max_iterations);
    world.barrier();
    let start = Instant::now();
    let mut iterations = 0;
    for step in 1..=steps {
        before.copy_from(&u)?;
        let outcome = match options.solver {
            Solver::Cg => method.solve(&operator, &mut Identity, &before, &mut u)?,
            Solver::Mgcg => method.solve(&operator, &mut multigrid, &before, &mut u)?,
        };
        iterations = outcome.iterations();
        if world.rank() == 0 {
            println!("step {step}: {outcome}");
        }
        if !outcome.converged() {
            let why = format!(
                "step {step}: the solve {outcome}; the deck's tl_max_iters, tl_eps or another --solver may help"
            );
            return world.agree(Err(parhelion::Error::other(why)));
        }
    }
    world.barrier();
    let seconds = start.elapsed().as_secs_f64();

    let volume = spacing[0] * spacing[1];
    let region = u.region_local();
    type Both<'a> = (At<'a>, At<'a>);
    let both = (density.reach::<0>()?, u.reach::<0>()?);
    let mass = grid.sum(region, density.reach::<0>()?, |density: At<'_>| volume * density.center())?;
    let heat = grid.sum(region, u.reach::<0>()?, |u: At<'_>| volume * u.center())?;
    let temperature =
        grid.sum(region, both, |(density, u): Both<'_>| volume * density.center() * u.center())?;
    let fingerprint = u.fingerprint();
    if world.rank() == 0 {
        println!("mass {mass:.15e}, energy {heat:.15e}, temperature {temperature:.15e}");
        println!(
            "{seconds:.3} s for {steps} steps, {iterations} iterations in the last; fingerprint {fingerprint:016x}"
        );
    }
    if let Some(path) = &options.output {
        let time = steps as f64 * deck.time_step;
        Output::create(&world, path)?.time(time).write(&u)?.write(&density)?.finish()?;
    }
    if let Some(path) = &options.png {
        parhelion::watch::Picture::new().save(&u, path)?;
    }
    options.measuring.end(&world)
}
