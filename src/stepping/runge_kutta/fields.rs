//! Sets of fields that the stages of a Runge–Kutta scheme read and write.

use parhelion_kernels::{FacePoints, Inputs, Linear, Neighbors, Points, Reach, View, ViewMut};

use crate::field::Field;
use crate::halo::{Exchanged, HaloFields, HaloFieldsSealed};
use crate::stepping::{Evolving, EvolvingComponents, EvolvingFields};

/// The fields that a Runge–Kutta scheme advances: an [`Evolving`], an array of them, or an
/// [`EvolvingComponents`], all of one element type. `K` is the number of equations. The trait is
/// sealed.
pub trait StagedFields<const N: usize, const K: usize>: EvolvingFields<N> {
    /// The type of the values.
    type Number: Linear;
    /// The rule's result: one number, or an array of `K`.
    type Rates: Copy;
    /// The rule's view of one point.
    type Staged: FacePoints + Points;
    #[doc(hidden)]
    type Reaches<'k>: Inputs<N, Points = Self::Staged>;

    #[doc(hidden)]
    fn fields(&mut self) -> Vec<&mut Field<Self::Number, N>>;
    #[doc(hidden)]
    fn reaches<'k>(views: [View<'k, Self::Number, N>; K]) -> Self::Reaches<'k>;
    #[doc(hidden)]
    fn to_array(rates: Self::Rates) -> [Self::Number; K];
    #[doc(hidden)]
    fn from_array(values: [Self::Number; K]) -> Self::Rates;
}

impl<T: Linear, const N: usize, const R: usize, const STAR: bool> StagedFields<N, 1>
    for Evolving<'_, T, N, R, STAR>
{
    type Number = T;
    type Rates = T;
    type Staged = Neighbors<T, N, R, STAR>;
    type Reaches<'k> = Reach<'k, T, N, R, STAR>;

    fn fields(&mut self) -> Vec<&mut Field<T, N>> {
        vec![self.field_mut()]
    }

    fn reaches<'k>([view]: [View<'k, T, N>; 1]) -> Self::Reaches<'k> {
        Reach::of(view)
    }

    #[inline(always)]
    fn to_array(rates: T) -> [T; 1] {
        [rates]
    }

    #[inline(always)]
    fn from_array([value]: [T; 1]) -> T {
        value
    }
}

impl<T: Linear, const N: usize, const R: usize, const STAR: bool, const K: usize> StagedFields<N, K>
    for [Evolving<'_, T, N, R, STAR>; K]
{
    type Number = T;
    type Rates = [T; K];
    type Staged = [Neighbors<T, N, R, STAR>; K];
    type Reaches<'k> = [Reach<'k, T, N, R, STAR>; K];

    fn fields(&mut self) -> Vec<&mut Field<T, N>> {
        self.iter_mut().map(Evolving::field_mut).collect()
    }

    fn reaches<'k>(views: [View<'k, T, N>; K]) -> Self::Reaches<'k> {
        views.map(Reach::of)
    }

    #[inline(always)]
    fn to_array(rates: [T; K]) -> [T; K] {
        rates
    }

    #[inline(always)]
    fn from_array(values: [T; K]) -> [T; K] {
        values
    }
}

impl<T: Linear, const N: usize, const R: usize, const STAR: bool, const K: usize> StagedFields<N, K>
    for EvolvingComponents<'_, T, N, R, STAR, K>
{
    type Number = T;
    type Rates = [T; K];
    type Staged = [Neighbors<T, N, R, STAR>; K];
    type Reaches<'k> = [Reach<'k, T, N, R, STAR>; K];

    fn fields(&mut self) -> Vec<&mut Field<T, N>> {
        vec![self.field_mut()]
    }

    fn reaches<'k>(views: [View<'k, T, N>; K]) -> Self::Reaches<'k> {
        views.map(Reach::of)
    }

    #[inline(always)]
    fn to_array(rates: [T; K]) -> [T; K] {
        rates
    }

    #[inline(always)]
    fn from_array(values: [T; K]) -> [T; K] {
        values
    }
}

/// The fields of one set, with `K` components in all.
pub(super) type Set<'f, T, const N: usize> = Vec<&'f mut Field<T, N>>;

/// The components of a set with the halo in memory, stale or not.
pub(super) fn views<'v, T: Linear, const N: usize, const K: usize>(
    set: &'v [&mut Field<T, N>],
) -> [View<'v, T, N>; K] {
    let views: Vec<_> = set
        .iter()
        .flat_map(|field| (0..field.components()).map(|component| field.with_halo(component)))
        .collect();
    views.try_into().unwrap_or_else(|_| unreachable!("the number of components was checked"))
}

/// Like [`views`], to be written.
pub(super) fn views_mut<'v, T: Linear, const N: usize, const K: usize>(
    set: &'v mut [&mut Field<T, N>],
) -> [ViewMut<'v, T, N>; K] {
    let views: Vec<_> = set.iter_mut().flat_map(|field| field.all_with_halo_mut()).collect();
    views.try_into().unwrap_or_else(|_| unreachable!("the number of components was checked"))
}

/// The sets of one stage. An exchange fills the halo of the set `now`.
pub(super) struct StageSets<'f, T: Linear, const N: usize> {
    pub(super) now: Set<'f, T, N>,
    pub(super) output: Set<'f, T, N>,
    /// The state at the start of the step, where that is another set.
    pub(super) start: Option<Set<'f, T, N>>,
    pub(super) register: Option<Set<'f, T, N>>,
}

impl<T: Linear, const N: usize> HaloFieldsSealed for StageSets<'_, T, N> {}
impl<T: Linear, const N: usize> HaloFields<N> for StageSets<'_, T, N> {
    fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>)) {
        for field in &mut self.now {
            visit(&mut **field);
        }
    }
}
