//! `cargo xtask demo`: builds and runs the denoising example, up to its picture.

use std::fs;

use clap::Args;
use parhelion_launcher::{Cores, Vendor};

use crate::Failure;
use crate::setup::setup;
use crate::shape::Shape;
use crate::shell::{must, root, say};

#[derive(Args)]
pub(crate) struct Options {
    /// Ranks [default: chosen for this machine]
    #[arg(long)]
    ranks: Option<usize>,
    /// Threads of each rank [default: chosen for this machine]
    #[arg(long)]
    threads: Option<usize>,
    /// Iterations
    #[arg(long, default_value_t = 20)]
    steps: usize,
    /// More arguments for the example
    #[arg(last = true)]
    args: Vec<String>,
}

const INPUT: &str = "data/mni152_t1.h5";
const OUTPUT: &str = "out/mni152_denoised.h5";
const PICTURE: &str = "out/mni152_denoised.png";

/// Builds `denoise3d`, runs it on the brain image on all cores, and prints the paths of the
/// results.
pub(crate) fn demo(mpi: Option<Vendor>, options: &Options) -> Result<(), Failure> {
    let build = setup(mpi)?;
    must(&mut build.cargo(&["build", "--release", "--example", "denoise3d"]))?;
    let cores = Cores::available();
    let best = Shape::best(&cores);
    let shape = Shape {
        ranks: options.ranks.unwrap_or(best.ranks),
        threads: options
            .threads
            .unwrap_or_else(|| options.ranks.map_or(best.threads, |n| (cores.physical / n.max(1)).max(1))),
    };
    fs::create_dir_all(root().join("out"))?;
    for old in [OUTPUT, PICTURE].map(|path| root().join(path)) {
        // The result of an earlier run must not be mistaken for this run's.
        if old.exists() {
            fs::remove_file(old)?;
        }
    }
    // The largest stable time step in 3-D (1/16), and ITK's default conductance.
    let (steps, threads) = (options.steps.to_string(), shape.threads.to_string());
    let launch = build
        .launch(build.target().join("release/examples/denoise3d"))
        .args(["--input", INPUT, "--dataset", "t1", "--output", OUTPUT, "--png", PICTURE])
        .args(["--steps", &steps, "--time-step", "0.0625", "--conductance", "1.0", "--threads", &threads])
        .args(&options.args)
        .ranks(shape.ranks)
        .threads(shape.threads)
        .binding(shape.binding(&cores));
    say(format_args!("{} cores here: {} ranks x {} threads", cores.physical, shape.ranks, shape.threads));
    println!("$ {launch}");
    let status = launch.run()?;
    if !status.success() {
        return Err(format!("the demo failed ({status})").into());
    }
    for (what, path) in [("denoised image (HDF5)", OUTPUT), ("picture", PICTURE)] {
        let path = root().join(path);
        let size = fs::metadata(&path)
            .map_err(|error| format!("the demo wrote no {}: {error}", path.display()))?
            .len();
        say(format_args!("{what}: {} ({size} bytes)", path.display()));
    }
    Ok(())
}
