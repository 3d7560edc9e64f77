//! The biharmonic operator.

use num_traits::Float;

use super::{inverse_powers, on_axis, weight};
use crate::unrolled::unrolled;
use crate::{Element, KernelError, Point};

/// The biharmonic operator `ΔΔu` of order 2: the square of the `2·N + 1`-point Laplacian, 13 points
/// in 2-D and 25 in 3-D (Abramowitz and Stegun, *Handbook of Mathematical Functions*, 25.3.32 in
/// 2-D).
///
/// ```
/// use parhelion_kernels::{operators, stencil};
///
/// let biharmonic = operators::biharmonic::<f64, 2>([0.1, 0.1])?;
/// let plate = stencil::<f64, 2, 2>(|w| w.center() - 1e-6 * biharmonic(w));
/// # let _ = plate;
/// # Ok::<(), parhelion_kernels::KernelError>(())
/// ```
///
/// # Errors
/// When a spacing is not positive, or weights leave the range of `T`.
pub fn biharmonic<T: Element + Float, const N: usize>(
    spacing: [f64; N],
) -> Result<impl Fn(Point<'_, T, N, 2>) -> T + Copy + Send + Sync, KernelError> {
    let squares = inverse_powers(spacing, 2)?;
    let mut far = [T::zero(); N];
    let mut near = [T::zero(); N];
    let mut diagonal = [[T::zero(); N]; N];
    let mut center = 0.0;
    for a in 0..N {
        let mut others = 0.0;
        for b in (0..N).filter(|&b| b != a) {
            others += squares[a] * squares[b];
            diagonal[a][b] = weight(2.0 * squares[a] * squares[b])?;
        }
        far[a] = weight(squares[a] * squares[a])?;
        near[a] = weight(-4.0 * (squares[a] * squares[a] + others))?;
        center += 6.0 * squares[a] * squares[a] + 4.0 * others;
    }
    let center: T = weight(center)?;
    Ok(
        #[inline(always)]
        move |u: Point<'_, T, N, 2>| {
            let mut sum = center * u.center();
            unrolled!(a in 0..N <= 4, {
                sum += near[a] * (on_axis(&u, a, -1) + on_axis(&u, a, 1));
                sum += far[a] * (on_axis(&u, a, -2) + on_axis(&u, a, 2));
                unrolled!(b in 0..N <= 4, {
                    if b > a {
                        let low = off_axis(&u, [a, b], [-1, -1]) + off_axis(&u, [a, b], [-1, 1]);
                        let high = off_axis(&u, [a, b], [1, -1]) + off_axis(&u, [a, b], [1, 1]);
                        sum += diagonal[a][b] * (low + high);
                    }
                });
            });
            sum
        },
    )
}

/// The value some cells away along two axes.
#[inline(always)]
fn off_axis<T: Element, const N: usize>(
    u: &Point<'_, T, N, 2>,
    axes: [usize; 2],
    distances: [isize; 2],
) -> T {
    let mut offset = [0; N];
    (offset[axes[0]], offset[axes[1]]) = (distances[0], distances[1]);
    u.at_offset(offset)
}
