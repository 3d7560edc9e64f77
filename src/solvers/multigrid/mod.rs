//! Geometric multigrid.
//!
//! | file | what it has |
//! |---|---|
//! | `stages` | on how many ranks each level lies |
//! | `hierarchy` | the levels: grids, operators |
//! | `transfer` | restriction, interpolation, coarse couplings |
//! | `quadratic` | interpolation of solutions |
//! | `weighting` | restriction to nodes |
//! | `given` | nodes of given value, equations of half cells |
//! | `rearrange` | moving cells between decompositions |
//! | `direct` | the coarsest system |
//! | `refine` | cycles that improve an iterate in double precision |
//! | `report` | cost and convergence of each level |
//! | `cycle` | smoothing and the order in which levels are visited |
//! | `fused` | sweeps in one pass over memory |

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
use super::linear::{Preconditioner, Real};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::grid::Grid;
use hierarchy::{Below, Level};
pub use report::{LevelReport, MultigridReport};
use transfer::redistribution::Rearrange;
use transfer::wall_nodes::Given;

/// In which order a multigrid cycle visits the levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Cycle {
    /// Down and up once.
    #[default]
    V,
    /// Each level visits the next coarser twice.
    W,
    /// Each level visits the next coarser with an F-cycle, then with a V-cycle.
    F,
    /// Full multigrid: from the coarsest level up, a V-cycle on each, from the solution on the level below (interpolated by
    /// parabolas where the coefficient is constant). One such cycle comes near the error of the discretization.
    Full,
}

/// What takes out the error that a coarser grid cannot see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Smoother {
    /// Gauss–Seidel, first the even cells, then the odd ones; with variable coefficients the other way round after the
    /// coarse correction, with constant ones over-relaxed.
    #[default]
    RedBlack,
    /// Jacobi with the weight that damps best what must be damped.
    Jacobi,
    /// A Chebyshev polynomial whose degree is the number of sweeps.
    Chebyshev,
    /// Gauss–Seidel by lines of cells along the axis of the strongest couplings (with constant coefficients, of the smallest
    /// cells): all of a line is solved for at once, first the even lines, then the odd ones. For coefficients that couple cells much more
    /// strongly along one axis, which errors along the others are then hidden behind. No line is cut: each rank has
    /// whole ones.
    Line,
    /// The same along this axis.
    LineAlong(usize),
}

/// Geometric multigrid for an [`Elliptic`] operator: a [`Preconditioner`] for Krylov methods, or by [`solve`](Self::solve) a
/// solver.
///
/// It computes in `T`; in single precision a cycle takes half the time and is as good a preconditioner, as the method around it
/// computes residuals in double precision.
///
/// Cells become coarse cells two by two along each axis (along long thin cells only where they are short, so that point smoothers do);
/// where their number is odd, the last stays alone. The coarsest system is solved directly. Where the coefficient varies, transfers
/// and smoother are symmetric and cannot gain energy, so that conjugate gradients converge whatever the jumps.
///
/// Of [nodes](super::EllipticBuilder::centering) every second one is a coarse node; along periodic axes and where the
/// coefficient varies they become coarse ones two by two, as cells do.
///
/// Large levels are spread over all ranks, in blocks of whole coarse cells; smaller ones move to half the ranks or fewer, step by step, until one
/// rank solves the coarsest; rank 0 has a part of all, and so displays all. The results have the same bits on any ranks × threads.
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::solvers::{Elliptic, Multigrid, Wall};
///
/// let world = World::init()?;
/// let grid = Grid::builder([32, 32]).extent([1.0, 1.0]).build(&world)?;
/// let a = Elliptic::builder(&grid).wall(Face::low(0), Wall::Dirichlet(0.0)).build()?;
/// let (mut b, mut u) = (grid.field::<f64>("b"), grid.field::<f64>("u"));
/// b.fill(1.0);
/// let mut multigrid = Multigrid::<f64, 2>::new(&a)?;
/// let outcome = multigrid.solve(&a, &b, &mut u, 1e-10)?;
/// assert!(outcome.converged() && outcome.factor() < 0.2, "{outcome}");
/// # Ok::<(), parhelion::Error>(())
/// ```
pub struct Multigrid<T: Real, const N: usize> {
    grid: Grid<N>,
    levels: Vec<Level<T, N>>,
    ways: [Rearrange<N>; 2],
    given: Given<N>,
    /// Whether the finest level has the blocks of the user's grid.
    aligned: bool,
    settings: MultigridBuilder,
}

/// How a [`Multigrid`] is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MultigridBuilder {
    cycle: Cycle,
    smoother: Smoother,
    sweeps: [usize; 2],
    cells_per_rank: usize,
    fused: bool,
}

impl Default for MultigridBuilder {
    fn default() -> Self {
        Self {
            cycle: Cycle::V,
            smoother: Smoother::RedBlack,
            sweeps: [2, 2],
            cells_per_rank: 8000,
            fused: true,
        }
    }
}

impl MultigridBuilder {
    /// V-cycles unless told otherwise.
    pub fn cycle(mut self, cycle: Cycle) -> Self {
        self.cycle = cycle;
        self
    }

    /// Red-black Gauss–Seidel unless told otherwise.
    pub fn smoother(mut self, smoother: Smoother) -> Self {
        self.smoother = smoother;
        self
    }

    /// Sweeps of the smoother before and after the coarse correction (2 and 2 unless told otherwise).
    pub fn sweeps(mut self, before: usize, after: usize) -> Self {
        self.sweeps = [before, after];
        self
    }

    /// Levels with fewer cells a rank move to fewer ranks (8000 unless told otherwise).
    pub fn cells_per_rank(mut self, cells: usize) -> Self {
        self.cells_per_rank = cells;
        self
    }

    /// Whether both halves of a red-black sweep, and what follows it, are made in one pass over memory where levels are large (yes
    /// unless told otherwise). The results have the same bits.
    pub fn fused(mut self, fused: bool) -> Self {
        self.fused = fused;
        self
    }

    /// Makes the levels.
    ///
    /// # Collective
    /// Over all ranks of the operator's grid, with the same settings.
    ///
    /// # Errors
    /// When there are no sweeps at all, the grid lets MPI number ranks anew, or lines are to be solved along an axis that does not
    /// exist or of which there are fewer lines than ranks.
    pub fn build<T: Real, const N: usize>(mut self, operator: &Elliptic<N>) -> Result<Multigrid<T, N>> {
        let grid = operator.discrete.grid.clone();
        grid.world().check_same("MultigridBuilder::build", &self)?;
        if self.sweeps == [0, 0] {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                "multigrid without smoothing does not converge; ask for a sweep before or after the coarse correction",
            ));
        }
        let lines = self.line_axis(operator)?;
        if let Some(axis) = lines {
            self.smoother = Smoother::LineAlong(axis);
        }
        let (levels, ways) = hierarchy::build(operator, self.cells_per_rank, lines)?;
        let finest = levels[0].operator.grid.decomposition();
        let given = Given::new(operator, &levels[0]);
        let aligned = given.is_plain() && stages::same_blocks(finest, grid.decomposition());
        Ok(Multigrid { grid, levels, ways, given, aligned, settings: self })
    }

    /// The axis along which lines are solved, if that is the smoother.
    fn line_axis<const N: usize>(&self, operator: &Elliptic<N>) -> Result<Option<usize>> {
        match self.smoother {
            Smoother::Line => Ok(Some(operator.strongest_axis())),
            Smoother::LineAlong(axis) if axis < N => Ok(Some(axis)),
            Smoother::LineAlong(axis) => Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!("lines cannot be solved along axis {axis} of {N}; name an axis from 0 to {}", N - 1),
            )),
            _ => Ok(None),
        }
    }
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
        MultigridBuilder::default().build(operator)
    }

    /// Starts to describe another kind.
    pub fn builder() -> MultigridBuilder {
        MultigridBuilder::default()
    }
}

impl<T: Real, const N: usize> Preconditioner<N> for Multigrid<T, N> {
    fn precondition(&mut self, r: &mut Field<f64, N>, z: &mut Field<f64, N>) -> Result<()> {
        if !(r.grid().same_as(&self.grid) && z.grid().same_as(&self.grid)) {
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
            if field.centering() != self.given.frame.centering || field.components() != 1 {
                return Err(Error::on_all_ranks(
                    ErrorKind::Argument,
                    format!(
                        "this multigrid is for fields of one component centered at {:?}; '{}' has {} at {:?}",
                        self.given.frame.centering,
                        field.name(),
                        field.components(),
                        field.centering()
                    ),
                ));
            }
        }
        // Single precision has a small range: the largest residual becomes about 1, by a power of 2.
        let scale = if size_of::<T>() < 8 { scale_for(r.norm_max()) } else { 1.0 };
        let [there, back] = &self.ways;
        there.run(Some(r), Some(&mut self.levels[0].f), scale);
        self.given.enter(&mut self.levels[0].f);
        cycle::run(&mut self.levels, &self.settings, &mut None)?;
        back.run(Some(&self.levels[0].u), Some(&mut *z), 1.0 / scale);
        self.given.leave(r, z);
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
            let how = match level.below {
                Below::Coarser(_) => "coarsened",
                Below::Fewer { .. } => "gathered on fewer ranks",
                Below::Nothing(_) => "solved directly",
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
