//! Fields that a rule reads while it advances others.

use parhelion_kernels::{Element, Inputs, Neighbors, Points, Reach};

use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::grid::{Centering, Grid};

mod sealed {
    pub trait Sealed {}
}

/// A field that a rule reads within `R` points and does not change; made by [`Field::constant`].
#[derive(Debug)]
pub struct Constant<'a, T: Element, const N: usize, const R: usize> {
    field: &'a mut Field<T, N>,
    /// The number of components that the rule takes.
    components: usize,
}

impl<'a, T: Element, const N: usize, const R: usize> Constant<'a, T, N, R> {
    pub(crate) fn new(field: &'a mut Field<T, N>) -> Self {
        Self { field, components: 1 }
    }
}

/// A field of `K` components that a rule reads within `R` points and does not change, as an array of
/// `K` points; made by [`Field::constant_components`].
#[derive(Debug)]
pub struct ConstantComponents<'a, T: Element, const N: usize, const R: usize, const K: usize>(
    Constant<'a, T, N, R>,
);

impl<'a, T: Element, const N: usize, const R: usize, const K: usize> ConstantComponents<'a, T, N, R, K> {
    pub(crate) fn new(field: &'a mut Field<T, N>) -> Self {
        Self(Constant { field, components: K })
    }
}

/// The fields that a rule only reads: `()`, a [`Constant`], a [`ConstantComponents`], or an array or a
/// tuple of these. The trait is sealed.
pub trait ConstantFields<const N: usize>: sealed::Sealed {
    /// The rule's view of one point.
    type Points: Points;
    /// The fields in the form that kernels take.
    #[doc(hidden)]
    type Inputs<'k>: Inputs<N, Points = Self::Points>
    where
        Self: 'k;
    /// Largest distance at which the rule reads them.
    const RADIUS: usize;
    /// Bytes read for each point.
    const BYTES: usize;

    /// Makes them readable to `more` points beyond the block's open sides, which levels after the
    /// first need.
    #[doc(hidden)]
    fn prepare(&mut self, grid: &Grid<N>, centering: Centering, more: usize) -> Result<()>;
    #[doc(hidden)]
    fn inputs(&self) -> Self::Inputs<'_>;
}

/// Makes a constant that is read within `radius` readable to `more` points beyond the block's open
/// sides.
pub(super) fn prepare_constant<T: Element, const N: usize>(
    field: &mut Field<T, N>,
    grid: &Grid<N>,
    centering: Centering,
    radius: usize,
    more: usize,
) -> Result<()> {
    if !field.grid().same_as(grid) || field.centering() != centering {
        return Err(Error::on_all_ranks(
            ErrorKind::Argument,
            format!(
                "field '{}' ({:?}) cannot be read together with advancing fields that are {centering:?} of their grid; \
                 it must have their grid and centering",
                field.name(),
                field.centering()
            ),
        ));
    }
    field.check_radius(radius)?;
    field.fill_deep_halo(more + radius, radius)
}

impl<T: Element, const N: usize, const R: usize> sealed::Sealed for Constant<'_, T, N, R> {}
impl<T: Element, const N: usize, const R: usize> ConstantFields<N> for Constant<'_, T, N, R> {
    type Points = Neighbors<T, N, R, false>;
    type Inputs<'k>
        = Reach<'k, T, N, R>
    where
        Self: 'k;
    const RADIUS: usize = R;
    const BYTES: usize = size_of::<T>();

    fn prepare(&mut self, grid: &Grid<N>, centering: Centering, more: usize) -> Result<()> {
        let components = self.field.components();
        if components != self.components {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "field '{}' has {components} components, but the rule reads {}; use constant_components::<{components}, \
                     RADIUS>()",
                    self.field.name(),
                    self.components
                ),
            ));
        }
        prepare_constant(self.field, grid, centering, R, more)
    }

    fn inputs(&self) -> Self::Inputs<'_> {
        self.field.with_halo(0).reach()
    }
}

impl<T: Element, const N: usize, const R: usize, const K: usize> sealed::Sealed
    for ConstantComponents<'_, T, N, R, K>
{
}
impl<T: Element, const N: usize, const R: usize, const K: usize> ConstantFields<N>
    for ConstantComponents<'_, T, N, R, K>
{
    type Points = [Neighbors<T, N, R, false>; K];
    type Inputs<'k>
        = [Reach<'k, T, N, R>; K]
    where
        Self: 'k;
    const RADIUS: usize = R;
    const BYTES: usize = K * size_of::<T>();

    fn prepare(&mut self, grid: &Grid<N>, centering: Centering, more: usize) -> Result<()> {
        self.0.prepare(grid, centering, more)
    }

    fn inputs(&self) -> Self::Inputs<'_> {
        std::array::from_fn(|k| self.0.field.with_halo(k).reach())
    }
}

impl<C: sealed::Sealed, const K: usize> sealed::Sealed for [C; K] {}
impl<C: ConstantFields<N>, const N: usize, const K: usize> ConstantFields<N> for [C; K] {
    type Points = [C::Points; K];
    type Inputs<'k>
        = [C::Inputs<'k>; K]
    where
        Self: 'k;
    const RADIUS: usize = C::RADIUS;
    const BYTES: usize = K * C::BYTES;

    fn prepare(&mut self, grid: &Grid<N>, centering: Centering, more: usize) -> Result<()> {
        self.iter_mut().try_for_each(|field| field.prepare(grid, centering, more))
    }

    fn inputs(&self) -> Self::Inputs<'_> {
        self.each_ref().map(|field| field.inputs())
    }
}

macro_rules! constants {
    ($($c:ident $member:tt),*) => {
        impl<$($c: sealed::Sealed),*> sealed::Sealed for ($($c,)*) {}
        #[allow(clippy::unused_unit, unused_variables, reason = "the empty tuple reads nothing")]
        impl<$($c: ConstantFields<N>,)* const N: usize> ConstantFields<N> for ($($c,)*)
        {
            type Points = ($($c::Points,)*);
            type Inputs<'k> = ($($c::Inputs<'k>,)*) where Self: 'k;
            const RADIUS: usize = super::states::largest(&[$($c::RADIUS),*]);
            const BYTES: usize = 0 $(+ $c::BYTES)*;

            fn prepare(&mut self, grid: &Grid<N>, centering: Centering, more: usize) -> Result<()> {
                $(self.$member.prepare(grid, centering, more)?;)*
                Ok(())
            }

            fn inputs(&self) -> Self::Inputs<'_> {
                ($(self.$member.inputs(),)*)
            }
        }
    };
}
constants!();
constants!(A 0);
constants!(A 0, B 1);
constants!(A 0, B 1, C 2);
constants!(A 0, B 1, C 2, D 3);
constants!(A 0, B 1, C 2, D 3, E 4);
constants!(A 0, B 1, C 2, D 3, E 4, F 5);
constants!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
constants!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
constants!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
constants!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
constants!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
constants!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
