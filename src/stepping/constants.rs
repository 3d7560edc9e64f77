//! Fields that a rule reads while it advances others.

use parhelion_kernels::{AlongAxes, AxisReach, Element, Inputs, Neighbors, Points, Reach};

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
}

impl<'a, T: Element, const N: usize, const R: usize> Constant<'a, T, N, R> {
    pub(crate) fn new(field: &'a mut Field<T, N>) -> Self {
        Self { field }
    }
}

/// What a rule only reads: `()`, a [`Constant`], [values along the axes](crate::grid::AxisValues)
/// by their `reach`, or a tuple of these. The trait is sealed.
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
        if !self.field.grid().same_as(grid) || self.field.centering() != centering {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "field '{}' ({:?}) cannot be read together with advancing fields that are {centering:?} of their grid; \
                     it must have their grid and centering",
                    self.field.name(),
                    self.field.centering()
                ),
            ));
        }
        if self.field.components() != 1 {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "field '{}' has {} components and cannot be read together with advancing fields; use a field for each",
                    self.field.name(),
                    self.field.components()
                ),
            ));
        }
        self.field.check_radius(R)?;
        self.field.fill_deep_halo(more + R, R)
    }

    fn inputs(&self) -> Self::Inputs<'_> {
        self.field.with_halo(0).reach()
    }
}

impl<T: Element, const N: usize, const R: usize> sealed::Sealed for AxisReach<'_, T, N, R> {}
impl<T: Element, const N: usize, const R: usize> ConstantFields<N> for AxisReach<'_, T, N, R> {
    type Points = AlongAxes<T, N, R>;
    type Inputs<'k>
        = Self
    where
        Self: 'k;
    // The tables are longer than any halo.
    const RADIUS: usize = 0;
    const BYTES: usize = 0;

    fn prepare(&mut self, _grid: &Grid<N>, _centering: Centering, _more: usize) -> Result<()> {
        Ok(())
    }

    fn inputs(&self) -> Self::Inputs<'_> {
        *self
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
