//! The same problems with the library and with Devito, in turn, on as many cores.
//!
//! `cargo xtask bench peers [--json FILE] [-- [--quick] [--cells N]… [CASE]]`
//!
//! | case | problem |
//! |---|---|
//! | `heat7` | 7-point heat equation, f64 |
//! | `heat25` | heat equation with a Laplacian of order 8 (25 points), f32 |
//! | `wave25` | acoustic waves of constant speed, order 8 in space and 2 in time, f32 |
//!
//! Devito (the version in `peers/requirements.txt`) comes from PyPI into a virtual environment in
//! the target folder; it needs `python3-venv` and gcc. It runs with OpenMP on as many threads as
//! this job has ranks × threads, with its `advanced` optimization and the block sizes that its own
//! autotuner chooses; only the time of the generated code is measured, not that of Python. While
//! it runs, the ranks sleep. Its halo is zero and never filled; ours are walls, exchanged and
//! filled in every step.
//!
//! First both run a few steps from the same values in the middle of a small grid, where no wall is
//! felt, and all points are compared: the bench fails where they differ by more than rounding.
//! If Devito cannot be installed, the bench says so and compares nothing.

#[allow(dead_code, reason = "this program times by itself: the peer is another process")]
mod common;
#[path = "peers/devito.rs"]
mod devito;
#[path = "common/ranks.rs"]
mod ranks;
#[path = "common/sleep.rs"]
mod sleep;
#[path = "peers/solvers.rs"]
mod solvers;
#[path = "common/stencils.rs"]
#[allow(dead_code, reason = "some of several stencils")]
mod stencils;

use std::cell::RefCell;
use std::error::Error;
use std::time::Instant;

use clap::Parser;
use common::{Report, Row, Team, Times};
use devito::{Devito, PINNED};
use mpi::traits::{Communicator, Root};
use parhelion::prelude::*;
use serde_json::Value;
use sleep::sleep_until_all_are_here;
use solvers::{FAR, Solver, Start, heat7, heat25, wave25};

/// Points on each axis of the grid on which results are compared.
const SMALL: usize = 64;

/// Steps until results are compared: 5 times the largest radius does not reach the walls.
const STEPS_TO_COMPARE: usize = 5;

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: common::Options,
    /// Points on each axis, instead of 256 and 512 (with --quick 64)
    #[arg(long, value_name = "N")]
    cells: Vec<usize>,
}

/// A type of number that both programs compute with.
trait Number: Element + Into<f64> {
    const EPSILON: f64;
    /// Reads raw values as NumPy writes them.
    fn read(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! number {
    ($T:ty) => {
        impl Number for $T {
            const EPSILON: f64 = <$T>::EPSILON as f64;

            fn read(bytes: &[u8]) -> Vec<Self> {
                bytes.as_chunks().0.iter().map(|&bytes| Self::from_ne_bytes(bytes)).collect()
            }
        }
    };
}
number!(f32);
number!(f64);

/// Numbers from 0 to 1 that vary along every axis.
fn pattern([z, y, x]: [usize; 3]) -> f64 {
    ((7 * z + 5 * y + 3 * x) % 11) as f64 / 11.0
}

struct Bench {
    options: Options,
    report: Report,
    world: World,
    /// On rank 0.
    devito: Option<RefCell<Devito>>,
}

impl Bench {
    /// Lets Devito answer while the ranks sleep; all ranks get the number that `read` finds in the
    /// answer.
    fn ask(&self, request: &str, read: impl Fn(&Value) -> Option<f64>) -> parhelion::Result<f64> {
        let answer = self.devito.as_ref().map_or(Ok(0.0), |devito| {
            let answer = devito.borrow_mut().ask(request)?;
            read(&answer).ok_or(format!("Devito answered {answer} to `{request}`"))
        });
        sleep_until_all_are_here(&self.world);
        let mut number = self.world.agree(answer.map_err(parhelion::Error::other))?;
        self.world.communicator().process_at_rank(0).broadcast_into(&mut number);
        Ok(number)
    }

    /// Compares all points after a few steps.
    fn compare<T: Number>(&self, case: &str, mut solver: Box<dyn Solver<T>>) -> parhelion::Result<()> {
        let name = format!("devito-{case}-{}.raw", std::process::id());
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        self.ask(&format!("result {case} {SMALL} {STEPS_TO_COMPARE} {}", path.display()), |_| Some(0.0))?;
        solver.run(STEPS_TO_COMPARE)?;
        let ours = solver.newest().gather(0)?;
        let compared = ours.map_or(Ok(()), |ours| {
            let theirs = T::read(&std::fs::read(&path)?);
            std::fs::remove_file(&path)?;
            if ours.len() != theirs.len() {
                let (ours, theirs) = (ours.len(), theirs.len());
                return Err(parhelion::Error::other(format!("{ours} points of ours, {theirs} of Devito")));
            }
            let largest = ours.iter().map(|&u| u.into().abs()).fold(0.0, f64::max);
            let difference =
                ours.iter().zip(&theirs).map(|(&a, &b)| (a.into() - b.into()).abs()).fold(0.0, f64::max);
            // 25 products and sums in each of 5 steps, in another order, each rounded to ε/2.
            let tolerance = 25.0 * STEPS_TO_COMPARE as f64 * T::EPSILON / 2.0 * largest;
            let verdict = if difference <= tolerance { "PASS" } else { "FAIL" };
            self.report.say(format_args!(
                "{verdict}: {case}, {SMALL}^3, {STEPS_TO_COMPARE} steps: largest value {largest:.3}, largest \
                 difference {difference:.1e}, rounding explains {tolerance:.1e}"
            ));
            // Also where the difference is NaN.
            if verdict == "PASS" { Ok(()) } else { Err(parhelion::Error::other("the results differ")) }
        });
        self.world.agree(compared)
    }

    fn case<T: Number>(
        &mut self,
        case: &str,
        halo: usize,
        solver: impl Fn(&Grid<3>, Start<'_>) -> Box<dyn Solver<T>>,
    ) -> Result<(), Box<dyn Error>> {
        if !self.options.common.wants(case) {
            return Ok(());
        }
        let grid = |cells| Grid::builder([cells; 3]).halo(halo).build(&self.world);
        let inside = 3 * SMALL / 8..5 * SMALL / 8;
        let middle = move |index: [usize; 3]| {
            if index.iter().all(|i| inside.contains(i)) { pattern(index) } else { 0.0 }
        };
        self.compare(case, solver(&grid(SMALL)?, &middle))?;
        let quick = self.options.common.quick;
        let sizes = match (&self.options.cells[..], quick) {
            ([], true) => vec![64],
            ([], false) => vec![256, 512],
            (sizes, _) => sizes.to_vec(),
        };
        for cells in sizes {
            let mut solver = solver(&grid(cells)?, &|index| 1.0 + pattern(index));
            self.ask(&format!("prepare {case} {cells}"), |_| Some(0.0))?;
            let points = cells.pow(3);
            // About a second each at 10⁹ points a second, and a multiple of 12 for blocking in
            // time.
            let steps = if quick { 12 } else { (1_000_000_000 / points).next_multiple_of(12).min(600) };
            let mut rounds = Vec::new();
            // The first round warms up.
            for _ in 0..if quick { 4 } else { 8 } {
                self.world.meet();
                let start = Instant::now();
                solver.run(steps)?;
                let ours = self.world.slowest(start.elapsed().as_secs_f64());
                rounds.push([ours, self.ask(&format!("run {steps}"), |answer| answer["seconds"].as_f64())?]);
            }
            let times = Times(rounds.split_off(1));
            let speed = |way| (points * steps) as f64 * 1e-9 / times.of(way);
            self.report.row(&Row {
                case: case.into(),
                size: format!("{cells}^3"),
                value: speed(0),
                unit: "GLUP/s",
                limit: speed(1),
                against: PINNED.trim_end(),
                ratio: times.ratio(1, 0),
            })?;
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let world = World::init()?;
    let shape = (world.size(), world.threads());
    let report = Report::new("peers", &options.common, shape, world.rank() == 0)?;
    let devito = (world.rank() == 0).then(|| Devito::start(world.size() * world.threads()));
    sleep_until_all_are_here(&world);
    let mut there = matches!(devito, Some(Ok(_)));
    world.communicator().process_at_rank(0).broadcast_into(&mut there);
    if let Some(Err(reason)) = &devito {
        report.say(format_args!("Devito is missing, so there is nothing to compare with: {reason}"));
    }
    if !there {
        return Ok(());
    }
    let devito = devito.and_then(Result::ok).map(RefCell::new);
    let mut bench = Bench { options, report, world, devito };
    bench.report.head("the ratio says how many times faster than Devito on as many threads");
    bench.case("heat7", 1, heat7)?;
    bench.case("heat25", FAR, heat25)?;
    bench.case("wave25", FAR, wave25)
}
