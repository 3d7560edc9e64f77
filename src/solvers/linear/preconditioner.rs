//! Approximate inverses that speed up Krylov methods.

use super::failure::poison_on_error;
use super::vectors::combine;
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::solvers::linear::LinearOperator;

/// An approximate inverse of an operator.
///
/// Flexible methods allow it to change from one application to the next:
/// [`Krylov::flexible_cg`](crate::solvers::Krylov::flexible_cg),
/// [`fgmres`](crate::solvers::Krylov::fgmres) and
/// [`richardson`](crate::solvers::Krylov::richardson) are, and [`cg`](crate::solvers::Krylov::cg)
/// and [`gmres`](crate::solvers::Krylov::gmres) become so unless it
/// [`is_symmetric`](Self::is_symmetric).
pub trait Preconditioner<const N: usize> {
    /// Computes `z ≈ A⁻¹ r`. The old values of `z` are ignored; the halo of `r` may be filled.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When the fields are not those that the preconditioner is for, and for reasons that depend on
    /// it. It may fail on some ranks only, but not before these have made all its collective calls;
    /// methods then return the error on every rank.
    fn precondition(&mut self, r: &mut Field<f64, N>, z: &mut Field<f64, N>) -> Result<()>;

    /// Whether it only copies. Methods then skip it.
    fn is_identity(&self) -> bool {
        false
    }

    /// Whether every application is the same symmetric linear map. Methods then use cheaper
    /// formulas.
    fn is_symmetric(&self) -> bool {
        self.is_identity() || self.factors().is_some()
    }

    /// The field of factors, if the preconditioner multiplies each value by a factor. Methods then
    /// multiply in a pass over memory that they make anyway.
    fn factors(&self) -> Option<&Field<f64, N>> {
        None
    }
}

/// No preconditioner: `z = r`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity;

impl<const N: usize> Preconditioner<N> for Identity {
    fn precondition(&mut self, r: &mut Field<f64, N>, z: &mut Field<f64, N>) -> Result<()> {
        z.copy_from(r)
    }

    fn is_identity(&self) -> bool {
        true
    }
}

/// Division by the diagonal: `z = D⁻¹ r`.
pub struct Jacobi<const N: usize> {
    inverse: Field<f64, N>,
}

impl<const N: usize> Jacobi<N> {
    /// Takes the diagonal of `operator`.
    ///
    /// # Collective
    /// Over all ranks of its grid.
    ///
    /// # Errors
    /// When the diagonal is not known, or has a zero.
    pub fn new(operator: &impl LinearOperator<N>) -> Result<Self> {
        let mut inverse = operator.vector("inverse diagonal");
        operator.diagonal(&mut inverse)?;
        let zeros = inverse.count(|d| d == 0.0);
        if zeros > 0 {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "{zeros} value(s) on the diagonal of the operator are 0; Jacobi divides by them: use another preconditioner"
                ),
            ));
        }
        inverse.map_inplace(|d| *d = 1.0 / *d);
        Ok(Self { inverse })
    }
}

impl<const N: usize> Preconditioner<N> for Jacobi<N> {
    fn precondition(&mut self, r: &mut Field<f64, N>, z: &mut Field<f64, N>) -> Result<()> {
        check_alike(&self.inverse, &[r, z])?;
        combine([z], [r, &self.inverse], |_, [r, inverse]| ([inverse * r], []));
        Ok(())
    }

    fn factors(&self) -> Option<&Field<f64, N>> {
        Some(&self.inverse)
    }
}

/// A Chebyshev polynomial in `D⁻¹ A`: as many steps of the Chebyshev iteration from 0 as its
/// degree.
///
/// It damps the upper part of the spectrum.
pub struct Polynomial<'a, A, const N: usize> {
    operator: &'a A,
    inverse: Jacobi<N>,
    degree: usize,
    bounds: [f64; 2],
    image: Field<f64, N>,
    step: Field<f64, N>,
}

impl<'a, A: LinearOperator<N>, const N: usize> Polynomial<'a, A, N> {
    /// Makes a polynomial of this degree, at least 1, for eigenvalues of `D⁻¹ A` within `bounds` (0
    /// < low < high). For an operator whose diagonal outweighs the rest of each row, 2 is above all
    /// of them.
    ///
    /// # Collective
    /// Over all ranks of the operator's grid.
    ///
    /// # Errors
    /// When the bounds or the degree make no sense, and as for [`Jacobi::new`].
    pub fn new(operator: &'a A, degree: usize, bounds: [f64; 2]) -> Result<Self> {
        let [low, high] = bounds;
        if degree == 0 || !(low > 0.0 && high > low && high.is_finite()) {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "no polynomial of degree {degree} for eigenvalues within {bounds:?}; it needs degree ≥ 1 and 0 < low < high"
                ),
            ));
        }
        let (image, step) = (operator.vector("polynomial image"), operator.vector("polynomial step"));
        Ok(Self { operator, inverse: Jacobi::new(operator)?, degree, bounds, image, step })
    }
}

impl<A: LinearOperator<N>, const N: usize> Preconditioner<N> for Polynomial<'_, A, N> {
    fn precondition(&mut self, r: &mut Field<f64, N>, z: &mut Field<f64, N>) -> Result<()> {
        let weights = chebyshev_weights(self.bounds, self.degree);
        let inverse = &self.inverse.inverse;
        check_alike(inverse, &[r, z])?;
        let mut done = Ok(());
        for (number, [memory, step]) in weights.into_iter().enumerate() {
            if number == 0 {
                combine([z, &mut self.step], [r, inverse], |_, [r, inverse]| {
                    let d = step * (inverse * r);
                    ([d, d], [])
                });
                continue;
            }
            // Not `residual`, which adds up its squares over the ranks.
            let applied = poison_on_error(self.operator.apply(z, &mut self.image), &mut self.image);
            done = done.and(applied);
            combine([z, &mut self.step], [r, &self.image, inverse], |[z, d], [r, az, inverse]| {
                let d = memory * d + step * (inverse * (r - az));
                ([z + d, d], [])
            });
        }
        done
    }

    fn is_symmetric(&self) -> bool {
        true
    }
}

/// # Errors
/// When a field is not of the grid and centering of `model`.
fn check_alike<const N: usize>(model: &Field<f64, N>, fields: &[&Field<f64, N>]) -> Result<()> {
    let alike = |field: &&&Field<f64, N>| {
        field.grid().same_as(model.grid())
            && field.centering() == model.centering()
            && field.components() == model.components()
    };
    match fields.iter().find(|field| !alike(field)) {
        None => Ok(()),
        Some(field) => Err(Error::on_all_ranks(
            ErrorKind::Argument,
            format!(
                "this preconditioner is for fields of the grid and centering ({:?}) of its operator; '{}' is another",
                model.centering(),
                field.name()
            ),
        )),
    }
}

/// The steps `d ← memory · d + step · D⁻¹ r`, `x ← x + d` of the Chebyshev iteration
/// for eigenvalues within bounds (Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed.,
/// algorithm 12.1).
pub(in crate::solvers) fn chebyshev_weights([low, high]: [f64; 2], steps: usize) -> Vec<[f64; 2]> {
    let (center, half) = (0.5 * (high + low), 0.5 * (high - low));
    let sigma = center / half;
    let mut rho = 1.0 / sigma;
    (0..steps)
        .map(|number| {
            if number == 0 {
                return [0.0, 1.0 / center];
            }
            let next = 1.0 / (2.0 * sigma - rho);
            let weights = [next * rho, 2.0 * next / half];
            rho = next;
            weights
        })
        .collect()
}
