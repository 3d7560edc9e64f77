//! Upwind-biased advection.

use num_traits::Float;

use super::coefficients::biased;
use super::{Radius, inverse_powers, on_axis, weight};
use crate::unrolled::unrolled;
use crate::{Element, KernelError, StarPoint};

/// `v · grad u` of order `2·R − 1`, each derivative from `R` points upwind, the cell itself and `R
/// − 1` points downwind. The closure takes the point of `u` and the velocity in the cell, a
/// component for each axis.
///
/// Radius 1 is the first-order upwind scheme (Courant, Isaacson and Rees, 1952), radius 2 the
/// third-order upwind-biased one, `(2·u(1) + 3·u(0) − 6·u(−1) + u(−2)) / 6` for a positive
/// velocity.
///
/// ```
/// use parhelion_kernels::{operators, star_stencil};
///
/// let transport = operators::upwind::<f64, 2, 2>([0.1, 0.1])?; // order 3
/// let step = star_stencil::<f64, 2, 2>(|u| u.center() - 0.01 * transport(u, [1.0, -0.5]));
/// # let _ = step;
/// # Ok::<(), parhelion_kernels::KernelError>(())
/// ```
///
/// # Errors
/// When a spacing is not positive, or weights leave the range of `T`.
pub fn upwind<T: Element + Float, const N: usize, const R: usize>(
    spacing: [f64; N],
) -> Result<impl Fn(StarPoint<'_, T, N, R>, [T; N]) -> T + Copy + Send + Sync, KernelError> {
    let () = Radius::<R>::CHECK;
    let exact = biased::<R>(); // of u(−R) … u(R − 1)
    let mut upwind = [[T::zero(); R]; N];
    let mut downwind = [[T::zero(); R]; N]; // the last entry is not used
    let mut center = [T::zero(); N];
    for (a, factor) in inverse_powers(spacing, 1)?.into_iter().enumerate() {
        center[a] = weight(exact[R] * factor)?;
        for k in 0..R {
            upwind[a][k] = weight(exact[R - 1 - k] * factor)?;
            downwind[a][k] = weight(exact.get(R + 1 + k).map_or(0.0, |w| w * factor))?;
        }
    }
    Ok(
        #[inline(always)]
        move |u: StarPoint<'_, T, N, R>, velocity: [T; N]| {
            let mut sum = T::zero();
            unrolled!(a in 0..N <= 4, {
                let v = velocity[a];
                let mut slope = center[a] * u.center();
                unrolled!(k in 0..R <= 8, {
                    let distance = 1 + k as isize;
                    // Both are read first, for a select instead of a branch.
                    let (low, high) = (on_axis(&u, a, -distance), on_axis(&u, a, distance));
                    let (behind, ahead) = if v > T::zero() { (low, high) } else { (high, low) };
                    slope += upwind[a][k] * behind;
                    if k + 1 < R {
                        slope += downwind[a][k] * ahead;
                    }
                });
                sum += v.abs() * slope;
            });
            sum
        },
    )
}
