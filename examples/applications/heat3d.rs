//! Heat equation in a periodic box, on several MPI ranks × threads.
//!
//! Equation: ∂u/∂t = Δu on [0, 1]³. Method: explicit Euler in time, second-order differences in
//! space (7-point star stencil), Δt = 0.1 Δx². Exact solution for comparison: a sine mode, which
//! decays as exp(−12 π² t). Halving Δx divides the error by four: the last column tends to 2.
//!
//! ```sh
//! cargo build --release --example heat3d
//! target/release/examples/heat3d
//! mpirun -n 8 target/release/examples/heat3d --cells 256 --output heat.h5
//! mpirun -n 8 target/release/examples/heat3d --cells 256 --checkpoint run/heat --checkpoint-every 500   # kill it, then
//! mpirun -n 6 target/release/examples/heat3d --cells 256 --checkpoint run/heat --restart
//! mpirun -n 4 target/release/examples/heat3d --output-every 50 --series run/heat-series.h5 --png-every 50 --pictures run/heat
//! ```
//!
//! Only the finest grid, which is nearly all of the work, is saved in checkpoints.

#[path = "common/checkpoints.rs"]
mod checkpoints;
#[path = "common/cli.rs"]
mod cli;
#[path = "common/watching.rs"]
mod watching;

use std::f64::consts::TAU;
use std::path::PathBuf;

use checkpoints::check_parameter;
use parhelion::checkpoint::Checkpoint;
use parhelion::prelude::*;
use parhelion::watch::{Colors, Picture};

/// Heat equation in a periodic box.
#[derive(clap::Parser)]
struct Options {
    /// Cells per axis of the finest of three grids, a multiple of 4.
    #[arg(long, default_value_t = 64)]
    cells: usize,
    /// Final time.
    #[arg(long, default_value_t = 0.005)]
    time: f64,
    /// Process grid, such as 2x2x1. Default: chosen from the number of ranks.
    #[arg(long)]
    procs: Option<cli::Procs<3>>,
    /// Threads per rank. Default: the rank's share of the cores.
    #[arg(long)]
    threads: Option<usize>,
    /// HDF5 file for the temperature at the end.
    #[arg(long)]
    output: Option<PathBuf>,
    #[command(flatten)]
    checkpoints: checkpoints::Checkpointing,
    #[command(flatten)]
    watching: watching::Watching,
    #[command(flatten)]
    measuring: cli::Measuring,
}

fn main() -> parhelion::Result<()> {
    let (world, options) = cli::start(|options: &Options| options.threads)?;
    if options.cells == 0 || options.cells % 4 != 0 {
        return world.agree(Err(parhelion::Error::other(format!(
            "--cells {} must be a positive multiple of 4, for the coarser grids",
            options.cells
        ))));
    }
    if !(options.time >= 0.0 && options.time.is_finite()) {
        let what = format!("--time {} must be finite and not negative", options.time);
        return world.agree(Err(parhelion::Error::other(what)));
    }
    options.watching.check(&world)?;
    let files = [("--output", options.output.as_deref()), options.checkpoints.file()];
    cli::check_files(
        &world,
        files.into_iter().chain(options.watching.files()).chain(options.measuring.files()),
    )?;
    options.measuring.begin(&world);
    let steps_of = |cells: usize| {
        let steps = (options.time * 10.0 * (cells * cells) as f64).round() as usize;
        (steps, options.time / steps.max(1) as f64)
    };
    let mut saver = options.checkpoints.begin(&world)?;
    if let Some(saved) = &saver.saved {
        world.agree(check_parameter(saved, "time step", steps_of(options.cells).1))?;
    }
    let mut coarser: Option<f64> = None;
    for cells in [options.cells / 4, options.cells / 2, options.cells] {
        let mut grid = Grid::builder([cells; 3]).extent([1.0; 3]).periodic([true; 3]).halo(1);
        if let Some(cli::Procs(procs)) = options.procs {
            grid = grid.procs(procs);
        }
        let grid = grid.build(&world)?;
        let mut u = grid.field_builder::<f64>("temperature").units("K").build()?;
        u.fill_with(|[z, y, x]| (TAU * x).sin() * (TAU * y).sin() * (TAU * z).sin());

        let (steps, time_step) = steps_of(cells);
        u.set_time(0.0, time_step);
        let r = time_step * (cells * cells) as f64;
        let heat = star_stencil::<f64, 3, 1>(rule!(move |u| {
            let neighbors = (u.at::<-1, 0, 0>() + u.at::<1, 0, 0>())
                + (u.at::<0, -1, 0>() + u.at::<0, 1, 0>())
                + (u.at::<0, 0, -1>() + u.at::<0, 0, 1>());
            u.center() + r * (neighbors - 6.0 * u.center())
        }));
        let kernel = world.kernel(&format!("heat {cells}³")).flops(9);
        if cells < options.cells {
            u.advance(&heat, steps)?;
        } else {
            let (mut step, mut restart) = (0, None);
            if let Some(saved) = saver.saved.take() {
                saved.restore(&mut u)?;
                (step, restart) = (saved.step() as usize, Some(u.time()));
            }
            let picture = Picture::new().plane(0, cells / 4).range(-1.0, 1.0).colors(Colors::Diverging);
            let mut watcher = options.watching.begin(&world, picture, restart)?;
            if restart.is_none() {
                watcher.after(step, &u)?;
            }
            while step < steps {
                let next = saver.next(step, steps).min(watcher.next(step));
                u.advance(&heat, next)?;
                step += next;
                watcher.after(step, &u)?;
                let checkpoint =
                    || Checkpoint::new(step as u64, u.time()).field(&u).scalar("time step", time_step);
                if saver.after(step, checkpoint)?.is_some() {
                    return options.measuring.end(&world);
                }
            }
        }
        drop(kernel);

        let mut error = grid.field::<f64>("error");
        let decay = (-3.0 * TAU * TAU * u.time()).exp();
        error.fill_with(|[z, y, x]| decay * (TAU * x).sin() * (TAU * y).sin() * (TAU * z).sin());
        error.zip_mut_with(&u, |exact, &computed| *exact = computed - *exact)?;
        let (largest, fingerprint) = (error.norm_max(), u.fingerprint());
        if world.rank() == 0 {
            let order =
                coarser.map_or(String::new(), |coarser| format!(", order {:.3}", (coarser / largest).log2()));
            println!(
                "{cells:4}³ cells, {steps:5} steps: largest error {largest:.3e}{order}; fingerprint {fingerprint:016x}"
            );
        }
        coarser = Some(largest);
        if let Some(path) = options.output.as_ref().filter(|_| cells == options.cells) {
            Output::create(&world, path)?.time(u.time()).write(&u)?.finish()?;
        }
    }
    options.measuring.end(&world)
}
