//! The short way to solve an elliptic problem.

use super::elliptic::{Elliptic, EllipticBuilder, Mean};
use super::{Krylov, LinearOperator, Multigrid, Outcome, Wall};
use crate::error::Result;
use crate::field::Field;
use crate::grid::{Centering, Face, Grid};

/// `−∇·(β∇u) + αu = f` on cell-centered or [node-centered](Self::centering) fields, solved by multigrid, with conjugate gradients around it where
/// the coefficients vary.
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::solvers::{Poisson, Wall};
///
/// let world = World::init()?;
/// let grid = Grid::builder([32, 32]).extent([1.0, 1.0]).periodic([false, true]).build(&world)?;
/// let f = grid.field::<f64>("f");                                   // 0
/// let poisson = Poisson::new(&grid).wall(Face::low(0), Wall::Dirichlet(1.0)).wall(Face::high(0), Wall::Dirichlet(3.0));
/// let (u, outcome) = poisson.solve(&f, 1e-12)?;
/// assert!(outcome.converged(), "{outcome}");
/// assert!((u.probe([15, 7])? - (1.0 + 2.0 * 15.5 / 32.0)).abs() < 1e-10); // a straight line from wall to wall
/// # Ok::<(), parhelion::Error>(())
/// ```
///
/// To solve several times, or in another way, make an [`Elliptic`] and a [`Multigrid`] once and use [`Krylov`].
#[derive(Clone)]
pub struct Poisson<'a, const N: usize> {
    problem: EllipticBuilder<'a, N>,
}

impl<'a, const N: usize> Poisson<'a, N> {
    /// `−Δu = f` without flux through the walls.
    pub fn new(grid: &Grid<N>) -> Self {
        Self { problem: Elliptic::builder(grid) }
    }

    /// As [`EllipticBuilder::centering`]; here `f` is given as it is, at all points.
    pub fn centering(mut self, centering: Centering) -> Self {
        self.problem = self.problem.centering(centering);
        self
    }

    /// As [`EllipticBuilder::coefficient`].
    pub fn coefficient(mut self, beta: f64) -> Self {
        self.problem = self.problem.coefficient(beta);
        self
    }

    /// As [`EllipticBuilder::coefficient_at`].
    pub fn coefficient_at(mut self, beta: impl Fn([f64; N]) -> f64 + Send + Sync + 'static) -> Self {
        self.problem = self.problem.coefficient_at(beta);
        self
    }

    /// As [`EllipticBuilder::coefficient_of`].
    pub fn coefficient_of(mut self, beta: &'a Field<f64, N>, mean: Mean) -> Self {
        self.problem = self.problem.coefficient_of(beta, mean);
        self
    }

    /// As [`EllipticBuilder::shift`]. With a negative one [`solve`](Self::solve) is conjugate gradients with multigrid, which ends in
    /// [breakdown](super::Status::Breakdown) where the matrix is indefinite; solve such problems with [`Krylov::minres`].
    pub fn shift(mut self, alpha: f64) -> Self {
        self.problem = self.problem.shift(alpha);
        self
    }

    /// As [`EllipticBuilder::shift_of`].
    pub fn shift_of(mut self, alpha: &'a Field<f64, N>) -> Self {
        self.problem = self.problem.shift_of(alpha);
        self
    }

    /// As [`EllipticBuilder::wall`].
    ///
    /// # Panics
    /// When the grid has no such axis.
    pub fn wall(mut self, face: Face, wall: Wall<N>) -> Self {
        self.problem = self.problem.wall(face, wall);
        self
    }

    /// Solves for the right-hand side `f` until the residual is `tolerance` times as large as the right-hand side (with
    /// what the walls add). Where nothing fixes the mean of `u`, it is 0, and the mean of the right-hand side is left out.
    ///
    /// # Collective
    /// Over all ranks of the grid, with the same description.
    ///
    /// # Errors
    /// As for [`EllipticBuilder::build`], and when `f` is not a field of the grid and centering. Not when it does not converge: that is
    /// an [`Outcome`].
    pub fn solve(self, f: &Field<f64, N>, tolerance: f64) -> Result<(Field<f64, N>, Outcome)> {
        let operator = self.problem.build()?;
        super::operator::check_fields(&operator, &[f])?;
        let (mut u, mut lifted) = (operator.vector("u"), operator.vector("right-hand side"));
        lifted.copy_from(f)?;
        operator.add_walls(&mut lifted)?;
        let outcome = match operator.constants {
            Some([_, alpha]) if alpha >= 0.0 => {
                // One sweep before and one after: half the work of a V(2,2)-cycle for a factor of 0.08 instead of 0.05.
                let mut multigrid = Multigrid::<f32, N>::builder().sweeps(1, 1).build::<f32, N>(&operator)?;
                multigrid.solve(&operator, &lifted, &mut u, tolerance)?
            }
            // Where coefficients jump, single precision costs more iterations than it saves time.
            _ => {
                let method = Krylov::cg().tolerance(tolerance).max_iterations(200).patience(30);
                method.solve(&operator, &mut Multigrid::<f64, N>::new(&operator)?, &lifted, &mut u)?
            }
        };
        Ok((u, outcome))
    }
}
