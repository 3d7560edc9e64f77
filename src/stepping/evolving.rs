//! One field that a rule advances, and arrays of them, as members of the fields of a rule.

use parhelion_kernels::{Element, InPlace, Neighbors, Pattern, Region, State, ViewMut};

use super::points::PointsOf;
use super::states::{EvolvingMember, Stepped, sealed};
use crate::error::Result;
use crate::field::{ComponentWalls, Field};
use crate::halo::{Exchanged, HaloFields, HaloFieldsSealed};

/// A field that a rule advances and reads within `R` points; made by [`Field::evolving`] and
/// [`Field::star_evolving`].
#[derive(Debug)]
pub struct Evolving<'a, T: Element, const N: usize, const R: usize, const STAR: bool> {
    pub(super) field: &'a mut Field<T, N>,
    pub(super) previous: Option<&'a mut Field<T, N>>,
    /// The number of components that the rule takes.
    pub(super) components: usize,
    /// Whether an exchange fills the halo of the previous level as well.
    pub(super) exchanges_previous: bool,
    pub(super) points: PointsOf<'a, T, N>,
}

type StateOf<'k, T, const N: usize, const R: usize, const STAR: bool> =
    State<'k, T, ComponentWalls<'k, T, N>, N, R, STAR>;

type InPlaceOf<'k, T, const N: usize, const R: usize, const STAR: bool> =
    InPlace<'k, T, ComponentWalls<'k, T, N>, N, R, STAR>;

/// The arrays of both levels of a component, its walls and the points between them.
pub(super) type Arrays<'k, T, const N: usize> = ([ViewMut<'k, T, N>; 2], ComponentWalls<'k, T, N>, Region<N>);

/// The arrays of all components of a field and its previous level; the second set of arrays of the
/// field stands for a level that is not there.
fn arrays<'k, T: Element, const N: usize>(
    field: &'k mut Field<T, N>,
    previous: Option<&'k mut Field<T, N>>,
) -> impl Iterator<Item = Arrays<'k, T, N>> {
    let interior = field.region_local();
    let mut previous = previous.map(|previous| previous.all_with_halo_mut());
    field.arrays_and_walls().map(move |(now, spare, walls)| {
        let other = match &mut previous {
            Some(previous) => previous.next().expect("both levels have the same components"),
            None => spare.expect("the second array is prepared before a pass").view_mut(),
        };
        ([now.view_mut(), other], walls, interior)
    })
}

impl<'a, T: Element, const N: usize, const R: usize, const STAR: bool> Evolving<'a, T, N, R, STAR> {
    pub(crate) fn new(field: &'a mut Field<T, N>) -> Self {
        Self { field, previous: None, components: 1, exchanges_previous: false, points: PointsOf::none() }
    }

    /// Adds the field's values one step earlier, for rules with two levels in time; see
    /// [`Grid::leapfrog`](crate::Grid::leapfrog). Both levels advance together, and `previous`
    /// takes over the boundary conditions of the field.
    pub fn with_previous(mut self, previous: &'a mut Field<T, N>) -> Self {
        self.previous = Some(previous);
        self
    }

    /// The field, for hooks of a run.
    pub fn field_mut(&mut self) -> &mut Field<T, N> {
        self.field
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
    pub(super) fn arrays(&mut self) -> impl Iterator<Item = Arrays<'_, T, N>> {
        arrays(self.field, self.previous.as_deref_mut())
    }

    /// The components, whose number was checked.
    fn components<const K: usize>(&mut self) -> [StateOf<'_, T, N, R, STAR>; K] {
        let visits = self.points.visits.as_ref();
        let states: Vec<_> = arrays(self.field, self.previous.as_deref_mut())
            .map(|(arrays, walls, interior)| State { arrays, walls, interior, visits })
            .collect();
        states.try_into().unwrap_or_else(|_| unreachable!("the number of components was checked"))
    }

    /// The components, to be updated in place.
    fn components_in_place<const K: usize>(&mut self) -> [InPlaceOf<'_, T, N, R, STAR>; K] {
        let (interior, visits) = (self.field.region_local(), self.points.visits.as_ref());
        let arrays = self.field.arrays_and_walls();
        let states: Vec<_> = arrays
            .map(|(now, _, walls)| InPlace { array: now.view_mut(), walls, interior, visits })
            .collect();
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

    /// The field, for hooks of a run.
    pub fn field_mut(&mut self) -> &mut Field<T, N> {
        self.0.field
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
