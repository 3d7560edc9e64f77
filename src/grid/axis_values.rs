//! Values along the axes of a grid, for rules.

use parhelion_kernels::{AxisReach, Element};

use super::{Centering, Grid};

/// One value per index along each axis, such as a coordinate or the width of a cell. Rules read
/// them without the memory traffic of a field. Made by [`Grid::axis_values`].
///
/// ```
/// use parhelion::kernels::AxisPoint;
/// use parhelion::prelude::*;
///
/// let world = World::init()?;
/// let grid = Grid::builder([4, 6]).faces(0, &[0.0, 0.1, 0.3, 0.6, 1.0]).build(&world)?;
/// let (mut u, mut slope) = (grid.field::<f64>("u"), grid.field::<f64>("slope"));
/// u.fill_with(|[y, x]| 3.0 * y + x);
/// u.exchange()?;
/// let center = grid.axis_values(|axis, i| grid.axis(axis).center(i));
/// type In<'p> = (StarPoint<'p, f64, 2, 1>, AxisPoint<'p, f64, 2, 1>);
/// grid.sweep(slope.region_local(), slope.view_mut(), (u.star_reach::<1>()?, center.reach()), |(u, y): In<'_>| {
///     (u.at::<1, 0>() - u.at::<-1, 0>()) / (y.along::<0, 1>() - y.along::<0, -1>())
/// })?;
/// assert!((slope.probe([2, 3])? - 3.0).abs() < 1e-14);
/// # Ok::<(), parhelion::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AxisValues<T, const N: usize> {
    tables: [Vec<T>; N],
    /// Local index of the first value of each table.
    start: [isize; N],
}

impl<T: Element, const N: usize> AxisValues<T, N> {
    /// Returns the values as an input of a sweep, or a constant of a rule that advances fields,
    /// which reads within `R` points. Indices are in the local frame, as for fields.
    pub fn reach<const R: usize>(&self) -> AxisReach<'_, T, N, R> {
        AxisReach::new(self.tables.each_ref().map(Vec::as_slice), self.start)
    }
}

/// Weights of second differences between cells that differ in width; made by
/// [`Grid::second_differences`].
#[derive(Clone, Debug)]
pub struct SecondDifferences<T, const N: usize> {
    below: AxisValues<T, N>,
    above: AxisValues<T, N>,
}

impl<T: Element, const N: usize> SecondDifferences<T, N> {
    /// Returns the weights as an input of a sweep. The rule receives two points, with the weights
    /// of the differences to the neighbors below and above along each axis.
    pub fn reach(&self) -> (AxisReach<'_, T, N, 0>, AxisReach<'_, T, N, 0>) {
        (self.below.reach(), self.above.reach())
    }
}

impl<const N: usize> Grid<N> {
    /// Tabulates `value(axis, index)` for rules, at this rank's indices along each axis and in the
    /// halo around them. The index is global. Beyond walls and periodic ends it continues below 0
    /// and above the last cell; the methods of [`GridAxis`](super::GridAxis) accept such indices.
    ///
    /// Example: see [`AxisValues`].
    pub fn axis_values<T: Element>(&self, value: impl Fn(usize, isize) -> T) -> AxisValues<T, N> {
        let block = self.region_global(Centering::Node);
        // A halo for several steps may be as deep as the next block.
        let more = self.decomposition().shape().map(|cells| cells as isize + 1);
        let table =
            |a: usize| (block.start[a] - more[a]..block.end[a] + more[a]).map(|i| value(a, i)).collect();
        AxisValues { tables: std::array::from_fn(table), start: more.map(|more| -more) }
    }

    /// Returns the weights of the Laplacian on cells that may differ in width, for
    /// [`stretched_laplacian`](parhelion_kernels::operators::stretched_laplacian).
    ///
    /// ```
    /// use parhelion::kernels::{AxisPoint, operators};
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([4, 6]).faces(0, &[0.0, 0.1, 0.3, 0.6, 1.0]).build(&world)?;
    /// let (mut u, mut v) = (grid.field::<f64>("u"), grid.field::<f64>("v"));
    /// u.set_boundary(Face::high(0), Boundary::Dirichlet(1.0))?;
    /// u.fill_with(|[y, _]| y);
    /// u.exchange()?;
    /// let weights = grid.second_differences::<f64>();
    /// type In<'p> = (StarPoint<'p, f64, 2, 1>, (AxisPoint<'p, f64, 2, 0>, AxisPoint<'p, f64, 2, 0>));
    /// grid.sweep(v.region_local(), v.view_mut(), (u.star_reach::<1>()?, weights.reach()), |(u, w): In<'_>| {
    ///     operators::stretched_laplacian(u, w)
    /// })?;
    /// assert!(v.probe([2, 3])?.abs() < 1e-13); // u is linear
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn second_differences<T: Element + num_traits::Float>(&self) -> SecondDifferences<T, N> {
        let weight = |a: usize, i: isize, face: isize| {
            let axis = self.axis(a);
            T::from(1.0 / (axis.width(i) * axis.distance(face))).unwrap_or_else(T::nan)
        };
        SecondDifferences {
            below: self.axis_values(|a, i| weight(a, i, i)),
            above: self.axis_values(|a, i| weight(a, i, i + 1)),
        }
    }
}
