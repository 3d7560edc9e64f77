//! Fields that a rule reads while it advances others.

use parhelion_kernels::{
    AlongAxes, AxisReach, Element, Inputs, Neighbors, PlaceKind, Places, Points, Reach, Region,
};

use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::grid::{Context, Grid};

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

/// The start time, the time step and the number of steps of a field.
#[doc(hidden)]
pub(super) type Clock = (f64, f64, u64);

/// The clock of a field; it starts at 0 if the time was never set.
pub(super) fn clock_of<T: Element, const N: usize>(field: &Field<T, N>) -> Clock {
    let (start, step, steps) = field.clock();
    (start.unwrap_or(0.0), step, steps)
}

/// A [`Context`] whose time is that of the first advancing field; made by [`Context::constant`]. The
/// rule gets a [`Place`](parhelion_kernels::Place).
#[derive(Clone, Copy, Debug)]
pub struct ConstantContext<'a, const N: usize> {
    context: &'a Context<N>,
    clock: Clock,
}

impl<const N: usize> Context<N> {
    /// Returns the context as a constant of a rule that advances fields. Its time and step are
    /// those of the values that the rule reads: the time of the first field, and the number of its
    /// steps since [`set_time`](crate::Field::set_time).
    pub fn constant(&self) -> ConstantContext<'_, N> {
        ConstantContext { context: self, clock: (0.0, 0.0, 0) }
    }
}

impl<const N: usize> sealed::Sealed for ConstantContext<'_, N> {}
impl<const N: usize> ConstantFields<N> for ConstantContext<'_, N> {
    type Points = PlaceKind<N>;
    type Inputs<'k>
        = Places<'k, N>
    where
        Self: 'k;
    const RADIUS: usize = 0;
    const BYTES: usize = 0;

    fn prepare(&mut self, _: &Grid<N>, _: Region<N>, _: usize) -> Result<()> {
        Ok(())
    }

    fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    fn inputs(&self) -> Self::Inputs<'_> {
        let (start_time, time_step, steps) = self.clock;
        self.context.places().stepping(start_time, time_step, steps)
    }
}

/// The fields that a rule only reads: `()`, a [`Constant`], a [`ConstantComponents`], a
/// [`ConstantContext`], the [`reach`](crate::grid::AxisValues::reach) of values along the axes, or
/// an array or a tuple of these. The trait is sealed.
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

    /// Makes them readable at the points `hull` of the block and `more` points beyond its open sides,
    /// which levels after the first need.
    #[doc(hidden)]
    fn prepare(&mut self, grid: &Grid<N>, hull: Region<N>, more: usize) -> Result<()>;
    /// Tells the time of the first advancing field.
    #[doc(hidden)]
    fn set_clock(&mut self, clock: Clock) {
        let _ = clock;
    }
    #[doc(hidden)]
    fn inputs(&self) -> Self::Inputs<'_>;
}

/// Makes a constant that is read within `radius` readable at the points `hull` of the block and
/// `more` points beyond its open sides.
pub(super) fn prepare_constant<T: Element, const N: usize>(
    field: &mut Field<T, N>,
    grid: &Grid<N>,
    hull: Region<N>,
    radius: usize,
    more: usize,
) -> Result<()> {
    if !field.grid().same_as(grid) {
        return Err(Error::on_all_ranks(
            ErrorKind::Argument,
            format!(
                "field '{}' is of another grid than the advancing fields and cannot be read together with them",
                field.name()
            ),
        ));
    }
    field.check_radius(radius)?;
    field.fill_deep_halo(&hull, more + radius, radius)
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

    fn prepare(&mut self, grid: &Grid<N>, hull: Region<N>, more: usize) -> Result<()> {
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
        prepare_constant(self.field, grid, hull, R, more)
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

    fn prepare(&mut self, grid: &Grid<N>, hull: Region<N>, more: usize) -> Result<()> {
        self.0.prepare(grid, hull, more)
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

    fn prepare(&mut self, grid: &Grid<N>, hull: Region<N>, more: usize) -> Result<()> {
        self.iter_mut().try_for_each(|field| field.prepare(grid, hull, more))
    }

    fn set_clock(&mut self, clock: Clock) {
        self.iter_mut().for_each(|field| field.set_clock(clock));
    }

    fn inputs(&self) -> Self::Inputs<'_> {
        self.each_ref().map(|field| field.inputs())
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

    fn prepare(&mut self, _: &Grid<N>, _: Region<N>, _: usize) -> Result<()> {
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

            fn prepare(&mut self, grid: &Grid<N>, hull: Region<N>, more: usize) -> Result<()> {
                $(self.$member.prepare(grid, hull, more)?;)*
                Ok(())
            }

            fn set_clock(&mut self, clock: Clock) {
                $(self.$member.set_clock(clock);)*
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
