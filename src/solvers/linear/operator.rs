//! What a solver needs of a linear operator.

use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::grid::{Centering, Grid};

use super::failure::{agree_if_nan, poison_on_error};
use super::vectors::{combine, sums};

/// A linear operator on fields of one grid, known by what it does to a field: no matrix is stored.
///
/// [`Elliptic`](crate::solvers::Elliptic) is the operator of elliptic problems; [`operator`] makes
/// one from a closure. Only `apply` is required; the other methods have defaults that a fused
/// implementation can improve on.
///
/// # Errors on one rank
///
/// [`apply`](Self::apply) may fail on some ranks only, but not before these ranks have made all its
/// collective calls: a rank that fails before it exchanges a halo leaves the others waiting for
/// ever. (Use [`World::agree`](crate::world::World::agree) for errors that occur earlier.) Methods
/// continue until the next sum over all ranks and then return the error on every rank. Errors of
/// the other methods must be the same on every rank; those of the defaults are.
pub trait LinearOperator<const N: usize> {
    /// The grid of the fields.
    fn grid(&self) -> &Grid<N>;

    /// The place of the values in a cell.
    fn centering(&self) -> Centering {
        Centering::Cell
    }

    /// Computes `output = A input`. The input is borrowed exclusively because its halo is filled.
    ///
    /// # Collective
    /// Over all ranks of the grid, like all methods that compute.
    ///
    /// # Errors
    /// When the fields are not of this grid, and for reasons that depend on the operator: see
    /// [above](Self#errors-on-one-rank).
    fn apply(&self, input: &mut Field<f64, N>, output: &mut Field<f64, N>) -> Result<()>;

    /// Computes `output = A input`; returns `input · output`, an exact sum.
    ///
    /// # Errors
    /// As for [`apply`](Self::apply); the same on every rank.
    fn apply_dot(&self, input: &mut Field<f64, N>, output: &mut Field<f64, N>) -> Result<f64> {
        check_fields(self, &[input, output])?;
        let done = poison_on_error(self.apply(input, output), output);
        let [dot] = sums([input, output], |[x, ax]| [x * ax]);
        agree_if_nan(self.grid().world(), done, dot)
    }

    /// Computes `r = b − A x`; returns the sum of its squares, an exact sum.
    ///
    /// # Errors
    /// As for [`apply`](Self::apply); the same on every rank.
    fn residual(&self, x: &mut Field<f64, N>, b: &Field<f64, N>, r: &mut Field<f64, N>) -> Result<f64> {
        check_fields(self, &[x, b, r])?;
        let done = poison_on_error(self.apply(x, r), r);
        let [squares] = combine([r], [b], |[ax], [b]| ([b - ax], [(b - ax) * (b - ax)]));
        agree_if_nan(self.grid().world(), done, squares)
    }

    /// Writes the diagonal of A to `output`.
    ///
    /// # Errors
    /// When the diagonal is not known, as for an operator from a closure.
    fn diagonal(&self, output: &mut Field<f64, N>) -> Result<()> {
        Err(Error::on_all_ranks(
            ErrorKind::Argument,
            format!(
                "the diagonal of this operator on '{}' is not known; implement LinearOperator::diagonal, or use a \
                 preconditioner that does not need it",
                output.name()
            ),
        ))
    }

    /// Whether A maps constants, and nothing else, to 0, and its range has mean 0: as in problems
    /// without a wall of given value. Solvers then subtract the means of the right-hand side and of
    /// the solution.
    fn is_singular(&self) -> bool {
        false
    }

    /// A field of zeros that the operator can be applied to.
    fn vector(&self, name: &str) -> Field<f64, N> {
        let field = self.grid().field_builder(name).centering(self.centering()).build_with_any_name();
        field.expect("an operator's grid has fields of its centering")
    }
}

/// An operator from a closure; made by [`operator`].
pub struct OperatorFn<F, const N: usize> {
    grid: Grid<N>,
    apply: F,
}

/// Makes an operator from a closure `apply(input, output)` that writes `A input` to `output`.
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::solvers::{Identity, Krylov, operator};
///
/// let world = World::init()?;
/// let grid = Grid::builder([32]).periodic([true]).build(&world)?;
/// let a = operator(&grid, |u, out| {
///     u.exchange()?;
///     let rule = |u: StarPoint<'_, f64, 1, 1>| 3.0 * u.center() - u.at::<-1>() - u.at::<1>();
///     u.grid().sweep(u.region_local(), out.view_mut(), u.star_reach::<1>()?, rule)
/// });
/// let (mut b, mut x) = (grid.field::<f64>("b"), grid.field::<f64>("x"));
/// b.fill(2.0);
/// let outcome = Krylov::cg().solve(&a, &mut Identity, &b, &mut x)?;
/// assert!(outcome.converged() && (x.probe([7])? - 2.0).abs() < 1e-12);
/// # Ok::<(), parhelion::Error>(())
/// ```
pub fn operator<F, const N: usize>(grid: &Grid<N>, apply: F) -> OperatorFn<F, N>
where
    F: Fn(&mut Field<f64, N>, &mut Field<f64, N>) -> Result<()>,
{
    OperatorFn { grid: grid.clone(), apply }
}

impl<F, const N: usize> LinearOperator<N> for OperatorFn<F, N>
where
    F: Fn(&mut Field<f64, N>, &mut Field<f64, N>) -> Result<()>,
{
    fn grid(&self) -> &Grid<N> {
        &self.grid
    }

    fn apply(&self, input: &mut Field<f64, N>, output: &mut Field<f64, N>) -> Result<()> {
        (self.apply)(input, output)
    }
}

/// # Errors
/// When a field is not of the operator's grid and centering, or has several components.
pub(in crate::solvers) fn check_fields<const N: usize>(
    operator: &(impl LinearOperator<N> + ?Sized),
    fields: &[&Field<f64, N>],
) -> Result<()> {
    for field in fields {
        let (grid, centering) = (operator.grid(), operator.centering());
        if !field.grid().same_as(grid) || field.centering() != centering || field.components() != 1 {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "field '{}' ({:?}, {} component(s), {:?} points) does not go with an operator on {:?} points centered \
                     at {centering:?}; it must be of the operator's own grid and centering, with 1 component",
                    field.name(),
                    field.centering(),
                    field.components(),
                    field.shape_global(),
                    grid.shape_global(centering)
                ),
            ));
        }
    }
    Ok(())
}
