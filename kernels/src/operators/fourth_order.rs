//! The biharmonic operator.

use num_traits::Float;

use super::{inverse_powers, on_axis, weight};
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
            for a in 0..N {
                sum += near[a] * (on_axis(&u, a, -1) + on_axis(&u, a, 1));
                sum += far[a] * (on_axis(&u, a, -2) + on_axis(&u, a, 2));
                for b in a + 1..N {
                    let corner = |i, j| {
                        let mut offset = [0; N];
                        (offset[a], offset[b]) = (i, j);
                        u.at_offset(offset)
                    };
                    let corners = (corner(-1, -1) + corner(-1, 1)) + (corner(1, -1) + corner(1, 1));
                    sum += diagonal[a][b] * corners;
                }
            }
            sum
        },
    )
}
