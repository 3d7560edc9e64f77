//! Geometric multigrid.
//!
//! | file | what it has |
//! |---|---|
//! | `builder` | the settings |
//! | `stages` | on how many ranks each level lies |
//! | `hierarchy` | the levels: grids, operators |
//! | `transfer` | restriction, interpolation, coarse couplings; moves between decompositions |
//! | `direct` | the coarsest system |
//! | `refine` | cycles that improve an iterate in double precision |
//! | `report` | cost and convergence of each level |
//! | `cycle` | smoothing and the order in which levels are visited |
//! | `fused` | red-black sweeps in one pass over memory |
//! | `line_smoother` | Gauss–Seidel by lines |

mod builder;
mod cycle;
mod direct;
mod fused;
mod hierarchy;
mod line_smoother;
mod refine;
mod report;
mod stages;
mod transfer;

use std::fmt;

use super::elliptic::Elliptic;
use super::linear::{LinearOperator, Preconditioner, Real};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
pub use builder::{Cycle, MultigridBuilder, Smoother};
use hierarchy::{Level, NextLevel};
pub use report::{LevelReport, MultigridReport};
use transfer::redistribution::Redistribution;
use transfer::wall_nodes::WallNodes;

/// Geometric multigrid for an [`Elliptic`] operator: a [`Preconditioner`] for Krylov methods, or by
/// [`solve`](Self::solve) a solver.
///
/// It computes in `T`. In single precision a cycle takes half the time and is as good a
/// preconditioner, because the method around it computes residuals in double precision.
///
/// Along each axis, pairs of cells become coarse cells; of an odd number, the last cell stays
/// alone. Long thin cells are first coarsened along the axes on which they are short, so that point
/// smoothers work. The coarsest system is solved directly. Where the coefficient varies, transfers
/// and smoother are symmetric and cannot gain energy, so that conjugate gradients converge whatever
/// the jumps.
///
/// Every second [node](super::EllipticBuilder::centering) is a coarse node. Along periodic axes and
/// where the coefficient varies, pairs of nodes become coarse ones, as cells do.
///
/// Large levels are spread over all ranks, in blocks of whole coarse cells; smaller ones move to
/// half the ranks or fewer, step by step, until one rank solves the coarsest. Rank 0 has a part of
/// every level, so its `Display` shows all. The results have the same bits on any ranks × threads.
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::solvers::{Elliptic, Multigrid};
///
/// let world = World::init()?;
/// let grid = Grid::builder([32, 32]).extent([1.0, 1.0]).build(&world)?;
/// let a = Elliptic::builder(&grid).wall(Face::low(0), Boundary::Dirichlet(0.0)).build()?;
/// let (mut b, mut u) = (grid.field::<f64>("b"), grid.field::<f64>("u"));
/// b.fill(1.0);
/// let mut multigrid = Multigrid::<f64, 2>::new(&a)?;
/// let outcome = multigrid.solve(&b, &mut u, 1e-10)?;
/// assert!(outcome.converged() && outcome.factor() < 0.2, "{outcome}");
/// # Ok::<(), parhelion::Error>(())
/// ```
pub struct Multigrid<T: Real, const N: usize> {
    operator: Elliptic<N>,
    levels: Vec<Level<T, N>>,
    /// From the user's grid to the finest level, and back.
    redistributions: [Redistribution<N>; 2],
    wall_nodes: WallNodes<N>,
    /// Whether the finest level has the blocks of the user's grid.
    aligned: bool,
    settings: MultigridBuilder,
}

impl<T: Real, const N: usize> Multigrid<T, N> {
    /// V(2,2)-cycles with red-black Gauss–Seidel.
    ///
    /// # Collective
    /// Over all ranks of the operator's grid.
    ///
    /// # Errors
    /// As for [`MultigridBuilder::build`].
    pub fn new(operator: &Elliptic<N>) -> Result<Self> {
        MultigridBuilder::new().build(operator)
    }
}

impl<T: Real, const N: usize> Preconditioner<N> for Multigrid<T, N> {
    fn precondition(&mut self, r: &mut Field<f64, N>, z: &mut Field<f64, N>) -> Result<()> {
        if !(r.grid().same_as(self.operator.grid()) && z.grid().same_as(self.operator.grid())) {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "this multigrid is for fields of the grid of its operator; '{}' or '{}' is of another",
                    r.name(),
                    z.name()
                ),
            ));
        }
        for field in [&*r, &*z] {
            if field.centering() != self.operator.centering() || field.components() != 1 {
                return Err(Error::on_all_ranks(
                    ErrorKind::Argument,
                    format!(
                        "this multigrid is for fields of one component centered at {:?}; '{}' has {} at {:?}",
                        self.operator.centering(),
                        field.name(),
                        field.components(),
                        field.centering()
                    ),
                ));
            }
        }
        // Single precision has a small range: the largest residual becomes about 1, by a power of
        // 2.
        let scale = if size_of::<T>() < 8 { scale_for(r.norm_max()) } else { 1.0 };
        let [to_levels, from_levels] = &self.redistributions;
        to_levels.run(Some(r), Some(&mut self.levels[0].f), scale);
        self.wall_nodes.double_halved(&mut self.levels[0].f);
        cycle::run(&mut self.levels, &self.settings, &mut None)?;
        from_levels.run(Some(&self.levels[0].u), Some(&mut *z), 1.0 / scale);
        self.wall_nodes.solve_fixed(r, z);
        Ok(())
    }
}

/// The power of 2 that brings `largest` to between 1 and 2, where there is one.
fn scale_for(largest: f64) -> f64 {
    let exponent = (largest.to_bits() >> 52) as i32 - 1023;
    if (-1000..1000).contains(&exponent) { 2_f64.powi(-exponent) } else { 1.0 }
}

impl<T: Real, const N: usize> fmt::Display for Multigrid<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MultigridBuilder { cycle, smoother, sweeps: [before, after], .. } = self.settings;
        write!(f, "multigrid in {}: {cycle:?}({before},{after})-cycles, {smoother:?}", T::KIND)?;
        for level in &self.levels {
            let grid = &level.operator.grid;
            let (shape, ranks) = (grid.decomposition().shape(), grid.world().size());
            let how = match level.next {
                NextLevel::Coarser(_) => "coarsened",
                NextLevel::OnFewerRanks { .. } => "gathered on fewer ranks",
                NextLevel::Coarsest(_) => "solved directly",
            };
            let cut =
                if ranks == 1 { String::new() } else { format!(" in {:?} blocks", grid.topology().procs()) };
            write!(f, "\n  {shape:?} cells{cut}, {how}")?;
        }
        Ok(())
    }
}

impl<T: Real, const N: usize> fmt::Debug for Multigrid<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
