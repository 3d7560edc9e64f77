//! One component of a field.

use parhelion_kernels::Element;

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
}
