//! The settings of multigrid.

use super::Multigrid;
use super::hierarchy;
use super::stages;
use super::transfer::wall_nodes::WallNodes;
use crate::error::{Error, ErrorKind, Result};
use crate::solvers::elliptic::Elliptic;
use crate::solvers::linear::{LinearOperator, Real};

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
    /// Full multigrid: from the coarsest level up, a V-cycle on each, from the solution on the
    /// level below (interpolated by parabolas where the coefficient is constant). One such cycle
    /// comes near the error of the discretization.
    Full,
}

/// The method that reduces the error that a coarser grid cannot represent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Smoother {
    /// Gauss–Seidel, first the even cells, then the odd ones. With constant coefficients it is
    /// over-relaxed; with variable ones, the order is reversed after the coarse correction.
    #[default]
    RedBlack,
    /// Jacobi with the weight that damps this error best.
    Jacobi,
    /// A Chebyshev polynomial whose degree is the number of sweeps.
    Chebyshev,
    /// Gauss–Seidel by lines along the axis of the strongest couplings (with constant coefficients,
    /// of the smallest cells). All cells of a line are solved for at once, first on the even lines,
    /// then on the odd ones. For coefficients that couple cells much more strongly along one axis
    /// than along the others. Each rank has whole lines.
    Line,
    /// As [`Line`](Self::Line), along this axis.
    LineAlong(usize),
}

/// The settings of a [`Multigrid`].
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::solvers::{Elliptic, MultigridBuilder};
///
/// let world = World::init()?;
/// let grid = Grid::builder([16, 16]).build(&world)?;
/// let operator = Elliptic::builder(&grid).shift(1.0).build()?;
/// let multigrid = MultigridBuilder::new().sweeps(1, 1).build::<f32, 2>(&operator)?;
/// println!("{multigrid}");
/// # Ok::<(), parhelion::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MultigridBuilder {
    pub(super) cycle: Cycle,
    pub(super) smoother: Smoother,
    pub(super) sweeps: [usize; 2],
    cells_per_rank: usize,
    pub(super) fused: bool,
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
    /// V(2,2)-cycles with red-black Gauss–Seidel.
    pub fn new() -> Self {
        Self::default()
    }

    /// The order in which levels are visited. Default: [`Cycle::V`].
    pub fn cycle(mut self, cycle: Cycle) -> Self {
        self.cycle = cycle;
        self
    }

    /// The smoother. Default: [`Smoother::RedBlack`].
    pub fn smoother(mut self, smoother: Smoother) -> Self {
        self.smoother = smoother;
        self
    }

    /// The number of smoothing sweeps before and after the coarse correction. Default: 2 and 2.
    pub fn sweeps(mut self, before: usize, after: usize) -> Self {
        self.sweeps = [before, after];
        self
    }

    /// Moves levels with fewer cells per rank than this to fewer ranks. Default: 8000.
    pub fn cells_per_rank(mut self, cells: usize) -> Self {
        self.cells_per_rank = cells;
        self
    }

    /// Whether large levels make both halves of a red-black sweep, and the step after it, in one
    /// pass over memory. Default: yes. The results have the same bits either way.
    pub fn fused(mut self, fused: bool) -> Self {
        self.fused = fused;
        self
    }

    /// Sets up the levels.
    ///
    /// # Collective
    /// Over all ranks of the operator's grid, with the same settings.
    ///
    /// # Errors
    /// When there are no sweeps at all, the grid lets MPI renumber ranks, or lines are to be solved
    /// along an axis that does not exist or that has fewer lines than ranks.
    pub fn build<T: Real, const N: usize>(mut self, operator: &Elliptic<N>) -> Result<Multigrid<T, N>> {
        let grid = operator.grid();
        grid.world().check_same("MultigridBuilder::build", &self)?;
        if self.sweeps == [0, 0] {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                "multigrid without smoothing does not converge; ask for a sweep before or after the coarse correction",
            ));
        }
        let line_axis = self.line_axis(operator)?;
        if let Some(axis) = line_axis {
            self.smoother = Smoother::LineAlong(axis);
        }
        let (levels, redistributions) = hierarchy::build(operator, self.cells_per_rank, line_axis)?;
        let finest = levels[0].operator.grid.decomposition();
        let wall_nodes = WallNodes::new(operator, &levels[0]);
        let aligned = wall_nodes.is_plain() && stages::same_blocks(finest, grid.decomposition());
        let operator = operator.clone();
        Ok(Multigrid { operator, levels, redistributions, wall_nodes, aligned, settings: self })
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
