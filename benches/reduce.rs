//! Reproducible sums and dot products against plain ones, measured in turn with them.
//!
//! `cargo xtask bench reduce [--json FILE] [-- [--quick] [CASE]]`
//!
//! The plain sum is the usual code: rayon over slices, summed in 8 lanes that the
//! compiler vectorizes, then an allreduce of one f64. Its result depends on threads and ranks; that
//! of [`Field::sum`] does not. The ratio is the time of the one over that of the other.

#[path = "common/mod.rs"]
mod common;
#[path = "common/ranks.rs"]
mod ranks;

use std::error::Error;
use std::hint::black_box;

use clap::Parser;
use common::{Options, Report, Row, in_turn};
use mpi::collective::SystemOperation;
use mpi::traits::CommunicatorCollectives;
use parhelion::prelude::*;
use rayon::prelude::*;

/// Elements of one task of the plain sum.
const TASK: usize = 1 << 16;

/// Sums `f(x, y)` over both slices on all threads, and over all ranks.
fn plain(world: &World, x: &[f64], y: &[f64], f: impl Fn(f64, f64) -> f64 + Sync) -> f64 {
    let task = |(x, y): (&[f64], &[f64])| {
        let mut lanes = [0.0; 8];
        let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<8>(), y.as_chunks::<8>());
        for (x, y) in x.iter().zip(y) {
            (0..8).for_each(|i| lanes[i] += f(x[i], y[i]));
        }
        let rest: f64 = x_rest.iter().zip(y_rest).map(|(&x, &y)| f(x, y)).sum();
        lanes.iter().sum::<f64>() + rest
    };
    let local: f64 =
        world.pool().rayon().install(|| x.par_chunks(TASK).zip(y.par_chunks(TASK)).map(task).sum());
    let mut total = 0.0;
    world.communicator().all_reduce_into(&local, &mut total, SystemOperation::sum());
    total
}

/// Makes the compiler believe that the result is used.
fn keep(result: f64) {
    black_box(result);
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let world = World::init()?;
    let mut report = Report::new("reduce", &options, (world.size(), world.threads()), world.rank() == 0)?;
    report.head("reproducible against plain: ratio 1 costs nothing, 1.5 is the goal");
    // 10⁵ stays in the caches of a core, 10⁸ is far beyond them.
    let shapes: &[[usize; 3]] = if options.quick { &[[50; 3]] } else { &[[50, 50, 40], [400, 500, 500]] };
    for &shape in shapes {
        let grid = Grid::builder(shape).build(&world)?;
        let (mut u, mut v) = (grid.field::<f64>("u"), grid.field::<f64>("v"));
        u.fill_indexed(|[z, y, x]| ((7 * z + 5 * y + 3 * x) as f64).sin());
        v.fill_indexed(|[z, y, x]| ((2 * z + 3 * y + 5 * x) as f64).cos());
        // The same number of values on each rank, without halo, as in a plain program.
        let [x, y] = [&u, &v].map(|field| field.interior().iter().copied().collect::<Vec<f64>>());
        let elements = shape.iter().product::<usize>() as f64;
        let mut row = |case: &str, bytes: usize, ways: [&mut dyn FnMut(); 2]| {
            if !options.wants(case) {
                return Ok(());
            }
            let times = in_turn(&world, &options, ways);
            let gigabytes = |way| elements * bytes as f64 * 1e-9 / times.of(way);
            report.row(&Row {
                case: case.into(),
                size: shape.map(|n| n.to_string()).join("x"),
                value: gigabytes(0),
                unit: "GB/s",
                limit: gigabytes(1),
                against: "plain",
                ratio: times.ratio(0, 1),
            })
        };
        row("sum f64", 8, [&mut || keep(u.sum()), &mut || keep(plain(&world, &x, &x, |x, _| x))])?;
        let mut failed = Ok(());
        let mut dot = || match u.dot(&v) {
            Ok(dot) => keep(dot),
            Err(error) => failed = Err(error),
        };
        row("dot f64", 16, [&mut dot, &mut || keep(plain(&world, &x, &y, |x, y| x * y))])?;
        failed?;
        let mut plain_norm = || keep(plain(&world, &x, &x, |x, _| x * x).sqrt());
        row("L2 norm f64", 8, [&mut || keep(u.norm_l2()), &mut plain_norm])?;
    }
    Ok(())
}
