//! Approximate inverses that speed up Krylov methods.

use super::LinearOperator;
use super::vectors::combine;
use crate::error::ErrorKind;
use crate::{Error, Field, Result};

/// Something near the inverse of an operator.
///
/// It may differ from one application to the next where the method is flexible: [`Krylov::cg`](super::Krylov::cg),
/// [`gmres`](super::Krylov::gmres) and [`richardson`](super::Krylov::richardson) are.
pub trait Preconditioner<const N: usize> {
    /// `z ≈ A⁻¹ r`. What `z` holds before does not count; the halo of `r` may be filled.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When the fields are not what the preconditioner is for.
    fn precondition(&mut self, r: &mut Field<f64, N>, z: &mut Field<f64, N>) -> Result<()>;

    /// Whether it only copies, so that methods can do without.
    fn is_identity(&self) -> bool {
        false
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
    /// That of `operator`.
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
        inverse.map(|d| 1.0 / d);
        Ok(Self { inverse })
    }
}

impl<const N: usize> Preconditioner<N> for Jacobi<N> {
    fn precondition(&mut self, r: &mut Field<f64, N>, z: &mut Field<f64, N>) -> Result<()> {
        combine([z], [r, &self.inverse], |_, [r, inverse]| ([inverse * r], []));
        Ok(())
    }
}

/// A Chebyshev polynomial in `D⁻¹ A`: so many steps of the Chebyshev iteration from 0.
///
/// It damps what lies in the upper part of the spectrum.
pub struct Polynomial<'a, A, const N: usize> {
    operator: &'a A,
    inverse: Jacobi<N>,
    degree: usize,
    bounds: [f64; 2],
    residual: Field<f64, N>,
    step: Field<f64, N>,
}

impl<'a, A: LinearOperator<N>, const N: usize> Polynomial<'a, A, N> {
    /// Of this degree, at least 1, for eigenvalues of `D⁻¹ A` within `bounds` (0 < low < high). For an operator whose
    /// diagonal outweighs the rest of each row, 2 is above all of them.
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
        let (residual, step) = (operator.vector("polynomial residual"), operator.vector("polynomial step"));
        Ok(Self { operator, inverse: Jacobi::new(operator)?, degree, bounds, residual, step })
    }
}

impl<A: LinearOperator<N>, const N: usize> Preconditioner<N> for Polynomial<'_, A, N> {
    fn precondition(&mut self, r: &mut Field<f64, N>, z: &mut Field<f64, N>) -> Result<()> {
        let weights = chebyshev_weights(self.bounds, self.degree);
        let inverse = &self.inverse.inverse;
        for (number, [memory, step]) in weights.into_iter().enumerate() {
            if number == 0 {
                combine([z, &mut self.step], [r, inverse], |_, [r, inverse]| {
                    let d = step * (inverse * r);
                    ([d, d], [])
                });
                continue;
            }
            self.operator.residual(z, r, &mut self.residual)?;
            combine([z, &mut self.step], [&self.residual, inverse], |[z, d], [r, inverse]| {
                let d = memory * d + step * (inverse * r);
                ([z + d, d], [])
            });
        }
        Ok(())
    }
}

/// The steps `d ← memory · d + step · D⁻¹ r`, `x ← x + d` of the Chebyshev iteration for eigenvalues within bounds
/// (Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., algorithm 12.1).
pub(super) fn chebyshev_weights([low, high]: [f64; 2], steps: usize) -> Vec<[f64; 2]> {
    let (centre, half) = (0.5 * (high + low), 0.5 * (high - low));
    let sigma = centre / half;
    let mut rho = 1.0 / sigma;
    (0..steps)
        .map(|number| {
            if number == 0 {
                return [0.0, 1.0 / centre];
            }
            let next = 1.0 / (2.0 * sigma - rho);
            let weights = [next * rho, 2.0 * next / half];
            rho = next;
            weights
        })
        .collect()
}
