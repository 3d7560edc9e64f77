//! One component of a field, or all of them at once.

use parhelion_kernels::{Element, Pattern, Reach, ViewMut};

use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;

/// Handle to read one component of a field; made by [`Field::component`].
///
/// ```
/// use parhelion::prelude::*;
///
/// let world = World::init()?;
/// let grid = Grid::builder([8, 8]).build(&world)?;
/// let mut v = grid.field_builder::<f64>("velocity").components(2).build()?;
/// v.component_mut(1).fill_with(|[y, _]| y);
/// v.component_mut(1).set_boundary(Face::low(0), Boundary::Antireflecting)?;
/// assert_eq!(v.component(1).probe([3, 0])?, 3.5);
/// # Ok::<(), parhelion::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Component<'a, T: Element, const N: usize> {
    pub(super) field: &'a Field<T, N>,
    pub(super) number: usize,
}

/// Handle to write one component of a field; made by [`Field::component_mut`].
#[derive(Debug)]
pub struct ComponentMut<'a, T: Element, const N: usize> {
    pub(super) field: &'a mut Field<T, N>,
    pub(super) number: usize,
}

impl<T: Element, const N: usize> ComponentMut<'_, T, N> {
    pub(super) fn reborrow(&mut self) -> ComponentMut<'_, T, N> {
        ComponentMut { field: self.field, number: self.number }
    }
}

impl<T: Element, const N: usize> Field<T, N> {
    /// Handle to read one component. If the field has no such component, the handle's methods
    /// return an error or panic.
    pub fn component(&self, number: usize) -> Component<'_, T, N> {
        Component { field: self, number }
    }

    /// Handle to write one component. If the field has no such component, the handle's methods
    /// return an error or panic.
    pub fn component_mut(&mut self, number: usize) -> ComponentMut<'_, T, N> {
        ComponentMut { field: self, number }
    }

    /// Returns all `K` components as input of a rule that reads all neighbors within `R` points.
    /// The rule receives an array of `K` points.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([8]).periodic([true]).build(&world)?;
    /// let mut f = grid.field_builder::<f64>("f").components(3).build()?;
    /// let mut moved = grid.field_builder::<f64>("moved").components(3).build()?;
    /// (0..3).for_each(|k| f.component_mut(k).fill_indexed(|[i]| (10 * k + i) as f64));
    /// f.exchange()?;
    /// grid.sweep(
    ///     f.region_local(),
    ///     moved.views_mut::<3>()?,
    ///     f.reach_components::<3, 1>()?,
    ///     |f: [Point<'_, f64, 1, 1>; 3]| [f[0].at::<-1>(), f[1].center(), f[2].at::<1>()],
    /// )?;
    /// assert_eq!([0, 1, 2].map(|k| moved.component(k).probe([5]).unwrap()), [4.0, 15.0, 26.0]);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the field does not have `K` components, or its halo is stale or thinner than `R`.
    pub fn reach_components<const K: usize, const R: usize>(&self) -> Result<[Reach<'_, T, N, R>; K]> {
        self.require_components(K)?;
        self.require_halo(R, Pattern::Box)?;
        Ok(std::array::from_fn(|k| self.with_halo(k).reach()))
    }

    /// Like [`reach_components`](Self::reach_components), for rules that read neighbors on the axes
    /// only.
    ///
    /// # Errors
    /// When the field does not have `K` components, or the faces of its halo are stale or thinner
    /// than `R`.
    pub fn star_reach_components<const K: usize, const R: usize>(
        &self,
    ) -> Result<[Reach<'_, T, N, R, true>; K]> {
        self.require_components(K)?;
        self.require_halo(R, Pattern::Star)?;
        Ok(std::array::from_fn(|k| self.with_halo(k).star_reach()))
    }

    /// Returns the owned points of all `K` components, for a rule that returns an array of `K`
    /// values. The halo becomes stale.
    ///
    /// # Errors
    /// When the field does not have `K` components.
    pub fn views_mut<const K: usize>(&mut self) -> Result<[ViewMut<'_, T, N>; K]> {
        self.require_components(K)?;
        self.invalidate_halo();
        let interior = self.layout.interior();
        let views: Vec<_> = self.all_with_halo_mut().map(|view| view.restricted(interior)).collect();
        Ok(views.try_into().expect("a view of every component"))
    }

    /// # Errors
    /// When the field does not have `number` components.
    fn require_components(&self, number: usize) -> Result<()> {
        if self.components() == number {
            return Ok(());
        }
        let (name, components) = (self.name(), self.components());
        Err(Error::new(
            ErrorKind::Argument,
            format!("field '{name}' has {components} components and cannot be used as an array of {number}"),
        ))
    }
}
