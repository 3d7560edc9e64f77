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

/// How a [`Multigrid`] is made.
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

    /// Sets up the levels.
    ///
    /// # Collective
    /// Over all ranks of the operator's grid, with the same settings.
    ///
    /// # Errors
    /// When there are no sweeps at all, the grid lets MPI number ranks anew, or lines are to be solved along an axis that does not
    /// exist or of which there are fewer lines than ranks.
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
