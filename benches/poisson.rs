//! Poisson's equation to a residual of 1e-8, against hypre in turn, and against sweeps that only
//! compute the residual.
//!
//! `cargo xtask bench poisson [--json FILE] [-- [--quick] [--cells N]… [--alone] [CASE]]`
//!
//! | case | problem on the unit cube |
//! |---|---|
//! | `constant` | −Δu = 1, u = 0 at the walls: cycles in single precision |
//! | `variable` | −∇·(β∇u) = 1, u = 0 at the walls: conjugate gradients with multigrid in double precision |
//! | `neumann` | −Δu = f, no flux through the walls (singular): cycles in single precision |
//!
//! # Units and limits
//!
//! Set-up and solve together, in millions of cells a second.
//!
//! *hypre* solves the same equations by conjugate gradients with PFMG, its structured multigrid, on
//! as many ranks as this job has ranks × threads, while ours sleep: with default options (`hypre`),
//! and with the options that are fastest for these problems (`hypre tuned`). Times include setting
//! the solvers up and solving, but not making the matrix or our operator. Largest value and a probe
//! of the solutions are compared: the bench fails where they differ by more than the residuals
//! explain. `cargo xtask bench poisson` installs `libhypre-dev` if possible; without hypre the
//! bench says so and compares nothing.
//!
//! The other limit is what the iterations of the solve would take if each were one sweep that
//! computes the residual in double precision (a *work unit*), measured in turn; the ratio is the
//! reciprocal of the work units that an iteration costs, set-up included. Methods of textbook
//! efficiency solve to discretization accuracy in less than 10 work units.

mod common;
#[path = "peers/hypre.rs"]
mod hypre;
#[path = "common/ranks.rs"]
mod ranks;
#[path = "common/sleep.rs"]
mod sleep;

use std::cell::RefCell;
use std::error::Error;
use std::time::Instant;

use clap::Parser;
use common::{Report, Row, Team, Times, in_turn};
use hypre::{Hypre, Solved};
use mpi::traits::{Communicator, Root};
use parhelion::prelude::*;
use parhelion::solvers::{
    Elliptic, EllipticBuilder, Krylov, LinearOperator, Multigrid, MultigridBuilder, Outcome,
};
use sleep::sleep_until_all_are_here;

const TOLERANCE: f64 = 1e-8;

/// Largest difference between solutions, relative to the largest value. Nearly all of the solution
/// belongs to the smallest eigenvalue, so a residual of 1e-8 leaves a mean error of little more; at
/// single points it may be a few times larger.
const ALIKE: f64 = 1e-7;

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: common::Options,
    /// Cells on each axis, instead of 64, 128 and 256 (with --quick 32 and 64)
    #[arg(long, value_name = "N")]
    cells: Vec<usize>,
    /// Without hypre
    #[arg(long)]
    alone: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Constant,
    Variable,
    Neumann,
}

impl Kind {
    /// Also the name in hypre's driver.
    fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Variable => "variable",
            Self::Neumann => "neumann",
        }
    }

    fn problem<'a>(self, grid: &Grid<3>) -> EllipticBuilder<'a, 3> {
        let builder = Elliptic::builder(grid);
        if self == Self::Neumann {
            return builder;
        }
        let builder = Face::all::<3>().fold(builder, |b, face| b.wall(face, Boundary::Dirichlet(0.0)));
        if self == Self::Variable {
            return builder.coefficient_at(|[z, y, x]| 1.0 + 0.5 * (6.0 * z).sin() * (5.0 * y).cos() * x);
        }
        builder
    }

    fn right_hand_side(self, [z, y, x]: [f64; 3]) -> f64 {
        if self == Self::Neumann { (z - 0.5) + 2.0 * (y - 0.5) - (x - 0.5).powi(3) } else { 1.0 }
    }

    /// Set-up and solve.
    fn solve(
        self,
        operator: &Elliptic<3>,
        f: &Field<f64, 3>,
        u: &mut Field<f64, 3>,
    ) -> parhelion::Result<Outcome> {
        u.fill(0.0);
        let outcome = if self == Self::Variable {
            let mut multigrid = Multigrid::<f64, 3>::new(operator)?;
            Krylov::cg().tolerance(TOLERANCE).solve(operator, &mut multigrid, f, u)?
        } else {
            let mut multigrid = MultigridBuilder::new().sweeps(1, 1).build::<f32, 3>(operator)?;
            multigrid.solve(f, u, TOLERANCE)?
        };
        if outcome.converged() { Ok(outcome) } else { Err(parhelion::Error::other(outcome)) }
    }
}

struct Bench {
    options: Options,
    report: Report,
    world: World,
    /// Whether hypre is available.
    there: bool,
    /// On rank 0, if there is.
    hypre: Option<RefCell<Hypre>>,
}

impl Bench {
    /// A solve by hypre while our ranks sleep: seconds on all ranks, and its answer on rank 0.
    fn ask(&self, kind: Kind, cells: usize, tuned: bool) -> parhelion::Result<(f64, Option<Solved>)> {
        let answer = self.hypre.as_ref().map(|h| h.borrow_mut().solve(kind.name(), cells, TOLERANCE, tuned));
        sleep_until_all_are_here(&self.world);
        let solved = self.world.agree(answer.transpose().map_err(parhelion::Error::other))?;
        let mut seconds = solved.map_or(0.0, |solved| solved.setup + solved.solve);
        self.world.communicator().process_at_rank(0).broadcast_into(&mut seconds);
        Ok((seconds, solved))
    }

    /// Ours and hypre, in turn.
    fn against_hypre(
        &mut self,
        kind: Kind,
        operator: &Elliptic<3>,
        f: &Field<f64, 3>,
        u: &mut Field<f64, 3>,
    ) -> Result<(), Box<dyn Error>> {
        let n = f.shape_global()[0];
        let (mut rounds, mut last) = (Vec::new(), [None; 2]);
        let mut iterations = 0;
        for _ in 0..if self.options.common.quick { 1 } else { (512 / n).clamp(2, 5) } {
            self.world.meet();
            let start = Instant::now();
            iterations = kind.solve(operator, f, u)?.iterations();
            let mut times = [self.world.slowest(start.elapsed().as_secs_f64()), 0.0, 0.0];
            for (way, last) in last.iter_mut().enumerate() {
                (times[1 + way], *last) = self.ask(kind, n, way == 1)?;
            }
            rounds.push(times);
        }
        let times = Times(rounds);
        let (mean, largest) = (u.mean(), u.max().value);
        let probe = u.probe([n / 4, n / 3, n / 2])?;
        let mut agree = Ok(());
        for (way, (name, solved)) in ["hypre", "hypre tuned"].into_iter().zip(last).enumerate() {
            let mcells = (n * n * n) as f64 * 1e-6;
            self.report.row(&Row {
                case: kind.name().into(),
                size: format!("{n}x{n}x{n}"),
                value: mcells / times.of(0),
                unit: "Mcell/s",
                limit: mcells / times.of(1 + way),
                against: name,
                ratio: times.ratio(1 + way, 0),
            })?;
            let Some(solved) = solved else { continue };
            // Where constants are in the null space, the mean is arbitrary.
            let apart = [largest - solved.largest, probe - solved.probe]
                .map(|apart| if kind == Kind::Neumann { apart - (mean - solved.mean) } else { apart });
            let difference = apart[0].abs().max(apart[1].abs()) / largest.abs();
            let verdict = if difference <= ALIKE { "PASS" } else { "FAIL" };
            self.report.say(format_args!(
                "{verdict}: ours {:.3} s, {iterations} iterations; {name} {:.3} s, {} iterations; solutions differ by \
                 {difference:.1e} of the largest value, the residuals allow {ALIKE:.0e}",
                times.of(0),
                times.of(1 + way),
                solved.iterations,
            ));
            if verdict == "FAIL" {
                agree = Err(parhelion::Error::other("the solutions differ"));
            }
        }
        Ok(self.world.agree(agree)?)
    }

    /// Ours and sweeps, in turn.
    fn against_sweeps(
        &mut self,
        kind: Kind,
        operator: &Elliptic<3>,
        f: &Field<f64, 3>,
        u: &mut Field<f64, 3>,
    ) -> Result<(), Box<dyn Error>> {
        let n = f.shape_global()[0];
        let fields = RefCell::new((u, operator.grid().field::<f64>("r")));
        let (outcome, failed) = (RefCell::new(None), RefCell::new(None));
        let keep = |result: parhelion::Result<()>| {
            if let Err(error) = result {
                failed.borrow_mut().get_or_insert(error);
            }
        };
        let times = in_turn(
            &self.world,
            &self.options.common,
            [
                &mut || {
                    let solved = kind.solve(operator, f, fields.borrow_mut().0);
                    keep(solved.map(|solved| drop(outcome.replace(Some(solved)))));
                },
                &mut || {
                    let (u, r) = &mut *fields.borrow_mut();
                    keep(operator.residual(u, f, r).map(drop));
                },
            ],
        );
        failed.into_inner().map_or(Ok(()), Err)?;
        let iterations = outcome.into_inner().map_or(0, |outcome| outcome.iterations());
        let (mcells, sweeps) = ((n * n * n) as f64 * 1e-6, iterations as f64);
        self.report.row(&Row {
            case: format!("{}, {iterations} iterations", kind.name()),
            size: format!("{n}x{n}x{n}"),
            value: mcells / times.of(0),
            unit: "Mcell/s",
            limit: mcells / (times.of(1) * sweeps),
            against: "residual sweeps",
            ratio: times.ratio(1, 0) * sweeps,
        })?;
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let world = World::init()?;
    let shape = (world.size(), world.threads());
    let report = Report::new("poisson", &options.common, shape, world.rank() == 0)?;
    let hypre = (world.rank() == 0 && !options.alone).then(|| Hypre::start(shape.0 * shape.1));
    sleep_until_all_are_here(&world);
    let mut there = matches!(hypre, Some(Ok(_)));
    world.communicator().process_at_rank(0).broadcast_into(&mut there);
    if let Some(Err(reason)) = &hypre {
        report.say(format_args!("hypre is missing, so there is nothing to compare with: {reason}"));
    }
    report.head("solves to 1e-8: the ratio says how many times faster than hypre on as many cores, or than a residual sweep an iteration");
    let hypre = hypre.and_then(Result::ok).map(RefCell::new);
    let mut bench = Bench { options, report, world, there, hypre };
    let sizes = match (&bench.options.cells[..], bench.options.common.quick) {
        ([], true) => vec![32, 64],
        ([], false) => vec![64, 128, 256],
        (sizes, _) => sizes.to_vec(),
    };
    for n in sizes {
        for kind in [Kind::Constant, Kind::Variable, Kind::Neumann] {
            if !bench.options.common.wants(kind.name()) {
                continue;
            }
            let grid = Grid::builder([n; 3]).extent([1.0; 3]).build(&bench.world)?;
            let (mut f, mut u) = (grid.field::<f64>("f"), grid.field::<f64>("u"));
            f.fill_with(|place| kind.right_hand_side(place));
            let operator = kind.problem(&grid).build()?;
            if bench.there {
                bench.against_hypre(kind, &operator, &f, &mut u)?;
            }
            bench.against_sweeps(kind, &operator, &f, &mut u)?;
        }
    }
    Ok(())
}
