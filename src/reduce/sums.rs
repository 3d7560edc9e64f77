//! Sums, products, norms, means and counts.

use parhelion_kernels::{Accumulator, ExactSum, Inputs, PointOf, Summable, fold};

use crate::error::{Error, Result};
use crate::field::Field;
use crate::grid::Grid;
use crate::stopwatch::Kind;
use crate::world::World;
use parhelion_kernels::{Element, Region};

/// The type of a sum over a field of `T`: `f64`, `Complex<f64>`, or `i128` for integers.
type Total<T> = <<T as Summable>::Sum as ExactSum>::Total;

/// Adds up the accumulators of all threads and all ranks.
pub(super) fn add_up<S: ExactSum>(world: &World, parts: impl IntoIterator<Item = S>) -> S {
    let mut sum = S::new();
    parts.into_iter().for_each(|part| sum.merge(&part));
    let mut words = sum.words();
    world.all_sum(&mut words);
    S::from_words(&words)
}

impl<T: Summable, const N: usize> Field<T, N> {
    /// The sum of all values of all components, correctly rounded.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([1000]).build(&world)?;
    /// let mut u = grid.field::<f64>("u");
    /// u.fill_indexed(|[i]| if i == 0 { 1e17 } else { 0.25 });
    /// u.set_global([999], -1e17);
    /// assert_eq!(u.sum(), 249.5);      // in any order of addition, on any number of ranks
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub fn sum(&self) -> Total<T> {
        self.exact_sum().total()
    }

    /// The mean of all values of all components.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub fn mean(&self) -> <T::Sum as ExactSum>::Mean {
        let count = self.shape_global().iter().product::<usize>() * self.components();
        self.exact_sum().mean(count)
    }

    fn exact_sum(&self) -> T::Sum {
        let world = self.grid().world();
        let timing = world.measure().start_on(Kind::Reduce, self.name());
        let parts = (0..self.components()).flat_map(|c| {
            self.component(c).view().fold_rows(world.pool(), T::Sum::new, |sum, _, row| T::add_row(sum, row))
        });
        let sum = add_up(world, parts);
        timing.finish(self.values_local(), size_of::<T>());
        sum
    }

    /// The sum of the products with `other` (of `conj(self)·other` for complex numbers), over all
    /// points and components: each product is rounded once, then their sum once.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When the fields differ in grid, centering or number of components.
    pub fn dot(&self, other: &Self) -> Result<Total<T>> {
        self.check_same_shape(other)?;
        let world = self.grid().world();
        let timing = world.measure().start_on(Kind::Reduce, self.name());
        let parts = (0..self.components()).flat_map(|c| {
            let theirs = other.component(c).view();
            self.component(c).view().fold_rows(world.pool(), T::Sum::new, |sum, index, row| {
                T::add_products(sum, row, theirs.row(index, row.len()));
            })
        });
        let sum = add_up(world, parts);
        timing.finish(self.values_local(), 2 * size_of::<T>());
        Ok(sum.total())
    }

    /// The sum of the magnitudes of all values of all components.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub fn norm_l1(&self) -> f64 {
        self.sum_rows(T::add_magnitudes)
    }

    /// The square root of the sum of the squared magnitudes of all values of all components (no
    /// factor for the cell volume).
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub fn norm_l2(&self) -> f64 {
        self.sum_rows(T::add_squares).sqrt()
    }

    fn sum_rows(&self, add: impl Fn(&mut Accumulator, &[T]) + Sync) -> f64 {
        let world = self.grid().world();
        let timing = world.measure().start_on(Kind::Reduce, self.name());
        let parts = (0..self.components()).flat_map(|c| {
            self.component(c).view().fold_rows(world.pool(), Accumulator::new, |sum, _, row| add(sum, row))
        });
        let sum = add_up(world, parts);
        timing.finish(self.values_local(), size_of::<T>());
        sum.total()
    }
}

impl<T: Element, const N: usize> Field<T, N> {
    /// Number of values, over all components, that satisfy `predicate`.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub fn count(&self, predicate: impl Fn(T) -> bool + Sync) -> usize {
        let world = self.grid().world();
        let timing = world.measure().start_on(Kind::Reduce, self.name());
        let local = (0..self.components())
            .flat_map(|c| {
                self.component(c).view().fold_rows(
                    world.pool(),
                    || 0,
                    |count, _, row| {
                        *count += row.iter().filter(|&&value| predicate(value)).count();
                    },
                )
            })
            .sum::<usize>();
        let mut count = [local as i64];
        world.all_sum(&mut count);
        timing.finish(self.values_local(), size_of::<T>());
        count[0] as usize
    }
}

impl<const N: usize> Grid<N> {
    /// The exact sum of `rule(neighborhood)` over the points of `region` on all ranks: for
    /// quantities that no field holds, such as squared gradients or an energy of several fields.
    ///
    /// `region` is local, usually [`Field::region_local`] of one of the inputs.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([10, 10]).build(&world)?;
    /// let mut u = grid.field::<f64>("u");
    /// u.fill_indexed(|[_, i]| 3.0 * i as f64);
    /// u.exchange()?;
    /// let slopes = grid.sum(u.region_local(), u.star_reach::<1>()?, |u: StarPoint<'_, f64, 2, 1>| {
    ///     let slope = 0.5 * (u.at::<0, 1>() - u.at::<0, -1>());
    ///     slope * slope
    /// })?;
    /// assert_eq!(slopes, 80.0 * 9.0 + 20.0 * 2.25); // half the slope in the columns at the walls
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When the inputs lack points of the region or around it; the same error on every rank.
    pub fn sum<I: Inputs<N>>(
        &self,
        region: Region<N>,
        inputs: I,
        rule: impl for<'p> Fn(PointOf<'p, I, N>) -> f64 + Sync,
    ) -> Result<f64> {
        let world = self.world();
        let timing = world.measure().start(Kind::Reduce);
        let parts =
            fold(world.pool(), region, inputs, rule, Accumulator::new, |sum, _, values| sum.add_row(values));
        let parts = world.agree(parts.map_err(Error::from))?;
        let sum = add_up(world, parts);
        timing.finish(region.len(), I::BYTES);
        Ok(sum.total())
    }
}
