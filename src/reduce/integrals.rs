//! Integrals over the domain, and means and norms by volume.

use num_traits::AsPrimitive;
use parhelion_kernels::{Accumulator, Element, ExactSum, Summable};

use super::sums::add_up;
use crate::field::Field;
use crate::stopwatch::Kind;

impl<T: Element, const N: usize> Field<T, N> {
    /// The integral over the domain of `rule(value)`, over all components: the sum of `rule(value)`
    /// times the volume that belongs to each point. Each product is rounded once, then their sum
    /// once, so that the result has the same bits on any ranks × threads.
    ///
    /// The volume of a cell-centered point is that of its cell. Along an axis on which the field is
    /// staggered, each point has half of the cell on either side, and a point on a wall only the
    /// half inside (the trapezoidal rule).
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([3, 4]).faces(0, &[0.0, 0.5, 2.0, 3.0]).build(&world)?; // 3 × 4 wide
    /// let mut u = grid.field::<f32>("u");
    /// u.fill_with(|[y, _]| y as f32);
    /// assert_eq!(u.integral(), 18.0);                                      // ∫∫ y
    /// assert_eq!(u.integral_of(|u| if u > 1.0 { 1.0 } else { 0.0 }), 10.0); // where y > 1
    /// assert_eq!(u.mean_by_volume(), 1.5);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub fn integral_of(&self, rule: impl Fn(T) -> f64 + Sync) -> f64 {
        let (grid, offset) = (self.grid(), self.region_global().start);
        let (world, shape) = (grid.world(), self.region_local().shape());
        let timing = world.measure().start_on(Kind::Reduce, self.name());
        let shares: [Vec<f64>; N] = std::array::from_fn(|a| {
            let share = |i: usize| grid.axis(a).share(offset[a] + i as isize, self.centering().staggered(a));
            (0..shape[a]).map(share).collect()
        });
        let parts = (0..self.components()).flat_map(|c| {
            self.component(c).view().fold_rows(world.pool(), Accumulator::new, |sum, first, row| {
                let across: f64 = (0..N - 1).map(|a| shares[a][first[a] as usize]).product();
                let along = &shares[N - 1][first[N - 1] as usize..][..row.len()];
                sum.add_zip(row, along, |value, share| rule(value) * (across * share));
            })
        });
        let sum = add_up(world, parts);
        timing.finish(self.values_local(), size_of::<T>());
        sum.total()
    }

    /// The integral over the domain: [`integral_of`](Self::integral_of) the values as `f64`, over
    /// all components.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub fn integral(&self) -> f64
    where
        T: AsPrimitive<f64>,
    {
        self.integral_of(AsPrimitive::as_)
    }

    /// The integral divided by the volume of the domain and the number of components: the mean
    /// where cells differ in size. ([`mean`](Self::mean) gives all values equal weight.)
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub fn mean_by_volume(&self) -> f64
    where
        T: AsPrimitive<f64>,
    {
        self.integral() / (self.grid().volume() * self.components() as f64)
    }
}

impl<T: Summable, const N: usize> Field<T, N> {
    /// The square root of the integral of the squared magnitudes, over all components: like
    /// [`norm_l2`](Self::norm_l2), weighted with the volume of each point.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub fn norm_l2_by_volume(&self) -> f64 {
        self.integral_of(|value| value.magnitude().powi(2)).sqrt()
    }
}
