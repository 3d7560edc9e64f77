//! Poisson's equation to a residual of 1e-8, against sweeps that only compute the residual.
//!
//! `cargo xtask bench poisson [--json FILE] [-- [--quick] [CASE]]`
//!
//! # Unit and limit
//!
//! Set-up and solve together, in millions of cells a second, for the right-hand side 1. The limit is what the iterations of
//! the solve would take if each were one sweep that computes the residual in double precision (a *work unit*), measured in
//! turn; the ratio is the reciprocal of the work units that an iteration costs, set-up included. Methods that are said to be of textbook efficiency
//! solve to discretisation accuracy in less than 10 work units.

mod common;
#[path = "common/ranks.rs"]
mod ranks;

use std::cell::{Cell, RefCell};
use std::error::Error;

use clap::Parser;
use common::{Options, Report, Row, in_turn};
use parhelion::prelude::*;
use parhelion::solvers::{Elliptic, EllipticBuilder, Krylov, LinearOperator, Multigrid, Wall};

const TOLERANCE: f64 = 1e-8;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// −Δ, cycles in single precision.
    Constant,
    /// −∇·(β∇), conjugate gradients with multigrid in double precision.
    Variable,
}

fn problem<'a>(grid: &Grid<3>, kind: Kind) -> EllipticBuilder<'a, 3> {
    let builder =
        Face::all::<3>().fold(Elliptic::builder(grid), |b, face| b.wall(face, Wall::Dirichlet(0.0)));
    match kind {
        Kind::Constant => builder,
        Kind::Variable => {
            builder.coefficient_at(|[z, y, x]| 1.0 + 0.5 * (6.0 * z).sin() * (5.0 * y).cos() * x)
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let world = World::init()?;
    let mut report = Report::new("poisson", &options, (world.size(), world.threads()), world.rank() == 0)?;
    report.head("solves to 1e-8: ratio 1 is one residual sweep an iteration, measured in turn");
    let sizes: &[usize] = if options.quick { &[32, 64] } else { &[64, 128, 256] };
    for &n in sizes {
        for (case, kind) in
            [("multigrid f32, constant", Kind::Constant), ("mg-cg f64, variable", Kind::Variable)]
        {
            if !options.wants(case) {
                continue;
            }
            let grid = Grid::builder([n; 3]).extent([1.0; 3]).build(&world)?;
            let (mut f, u, r) = (grid.field::<f64>("f"), grid.field::<f64>("u"), grid.field::<f64>("r"));
            f.fill_with(1.0);
            let fields = RefCell::new([u, r]);
            let (iterations, failed) = (Cell::new(0), RefCell::new(None));
            let solve = || -> parhelion::Result<()> {
                let u = &mut fields.borrow_mut()[0];
                u.fill_with(0.0);
                let operator = problem(&grid, kind).build()?;
                let outcome = if kind == Kind::Constant {
                    let mut multigrid =
                        Multigrid::<f32, 3>::builder().sweeps(1, 1).build::<f32, 3>(&operator)?;
                    multigrid.solve(&operator, &f, u, TOLERANCE)?
                } else {
                    let mut multigrid = Multigrid::<f64, 3>::new(&operator)?;
                    Krylov::cg().tolerance(TOLERANCE).solve(&operator, &mut multigrid, &f, u)?
                };
                iterations.set(outcome.iterations());
                if outcome.converged() { Ok(()) } else { Err(parhelion::Error::other(outcome)) }
            };
            let operator = problem(&grid, kind).build()?;
            let times = in_turn(
                &world,
                &options,
                [
                    &mut || {
                        if let Err(error) = solve() {
                            failed.borrow_mut().get_or_insert(error);
                        }
                    },
                    &mut || {
                        let [u, r] = &mut *fields.borrow_mut();
                        if let Err(error) = operator.residual(u, &f, r) {
                            failed.borrow_mut().get_or_insert(error);
                        }
                    },
                ],
            );
            failed.into_inner().map_or(Ok(()), Err)?;
            let (cells, sweeps) = ((n * n * n) as f64 * 1e-6, iterations.get() as f64);
            report.row(&Row {
                case: format!("{case}, {sweeps} iterations"),
                size: format!("{n}x{n}x{n}"),
                value: cells / times.of(0),
                unit: "Mcell/s",
                limit: cells / (times.of(1) * sweeps),
                against: "residual sweeps",
                ratio: times.ratio(1, 0) * sweeps,
            })?;
        }
    }
    Ok(())
}
