//! The fields that a rule advances together.

use parhelion_kernels::{
    Blocking, Element, InPlace, Inputs, Neighbors, OutputMember, Pattern, Points, Region, State, States,
    ViewMut,
};

use super::constants::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::field::{ComponentWalls, Field};
use crate::grid::{Centering, Grid};
use crate::halo::{Exchanged, HaloFields, HaloFieldsSealed};

mod sealed {
    pub trait Sealed {}
}

/// A field that a rule advances and reads within `R` points; made by [`Field::evolving`] and
/// [`Field::star_evolving`].
#[derive(Debug)]
pub struct Evolving<'a, T: Element, const N: usize, const R: usize, const STAR: bool> {
    field: &'a mut Field<T, N>,
    previous: Option<&'a mut Field<T, N>>,
    /// The number of components that the rule takes.
    components: usize,
    /// Whether an exchange fills the halo of the previous level as well.
    exchanges_previous: bool,
}

type StateOf<'k, T, const N: usize, const R: usize, const STAR: bool> =
    State<'k, T, ComponentWalls<'k, T, N>, N, R, STAR>;

type InPlaceOf<'k, T, const N: usize, const R: usize, const STAR: bool> =
    InPlace<'k, T, ComponentWalls<'k, T, N>, N, R, STAR>;

impl<'a, T: Element, const N: usize, const R: usize, const STAR: bool> Evolving<'a, T, N, R, STAR> {
    pub(crate) fn new(field: &'a mut Field<T, N>) -> Self {
        Self { field, previous: None, components: 1, exchanges_previous: false }
    }

    /// Adds the field's values one step earlier, for rules with two levels in time; see
    /// [`Grid::leapfrog`]. Both levels advance together, and `previous` adopts the boundary
    /// conditions.
    pub fn with_previous(mut self, previous: &'a mut Field<T, N>) -> Self {
        self.previous = Some(previous);
        self
    }

    /// All components of a field, however many.
    pub(super) fn of_all_components(field: &'a mut Field<T, N>) -> Self {
        Self { components: field.components(), ..Self::new(field) }
    }

    /// The number of components that the rule takes.
    pub(super) fn number(&self) -> usize {
        self.components
    }

    /// The two arrays and the walls of every component, and the points between the walls.
    pub(super) fn arrays(
        &mut self,
    ) -> impl Iterator<Item = ([ViewMut<'_, T, N>; 2], ComponentWalls<'_, T, N>, Region<N>)> {
        let interior = self.field.region_local();
        let mut previous = self.previous.as_mut().map(|previous| previous.all_with_halo_mut());
        self.field.arrays_and_walls().map(move |(now, spare, walls)| {
            let other: ViewMut<'_, T, N> = match &mut previous {
                Some(previous) => previous.next().expect("both levels have the same components"),
                None => spare.expect("the second array is prepared before a pass").view_mut(),
            };
            ([now.view_mut(), other], walls, interior)
        })
    }

    /// The components, whose number was checked.
    fn components<const K: usize>(&mut self) -> [StateOf<'_, T, N, R, STAR>; K] {
        let state = |(arrays, walls, interior)| State { arrays, walls, interior };
        let states: Vec<_> = self.arrays().map(state).collect();
        states.try_into().unwrap_or_else(|_| unreachable!("the number of components was checked"))
    }

    /// The components, to be updated in place.
    fn components_in_place<const K: usize>(&mut self) -> [InPlaceOf<'_, T, N, R, STAR>; K] {
        let interior = self.field.region_local();
        let arrays = self.field.arrays_and_walls();
        let states: Vec<_> =
            arrays.map(|(now, _, walls)| InPlace { array: now.view_mut(), walls, interior }).collect();
        states.try_into().unwrap_or_else(|_| unreachable!("the number of components was checked"))
    }
}

/// A field of `K` components that a rule advances and reads within `R` points, as arrays of `K`
/// points and values; made by [`Field::evolving_components`] and
/// [`Field::star_evolving_components`].
#[derive(Debug)]
pub struct EvolvingComponents<
    'a,
    T: Element,
    const N: usize,
    const R: usize,
    const STAR: bool,
    const K: usize,
>(Evolving<'a, T, N, R, STAR>);

impl<'a, T: Element, const N: usize, const R: usize, const STAR: bool, const K: usize>
    EvolvingComponents<'a, T, N, R, STAR, K>
{
    pub(crate) fn new(field: &'a mut Field<T, N>) -> Self {
        Self(Evolving { components: K, ..Evolving::new(field) })
    }

    /// Adds the field's values one step earlier; see [`Evolving::with_previous`].
    pub fn with_previous(self, previous: &'a mut Field<T, N>) -> Self {
        Self(self.0.with_previous(previous))
    }
}

impl<T: Element, const N: usize, const R: usize, const STAR: bool> HaloFieldsSealed
    for Evolving<'_, T, N, R, STAR>
{
}
impl<T: Element, const N: usize, const R: usize, const STAR: bool> HaloFields<N>
    for Evolving<'_, T, N, R, STAR>
{
    fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>)) {
        visit(self.field);
        if let Some(previous) = self.previous.as_deref_mut().filter(|_| self.exchanges_previous) {
            visit(previous);
        }
    }
}

impl<T: Element, const N: usize, const R: usize, const STAR: bool, const K: usize> HaloFieldsSealed
    for EvolvingComponents<'_, T, N, R, STAR, K>
{
}
impl<T: Element, const N: usize, const R: usize, const STAR: bool, const K: usize> HaloFields<N>
    for EvolvingComponents<'_, T, N, R, STAR, K>
{
    fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>)) {
        self.0.for_each(visit);
    }
}

/// The fields that a rule advances: an [`Evolving`], an array of them, an [`EvolvingComponents`], or
/// a tuple of up to 12 of these. The trait is sealed.
///
/// The rule takes a point and returns a value for an [`Evolving`], arrays for an array or
/// [`EvolvingComponents`], and tuples for a tuple.
pub trait EvolvingFields<const N: usize>: HaloFields<N> + sealed::Sealed {
    /// The result of the rule at one point.
    type Value: Copy;
    /// The rule's view of one point.
    type Points: Points;
    /// The fields in the form that kernels take.
    #[doc(hidden)]
    type States<'k>: States<N, Value = Self::Value, Inputs: Inputs<N, Points = Self::Points>>
    where
        Self: 'k;
    /// The fields in the form that kernels update in place.
    #[doc(hidden)]
    type InPlace<'k>: States<N, Value = Self::Value, Inputs: Inputs<N, Points = Self::Points>>
    where
        Self: 'k;
    /// Radius of the rule.
    const RADIUS: usize;
    /// Neighbors that the rule reads.
    const PATTERN: Pattern;
    /// Bytes of the arrays that pass through the cache for each point.
    const BYTES: usize;

    #[doc(hidden)]
    fn states(&mut self) -> Self::States<'_>;
    #[doc(hidden)]
    fn in_place(&mut self) -> Self::InPlace<'_>;
    #[doc(hidden)]
    fn each(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()>;
}

/// A member of a tuple of [`EvolvingFields`]: an [`Evolving`], an array of them, or an
/// [`EvolvingComponents`]. The trait is sealed.
pub trait EvolvingMember<const N: usize>: HaloFields<N> + sealed::Sealed {
    /// As for [`EvolvingFields`].
    type Value: Copy;
    /// As for [`EvolvingFields`].
    type Points: Points;
    #[doc(hidden)]
    type State<'k>: States<N, Value = Self::Value, Outputs: OutputMember<N>, Inputs: Inputs<N, Points = Self::Points>>
    where
        Self: 'k;
    #[doc(hidden)]
    type StateInPlace<'k>: States<N, Value = Self::Value, Outputs: OutputMember<N>, Inputs: Inputs<N, Points = Self::Points>>
    where
        Self: 'k;
    /// As for [`EvolvingFields`].
    const RADIUS: usize;
    /// As for [`EvolvingFields`].
    const PATTERN: Pattern;
    /// As for [`EvolvingFields`].
    const BYTES: usize;

    #[doc(hidden)]
    fn state(&mut self) -> Self::State<'_>;
    #[doc(hidden)]
    fn state_in_place(&mut self) -> Self::StateInPlace<'_>;
    #[doc(hidden)]
    fn visit(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()>;
}

impl<M: EvolvingMember<N>, const N: usize> EvolvingFields<N> for M {
    type Value = M::Value;
    type Points = M::Points;
    type States<'k>
        = M::State<'k>
    where
        Self: 'k;
    type InPlace<'k>
        = M::StateInPlace<'k>
    where
        Self: 'k;
    const RADIUS: usize = M::RADIUS;
    const PATTERN: Pattern = M::PATTERN;
    const BYTES: usize = M::BYTES;

    fn states(&mut self) -> Self::States<'_> {
        self.state()
    }

    fn in_place(&mut self) -> Self::InPlace<'_> {
        self.state_in_place()
    }

    fn each(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()> {
        self.visit(visit)
    }
}

/// Whether a rule uses the values one step earlier of its fields.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Previous {
    Needed,
    /// Their memory is used for the next step.
    Optional,
    Refused,
}

/// The operations of time stepping on a field of any element type and its previous level.
#[doc(hidden)]
pub trait Stepped<const N: usize> {
    fn check(&self, grid: &Grid<N>, radius: usize, previous: Previous) -> Result<()>;
    fn centering(&self) -> Centering;
    fn blocking(&self) -> Option<Blocking<N>>;
    fn clock(&self) -> Clock;
    /// Makes the halos in memory, also those of the previous level, at least this wide around the
    /// points `hull`.
    fn deepen(&mut self, hull: &Region<N>, widths: [[usize; 2]; N]) -> Result<()>;
    /// Prepares the second array for a pass.
    fn prepare_levels(&mut self, exchanges_previous: bool);
    /// Advances the time after a pass of `levels` steps.
    fn finish(&mut self, levels: usize);
    /// As `finish`, after a pass that has not used the second array.
    fn finish_in_place(&mut self, steps: usize);
    /// Makes the halos stale after a pass that failed, when the values are neither old nor new.
    fn poison(&mut self);
}

impl<T: Element, const N: usize, const R: usize, const STAR: bool> Stepped<N>
    for Evolving<'_, T, N, R, STAR>
{
    fn check(&self, grid: &Grid<N>, radius: usize, wanted: Previous) -> Result<()> {
        let (name, previous) = (self.field.name(), self.previous.as_deref());
        let refuse = |why: String| {
            Err(Error::on_all_ranks(ErrorKind::Argument, format!("field '{name}' cannot advance: {why}")))
        };
        if !self.field.grid().same_as(grid) {
            return refuse("it is of another grid".into());
        }
        let components = self.field.components();
        if components != self.components {
            return refuse(format!(
                "it has {components} components, but the rule is for {}; use evolving_components::<{components}, RADIUS>() or \
                 star_evolving_components",
                self.components
            ));
        }
        if wanted == Previous::Refused && previous.is_some() {
            return refuse(
                "it is updated in place, without values one step earlier; leave out with_previous".into(),
            );
        }
        if wanted == Previous::Needed && previous.is_none() {
            return refuse(
                "its values one step earlier are needed; add them with with_previous(&mut field)".into(),
            );
        }
        if let Some(previous) = previous {
            let alike = previous.grid().same_as(grid)
                && previous.centering() == self.field.centering()
                && previous.components() == self.components;
            if !alike {
                return refuse(format!(
                    "'{}', its previous level, differs in grid, centering or number of components",
                    previous.name()
                ));
            }
        }
        self.field.check_radius(radius)
    }

    fn centering(&self) -> Centering {
        self.field.centering()
    }

    fn blocking(&self) -> Option<Blocking<N>> {
        self.field.chosen_blocking()
    }

    fn clock(&self) -> Clock {
        self.field.clock()
    }

    fn deepen(&mut self, hull: &Region<N>, widths: [[usize; 2]; N]) -> Result<()> {
        let interior = self.field.region_local();
        let widths = std::array::from_fn(|a| {
            let more = (hull.end[a] - interior.end[a]) as usize;
            [widths[a][0], widths[a][1] + more]
        });
        self.field.deepen(widths)?;
        self.previous.as_deref_mut().map_or(Ok(()), |previous| previous.deepen(widths))
    }

    fn prepare_levels(&mut self, exchanges_previous: bool) {
        self.exchanges_previous = exchanges_previous;
        match &mut self.previous {
            Some(previous) => previous.become_level_of(self.field),
            None => self.field.prepare_spare(),
        }
    }

    fn finish(&mut self, levels: usize) {
        match &mut self.previous {
            Some(previous) => self.field.finish_steps_with(previous, levels),
            None => self.field.finish_steps(levels),
        }
    }

    fn finish_in_place(&mut self, steps: usize) {
        self.field.finish_in_place(steps);
    }

    fn poison(&mut self) {
        self.field.invalidate_halo();
        if let Some(previous) = &mut self.previous {
            previous.invalidate_halo();
        }
    }
}

impl<T: Element, const N: usize, const R: usize, const STAR: bool> sealed::Sealed
    for Evolving<'_, T, N, R, STAR>
{
}
impl<T: Element, const N: usize, const R: usize, const STAR: bool> EvolvingMember<N>
    for Evolving<'_, T, N, R, STAR>
{
    type Value = T;
    type Points = Neighbors<T, N, R, STAR>;
    type State<'k>
        = StateOf<'k, T, N, R, STAR>
    where
        Self: 'k;
    type StateInPlace<'k>
        = InPlaceOf<'k, T, N, R, STAR>
    where
        Self: 'k;
    const RADIUS: usize = R;
    const PATTERN: Pattern = if STAR { Pattern::Star } else { Pattern::Box };
    const BYTES: usize = 2 * size_of::<T>();

    fn state(&mut self) -> Self::State<'_> {
        let [state] = self.components();
        state
    }

    fn state_in_place(&mut self) -> Self::StateInPlace<'_> {
        let [state] = self.components_in_place();
        state
    }

    fn visit(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()> {
        visit(self)
    }
}

impl<T: Element, const N: usize, const R: usize, const STAR: bool, const K: usize> sealed::Sealed
    for EvolvingComponents<'_, T, N, R, STAR, K>
{
}
impl<T: Element, const N: usize, const R: usize, const STAR: bool, const K: usize> EvolvingMember<N>
    for EvolvingComponents<'_, T, N, R, STAR, K>
{
    type Value = [T; K];
    type Points = [Neighbors<T, N, R, STAR>; K];
    type State<'k>
        = [StateOf<'k, T, N, R, STAR>; K]
    where
        Self: 'k;
    type StateInPlace<'k>
        = [InPlaceOf<'k, T, N, R, STAR>; K]
    where
        Self: 'k;
    const RADIUS: usize = R;
    const PATTERN: Pattern = if STAR { Pattern::Star } else { Pattern::Box };
    const BYTES: usize = K * 2 * size_of::<T>();

    fn state(&mut self) -> Self::State<'_> {
        self.0.components()
    }

    fn state_in_place(&mut self) -> Self::StateInPlace<'_> {
        self.0.components_in_place()
    }

    fn visit(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()> {
        visit(&mut self.0)
    }
}

impl<T: Element, const N: usize, const R: usize, const STAR: bool, const K: usize> sealed::Sealed
    for [Evolving<'_, T, N, R, STAR>; K]
{
}
impl<T: Element, const N: usize, const R: usize, const STAR: bool, const K: usize> EvolvingMember<N>
    for [Evolving<'_, T, N, R, STAR>; K]
{
    type Value = [T; K];
    type Points = [Neighbors<T, N, R, STAR>; K];
    type State<'k>
        = [StateOf<'k, T, N, R, STAR>; K]
    where
        Self: 'k;
    type StateInPlace<'k>
        = [InPlaceOf<'k, T, N, R, STAR>; K]
    where
        Self: 'k;
    const RADIUS: usize = R;
    const PATTERN: Pattern = if STAR { Pattern::Star } else { Pattern::Box };
    const BYTES: usize = K * 2 * size_of::<T>();

    fn state(&mut self) -> Self::State<'_> {
        self.each_mut().map(|field| field.state())
    }

    fn state_in_place(&mut self) -> Self::StateInPlace<'_> {
        self.each_mut().map(|field| field.state_in_place())
    }

    fn visit(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()> {
        self.iter_mut().try_for_each(|field| visit(field))
    }
}

pub(super) const fn largest(radii: &[usize]) -> usize {
    let (mut largest, mut i) = (0, 0);
    while i < radii.len() {
        if radii[i] > largest {
            largest = radii[i];
        }
        i += 1;
    }
    largest
}

macro_rules! tuples {
    ($($f:ident $member:tt),*) => {
        impl<$($f: sealed::Sealed),*> sealed::Sealed for ($($f,)*) {}
        impl<$($f: EvolvingMember<N>,)* const N: usize> EvolvingFields<N> for ($($f,)*) {
            type Value = ($($f::Value,)*);
            type Points = ($($f::Points,)*);
            type States<'k> = ($($f::State<'k>,)*) where Self: 'k;
            type InPlace<'k> = ($($f::StateInPlace<'k>,)*) where Self: 'k;
            const RADIUS: usize = largest(&[$($f::RADIUS),*]);
            const PATTERN: Pattern = if true $(&& matches!($f::PATTERN, Pattern::Star))* {
                Pattern::Star
            } else {
                Pattern::Box
            };
            const BYTES: usize = 0 $(+ $f::BYTES)*;

            fn states(&mut self) -> Self::States<'_> {
                ($(self.$member.state(),)*)
            }

            fn in_place(&mut self) -> Self::InPlace<'_> {
                ($(self.$member.state_in_place(),)*)
            }

            fn each(&mut self, visit: &mut dyn FnMut(&mut dyn Stepped<N>) -> Result<()>) -> Result<()> {
                $(self.$member.visit(visit)?;)*
                Ok(())
            }
        }
    };
}
tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
