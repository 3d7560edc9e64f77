//! The cost of measuring: sweeps and exchanges with and without it, in turn.
//!
//! `cargo xtask bench measure`, or
//! `mpirun -n 2 target/release/deps/measure-… [--quick] [--json FILE]`.

mod common;
#[path = "common/ranks.rs"]
mod ranks;

use std::cell::RefCell;
use std::error::Error;

use clap::Parser;
use common::{Options, Report, Row, in_turn};
use parhelion::prelude::*;

/// Capacity of the timeline: enough for some rounds; then events are dropped, as in any long run.
const EVENTS: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let world = World::init()?;
    let mut report = Report::new("measure", &options, (world.size(), world.threads()), world.rank() == 0)?;
    world.measure().keep_events(EVENTS);
    report.head(
        "time of one call; the ratio is measured over not measured (goal: 1.01 for sweeps of 64³ and more)",
    );
    for cells in [32, 64, 128, 256] {
        let grid = Grid::builder([cells; 3]).periodic([true; 3]).build(&world)?;
        let (mut u, v) = (grid.field::<f64>("u"), RefCell::new(grid.field::<f64>("v")));
        u.fill(1.0);
        u.exchange()?;
        let sweep = || {
            let _kernel = world.kernel("heat").flops(9);
            let (region, inputs) = (u.region_local(), u.star_reach::<1>());
            let swept = grid.sweep(
                region,
                v.borrow_mut().view_mut(),
                inputs.expect("exchanged"),
                |u: StarPoint<'_, f64, 3, 1>| {
                    let sum = (u.at::<-1, 0, 0>() + u.at::<1, 0, 0>())
                        + (u.at::<0, -1, 0>() + u.at::<0, 1, 0>())
                        + (u.at::<0, 0, -1>() + u.at::<0, 0, 1>());
                    u.center() + 0.1 * (sum - 6.0 * u.center())
                },
            );
            swept.expect("the region is the field's own");
        };
        case(&world, &options, &mut report, "sweep 7-point f64", cells, &sweep)?;
        let w = RefCell::new(grid.field::<f64>("w"));
        let exchange = || w.borrow_mut().exchange_for(Pattern::Star, 1).expect("walls there are none");
        case(&world, &options, &mut report, "exchange faces f64", cells, &exchange)?;
    }
    Ok(())
}

fn case(
    world: &World,
    options: &Options,
    report: &mut Report,
    name: &str,
    cells: usize,
    work: &dyn Fn(),
) -> std::io::Result<()> {
    if !options.wants(name) {
        return Ok(());
    }
    let times = in_turn(
        world,
        options,
        [
            &mut || {
                world.measure().switch_on();
                work();
            },
            &mut || {
                world.measure().switch_off();
                work();
            },
        ],
    );
    report.row(&Row {
        case: name.into(),
        size: format!("{cells}^3"),
        value: times.of(0) * 1e6,
        unit: "us",
        limit: times.of(1) * 1e6,
        against: "not measured",
        ratio: times.ratio(0, 1),
    })
}
