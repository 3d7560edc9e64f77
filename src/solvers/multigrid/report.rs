//! What each level costs, and how fast its system converges.

use std::fmt;
use std::time::Instant;

use mpi::traits::{Communicator, Root};

use super::hierarchy::NextLevel;
use super::{Multigrid, cycle};
use crate::error::Result;
use crate::field::Field;
use crate::solvers::linear::{LinearOperator, Real};

/// Cycles of a test on one level; the factor is the mean of the later half's.
const CYCLES: usize = 12;

/// The levels of a [`Multigrid`], measured; from [`Multigrid::report`].
#[derive(Clone, Debug, PartialEq)]
pub struct MultigridReport<const N: usize> {
    /// The finest first.
    pub levels: Vec<LevelReport<N>>,
}

/// One level of a [`MultigridReport`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevelReport<const N: usize> {
    /// Cells on each axis.
    pub shape: [usize; N],
    /// The ranks it lies on.
    pub ranks: usize,
    /// By how much a cycle that begins on this level reduces the residual of the level's own
    /// system, as the only solver: the geometric mean over some cycles. The same bits on any ranks
    /// × threads.
    pub factor: f64,
    /// Seconds that a cycle takes from this level down and back.
    pub seconds: f64,
    /// Bytes of the level's arrays on all ranks, without halos.
    pub bytes: usize,
}

impl<const N: usize> MultigridReport<N> {
    /// Bytes of all levels for each cell of the finest.
    pub fn bytes_per_cell(&self) -> f64 {
        let bytes: usize = self.levels.iter().map(|level| level.bytes).sum();
        bytes as f64 / self.levels[0].shape.iter().product::<usize>() as f64
    }
}

impl<const N: usize> fmt::Display for MultigridReport<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>20}  {:>6}  {:>8}  {:>12}  {:>9}", "cells", "ranks", "factor", "ms a cycle", "MiB")?;
        for LevelReport { shape, ranks, factor, seconds, bytes } in &self.levels {
            let cells = shape.map(|n| n.to_string()).join(" × ");
            let (time, size) = (seconds * 1e3, *bytes as f64 / 1_048_576.0);
            writeln!(f, "{cells:>20}  {ranks:>6}  {factor:>8.4}  {time:>12.3}  {size:>9.1}")?;
        }
        write!(f, "{:.0} bytes a cell of the finest level", self.bytes_per_cell())
    }
}

impl<T: Real, const N: usize> Multigrid<T, N> {
    /// Tries the cycle on every level's own system, from the same noise whatever the ranks: what it
    /// costs and how fast it converges. That takes as long as some dozen cycles.
    ///
    /// # Collective
    /// Over all ranks of the operator's grid.
    ///
    /// # Errors
    /// None that a user can cause.
    pub fn report(&mut self) -> Result<MultigridReport<N>> {
        let world = self.operator.grid().world().clone();
        // Rank 0 has a part of every level, the others of the first ones.
        let mut levels = Vec::new();
        for first in 0..self.levels.len() {
            if !matches!(self.levels[first].next, NextLevel::OnFewerRanks { .. }) {
                levels.push(self.try_level(first)?);
            }
        }
        let mut count = levels.len() as u64;
        let root = world.comm().process_at_rank(0);
        root.broadcast_into(&mut count);
        let numbers =
            |level: &LevelReport<N>| [level.factor, level.seconds, level.bytes as f64, level.ranks as f64];
        let shapes = levels.iter().flat_map(|level| level.shape).map(|n| n as u64);
        let mut shapes: Vec<u64> = shapes.collect();
        shapes.resize(count as usize * N, 0);
        root.broadcast_into(&mut shapes[..]);
        let mut values: Vec<f64> = levels.iter().flat_map(numbers).collect();
        values.resize(count as usize * 4, 0.0);
        root.broadcast_into(&mut values[..]);
        let reports = shapes.chunks_exact(N).zip(values.chunks_exact(4)).map(|(shape, values)| LevelReport {
            shape: std::array::from_fn(|a| shape[a] as usize),
            factor: values[0],
            seconds: values[1],
            bytes: values[2] as usize,
            ranks: values[3] as usize,
        });
        Ok(MultigridReport { levels: reports.collect() })
    }

    /// Solves `A x = 0` on a level from noise, by cycles that begin there.
    fn try_level(&mut self, first: usize) -> Result<LevelReport<N>> {
        let grid = self.levels[first].operator.grid.clone();
        let mut x: Field<T, N> = grid.field("error");
        let zero: Field<T, N> = grid.field("zero");
        x.fill_indexed(|index| T::nearest(noise(index)));
        let mut residuals = Vec::new();
        let mut fastest = f64::INFINITY;
        for _ in 0..CYCLES {
            let levels = &mut self.levels[first..];
            let level = &mut levels[0];
            residuals.push(level.operator.residual_squares(&mut x, &zero, &mut level.f)?.sqrt());
            grid.world().barrier();
            let start = Instant::now();
            cycle::run(levels, &self.settings, &mut None)?;
            fastest = fastest.min(start.elapsed().as_secs_f64());
            let correction = self.levels[first].u.view();
            x.view_mut().for_each_row(grid.world().pool(), zero.region_local(), |start, row| {
                let added = correction.row(start, row.len());
                row.iter_mut().zip(added).for_each(|(x, u)| *x += *u);
            });
        }
        let level = &mut self.levels[first];
        residuals.push(level.operator.residual_squares(&mut x, &zero, &mut level.f)?.sqrt());
        let (middle, last) = (residuals[CYCLES / 2], residuals[CYCLES]);
        let factor = if last > 0.0 { (last / middle).powf(1.0 / (CYCLES - CYCLES / 2) as f64) } else { 0.0 };
        let shape = grid.decomposition().shape();
        let arrays = 2 + usize::from(level.other.is_some()) + usize::from(level.step.is_some());
        Ok(LevelReport {
            shape,
            ranks: grid.world().size(),
            factor,
            seconds: fastest,
            bytes: shape.iter().product::<usize>() * (arrays * size_of::<T>() + level.operator.bytes()),
        })
    }
}

/// A number between −1 and 1 without a pattern.
fn noise<const N: usize>(index: [usize; N]) -> f64 {
    let mixed = index.iter().fold(0x9E37_79B9_7F4A_7C15_u64, |hash, &i| {
        let mixed = (hash ^ i as u64).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ (mixed >> 29)
    });
    mixed as f64 / (u64::MAX / 2) as f64 - 1.0
}
