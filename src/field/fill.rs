//! Filling, copying and combining fields point by point, on all threads.

use parhelion_kernels::{Element, update};

use super::coordinates::Coordinates;
use crate::error::Result;
use crate::field::{ComponentMut, Field};
use crate::stopwatch::Kind;

impl<T: Element, const N: usize> Field<T, N> {
    /// Sets every point of component 0 from its coordinates in space (slowest axis first).
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([4, 4]).extent([1.0, 1.0]).build(&world)?;
    /// let mut u = grid.field::<f64>("u");
    /// u.fill_with(|[y, x]| 10.0 * y + x);
    /// if let Some(value) = u.get_global([3, 0]) {
    ///     assert_eq!(value, 8.875); // the center of the cell is at y = 0.875, x = 0.125
    /// }
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn fill_with(&mut self, value: impl Fn([f64; N]) -> T + Sync) {
        self.component_mut(0).fill_with(value);
    }

    /// Sets every point of component 0 from its global index.
    pub fn fill_indexed(&mut self, value: impl Fn([usize; N]) -> T + Sync) {
        self.component_mut(0).fill_indexed(value);
    }

    /// Sets every point of every component to one value.
    pub fn fill(&mut self, value: T) {
        (0..self.components()).for_each(|number| self.component_mut(number).fill(value));
    }

    /// Copies the values of `other` only: the halo becomes stale, and the time is kept.
    ///
    /// # Errors
    /// When the fields differ in grid, centering or number of components.
    pub fn copy_from(&mut self, other: &Self) -> Result<()> {
        self.zip_mut_with(other, |mine, &theirs| *mine = theirs)
    }

    /// Exchanges values, halos and times with `other`, without copying. Names, units and boundary
    /// conditions are kept.
    ///
    /// # Errors
    /// When the fields differ in grid, centering or number of components.
    pub fn swap(&mut self, other: &mut Self) -> Result<()> {
        self.check_same_shape(other)?;
        std::mem::swap(&mut self.layout, &mut other.layout);
        std::mem::swap(&mut self.components, &mut other.components);
        std::mem::swap(&mut self.spare, &mut other.spare);
        std::mem::swap(&mut self.start_time, &mut other.start_time);
        std::mem::swap(&mut self.time_step, &mut other.time_step);
        std::mem::swap(&mut self.steps, &mut other.steps);
        // The values beyond the walls come from the boundary conditions, which are not exchanged.
        std::mem::swap(&mut self.valid_halo, &mut other.valid_halo);
        self.invalidate_halo();
        other.invalidate_halo();
        Ok(())
    }

    /// Applies `rule` to every value of every component, in place.
    pub fn map_inplace(&mut self, rule: impl Fn(&mut T) + Sync) {
        let world = self.grid.world().clone();
        let region = self.region_local();
        let timing = world.measure().start_on(Kind::Update, &self.name);
        for component in 0..self.components() {
            update(world.pool(), region, self.component_mut(component).view_mut(), (), |mut value, ()| {
                rule(&mut value);
                value
            })
            .expect("the region is the component's own");
        }
        timing.finish(region.len() * self.components(), 2 * size_of::<T>());
    }

    /// Applies `rule` to every value, in place, together with the value of `other` at the same
    /// point.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([8]).build(&world)?;
    /// let (mut u, mut v) = (grid.field::<f32>("u"), grid.field::<i16>("v"));
    /// v.fill_indexed(|[i]| i as i16);
    /// u.zip_mut_with(&v, |u, &v| *u += 0.5 * f32::from(v))?;
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the fields differ in grid, centering or number of components.
    pub fn zip_mut_with<U: Element>(
        &mut self,
        other: &Field<U, N>,
        rule: impl Fn(&mut T, &U) + Sync,
    ) -> Result<()> {
        self.check_same_shape(other)?;
        let world = self.grid.world().clone();
        let region = self.region_local();
        let timing = world.measure().start_on(Kind::Update, &self.name);
        for component in 0..self.components() {
            let theirs = other.component(component).view().reach::<0>();
            update(
                world.pool(),
                region,
                self.component_mut(component).view_mut(),
                theirs,
                |mut mine, theirs| {
                    rule(&mut mine, &theirs.center());
                    mine
                },
            )
            .expect("fields of one shape have the same region");
        }
        timing.finish(region.len() * self.components(), 2 * size_of::<T>() + size_of::<U>());
        Ok(())
    }
}

impl<T: Element, const N: usize> ComponentMut<'_, T, N> {
    /// Sets every point to one value.
    ///
    /// # Panics
    /// When the field has no such component.
    pub fn fill(&mut self, value: T) {
        self.fill_points(|_, _, _| value);
    }

    /// Sets every point from its coordinates in space (slowest axis first).
    ///
    /// # Panics
    /// When the field has no such component.
    pub fn fill_with(&mut self, value: impl Fn([f64; N]) -> T + Sync) {
        self.fill_points(|place, first, i| value(place.coordinates(first, i)));
    }

    /// Sets every point from its global index.
    ///
    /// # Panics
    /// When the field has no such component.
    pub fn fill_indexed(&mut self, value: impl Fn([usize; N]) -> T + Sync) {
        self.fill_points(|place, first, i| value(place.global(first, i).map(|i| i as usize)));
    }

    fn fill_points(&mut self, value: impl Fn(&Coordinates<N>, [isize; N], usize) -> T + Sync) {
        let field = &*self.field;
        let offset = field.region_global().start;
        let staggered = std::array::from_fn(|a| field.centering.staggered(a));
        let place = Coordinates::new(&field.grid, staggered, offset);
        let (world, region) = (field.grid.world().clone(), field.region_local());
        let timing = world.measure().start_on(Kind::Fill, &field.name);
        self.reborrow().view_mut().for_each_row(world.pool(), region, |first, row| {
            for (i, point) in row.iter_mut().enumerate() {
                *point = value(&place, first, i);
            }
        });
        timing.finish(region.len(), size_of::<T>());
    }
}
