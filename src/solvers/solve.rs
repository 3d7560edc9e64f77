//! An elliptic problem solved in one call.

use super::elliptic::EllipticBuilder;
use super::krylov::Krylov;
use super::linear::operator::check_fields;
use super::linear::{LinearOperator, Outcome};
use super::multigrid::{Multigrid, MultigridBuilder};
use crate::error::Result;
use crate::field::Field;

impl<const N: usize> EllipticBuilder<'_, N> {
    /// Solves `−∇·(β∇u) + αu = f` until the residual is `tolerance` times as large as the
    /// right-hand side (with what the walls add). Where nothing fixes the mean of `u`, it is 0, and
    /// the mean of the right-hand side is left out (means by volume on a stretched grid).
    ///
    /// The method is multigrid where cells are uniform, the coefficients constant and α ≥ 0,
    /// otherwise conjugate gradients with multigrid. With a negative shift these end in
    /// [breakdown](super::Status::Breakdown) if the matrix is indefinite; [`Krylov::minres`] solves
    /// such problems. `f` is given as it is, at nodes too.
    ///
    /// To solve several times, or in another way, [`build`](Self::build) the operator and a
    /// [`Multigrid`] once and use [`Multigrid::solve`] or [`Krylov`].
    ///
    /// ```
    /// use parhelion::prelude::*;
    /// use parhelion::solvers::Elliptic;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([32, 32]).extent([1.0, 1.0]).periodic([false, true]).build(&world)?;
    /// let f = grid.field::<f64>("f"); // 0
    /// let (u, outcome) = Elliptic::builder(&grid)
    ///     .wall(Face::low(0), Boundary::Dirichlet(1.0))
    ///     .wall(Face::high(0), Boundary::Dirichlet(3.0))
    ///     .solve(&f, 1e-12)?;
    /// assert!(outcome.converged(), "{outcome}");
    /// let middle = 1.0 + 2.0 * 15.5 / 32.0; // on a straight line from wall to wall
    /// assert!((u.probe([15, 7])? - middle).abs() < 1e-10);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the grid, with the same description.
    ///
    /// # Errors
    /// As for [`build`](Self::build), and when `f` is not a field of the grid and centering. A
    /// solve that does not converge is an [`Outcome`], not an error.
    pub fn solve(self, f: &Field<f64, N>, tolerance: f64) -> Result<(Field<f64, N>, Outcome)> {
        let operator = self.build()?;
        check_fields(&operator, &[f])?;
        let (mut u, mut b) = (operator.vector("u"), operator.vector("right-hand side"));
        b.copy_from(f)?;
        operator.add_walls(&mut b)?;
        let by_volume = operator.is_singular() && operator.grid().is_stretched();
        if by_volume {
            // From `f`, not from its product with the volume, so that thin cells lose no more of
            // it.
            let mut volumes = operator.vector("volumes");
            // Volumes are relative to that of the mean cell, so they add up to the number of cells.
            let cells: usize = f.grid().decomposition().shape().iter().product();
            volumes.fill(b.sum() / cells as f64);
            operator.multiply_by_volume(&mut volumes);
            b.zip_mut_with(&volumes, |b, part| *b -= part)?;
        }
        let outcome = match operator.constants {
            Some([_, alpha]) if alpha >= 0.0 => {
                // One sweep before and one after: half the work of a V(2,2)-cycle for a factor of
                // 0.08 instead of 0.05.
                let mut multigrid = MultigridBuilder::new().sweeps(1, 1).build::<f32, N>(&operator)?;
                multigrid.solve(&b, &mut u, tolerance)?
            }
            // Where coefficients jump, single precision costs more iterations than it saves time.
            _ => {
                let method = Krylov::cg().tolerance(tolerance).max_iterations(200).patience(30);
                method.solve(&operator, &mut Multigrid::<f64, N>::new(&operator)?, &b, &mut u)?
            }
        };
        if by_volume {
            let mean = u.mean_by_volume();
            u.map_inplace(|u| *u -= mean);
        }
        Ok((u, outcome))
    }
}
