//! A rule for several arrays, applied several times in one pass.
#![allow(
    unsafe_code,
    reason = "threads write disjoint cells of shared arrays; see the invariants of cells.rs"
)]

use super::Pass;
use super::advance::run;
use super::prefetch::{NextTile, Prefetch};
use super::wall_halo::WallHalo;
use super::walls::Walls;
use crate::storage::{Cells, rows};
use crate::{Element, Inputs, KernelError, Outputs, PointOf, Points, Pool, Reach, Region, View, ViewMut};

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

/// The arrays that a rule advances: a [`State`], or a tuple of up to 5 states. The trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be advanced by a rule (number of axes: {N})",
    note = "states are a `State` or a tuple of up to 5 of them"
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
    /// cells that depend on it.
    #[doc(hidden)]
    unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>, halo: bool);
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

    unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>, halo: bool) {
        let (cells, walls) = (&shared.cells[level % 2], &shared.halo);
        // SAFETY: the contract.
        unsafe {
            walls.set_walls(cells, piece);
            if halo {
                walls.fill(cells, level, piece, 0);
            }
        }
    }
}

macro_rules! tuples {
    ($($state:ident $value:ident $member:tt),*) => {
        impl<$($state: sealed::Sealed),*> sealed::Sealed for ($($state,)*) {}
        impl<'a, $($value: Element, $state,)* const N: usize> States<N> for ($($state,)*)
        where
            $($state: States<N, Value = $value, Outputs = ViewMut<'a, $value, N>>,)*
        {
            type Value = ($($value,)*);
            type Outputs = ($(ViewMut<'a, $value, N>,)*);
            type Inputs = ($($state::Inputs,)*);
            type Shared = ($($state::Shared,)*);
            type Prefetch = ($($state::Prefetch,)*);

            fn share(self, pass: &Pass<N>) -> Result<Self::Shared, KernelError> {
                Ok(($(self.$member.share(pass)?,)*))
            }

            fn outputs(shared: &Self::Shared, level: usize) -> ($(Cells<$value, N>,)*) {
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

            unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>, halo: bool) {
                // SAFETY: the contract.
                unsafe { $($state::fill(&shared.$member, level, piece, halo);)* }
            }
        }
    };
}
tuples!(A TA 0);
tuples!(A TA 0, B TB 1);
tuples!(A TA 0, B TB 1, C TC 2);
tuples!(A TA 0, B TB 1, C TC 2, D TD 3);
tuples!(A TA 0, B TB 1, C TC 2, D TD 3, E TE 4);

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
        // piece in the level before, or touches a cell of the piece, or the halo cells that depend on
        // it, in this level (V3). All cells are in view by the checks (V1).
        unsafe {
            let (outputs, inputs) = (S::outputs(&shared, level), S::inputs(&shared, level - 1));
            let mut prefetch = S::prefetch(&shared, level, &next, piece);
            for (index, len) in rows(piece) {
                S::prefetch_step(&mut prefetch);
                let (now, fixed) = (inputs.first(index), constants.first(index));
                <S::Outputs as Outputs<N>>::update_row(
                    &outputs,
                    index,
                    len,
                    #[inline(always)]
                    |i, before| {
                        rule(
                            before,
                            <S::Inputs as Inputs<N>>::Points::advanced(&now, i),
                            C::Points::advanced(&fixed, i),
                        )
                    },
                );
            }
            S::fill(&shared, level, piece, level < pass.end());
        }
        Ok(())
    })
}
