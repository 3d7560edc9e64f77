//! The benchmark's V-cycle on all levels.

use clap::ValueEnum;
use parhelion::mpi::traits::{Communicator, Root};
use parhelion::prelude::*;

use crate::{passes, random};

/// A size of the problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, ValueEnum)]
pub(crate) enum Class {
    S,
    W,
    A,
    B,
    C,
    D,
}

impl Class {
    /// Points per axis, iterations, and the official norm of the residual.
    pub(crate) fn problem(self) -> (usize, usize, f64) {
        match self {
            Self::S => (32, 4, 0.5307707005734e-04),
            Self::W => (128, 4, 0.6467329375339e-05),
            Self::A => (256, 4, 0.2433365309069e-05),
            Self::B => (256, 20, 0.1800564401355e-05),
            Self::C => (512, 20, 0.5706732285740e-06),
            Self::D => (1024, 50, 0.1583275060440e-09),
        }
    }

    /// Millions of operations, as the benchmark counts them.
    pub(crate) fn mop(self) -> f64 {
        let (n, iterations, _) = self.problem();
        58.0 * iterations as f64 * (n * n * n) as f64 * 1e-6
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

/// Levels of at most this many points per axis are computed by every rank alone.
const ALONE: usize = 16;

/// One level: correction and residual.
struct Level {
    u: Field<f64, 3>,
    r: Field<f64, 3>,
}

impl Level {
    fn new(grid: &Grid<3>) -> Self {
        Self { u: grid.field("u"), r: grid.field("r") }
    }
}

/// All levels, the finest first.
pub(crate) struct Multigrid {
    v: Field<f64, 3>,
    /// The finest level's `u` after a pass, while the old one is read.
    next: Field<f64, 3>,
    shared: Vec<Level>,
    /// From the size of the last shared level down; empty where there is one rank.
    alone: Vec<Level>,
    weights: [f64; 3],
}

impl Multigrid {
    /// The problem of a class, with `u = 0`; the process grid is chosen if not given.
    pub(crate) fn new(world: &World, class: Class, procs: Option<[usize; 3]>) -> parhelion::Result<Self> {
        let (n, _, _) = class.problem();
        let single = world.size() == 1;
        let sizes =
            |from: usize, to: usize| (0..).map(move |k| from >> k).take_while(move |&size| size >= to);
        let lowest = if single { 2 } else { ALONE };
        let level = |size: usize| {
            let granule = [if single { 1 } else { size / lowest }; 3];
            let mut grid = Grid::builder([size; 3]).periodic([true; 3]).granule(granule).halo(2);
            if let Some(procs) = procs {
                grid = grid.procs(procs);
            }
            grid.build(world).map(|grid| Level::new(&grid))
        };
        let shared: Vec<Level> = sizes(n, lowest).map(level).collect::<Result<_, _>>()?;
        let own = world.alone();
        let alone = if single {
            Vec::new()
        } else {
            let grid = |size: usize| Grid::builder([size; 3]).periodic([true; 3]).halo(2).build(&own);
            sizes(ALONE, 2).map(|size| grid(size).map(|grid| Level::new(&grid))).collect::<Result<_, _>>()?
        };
        let finest = shared[0].u.grid();
        let (mut v, next) = (finest.field("v"), finest.field("next u"));
        random::charges(&mut v)?;
        v.exchange_for(Pattern::Box, 1)?;
        Ok(Self { v, next, shared, alone, weights: class.smoother() })
    }

    /// u = 0
    pub(crate) fn reset(&mut self) {
        self.shared[0].u.fill(0.0);
    }

    /// The norm of the residual r = v − A u on the finest level, √(Σ r² / n³).
    pub(crate) fn norm(&mut self) -> parhelion::Result<f64> {
        let Level { u, r } = &mut self.shared[0];
        u.exchange_for(Pattern::Box, 1)?;
        passes::residual(u, &self.v, r)?;
        Ok(r.norm_l2() / (r.shape_global().iter().product::<usize>() as f64).sqrt())
    }

    /// The solution.
    pub(crate) fn solution(&self) -> &Field<f64, 3> {
        &self.shared[0].u
    }

    /// One iteration of the benchmark: u += M (v − A u). The residual is never stored: it is
    /// restricted as it is computed, and computed again, with the correction, before the smoother.
    pub(crate) fn iterate(&mut self) -> parhelion::Result<()> {
        let weights = self.weights;
        let [finest, coarser @ ..] = &mut self.shared[..] else {
            unreachable!("every class has several levels")
        };
        finest.u.exchange()?;
        passes::restrict_residual(&finest.u, &self.v, &mut coarser[0].r)?;
        down(coarser)?;
        let top = coarser.len() - 1;
        if self.alone.is_empty() {
            bottom(&mut coarser[top], weights)?;
        } else {
            gather(&coarser[top].r, &mut self.alone[0].r)?;
            down(&mut self.alone)?;
            if let Some(coarsest) = self.alone.last_mut() {
                bottom(coarsest, weights)?;
            }
            up(&mut self.alone, weights)?;
            let whole = self.alone[0].u.view();
            coarser[top].u.fill_indexed(|index| whole.get(index.map(|i| i as isize)));
        }
        up(coarser, weights)?;
        coarser[0].u.exchange()?;
        passes::correct(&coarser[0].u, Some(&finest.u), &self.v, &mut self.next, weights)?;
        std::mem::swap(&mut finest.u, &mut self.next);
        Ok(())
    }
}

/// Restricts the residual to the coarsest of these levels.
fn down(levels: &mut [Level]) -> parhelion::Result<()> {
    for k in 1..levels.len() {
        let (fine, coarse) = levels.split_at_mut(k);
        fine[k - 1].r.exchange_for(Pattern::Box, 1)?;
        passes::restrict(&fine[k - 1].r, &mut coarse[0].r)?;
    }
    Ok(())
}

/// The smoother alone, on the coarsest level.
fn bottom(level: &mut Level, weights: [f64; 3]) -> parhelion::Result<()> {
    level.r.exchange_for(Pattern::Box, 1)?;
    passes::smooth_zero(&level.r, &mut level.u, weights)
}

/// Corrections of all these levels, from the known one of the coarsest to the finest.
fn up(levels: &mut [Level], weights: [f64; 3]) -> parhelion::Result<()> {
    for k in (0..levels.len() - 1).rev() {
        let (fine, coarse) = levels.split_at_mut(k + 1);
        coarse[0].u.exchange()?;
        let Level { u, r } = &mut fine[k];
        passes::correct(&coarse[0].u, None, r, u, weights)?;
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
