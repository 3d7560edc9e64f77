//! A rule for several arrays, applied several times in one pass.
#![allow(
    unsafe_code,
    reason = "threads write disjoint cells of shared arrays; see the invariants of cells.rs"
)]

use super::Pass;
use super::advance::run;
use super::prefetch::{NextTile, Prefetch};
use super::walls::{WallHalo, Walls};
use crate::storage::Cells;
use crate::sweep::update_rows;
use crate::{
    Element, Inputs, KernelError, OutputMember, Outputs, PointOf, Pool, Reach, Region, View, ViewMut,
};

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
}

/// The arrays that a rule advances: a [`State`], an array `[State; K]`, or a tuple of these. The trait
/// is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be advanced by a rule (number of axes: {N})",
    note = "states are a `State`, an array `[State; K]`, or a tuple of up to 12 of these"
)]
pub trait States<const N: usize>: sealed::Sealed {
    /// The rule's result at one cell.
    type Value: Copy;
    /// The arrays of one level, to be written.
    type Outputs: Outputs<N, Value = Self::Value>;
    /// The arrays of one level, to be read.
    type Inputs: Inputs<N>;
    /// The state that threads share.
    #[doc(hidden)]
    type Shared: Send + Sync;

    /// The prefetch for the next tile.
    #[doc(hidden)]
    type Prefetch;

    #[doc(hidden)]
    fn share(self, pass: &Pass<N>) -> Result<Self::Shared, KernelError>;
    #[doc(hidden)]
    fn outputs(shared: &Self::Shared, level: usize) -> <Self::Outputs as Outputs<N>>::Cells;
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
    /// cells that mirror it.
    #[doc(hidden)]
    unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>);
}

/// A [`State`] that threads share.
#[doc(hidden)]
#[derive(Debug)]
pub struct SharedState<T, W, const N: usize> {
    cells: [Cells<T, N>; 2],
    halo: WallHalo<W, N>,
}

impl<T, W, const N: usize, const R: usize, const STAR: bool> sealed::Sealed for State<'_, T, W, N, R, STAR> {}
impl<'a, T, W, const N: usize, const R: usize, const STAR: bool> States<N> for State<'a, T, W, N, R, STAR>
where
    T: Element,
    W: Walls<T, N> + Send,
{
    type Value = T;
    type Outputs = ViewMut<'a, T, N>;
    type Inputs = Reach<'a, T, N, R, STAR>;
    type Shared = SharedState<T, W, N>;
    type Prefetch = Prefetch<T, N>;

    fn share(self, pass: &Pass<N>) -> Result<Self::Shared, KernelError> {
        let halo = WallHalo::new(self.walls, self.interior, [[pass.radius(); 2]; N]);
        super::advance::check(pass, R, &halo, &self.arrays)?;
        Ok(SharedState { cells: self.arrays.map(|array| array.cells), halo })
    }

    fn outputs(shared: &Self::Shared, level: usize) -> Cells<T, N> {
        shared.cells[level % 2]
    }

    unsafe fn inputs(shared: &Self::Shared, level: usize) -> Self::Inputs {
        let cells = &shared.cells[level % 2];
        // SAFETY: the contract.
        let view: View<'a, T, N> = unsafe { View::of(cells, cells.region) };
        Reach::of(view)
    }

    fn prefetch(shared: &Self::Shared, level: usize, next: &NextTile<N>, piece: Region<N>) -> Prefetch<T, N> {
        next.prefetch(&shared.cells[(level - 1) % 2], &shared.cells[level % 2], piece)
    }

    #[inline(always)]
    fn prefetch_step(prefetch: &mut Prefetch<T, N>) {
        prefetch.step();
    }

    unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>) {
        let SharedState { cells, halo } = shared;
        // SAFETY: the contract.
        unsafe {
            halo.set_walls(&cells[level % 2], piece);
            halo.fill(&cells[level % 2], level, piece, 0);
        }
    }
}

impl<S: sealed::Sealed, const K: usize> sealed::Sealed for [S; K] {}
impl<'a, T, S, const N: usize, const K: usize> States<N> for [S; K]
where
    T: Element,
    S: States<N, Value = T, Outputs = ViewMut<'a, T, N>>,
{
    type Value = [T; K];
    type Outputs = [ViewMut<'a, T, N>; K];
    type Inputs = [S::Inputs; K];
    type Shared = [S::Shared; K];
    type Prefetch = [S::Prefetch; K];

    fn share(self, pass: &Pass<N>) -> Result<Self::Shared, KernelError> {
        let shared = self.into_iter().map(|state| state.share(pass)).collect::<Result<Vec<_>, _>>()?;
        Ok(shared.try_into().unwrap_or_else(|_| unreachable!("every state was shared")))
    }

    fn outputs(shared: &Self::Shared, level: usize) -> [Cells<T, N>; K] {
        std::array::from_fn(|k| S::outputs(&shared[k], level))
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

    unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>) {
        // SAFETY: the contract.
        shared.iter().for_each(|state| unsafe { S::fill(state, level, piece) });
    }
}

macro_rules! tuples {
    ($($state:ident $member:tt),*) => {
        impl<$($state: sealed::Sealed),*> sealed::Sealed for ($($state,)*) {}
        impl<$($state: States<N, Outputs: OutputMember<N>>,)* const N: usize> States<N> for ($($state,)*) {
            type Value = ($($state::Value,)*);
            type Outputs = ($($state::Outputs,)*);
            type Inputs = ($($state::Inputs,)*);
            type Shared = ($($state::Shared,)*);
            type Prefetch = ($($state::Prefetch,)*);

            fn share(self, pass: &Pass<N>) -> Result<Self::Shared, KernelError> {
                Ok(($(self.$member.share(pass)?,)*))
            }

            fn outputs(shared: &Self::Shared, level: usize) -> <Self::Outputs as Outputs<N>>::Cells {
                ($($state::outputs(&shared.$member, level),)*)
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

            unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>) {
                // SAFETY: the contract.
                unsafe { $($state::fill(&shared.$member, level, piece);)* }
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

/// Advances `states` by the levels of `pass`. Every cell becomes `rule(its value two levels before,
/// neighborhood in the level before, neighborhood in the constants)`.
///
/// As [`advance`](super::advance()), for rules of several arrays, rules of two levels in time, and
/// rules that read constant arrays.
///
/// # Errors
/// When arrays lack cells that are read or written, or the radius of a state exceeds the pass's.
pub fn evolve<S: States<N>, C: Inputs<N>, const N: usize>(
    pool: &Pool,
    pass: &Pass<N>,
    states: S,
    constants: C,
    rule: impl for<'p> Fn(S::Value, PointOf<'p, S::Inputs, N>, PointOf<'p, C, N>) -> S::Value + Sync,
    between_tiles: impl FnMut(),
) -> Result<(), KernelError> {
    pass.levels().try_for_each(|level| constants.check(&pass.cells(level)))?;
    let shared = states.share(pass)?;
    run(pool, pass, between_tiles, |level, piece, next| {
        // SAFETY: the states hold their borrows until the pass has run, and every array has its own
        // borrow. By the order of the pass no other thread writes a cell within the radius of the
        // piece in the level before, or touches a cell of the piece, or the halo cells that mirror
        // it, in this level (V3). All cells are in view by the checks (V1).
        unsafe {
            let inputs = (S::inputs(&shared, level - 1), constants);
            let mut prefetch = S::prefetch(&shared, level, &next, piece);
            update_rows::<S::Outputs, (S::Inputs, C), N>(
                &S::outputs(&shared, level),
                &inputs,
                piece,
                #[inline(always)]
                |before, (now, fixed)| rule(before, now, fixed),
                #[inline(always)]
                || S::prefetch_step(&mut prefetch),
            );
            if level < pass.end() {
                S::fill(&shared, level, piece);
            }
        }
        Ok(())
    })
}
