//! MG of the NAS Parallel Benchmarks, the code of the example `npb_mg`, against the traffic of its
//! passes over memory.
//!
//! `cargo xtask bench npb [--json FILE] [-- [--quick] [CASE]]`
//!
//! # Unit and limit
//!
//! Millions of operations a second, as the benchmark counts them: 58 for each point of the finest
//! level and iteration. A run verifies its residual against the official one, or the bench fails.
//!
//! The limit is the minimum of bytes that the passes move, at the speed at which plain loops read
//! two arrays and write one of them, measured in turn. On the finest level an iteration reads `u`
//! and `v` twice and writes the new `u`, which is fetched before it is written: 48 bytes a point.
//! Each coarser level restricts a residual, reads it again and writes a correction: 32 bytes a
//! point, and there are 1/7 as many of these points.
//!
//! For comparison: the reference in Fortran (NPB 3.3, MPI, gfortran 12 -O3) needs 2.12 s for class
//! B on the two cores that this was developed on: 9200 Mop/s.

mod common;
#[path = "../examples/applications/npb_mg/cycle.rs"]
#[allow(dead_code, reason = "some of the classes")]
mod cycle;
#[path = "../examples/applications/npb_mg/passes.rs"]
mod passes;
#[path = "../examples/applications/npb_mg/random.rs"]
mod random;
#[path = "common/ranks.rs"]
mod ranks;
#[path = "../examples/applications/npb_mg/stencils.rs"]
mod stencils;
#[path = "common/traffic.rs"]
#[allow(dead_code, reason = "one of several loops")]
mod traffic;
#[path = "../examples/applications/npb_mg/transfer.rs"]
mod transfer;

use std::error::Error;

use clap::Parser;
use common::{Options, Report, Row, in_turn};
use cycle::{Class, Multigrid};
use parhelion::World;
use traffic::Traffic;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let world = World::init()?;
    let mut report = Report::new("npb", &options, (world.size(), world.threads()), world.rank() == 0)?;
    report
        .head("MG: the ratio is to the traffic of its passes at the speed of plain loops, measured in turn");
    let classes: &[Class] = if options.quick { &[Class::S, Class::W] } else { &[Class::A, Class::B] };
    for &class in classes {
        let case = format!("class {class:?}");
        if !options.wants(&case) {
            continue;
        }
        let (n, iterations, official) = class.problem();
        let points = n * n * n;
        let mut multigrid = Multigrid::new(&world, class, None)?;
        let mut traffic = Traffic::new(world.pool(), points / world.size())?;
        let mut outcome = Ok(0.0);
        let times = in_turn(
            &world,
            &options,
            [
                &mut || {
                    multigrid.reset();
                    outcome =
                        (0..iterations).try_for_each(|_| multigrid.iterate()).and_then(|()| multigrid.norm());
                },
                &mut || traffic.accumulate(world.pool()),
            ],
        );
        let norm = outcome?;
        if (norm / official - 1.0).abs() > 1e-8 {
            return Err(format!("the residual is {norm:.13e}, officially {official:.13e}").into());
        }
        // The loop moves 24 bytes a point.
        let sweeps = iterations as f64 * (48.0 + 32.0 / 7.0) / 24.0;
        report.row(&Row {
            case: format!("{case}, {iterations} iterations, {:.3} s", times.of(0)),
            size: format!("{n}x{n}x{n}"),
            value: class.mop() / times.of(0),
            unit: "Mop/s",
            limit: class.mop() / (times.of(1) * sweeps),
            against: "memory traffic",
            ratio: times.ratio(1, 0) * sweeps,
        })?;
    }
    Ok(())
}
