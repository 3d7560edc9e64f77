//! Systems whose norms are too small or too large to be squared.

use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::solvers::linear::{LinearOperator, Outcome};

/// Norms within which a system is solved as it is: their squares, and those of residuals 10⁻⁵⁰
/// times as large, have all their digits.
const SAFE: std::ops::RangeInclusive<f64> = 1e-100..=1e100;

/// Checks the norms of right-hand side and first residual. If they cannot be squared, returns the
/// power of 2 by which to multiply the system (its solution is then the wanted one times that
/// power).
///
/// # Collective
/// Over all ranks of the operator's grid.
///
/// # Errors
/// When `b` or `x` have values that are not finite; as [`LinearOperator::residual`].
pub(in crate::solvers) fn scale_for<const N: usize>(
    operator: &dyn LinearOperator<N>,
    norms: [f64; 2],
    b: &Field<f64, N>,
    x: &mut Field<f64, N>,
) -> Result<Option<f64>> {
    if norms.iter().all(|norm| norm.is_finite()) && SAFE.contains(&norms[0].max(norms[1])) {
        return Ok(None);
    }
    for (field, what) in [(b, "right-hand side"), (&*x, "first guess")] {
        let wrong = field.count(|value| !value.is_finite());
        if wrong > 0 {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "the {what} '{}' has {wrong} value(s) that are infinite or NaN; all must be finite",
                    field.name()
                ),
            ));
        }
    }
    let mut r = operator.vector("residual");
    operator.residual(x, b, &mut r)?;
    let largest = b.norm_max().max(r.norm_max());
    if !(largest > 0.0 && largest.is_finite()) {
        return Ok(None);
    }
    let exponent = (largest.to_bits() >> 52) as i32 - 1023;
    let scale = 2_f64.powi(-exponent.clamp(-1000, 1000));
    Ok((scale != 1.0).then_some(scale))
}

/// A solve for a right-hand side, from a first guess.
type Solve<'a, const N: usize> = dyn FnMut(&Field<f64, N>, &mut Field<f64, N>) -> Result<Outcome> + 'a;

/// Solves the system multiplied by `scale`, and takes it back from the result.
///
/// # Collective
/// Over all ranks of the operator's grid.
///
/// # Errors
/// As for `solve`.
pub(in crate::solvers) fn solve_scaled<const N: usize>(
    operator: &dyn LinearOperator<N>,
    scale: f64,
    b: &Field<f64, N>,
    x: &mut Field<f64, N>,
    solve: &mut Solve<'_, N>,
) -> Result<Outcome> {
    let mut scaled = operator.vector(b.name());
    scaled.copy_from(b)?;
    scaled.map_inplace(|b| *b *= scale);
    x.map_inplace(|x| *x *= scale);
    let outcome = solve(&scaled, x);
    x.map_inplace(|x| *x /= scale);
    let Outcome { status, residuals, goal } = outcome?;
    Ok(Outcome { status, residuals: residuals.iter().map(|r| r / scale).collect(), goal: goal / scale })
}
