//! Edge-preserving smoothing of a 3-D image on several MPI ranks × threads.
//!
//! Equation: ∂u/∂t = ∇·(c ∇u) with c = exp(−|∇u|² / (2 κ² mean|∇u|²)): diffusion that stops at
//! edges. Method: explicit steps of the Perona–Malik scheme of ITK's
//! `GradientAnisotropicDiffusionImageFilter` on cells, zero flux at the walls; see
//! `denoise3d/perona_malik.rs`. Each step exchanges halos (edges too), reduces the mean squared
//! gradient, and sweeps. The result has the same bits on any ranks × threads.
//!
//! ```sh
//! cargo build --release --example denoise3d
//! mpirun -n 2 target/release/examples/denoise3d --input data/mni152_t1.h5 --dataset t1 --output brain.h5 --png brain.png
//! mpirun -n 4 --bind-to none target/release/examples/denoise3d … --procs 2x2x1 --threads 8
//! ```

#[path = "common/checkpoints.rs"]
mod checkpoints;
#[path = "common/cli.rs"]
mod cli;
#[path = "denoise3d/perona_malik.rs"]
mod perona_malik;
#[path = "denoise3d/picture.rs"]
mod picture;
#[path = "common/watching.rs"]
mod watching;

use std::path::PathBuf;
use std::time::Instant;

use checkpoints::check_parameter;
use cli::{Measuring, Procs};
use indicatif::{ProgressBar, ProgressStyle};
use parhelion::Error;
use parhelion::checkpoint::Checkpoint;
use parhelion::prelude::*;
use parhelion::watch::{Colors, Picture};
use perona_malik::Parameters;

/// Edge-preserving smoothing of a 3-D image in an HDF5 file.
#[derive(clap::Parser)]
struct Options {
    /// HDF5 file with the image.
    #[arg(long)]
    input: PathBuf,
    /// Dataset in that file, with three axes and any number type.
    #[arg(long, default_value = "t1")]
    dataset: String,
    /// HDF5 file to write; an XDMF file for ParaView is written beside it.
    #[arg(long)]
    output: PathBuf,
    /// Number of steps.
    #[arg(long, default_value_t = 20)]
    steps: usize,
    /// Time step; stable up to 0.0625.
    #[arg(long, default_value_t = 0.0625)]
    time_step: f64,
    /// Edges steeper than this times the mean gradient are kept.
    #[arg(long, default_value_t = 1.0)]
    conductance: f64,
    /// Process grid, such as 2x1x1. Default: chosen from the number of ranks.
    #[arg(long)]
    procs: Option<Procs<3>>,
    /// Threads per rank. Default: the rank's share of the cores.
    #[arg(long)]
    threads: Option<usize>,
    /// Picture of the middle slices before and after, and their difference.
    #[arg(long)]
    png: Option<PathBuf>,
    #[command(flatten)]
    checkpoints: checkpoints::Checkpointing,
    #[command(flatten)]
    watching: watching::Watching,
    #[command(flatten)]
    measuring: Measuring,
}

fn main() -> parhelion::Result<()> {
    let (world, options) = cli::start(|options: &Options| options.threads)?;
    let parameters = Parameters { time_step: options.time_step, conductance: options.conductance };
    options.watching.check(&world)?;
    let files = [
        ("--png", options.png.as_deref()),
        ("--output", Some(options.output.as_path())),
        options.checkpoints.file(),
    ];
    cli::check_files(
        &world,
        files.into_iter().chain(options.watching.files()).chain(options.measuring.files()),
    )?;
    options.measuring.begin(&world);

    let file = Input::open(&world, &options.input)?;
    let shape = file.shape(&options.dataset)?;
    let &[depth, height, width] = shape else {
        let what = format!(
            "dataset '{}' has the shape {shape:?}; denoise3d smooths images of 3 axes",
            options.dataset
        );
        return world.agree(Err(Error::other(what)));
    };
    let mut grid = Grid::builder([depth, height, width]).halo(1);
    if let Some(Procs(procs)) = options.procs {
        grid = grid.procs(procs);
    }
    let grid = grid.build(&world)?;
    let mut image = grid.field::<f32>("image");
    file.read_into(&options.dataset, &mut image)?;
    let before = options.png.as_ref().map(|_| picture::middle_slices(&image)).transpose()?;

    let mut saver = options.checkpoints.begin(&world)?;
    image.set_time(0.0, options.time_step);
    let (mut first, mut restart) = (0, None);
    if let Some(saved) = saver.saved.take() {
        world.agree(check_parameter(&saved, "time step", options.time_step))?;
        world.agree(check_parameter(&saved, "conductance", options.conductance))?;
        saved.restore(&mut image)?;
        (first, restart) = (saved.step() as usize, Some(image.time()));
        if first > options.steps {
            let what = format!(
                "the checkpoint is of step {first}, but --steps is {}; give at least {first}",
                options.steps
            );
            return world.agree(Err(Error::other(what)));
        }
    }
    let mut watcher = options.watching.begin(&world, Picture::new().colors(Colors::Gray), restart)?;
    if restart.is_none() {
        watcher.after(first, &image)?;
    }
    let progress = progress_bar(&world, options.steps);
    progress.set_position(first as u64);
    world.barrier();
    let start = Instant::now();
    for step in first + 1..=options.steps {
        // Both the reduction and the step use this halo.
        image.exchange_for(Pattern::Box, 1)?;
        let gradient = perona_malik::mean_squared_gradient(&image)?;
        perona_malik::step(&mut image, gradient, parameters)?;
        progress.inc(1);
        watcher.after(step, &image)?;
        let time = step as f64 * options.time_step;
        let checkpoint = || {
            let checkpoint = Checkpoint::new(step as u64, time).field(&image);
            checkpoint.scalar("time step", options.time_step).scalar("conductance", options.conductance)
        };
        if saver.after(step, checkpoint)?.is_some() {
            return options.measuring.end(&world);
        }
    }
    world.barrier();
    let seconds = start.elapsed().as_secs_f64();
    progress.finish_and_clear();

    image.set_name(&options.dataset);
    image.set_time(options.steps as f64 * options.time_step, 0.0);
    Output::create(&world, &options.output)?
        .attribute("method", "Perona-Malik anisotropic diffusion, exponential conductance")?
        .attribute("steps", options.steps as i64)?
        .attribute("time_step", options.time_step)?
        .attribute("conductance", options.conductance)?
        .write(&image)?
        .finish()?;
    if let (Some(path), Some(before)) = (&options.png, before) {
        let after = picture::middle_slices(&image)?;
        world.agree(picture::save(path, &before, &after))?;
    }
    let fingerprint = image.fingerprint();
    if world.rank() == 0 {
        let cells = shape.iter().product::<usize>();
        let updates = (cells * options.steps.saturating_sub(first)) as f64 / seconds / 1e6;
        println!(
            "{cells} cells, {} steps in {seconds:.3} s: {updates:.1} million cell updates a second",
            options.steps
        );
        println!("  fingerprint of the result {fingerprint:016x}: the same on any ranks × threads");
    }
    options.measuring.end(&world)
}

/// A progress bar on rank 0, if standard error is a terminal.
fn progress_bar(world: &World, steps: usize) -> ProgressBar {
    if world.rank() != 0 {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} step {pos} of {len}, {per_sec}, {eta} left");
    ProgressBar::new(steps as u64).with_style(style.expect("the template is well formed"))
}
