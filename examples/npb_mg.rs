//! The MG benchmark of the NAS Parallel Benchmarks 3.4: V-cycle multigrid for a Poisson-like problem on a periodic grid, on
//! several MPI ranks × threads.
//!
//! Equation: A u = v on n³ points, with charges ±1 at 20 points that a random number generator chooses. Method: that of the
//! benchmark, whose rules fix all stencils; prints the norm of the residual and whether it is the official one, to 1e-8.
//! (D. Bailey et al., *The NAS Parallel Benchmarks*, RNR-94-007, section 2.3.)
//!
//! ```sh
//! cargo build --release --example npb_mg
//! target/release/examples/npb_mg --class S
//! mpirun -n 8 target/release/examples/npb_mg --class B
//! ```
//!
//! Large levels are spread over all ranks; where a granule keeps blocks of all of them in the same places, a coarse point
//! and the fine points around it are on one rank. Levels of 16³ points and fewer are gathered: every rank computes them by
//! itself.

#[path = "common/cli.rs"]
mod cli;
#[path = "npb_mg/random.rs"]
mod random;
#[path = "npb_mg/transfer.rs"]
mod transfer;

use std::time::Instant;

use clap::ValueEnum;
use parhelion::mpi::traits::{Communicator, Root};
use parhelion::prelude::*;

/// The MG benchmark of the NAS Parallel Benchmarks.
#[derive(clap::Parser)]
struct Options {
    /// Size of the problem.
    #[arg(long, value_enum, default_value_t = Class::S, ignore_case = true)]
    class: Class,
    /// Process grid, such as 2x2x1; chosen if not given.
    #[arg(long)]
    procs: Option<cli::Procs<3>>,
    /// Threads per rank; this rank's share of the cores if not given.
    #[arg(long)]
    threads: Option<usize>,
    #[command(flatten)]
    measuring: cli::Measuring,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, ValueEnum)]
enum Class {
    S,
    W,
    A,
    B,
    C,
    D,
}

impl Class {
    /// Points per axis, iterations, and the official norm of the residual.
    fn problem(self) -> (usize, usize, f64) {
        match self {
            Self::S => (32, 4, 0.5307707005734e-04),
            Self::W => (128, 4, 0.6467329375339e-05),
            Self::A => (256, 4, 0.2433365309069e-05),
            Self::B => (256, 20, 0.1800564401355e-05),
            Self::C => (512, 20, 0.5706732285740e-06),
            Self::D => (1024, 50, 0.1583275060440e-09),
        }
    }

    /// The smoother's weights of the point, its faces and its edges.
    fn smoother(self) -> [f64; 3] {
        if self < Self::B {
            [-3.0 / 8.0, 1.0 / 32.0, -1.0 / 64.0]
        } else {
            [-3.0 / 17.0, 1.0 / 33.0, -1.0 / 61.0]
        }
    }
}

/// Levels of at most so many points per axis are computed by every rank alone.
const ALONE: usize = 16;

type Box27<'a> = Point<'a, f64, 3, 1>;
type Here<'a> = Point<'a, f64, 3, 0>;

/// One level: correction and residual.
struct Level {
    u: Field<f64, 3>,
    r: Field<f64, 3>,
}

impl Level {
    fn new(grid: &Grid<3>) -> Self {
        Self { u: grid.field("u"), r: grid.field("r") }
    }

    /// u += S r
    fn smooth(&mut self, weights: [f64; 3]) -> parhelion::Result<()> {
        self.r.exchange()?;
        let [centre, face, edge] = weights;
        let (grid, region) = (self.u.grid().clone(), self.u.region_local());
        grid.update(region, self.u.output(), self.r.reach::<1>()?, |u, r: Box27<'_>| {
            u + centre * r.center() + face * faces(r) + edge * edges(r)
        })
    }

    /// r = (v or r) − A u
    fn renew_residual(&mut self, v: Option<&Field<f64, 3>>) -> parhelion::Result<()> {
        self.u.exchange()?;
        let (grid, region) = (self.u.grid().clone(), self.u.region_local());
        let a = |u: Box27<'_>| -8.0 / 3.0 * u.center() + 1.0 / 6.0 * edges(u) + 1.0 / 12.0 * corners(u);
        match v {
            Some(v) => {
                let inputs = (self.u.reach::<1>()?, v.reach::<0>()?);
                grid.sweep(region, self.r.output(), inputs, |(u, v): (Box27<'_>, Here<'_>)| v.center() - a(u))
            }
            None => grid.update(region, self.r.output(), self.u.reach::<1>()?, |r, u: Box27<'_>| r - a(u)),
        }
    }
}

#[inline(always)]
fn faces(u: Box27<'_>) -> f64 {
    (u.at::<-1, 0, 0>() + u.at::<1, 0, 0>())
        + (u.at::<0, -1, 0>() + u.at::<0, 1, 0>())
        + (u.at::<0, 0, -1>() + u.at::<0, 0, 1>())
}

#[inline(always)]
fn edges(u: Box27<'_>) -> f64 {
    (u.at::<-1, -1, 0>() + u.at::<-1, 1, 0>() + u.at::<1, -1, 0>() + u.at::<1, 1, 0>())
        + (u.at::<-1, 0, -1>() + u.at::<1, 0, -1>() + u.at::<0, -1, -1>() + u.at::<0, 1, -1>())
        + (u.at::<-1, 0, 1>() + u.at::<1, 0, 1>() + u.at::<0, -1, 1>() + u.at::<0, 1, 1>())
}

#[inline(always)]
fn corners(u: Box27<'_>) -> f64 {
    (u.at::<-1, -1, -1>() + u.at::<-1, 1, -1>() + u.at::<1, -1, -1>() + u.at::<1, 1, -1>())
        + (u.at::<-1, -1, 1>() + u.at::<-1, 1, 1>() + u.at::<1, -1, 1>() + u.at::<1, 1, 1>())
}

/// All levels, the finest first.
struct Multigrid {
    v: Field<f64, 3>,
    shared: Vec<Level>,
    /// From the size of the last shared level down; empty where there is one rank.
    alone: Vec<Level>,
    weights: [f64; 3],
}

impl Multigrid {
    fn new(world: &World, options: &Options) -> parhelion::Result<Self> {
        let (n, _, _) = options.class.problem();
        let single = world.size() == 1;
        let sizes =
            |from: usize, to: usize| (0..).map(move |k| from >> k).take_while(move |&size| size >= to);
        let lowest = if single { 2 } else { ALONE };
        let level = |world: &World, size: usize, lowest: usize| {
            let granule = [if single { 1 } else { size / lowest }; 3];
            let mut grid = Grid::builder([size; 3]).periodic([true; 3]).granule(granule);
            if let Some(cli::Procs(procs)) = options.procs {
                grid = grid.procs(procs);
            }
            grid.build(world).map(|grid| Level::new(&grid))
        };
        let shared: Vec<Level> =
            sizes(n, lowest).map(|size| level(world, size, lowest)).collect::<Result<_, _>>()?;
        let own = world.alone();
        let alone = if single {
            Vec::new()
        } else {
            let grid = |size: usize| Grid::builder([size; 3]).periodic([true; 3]).build(&own);
            sizes(ALONE, 2).map(|size| grid(size).map(|grid| Level::new(&grid))).collect::<Result<_, _>>()?
        };
        let v = shared[0].u.grid().field("v");
        Ok(Self { v, shared, alone, weights: options.class.smoother() })
    }

    /// r = v − A u on the finest level; returns its norm √(Σ r² / n³).
    fn residual(&mut self) -> parhelion::Result<()> {
        self.shared[0].renew_residual(Some(&self.v))
    }

    fn norm(&self) -> f64 {
        let r = &self.shared[0].r;
        r.norm_l2() / (r.shape_global().iter().product::<usize>() as f64).sqrt()
    }

    /// One iteration of the benchmark, from the residual of the finest level.
    fn iterate(&mut self) -> parhelion::Result<()> {
        let weights = self.weights;
        down(&mut self.shared)?;
        let top = self.shared.len() - 1;
        if !self.alone.is_empty() {
            gather(&self.shared[top].r, &mut self.alone[0].r)?;
            down(&mut self.alone)?;
            up(&mut self.alone, weights, 0)?;
            let whole = self.alone[0].u.component(0);
            self.shared[top].u.fill_indexed(|index| whole.get(index.map(|i| i as isize)));
            up_from(&mut self.shared, weights)?;
        } else {
            up(&mut self.shared, weights, 1)?;
        }
        let [finest, coarse, ..] = &mut self.shared[..] else {
            unreachable!("every class has several levels")
        };
        transfer::add_interpolated(&mut coarse.u, &mut finest.u)?;
        finest.renew_residual(Some(&self.v))?;
        finest.smooth(weights)
    }
}

/// Restricts the residual to the coarsest of these levels.
fn down(levels: &mut [Level]) -> parhelion::Result<()> {
    for k in 1..levels.len() {
        let (fine, coarse) = levels.split_at_mut(k);
        transfer::restrict(&mut fine[k - 1].r, &mut coarse[0].r)?;
    }
    Ok(())
}

/// Corrections from the coarsest level up to level `end`.
fn up(levels: &mut [Level], weights: [f64; 3], end: usize) -> parhelion::Result<()> {
    let Some(coarsest) = levels.last_mut() else { return Ok(()) };
    coarsest.u.fill_with(0.0);
    coarsest.smooth(weights)?;
    climb(levels, weights, end)
}

/// Corrections from the coarsest level, whose own is known, up to the one below the finest.
fn up_from(levels: &mut [Level], weights: [f64; 3]) -> parhelion::Result<()> {
    climb(levels, weights, 1)
}

fn climb(levels: &mut [Level], weights: [f64; 3], end: usize) -> parhelion::Result<()> {
    for k in (end..levels.len() - 1).rev() {
        let (fine, coarse) = levels.split_at_mut(k + 1);
        let level = &mut fine[k];
        level.u.fill_with(0.0);
        transfer::add_interpolated(&mut coarse[0].u, &mut level.u)?;
        level.renew_residual(None)?;
        level.smooth(weights)?;
    }
    Ok(())
}

/// Gives every rank all values of a field.
fn gather(from: &Field<f64, 3>, to: &mut Field<f64, 3>) -> parhelion::Result<()> {
    let world = from.grid().world();
    let gathered = from.gather(0)?;
    let mut values = gathered
        .map_or_else(|| vec![0.0; to.region_local().len()], |array| array.into_raw_vec_and_offset().0);
    world.communicator().process_at_rank(0).broadcast_into(&mut values[..]);
    let [_, ny, nx] = to.shape_global();
    to.fill_indexed(|[z, y, x]| values[(z * ny + y) * nx + x]);
    Ok(())
}

fn main() -> parhelion::Result<()> {
    let (world, options) = cli::start(|options: &Options| options.threads)?;
    options.measuring.begin(&world);
    let (n, iterations, official) = options.class.problem();
    let mut multigrid = Multigrid::new(&world, &options)?;
    random::charges(&mut multigrid.v)?;
    let say = |text: String| {
        if world.rank() == 0 {
            println!("{text}")
        }
    };

    // As the benchmark does: one iteration untimed, then from the start.
    multigrid.residual()?;
    multigrid.iterate()?;
    multigrid.shared[0].u.fill_with(0.0);
    multigrid.residual()?;
    say(format!("class {:?}, {n}³ points: residual {:.13e}", options.class, multigrid.norm()));
    world.barrier();
    let start = Instant::now();
    multigrid.residual()?;
    for _ in 0..iterations {
        multigrid.iterate()?;
        multigrid.residual()?;
    }
    world.barrier();
    let seconds = start.elapsed().as_secs_f64();
    let norm = multigrid.norm();
    let error = (norm - official).abs() / official;
    let fingerprint = multigrid.shared[0].u.fingerprint();
    let verdict = if error <= 1e-8 { "verified" } else { "NOT VERIFIED" };
    say(format!("residual {norm:.13e} after {iterations} iterations, official {official:.13e}: {verdict}"));
    let mops = 58.0 * iterations as f64 * (n * n * n) as f64 * 1e-6 / seconds;
    say(format!("{seconds:.3} s, {mops:.1} Mop/s; fingerprint {fingerprint:016x}"));
    options.measuring.end(&world)
}
