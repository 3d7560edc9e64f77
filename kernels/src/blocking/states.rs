//! The arrays that rules advance in a pass.
#![allow(
    unsafe_code,
    reason = "threads write disjoint cells of shared arrays; see the invariants of cells.rs"
)]

use super::Pass;
use super::prefetch::{NextTile, Prefetch};
use super::visits::Visits;
use super::wall_halo::WallHalo;
use super::walls::Walls;
use crate::storage::Cells;
use crate::{Element, Inputs, KernelError, OutputMember, Outputs, Reach, Region, View, ViewMut};

mod sealed {
    pub trait Sealed {}
}

/// An array that a rule advances: its even and odd levels, read within `R` cells, and its walls.
#[derive(Debug)]
pub struct State<'a, T, W, const N: usize, const R: usize, const STAR: bool> {
    /// Level `l` is in `arrays[l % 2]`.
    pub arrays: [ViewMut<'a, T, N>; 2],
    /// The walls around the block.
    pub walls: W,
    /// The cells between the walls.
    pub interior: Region<N>,
    /// Points at which values are added and recorded.
    pub visits: Option<&'a Visits<T, N>>,
}

/// The arrays that a rule advances: a [`State`] or an [`InPlace`], an array of them, or a tuple of
/// these. The trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be advanced by a rule (number of axes: {N})",
    note = "states are a `State` or `InPlace`, an array of them, or a tuple of up to 12 of these"
)]
pub trait States<const N: usize>: sealed::Sealed {
    /// The rule's result at one cell.
    type Value: Copy;
    /// The arrays of one level, to be written.
    type Outputs: Outputs<N, Value = Self::Value>;
    /// The arrays of one level, to be read.
    type Inputs: Inputs<N>;
    /// Whether any, and whether all, of the arrays are updated in place.
    #[doc(hidden)]
    const IN_PLACE: [bool; 2];
    /// The state that threads share.
    #[doc(hidden)]
    type Shared: Send + Sync;

    /// The prefetch for the next tile.
    #[doc(hidden)]
    type Prefetch;

    /// Takes the values of cells beyond a high wall, for arrays that do not have them.
    #[doc(hidden)]
    type Scratch: Default;

    #[doc(hidden)]
    fn share(self, pass: &Pass<N>) -> Result<Self::Shared, KernelError>;
    /// The arrays to be written at `level`. Where an array has none of `cells`, its values go to
    /// `scratch`.
    #[doc(hidden)]
    fn outputs(
        shared: &Self::Shared,
        level: usize,
        cells: &Region<N>,
        scratch: &mut Self::Scratch,
    ) -> <Self::Outputs as Outputs<N>>::Cells;
    /// The first index on each axis beyond the high walls around all of the arrays.
    #[doc(hidden)]
    fn limit(shared: &Self::Shared) -> [isize; N];
    /// # Safety
    /// The arrays stay borrowed while the inputs are used (V1), and the threads respect V3.
    #[doc(hidden)]
    unsafe fn inputs(shared: &Self::Shared, level: usize) -> Self::Inputs;
    #[doc(hidden)]
    fn prefetch(shared: &Self::Shared, level: usize, next: &NextTile<N>, piece: Region<N>) -> Self::Prefetch;
    #[doc(hidden)]
    fn prefetch_step(prefetch: &mut Self::Prefetch);
    /// # Safety
    /// The states passed the checks of `share`, and no other thread touches the piece or the halo
    /// cells that depend on it.
    #[doc(hidden)]
    unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>, halo: bool);
}

/// An array that a rule advances in place, while another rule reads it; for
/// [`alternate`](super::alternate).
#[derive(Debug)]
pub struct InPlace<'a, T, W, const N: usize, const R: usize, const STAR: bool> {
    /// The array.
    pub array: ViewMut<'a, T, N>,
    /// The walls around the block.
    pub walls: W,
    /// The cells between the walls.
    pub interior: Region<N>,
    /// Points at which values are added and recorded.
    pub visits: Option<&'a Visits<T, N>>,
}

/// A [`State`] or an [`InPlace`] that threads share.
#[doc(hidden)]
#[derive(Debug)]
pub struct SharedState<'a, T, W, const N: usize> {
    /// Those of even and odd levels, or twice the same.
    pub(super) cells: [Cells<T, N>; 2],
    halo: WallHalo<W, N>,
    /// The first index on each axis beyond a high wall. Cells from there on are in the halo, even
    /// where other arrays of the pass, with points on the wall, have one cell more.
    pub(super) limit: [isize; N],
    /// Levels of a step.
    levels_per_step: usize,
    visits: Option<&'a Visits<T, N>>,
}

impl<'a, T: Element, W: Walls<T, N>, const N: usize> SharedState<'a, T, W, N> {
    pub(super) fn new(
        pass: &Pass<N>,
        radius: usize,
        arrays: [&ViewMut<'_, T, N>; 2],
        walls: W,
        interior: Region<N>,
        levels_per_step: usize,
        visits: Option<&'a Visits<T, N>>,
    ) -> Result<Self, KernelError> {
        let limit = std::array::from_fn(|a| walls.mirror(a, true).map_or(isize::MAX, |_| interior.end[a]));
        let halo = WallHalo::new(walls, interior, [[pass.radius(); 2]; N]);
        super::advance::check(pass, radius, &halo, arrays, limit)?;
        let steps = pass.levels().end().div_ceil(levels_per_step);
        if let Some(visits) = visits.filter(|visits| visits.steps() < steps) {
            return Err(KernelError::new(format!(
                "a pass ends with step {steps}, but values are added and recorded at {} steps only; give visits for every step",
                visits.steps()
            )));
        }
        Ok(Self { cells: arrays.map(|array| array.cells), halo, limit, levels_per_step, visits })
    }

    /// The cells of a level; a row of `scratch` where the array has none of `cells`.
    pub(super) fn outputs(&self, level: usize, cells: &Region<N>, scratch: &mut Vec<T>) -> Cells<T, N> {
        if (0..N).all(|a| cells.start[a] < self.limit[a]) {
            return self.cells[level % 2];
        }
        scratch.resize(cells.shape()[N - 1], T::zero());
        Cells::repeated_row(scratch, cells)
    }

    /// # Safety
    /// As for [`States::fill`].
    pub(super) unsafe fn fill(&self, level: usize, piece: Region<N>, halo: bool) {
        let mut piece = piece;
        for a in 0..N {
            piece.end[a] = piece.end[a].min(self.limit[a]);
        }
        if piece.is_empty() {
            return;
        }
        let (cells, step) = (&self.cells[level % 2], level.div_ceil(self.levels_per_step));
        // SAFETY: the contract; the views of the piece end before the next one begins.
        unsafe {
            if let Some(visits) = self.visits {
                visits.add(step, ViewMut::of(cells, piece));
            }
            self.halo.set_walls(cells, piece);
            if halo {
                self.halo.fill(cells, step, piece, 0);
            }
            if let Some(visits) = self.visits {
                visits.record(step, View::of(cells, piece));
            }
        }
    }
}

macro_rules! states {
    ($state:ident, $levels_per_step:literal, $field:ident => $arrays:expr) => {
        impl<T, W, const N: usize, const R: usize, const STAR: bool> sealed::Sealed
            for $state<'_, T, W, N, R, STAR>
        {
        }
        impl<'a, T, W, const N: usize, const R: usize, const STAR: bool> States<N>
            for $state<'a, T, W, N, R, STAR>
        where
            T: Element,
            W: Walls<T, N> + Send,
        {
            type Value = T;
            type Outputs = ViewMut<'a, T, N>;
            const IN_PLACE: [bool; 2] = [$levels_per_step == 2; 2];
            type Inputs = Reach<'a, T, N, R, STAR>;
            type Shared = SharedState<'a, T, W, N>;
            type Prefetch = Prefetch<T, N>;
            type Scratch = Vec<T>;

            fn share(self, pass: &Pass<N>) -> Result<Self::Shared, KernelError> {
                let Self { $field, walls, interior, visits } = self;
                SharedState::new(pass, R, $arrays, walls, interior, $levels_per_step, visits)
            }

            fn outputs(
                shared: &Self::Shared,
                level: usize,
                cells: &Region<N>,
                scratch: &mut Vec<T>,
            ) -> Cells<T, N> {
                shared.outputs(level, cells, scratch)
            }

            fn limit(shared: &Self::Shared) -> [isize; N] {
                shared.limit
            }

            unsafe fn inputs(shared: &Self::Shared, level: usize) -> Self::Inputs {
                let cells = &shared.cells[level % 2];
                // SAFETY: the contract.
                let view: View<'a, T, N> = unsafe { View::of(cells, cells.region) };
                Reach::of(view)
            }

            fn prefetch(
                shared: &Self::Shared,
                level: usize,
                next: &NextTile<N>,
                piece: Region<N>,
            ) -> Prefetch<T, N> {
                next.prefetch(&shared.cells[(level - 1) % 2], &shared.cells[level % 2], piece)
            }

            #[inline(always)]
            fn prefetch_step(prefetch: &mut Prefetch<T, N>) {
                prefetch.step();
            }

            unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>, halo: bool) {
                // SAFETY: the contract.
                unsafe { shared.fill(level, piece, halo) };
            }
        }
    };
}
states!(State, 1, arrays => arrays.each_ref());
states!(InPlace, 2, array => [&array; 2]);

impl<S: sealed::Sealed, const K: usize> sealed::Sealed for [S; K] {}
impl<'a, T, S, const N: usize, const K: usize> States<N> for [S; K]
where
    T: Element,
    S: States<N, Value = T, Outputs = ViewMut<'a, T, N>>,
{
    type Value = [T; K];
    type Outputs = [ViewMut<'a, T, N>; K];
    const IN_PLACE: [bool; 2] = S::IN_PLACE;
    type Inputs = [S::Inputs; K];
    type Shared = [S::Shared; K];
    type Prefetch = [S::Prefetch; K];
    type Scratch = Vec<S::Scratch>;

    fn share(self, pass: &Pass<N>) -> Result<Self::Shared, KernelError> {
        let shared = self.into_iter().map(|state| state.share(pass)).collect::<Result<Vec<_>, _>>()?;
        Ok(shared.try_into().unwrap_or_else(|_| unreachable!("every state was shared")))
    }

    fn outputs(
        shared: &Self::Shared,
        level: usize,
        cells: &Region<N>,
        scratch: &mut Self::Scratch,
    ) -> [Cells<T, N>; K] {
        scratch.resize_with(K, S::Scratch::default);
        std::array::from_fn(|k| S::outputs(&shared[k], level, cells, &mut scratch[k]))
    }

    fn limit(shared: &Self::Shared) -> [isize; N] {
        least(shared.iter().map(S::limit))
    }

    unsafe fn inputs(shared: &Self::Shared, level: usize) -> Self::Inputs {
        // SAFETY: the contract.
        std::array::from_fn(|k| unsafe { S::inputs(&shared[k], level) })
    }

    fn prefetch(shared: &Self::Shared, level: usize, next: &NextTile<N>, piece: Region<N>) -> Self::Prefetch {
        std::array::from_fn(|k| S::prefetch(&shared[k], level, next, piece))
    }

    #[inline]
    fn prefetch_step(prefetch: &mut Self::Prefetch) {
        prefetch.iter_mut().for_each(S::prefetch_step);
    }

    unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>, halo: bool) {
        // SAFETY: the contract.
        shared.iter().for_each(|state| unsafe { S::fill(state, level, piece, halo) });
    }
}

/// The least limit on each axis.
pub(super) fn least<const N: usize>(limits: impl IntoIterator<Item = [isize; N]>) -> [isize; N] {
    limits.into_iter().fold([isize::MAX; N], |least, limit| std::array::from_fn(|a| least[a].min(limit[a])))
}

macro_rules! tuples {
    ($($state:ident $member:tt),*) => {
        impl<$($state: sealed::Sealed),*> sealed::Sealed for ($($state,)*) {}
        impl<$($state: States<N, Outputs: OutputMember<N>>,)* const N: usize> States<N> for ($($state,)*) {
            type Value = ($($state::Value,)*);
            type Outputs = ($($state::Outputs,)*);
            const IN_PLACE: [bool; 2] = [false $(|| $state::IN_PLACE[0])*, true $(&& $state::IN_PLACE[1])*];
            type Inputs = ($($state::Inputs,)*);
            type Shared = ($($state::Shared,)*);
            type Prefetch = ($($state::Prefetch,)*);
            type Scratch = ($($state::Scratch,)*);

            fn share(self, pass: &Pass<N>) -> Result<Self::Shared, KernelError> {
                Ok(($(self.$member.share(pass)?,)*))
            }

            fn outputs(
                shared: &Self::Shared,
                level: usize,
                cells: &Region<N>,
                scratch: &mut Self::Scratch,
            ) -> <Self::Outputs as Outputs<N>>::Cells {
                ($($state::outputs(&shared.$member, level, cells, &mut scratch.$member),)*)
            }

            fn limit(shared: &Self::Shared) -> [isize; N] {
                least([$($state::limit(&shared.$member)),*])
            }

            unsafe fn inputs(shared: &Self::Shared, level: usize) -> Self::Inputs {
                // SAFETY: the contract.
                unsafe { ($($state::inputs(&shared.$member, level),)*) }
            }

            fn prefetch(shared: &Self::Shared, level: usize, next: &NextTile<N>, piece: Region<N>) -> Self::Prefetch {
                ($($state::prefetch(&shared.$member, level, next, piece),)*)
            }

            #[inline(always)]
            fn prefetch_step(prefetch: &mut Self::Prefetch) {
                $($state::prefetch_step(&mut prefetch.$member);)*
            }

            unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>, halo: bool) {
                // SAFETY: the contract.
                unsafe { $($state::fill(&shared.$member, level, piece, halo);)* }
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
