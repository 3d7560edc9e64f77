//! The share of a halo exchange over a slow transport that is hidden behind computing.
//!
//! `cargo xtask bench overlap [--json FILE] [-- [--quick]]`, which sends all messages over TCP
//! instead of shared memory, even on one node.
//!
//! # Model
//!
//! A step of `Field::advance` computes what needs no message while messages are under way. Three
//! things are measured in turn: the step, the exchange followed by the step (which then needs
//! none), and the exchange alone. The value is the share of the exchange that the step saves:
//! (apart − step) / exchange.

#[path = "common/mod.rs"]
mod common;
#[path = "common/ranks.rs"]
mod ranks;
#[path = "common/stencils.rs"]
#[allow(dead_code, reason = "one of several stencils")]
mod stencils;

use std::cell::RefCell;
use std::error::Error;

use clap::Parser;
use common::{Options, Report, Row, in_turn};
use parhelion::Result;
use parhelion::halo::HaloPlan;
use parhelion::prelude::*;
use parhelion::stepping::Blocking;
use stencils::heat7;

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let world = World::init()?;
    let mut report = Report::new("overlap", &options, (world.size(), world.threads()), world.rank() == 0)?;
    report.head("part of the exchange that is hidden, of all of it: the goal is 0.8");
    let cells = if options.quick { 64 } else { 256 };
    for (axis, case) in [(0, "slowest axis cut"), (1, "middle axis cut")] {
        if !options.wants(case) {
            continue;
        }
        let (mut procs, mut shape) = ([1; 3], [cells; 3]);
        procs[axis] = world.size();
        shape[axis] *= world.size();
        let grid = Grid::builder(shape).procs(procs).periodic([true; 3]).halo(1).build(&world)?;
        let stencil = heat7();
        let u = RefCell::new(grid.field::<f64>("u"));
        let plan = HaloPlan::builder(&grid).field(&*u.borrow()).pattern(Pattern::Star).build()?;
        let plan = RefCell::new(plan);
        let failed = RefCell::new(None);
        let keep = |result: Result<()>| {
            if let Err(error) = result {
                failed.borrow_mut().get_or_insert(error);
            }
        };
        u.borrow_mut().set_blocking(Some(Blocking::PLAIN));
        let times = in_turn(
            &world,
            &options,
            [
                // Each step leaves the halo stale.
                &mut || keep(u.borrow_mut().advance(&stencil, 1)),
                &mut || {
                    let mut u = u.borrow_mut();
                    keep(plan.borrow_mut().exchange(&mut *u));
                    keep(u.advance(&stencil, 1)); // the halo serves: no exchange
                },
                &mut || keep(plan.borrow_mut().exchange(&mut *u.borrow_mut())),
            ],
        );
        if let Some(error) = failed.take() {
            return Err(error.into());
        }
        let (step, apart, exchange) = (times.of(0), times.of(1), times.of(2));
        let hidden = times.ratio(1, 2) - times.ratio(0, 2);
        report.say(format_args!(
            "step {:.1} ms, exchange and then step {:.1} ms, exchange {:.1} ms",
            step * 1e3,
            apart * 1e3,
            exchange * 1e3
        ));
        let size = format!("{cells}^3 a rank");
        report.row(&Row {
            case: case.into(),
            size,
            value: hidden * exchange * 1e3,
            unit: "ms",
            limit: exchange * 1e3,
            against: "exchange",
            ratio: hidden,
        })?;
    }
    Ok(())
}
