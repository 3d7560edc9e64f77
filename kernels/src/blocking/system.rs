//! A rule for several arrays at once, applied several times in one pass.
#![allow(
    unsafe_code,
    reason = "threads write disjoint cells of shared arrays; see the invariants of view.rs"
)]

use super::Pass;
use super::ahead::{Ahead, Fetch};
use super::levels::run;
use super::walls::{Beyond, Walls};
use crate::view::{Cells, rows};
use crate::{Element, Inputs, KernelError, Outputs, PointOf, Points, Pool, Reach, Region, View, ViewMut};

mod sealed {
    pub trait Sealed {}
}

/// One of the arrays that a rule brings forward: even and odd levels, read within `R` cells, with its walls.
#[derive(Debug)]
pub struct State<'a, T, W, const N: usize, const R: usize, const STAR: bool> {
    /// Level `l` is in `arrays[l % 2]`.
    pub arrays: [ViewMut<'a, T, N>; 2],
    /// What stands beyond the walls.
    pub walls: W,
    /// The cells between the walls.
    pub interior: Region<N>,
}

/// The arrays that a rule brings forward: a [`State`], or a tuple of such. The trait is sealed.
pub trait States<const N: usize>: sealed::Sealed {
    /// What the rule returns for one cell.
    type Value: Copy;
    /// The arrays of one level, written.
    type Outputs: Outputs<N, Value = Self::Value>;
    /// The arrays of one level, read.
    type Inputs: Inputs<N>;
    /// What the threads share.
    #[doc(hidden)]
    type Shared: Send + Sync;

    /// What is fetched for the pieces that follow.
    #[doc(hidden)]
    type Fetch;

    #[doc(hidden)]
    fn share(self, pass: &Pass<N>) -> Result<Self::Shared, KernelError>;
    #[doc(hidden)]
    fn outputs(shared: &Self::Shared, level: usize) -> <Self::Outputs as Outputs<N>>::Cells;
    /// # Safety
    /// The arrays are borrowed as long as the inputs are used (V1), and the threads keep to V3.
    #[doc(hidden)]
    unsafe fn inputs(shared: &Self::Shared, level: usize) -> Self::Inputs;
    #[doc(hidden)]
    fn fetch(shared: &Self::Shared, level: usize, ahead: &Ahead<N>, piece: Region<N>) -> Self::Fetch;
    #[doc(hidden)]
    fn fetch_some(fetch: &mut Self::Fetch);
    /// # Safety
    /// The states passed the checks of `share`, and no other thread touches the piece or what mirrors it.
    #[doc(hidden)]
    unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>);
}

/// A [`State`] that threads share.
#[doc(hidden)]
#[derive(Debug)]
pub struct SharedState<T, W, const N: usize> {
    cells: [Cells<T, N>; 2],
    beyond: Beyond<W, N>,
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
    type Fetch = Fetch<T, N>;

    fn share(self, pass: &Pass<N>) -> Result<Self::Shared, KernelError> {
        let beyond = Beyond::new(self.walls, self.interior, [[pass.radius(); 2]; N]);
        super::levels::check(pass, R, &beyond, &self.arrays)?;
        Ok(SharedState { cells: self.arrays.map(|array| array.cells), beyond })
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

    fn fetch(shared: &Self::Shared, level: usize, ahead: &Ahead<N>, piece: Region<N>) -> Fetch<T, N> {
        ahead.fetch(&shared.cells[(level - 1) % 2], &shared.cells[level % 2], piece)
    }

    #[inline(always)]
    fn fetch_some(fetch: &mut Fetch<T, N>) {
        fetch.some();
    }

    unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>) {
        let SharedState { cells, beyond } = shared;
        // SAFETY: the contract.
        unsafe {
            beyond.set_walls(&cells[level % 2], piece);
            beyond.fill(&cells[level % 2], level, piece, 0);
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
            type Fetch = ($($state::Fetch,)*);

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

            fn fetch(shared: &Self::Shared, level: usize, ahead: &Ahead<N>, piece: Region<N>) -> Self::Fetch {
                ($($state::fetch(&shared.$member, level, ahead, piece),)*)
            }

            #[inline(always)]
            fn fetch_some(fetch: &mut Self::Fetch) {
                $($state::fetch_some(&mut fetch.$member);)*
            }

            unsafe fn fill(shared: &Self::Shared, level: usize, piece: Region<N>) {
                // SAFETY: the contract.
                unsafe { $($state::fill(&shared.$member, level, piece);)* }
            }
        }
    };
}
tuples!(A TA 0);
tuples!(A TA 0, B TB 1);
tuples!(A TA 0, B TB 1, C TC 2);
tuples!(A TA 0, B TB 1, C TC 2, D TD 3);
tuples!(A TA 0, B TB 1, C TC 2, D TD 3, E TE 4);

/// Brings `states` forward by the levels of `pass`: every cell becomes `rule(its value two levels before, neighborhood in the
/// level before, neighborhood in the constants)`.
///
/// As [`advance`](super::advance), for rules of several arrays, of two levels in time, and with arrays that stay as they are.
///
/// # Errors
/// When arrays lack cells that are read or written, or the rule reads farther than the pass's radius.
pub fn evolve<S: States<N>, C: Inputs<N>, const N: usize>(
    pool: &Pool,
    pass: &Pass<N>,
    states: S,
    constants: C,
    rule: impl for<'p> Fn(S::Value, PointOf<'p, S::Inputs, N>, PointOf<'p, C, N>) -> S::Value + Sync,
    here: impl FnMut(),
) -> Result<(), KernelError> {
    pass.levels().try_for_each(|level| constants.check(&pass.cells(level)))?;
    let shared = states.share(pass)?;
    run(pool, pass, here, |level, piece, ahead| {
        // SAFETY: the states hold their borrows until the pass has run; their arrays are borrowed apart. By the order of the
        // pass no other thread writes a cell within the radius of the piece in the level before, or touches one of
        // the piece, or what mirrors it, in this level (V3). All is in view by the checks (V1).
        unsafe {
            let (outputs, inputs) = (S::outputs(&shared, level), S::inputs(&shared, level - 1));
            let mut fetch = S::fetch(&shared, level, &ahead, piece);
            for (index, len) in rows(piece) {
                S::fetch_some(&mut fetch);
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
            if level < pass.end() {
                S::fill(&shared, level, piece);
            }
        }
        Ok(())
    })
}
