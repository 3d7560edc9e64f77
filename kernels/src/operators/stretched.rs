//! Second derivatives between cells that differ in width.

use num_traits::Float;

use super::on_axis;
use crate::unrolled::unrolled;
use crate::{AxisPoint, Element, StarPoint};

/// The Laplacian on a grid whose cells differ in width along each axis, in finite volumes: the
/// differences to the neighbors, by distance, are the fluxes through the faces of a cell, and their
/// sum is divided by its width.
///
/// `below` and `above` have for each axis `1 / (w·d)`, with the width `w` of the cell and the distance
/// `d` from its center to that of the neighbor below and above. `Grid::second_differences` makes these
/// tables. The result is exactly 0 for a constant and 0 up to rounding for a linear function. The
/// truncation error is of first order where widths jump; solutions of equations with it, and
/// everything on smooth mappings, are of second order.
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
/// # Ok::<(), parhelion_kernels::KernelError>(())
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
