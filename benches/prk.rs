//! The stencil of the Intel Parallel Research Kernels (PRK), with its own validation.
//!
//! `cargo xtask bench prk [--json FILE] [-- [--quick] [--radius R] [--cells N]… [CASE]]`
//!
//! # Definition
//!
//! On n × n points, `in` = x + y and `out` = 0 at first. An iteration adds to `out`, wherever the
//! star of radius R fits into the domain, the stencil W of `in` (weights ±1/(2kR) at distance ±k
//! along each axis), and then adds 1 to `in` everywhere, so that halos have to be exchanged again.
//! After any number of iterations the mean of |out| is 2 · iterations, to 1e-8; else the bench
//! fails. The unit is 10⁹ points of the grid a second. (PRK: R. F. Van der Wijngaart and T. G.
//! Mattson, HPEC 2014.)
//!
//! # Limits
//!
//! `plain loops` over as many numbers move what an iteration moves when each of its two parts
//! passes once over memory: 24 bytes a point for `out` and 16 for `in`. `plain C` is
//! `peers/prk_plain.c`, ours, written after the definition and compiled by `mpicc -O3 -march=native
//! -fopenmp` (`MPICC` names another) when the bench runs: on the same ranks × threads, in turn, in
//! the same process. Where it cannot be compiled it is reported as missing.

mod common;
#[path = "peers/plain_c.rs"]
mod plain_c;
#[path = "common/ranks.rs"]
mod ranks;
#[path = "common/traffic.rs"]
mod traffic;

use std::cell::RefCell;
use std::error::Error;
use std::time::{Duration, Instant};

use clap::Parser;
use common::{Report, Row, Team, Times, in_turn};
use parhelion::prelude::*;
use plain_c::PlainC;
use traffic::Traffic;

/// Iterations in one timed call: PRK times many at once.
const ITERATIONS: usize = 10;

/// Largest error of the mean of |out|, after PRK.
const TOLERANCE: f64 = 1e-8;

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: common::Options,
    /// Radius of the star, 1 to 8
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    radius: u8,
    /// Points on each axis, instead of several sizes from 1000 to 8000
    #[arg(long, value_name = "N")]
    cells: Vec<usize>,
}

/// The fields, and the number of iterations so far.
struct Prk<const R: usize> {
    input: Field<f64, 2>,
    output: Field<f64, 2>,
    /// The points of this rank where the star fits into the domain.
    inside: Region<2>,
    weights: [f64; R],
    iterations: usize,
}

impl<const R: usize> Prk<R> {
    fn new(world: &World, n: usize) -> parhelion::Result<Self> {
        let grid = Grid::builder([n, n]).halo(R).build(world)?;
        let (mut input, output) = (grid.field::<f64>("in"), grid.field::<f64>("out"));
        input.fill_indexed(|[y, x]| (y + x) as f64);
        let inside = output.to_local(Region::from_shape([n, n]).shrunk([[R, R]; 2]));
        let weights = std::array::from_fn(|k| 1.0 / (2 * (k + 1) * R) as f64);
        Ok(Self { input, output, inside, weights, iterations: 0 })
    }

    fn iterate(&mut self, iterations: usize) -> parhelion::Result<()> {
        let (grid, weights) = (self.output.grid().clone(), self.weights);
        type Both<'p, const R: usize> = (StarPoint<'p, f64, 2, R>, StarPoint<'p, f64, 2, 0>);
        let fields = (self.input.star_evolving::<R>(), self.output.star_evolving::<0>());
        grid.evolve(
            fields,
            (),
            iterations,
            rule!(|(u, out): Both<'_, R>, ()| {
                let mut sum = out.center();
                for k in 0..R {
                    let d = 1 + k as isize;
                    let y = u.at_offset([d, 0]) - u.at_offset([-d, 0]);
                    let x = u.at_offset([0, d]) - u.at_offset([0, -d]);
                    sum += weights[k] * (y + x);
                }
                (u.center() + 1.0, sum)
            }),
        )?;
        self.iterations += iterations;
        Ok(())
    }

    /// The sum of |out| where the star fits.
    fn norm(&mut self) -> parhelion::Result<f64> {
        let whole = self.output.region_local();
        let grid = self.output.grid().clone();
        for margin in whole.shells(&self.inside) {
            grid.sweep(margin, self.output.view_mut(), (), |()| 0.0)?;
        }
        Ok(self.output.norm_l1())
    }
}

/// The ranks, which let other threads finish before they measure: OpenMP's threads spin for some
/// milliseconds after their last loop, on cores that others need. (The ranks do not sleep, because
/// their own core might be slow to wake.)
struct Settled(World);

impl Team for Settled {
    fn meet(&self) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(25) {
            std::hint::spin_loop();
        }
        self.0.meet();
    }

    fn slowest(&self, seconds: f64) -> f64 {
        self.0.slowest(seconds)
    }
}

struct Bench {
    options: Options,
    report: Report,
    world: World,
}

impl Bench {
    /// Checks the mean of |out| from the sum over the whole grid, and prints the result.
    fn validate(&self, who: &str, sum: f64, n: usize, radius: usize, iterations: usize) -> bool {
        let (mean, expected) = (sum / ((n - 2 * radius) as f64).powi(2), 2.0 * iterations as f64);
        let valid = (mean - expected).abs() <= TOLERANCE;
        let verdict = if valid { "PASS" } else { "FAIL" };
        self.report.say(format_args!(
            "{verdict}: {who}, {iterations} iterations: mean |out| {mean}, exactly {expected}"
        ));
        valid
    }

    fn rows<const K: usize>(
        &mut self,
        (case, n): (&str, usize),
        times: &Times<K>,
        against: [&'static str; K],
    ) -> std::io::Result<()> {
        // Limits follow our own time, all for the same number of iterations.
        for limit in 1..K {
            let speed = |way| (n * n * ITERATIONS) as f64 * 1e-9 / times.of(way);
            self.report.row(&Row {
                case: case.into(),
                size: format!("{n}x{n}"),
                value: speed(0),
                unit: "GLUP/s",
                limit: speed(limit),
                against: against[limit],
                ratio: times.ratio(limit, 0),
            })?;
        }
        Ok(())
    }

    /// Measures one size and returns whether the results are right.
    fn size<const R: usize>(&mut self, n: usize, c: Option<&PlainC>) -> Result<bool, Box<dyn Error>> {
        let case = format!("star radius {R} f64");
        if !self.options.common.wants(&case) {
            return Ok(true);
        }
        let world = self.world.clone();
        let prk = RefCell::new(Prk::<R>::new(&world, n)?);
        let failure = RefCell::new(Ok(()));
        let mut ours = || {
            if let Err(error) = prk.borrow_mut().iterate(ITERATIONS) {
                *failure.borrow_mut() = Err(error);
            }
        };
        let points = prk.borrow().output.region_local().len();
        let mut traffic = Traffic::new(world.pool(), points)?;
        let mut loops = || {
            for _ in 0..ITERATIONS {
                traffic.accumulate(world.pool());
                // In place: reads a number and writes it.
                traffic::rows(world.pool(), &mut traffic.a, |_, row| {
                    row.iter_mut().for_each(|a| *a = 1.0 - 0.5 * *a);
                });
            }
        };
        let common = &self.options.common;
        let mut valid = true;
        if let Some(c) = c {
            let mut problem = c.problem(&world, n).ok_or("no memory for the plain C program")?;
            let mut iterations = 0;
            let mut plain = || {
                problem.iterate(ITERATIONS);
                iterations += ITERATIONS;
            };
            let times = in_turn(&Settled(world.clone()), common, [&mut ours, &mut loops, &mut plain]);
            self.rows((&case, n), &times, ["", "plain loops", "plain C"])?;
            valid = self.validate("plain C", problem.norm(), n, R, iterations);
        } else {
            let times = in_turn(&Settled(world.clone()), common, [&mut ours, &mut loops]);
            self.rows((&case, n), &times, ["", "plain loops"])?;
        }
        failure.into_inner()?;
        let mut prk = prk.into_inner();
        let sum = prk.norm()?;
        Ok(self.validate("parhelion", sum, n, R, prk.iterations) && valid)
    }

    fn sizes<const R: usize>(&mut self) -> Result<bool, Box<dyn Error>> {
        let c = PlainC::build(&self.world, R);
        if let Err(reason) = &c {
            self.report.say(format_args!("plain C is missing: {reason}"));
        }
        self.report.head("ratio 1 is the limit; more than 1 of plain loops is what blocking in time gains");
        let sizes = match (&self.options.cells[..], self.options.common.quick) {
            ([], true) => vec![500],
            ([], false) => vec![1000, 2000, 4000, 8000],
            (sizes, _) => sizes.to_vec(),
        };
        let mut valid = true;
        for n in sizes {
            if n <= 2 * R {
                return Err(format!("a star of radius {R} does not fit into {n} points").into());
            }
            valid &= self.size::<R>(n, c.as_ref().ok())?;
        }
        Ok(valid)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let world = World::init()?;
    let shape = (world.size(), world.threads());
    let report = Report::new("prk", &options.common, shape, world.rank() == 0)?;
    let radius = options.radius;
    let mut bench = Bench { options, report, world };
    let valid = match radius {
        1 => bench.sizes::<1>(),
        2 => bench.sizes::<2>(),
        3 => bench.sizes::<3>(),
        4 => bench.sizes::<4>(),
        5 => bench.sizes::<5>(),
        6 => bench.sizes::<6>(),
        7 => bench.sizes::<7>(),
        _ => bench.sizes::<8>(),
    }?;
    if valid { Ok(()) } else { Err("the results are wrong".into()) }
}
