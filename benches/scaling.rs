//! Strong and weak scaling of the 7-point heat equation over ranks × threads.
//!
//! `cargo xtask bench scaling [--shapes 1x1,2x1,…] [--json FILE] [-- [--quick] [--cells N]
//! [--cells-per-core N] [CASE]]`
//!
//! measures on 1, 2, 4, … cores of this machine, with every mix of ranks × threads that fills them,
//! prints the table of efficiencies and draws `target/bench/scaling.svg`. On a cluster, run the
//! same program once for each shape and let it summarize:
//!
//! ```sh
//! srun --ntasks=64 --cpus-per-task=2 scaling --json rows.jsonl    # and so on
//! scaling --summarize rows.jsonl --plot scaling.svg
//! ```
//!
//! *Strong*: `cells`³ cells however many cores there are. *Weak*: `cells-per-core`³ for each core.
//! A row's limit is what plain loops over as many numbers, 24 bytes a cell, reach on the same ranks
//! × threads in the same run: where cores share the memory's bandwidth, that is why efficiency
//! falls.

mod common;
#[path = "scaling/picture.rs"]
mod picture;
#[path = "common/ranks.rs"]
mod ranks;
#[path = "scaling/summary.rs"]
mod summary;
#[path = "common/traffic.rs"]
mod traffic;

use std::cell::RefCell;
use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use common::{Report, Row, in_turn};
use parhelion::prelude::*;
use summary::Summary;
use traffic::Traffic;

/// Steps in one timed call: enough to block in time.
const STEPS: usize = 12;

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: common::Options,
    /// Cells on each axis for strong scaling (512, with --quick 96)
    #[arg(long, value_name = "N")]
    cells: Option<usize>,
    /// Cells on each axis and core for weak scaling (256, with --quick 64)
    #[arg(long, value_name = "N")]
    cells_per_core: Option<usize>,
    /// Measure nothing, and summarize the rows in this file as a table
    #[arg(long, value_name = "FILE")]
    summarize: Option<PathBuf>,
    /// Draw the summary as SVG
    #[arg(long, value_name = "FILE", requires = "summarize")]
    plot: Option<PathBuf>,
}

/// A box of `cores` cubes of `edge` cells, as near to a cube as the factors of `cores` allow.
fn weak_shape(edge: usize, cores: usize) -> [usize; 3] {
    let (mut shape, mut rest, mut factors) = ([edge; 3], cores, Vec::new());
    for factor in 2..=cores {
        while rest % factor == 0 {
            factors.push(factor);
            rest /= factor;
        }
    }
    // The largest factors first, each on the shortest axis, and on the slowest of these.
    for factor in factors.into_iter().rev() {
        let shortest = (0..3).min_by_key(|&a| shape[a]).unwrap_or(0);
        shape[shortest] *= factor;
    }
    shape
}

fn measure(
    (options, report, world): (&Options, &mut Report, &World),
    case: &str,
    shape: [usize; 3],
) -> Result<(), Box<dyn Error>> {
    if !options.common.wants(case) {
        return Ok(());
    }
    let heat = star_stencil::<f64, 3, 1>(rule!(|u| {
        let around = (u.at::<-1, 0, 0>() + u.at::<1, 0, 0>())
            + (u.at::<0, -1, 0>() + u.at::<0, 1, 0>())
            + (u.at::<0, 0, -1>() + u.at::<0, 0, 1>());
        u.center() + 0.1 * (around - 6.0 * u.center())
    }));
    let grid = Grid::builder(shape).periodic([true; 3]).halo(1).build(world)?;
    let mut u = grid.field::<f64>("u");
    u.fill_indexed(|[z, y, x]| ((7 * z + 5 * y + 3 * x) % 11) as f64);
    let mut traffic = Traffic::new(world.pool(), u.region_local().len())?;
    let failure = RefCell::new(Ok(()));
    let times = in_turn(
        world,
        &options.common,
        [
            &mut || {
                if let Err(error) = u.advance(&heat, STEPS) {
                    *failure.borrow_mut() = Err(error);
                }
            },
            &mut || traffic.accumulate(world.pool()),
        ],
    );
    failure.into_inner()?;
    let points = shape.iter().product::<usize>() as f64 * 1e-9;
    let steps = STEPS as f64;
    report.row(&Row {
        case: case.into(),
        size: shape.map(|n| n.to_string()).join("x"),
        value: steps * points / times.of(0),
        unit: "GLUP/s",
        limit: points / times.of(1),
        against: "plain loops",
        ratio: steps * times.ratio(1, 0),
    })?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    if let Some(rows) = &options.summarize {
        let summary = Summary::read(rows)?;
        print!("{summary}");
        if let Some(path) = &options.plot {
            picture::draw(&summary, path)?;
            println!("\nplot: {}", path.display());
        }
        return Ok(());
    }
    let world = World::init()?;
    let mut report =
        Report::new("scaling", &options.common, (world.size(), world.threads()), world.rank() == 0)?;
    report.head("heat 7-point f64; more than 1 of plain loops is what blocking in time gains");
    let quick = options.common.quick;
    let strong = options.cells.unwrap_or(if quick { 96 } else { 512 });
    let weak = options.cells_per_core.unwrap_or(if quick { 64 } else { 256 });
    measure((&options, &mut report, &world), "strong", [strong; 3])?;
    measure((&options, &mut report, &world), "weak", weak_shape(weak, world.size() * world.threads()))
}
