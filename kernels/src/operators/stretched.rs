//! Second derivatives between cells that differ in width.

use num_traits::Float;

use super::on_axis;
use crate::unrolled::unrolled;
use crate::{AxisPoint, Element, StarPoint};

/// The finite-volume Laplacian on a grid whose cells differ in width. Along each axis, the
/// difference to a neighbor divided by the distance is the flux through their common face, and the
/// sum of both fluxes is divided by the width of the cell.
///
/// `below` and `above` hold `1 / (w·d)` for each axis, with the width `w` of the cell and the
/// distance `d` from its center to the center of the neighbor below or above.
/// `Grid::second_differences` makes these tables. The result is exactly 0 for a constant and 0 up
/// to rounding for a linear function. The truncation error is of first order where widths jump.
/// Solutions of equations are of second order nevertheless, and so is everything on smooth
/// mappings.
///
/// ```
/// use parhelion_kernels::{AxisPoint, AxisReach, Pool, Region, StarPoint, View, ViewMut, operators, sweep};
///
/// // Cells of widths 1, 1, 2, 4 with centers 0.5, 1.5, 3, 6; u = x² at the centers.
/// let u = View::from_slice(&[0.25, 2.25, 9.0, 36.0], Region::from_shape([4]));
/// let below = AxisReach::<f64, 1, 0>::new([&[1.0, 1.0 / 3.0]], [1]);
/// let above = AxisReach::<f64, 1, 0>::new([&[1.0 / 1.5, 1.0 / 6.0]], [1]);
/// let (inner, mut result) = (Region::new([1], [3]), [0.0; 2]);
/// let output = ViewMut::from_slice(&mut result, inner);
/// type In<'p> = (StarPoint<'p, f64, 1, 1>, (AxisPoint<'p, f64, 1, 0>, AxisPoint<'p, f64, 1, 0>));
/// sweep(&Pool::new(1)?, inner, output, (u.star_reach::<1>(), (below, above)), |(u, weights): In<'_>| {
///     operators::stretched_laplacian(u, weights)
/// })?;
/// assert_eq!(result, [2.5, 2.25]); // near 2
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline(always)]
pub fn stretched_laplacian<T: Element + Float, const N: usize>(
    u: StarPoint<'_, T, N, 1>,
    (below, above): (AxisPoint<'_, T, N, 0>, AxisPoint<'_, T, N, 0>),
) -> T {
    let (center, mut sum) = (u.center(), T::zero());
    unrolled!(a in 0..N <= 4, {
        let low = below.center_along(a) * (on_axis(&u, a, -1) - center);
        let high = above.center_along(a) * (on_axis(&u, a, 1) - center);
        sum += low + high;
    });
    sum
}
