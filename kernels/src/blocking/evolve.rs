//! Rules for several arrays, applied several times in one pass.
#![allow(
    unsafe_code,
    reason = "threads write disjoint cells of shared arrays; see the invariants of cells.rs"
)]

use super::Pass;
use super::advance::run;
use super::states::States;
use crate::sweep::update_rows;
use crate::{Inputs, KernelError, PointOf, Pool, Region};

/// Advances `states` by the levels of `pass`. Every cell becomes `rule(its value two levels before,
/// neighborhood in the level before, neighborhood in the constants)`.
///
/// As [`advance`](super::advance()), for rules of several arrays, rules of two levels in time, and
/// rules that read constant arrays.
///
/// The arrays may have points at different places of their cells, so that some have one point more
/// before a high wall. Where an array has no point, the value that the rule gives for it is dropped.
/// A rule of radius `R` must not read, from the point on the wall, the `R`-th cell beyond it of
/// arrays without points on the wall: its value is unspecified.
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
    const {
        assert!(
            !S::IN_PLACE[0],
            "`evolve` takes `State`, with arrays for both levels; `InPlace` is for `alternate`"
        )
    };
    pass.levels().try_for_each(|level| constants.check(&pass.cells(level)))?;
    let shared = states.share(pass)?;
    run(pool, pass, between_tiles, |level, piece, next| {
        // SAFETY: the states hold their borrows until the pass has run, and every array has its own
        // borrow. By the order of the pass no other thread writes a cell within the radius of the
        // piece in the level before, or touches a cell of the piece, or the halo cells that depend on
        // it, in this level (V3). All cells are in view by the checks (V1).
        unsafe {
            let inputs = (S::inputs(&shared, level - 1), constants.after(level - 1));
            let mut prefetch = S::prefetch(&shared, level, &next, piece);
            advance_piece::<S, _, N>(
                &shared,
                &inputs,
                level,
                piece,
                #[inline(always)]
                |before, (now, fixed)| rule(before, now, fixed),
                #[inline(always)]
                || S::prefetch_step(&mut prefetch),
            );
            S::fill(&shared, level, piece, level < pass.end());
        }
        Ok(())
    })
}

/// Advances two groups of arrays in turn: at odd levels the cells of the first become
/// `first_rule(their value, neighborhood in the second, neighborhood in the constants)`, at even levels
/// those of the second `second_rule(their value, neighborhood in the first, …)`. Two levels are a step.
///
/// Each group is updated in place. That is [`evolve`] with one array for the even and one for the
/// odd levels, so the order of the pass serves as it is. Arrays may have points at different places
/// of their cells as there.
///
/// # Errors
/// As for [`evolve`].
pub fn alternate<A: States<N>, B: States<N>, C: Inputs<N>, const N: usize>(
    pool: &Pool,
    pass: &Pass<N>,
    (first, second): (A, B),
    constants: C,
    first_rule: impl for<'p> Fn(A::Value, PointOf<'p, B::Inputs, N>, PointOf<'p, C, N>) -> A::Value + Sync,
    second_rule: impl for<'p> Fn(B::Value, PointOf<'p, A::Inputs, N>, PointOf<'p, C, N>) -> B::Value + Sync,
    between_tiles: impl FnMut(),
) -> Result<(), KernelError> {
    const {
        assert!(
            A::IN_PLACE[1] && B::IN_PLACE[1],
            "`alternate` updates arrays in place: give it `InPlace`, not `State`"
        )
    };
    pass.levels().try_for_each(|level| constants.check(&pass.cells(level)))?;
    let (first, second) = (first.share(pass)?, second.share(pass)?);
    run(pool, pass, between_tiles, |level, piece, next| {
        let constants = constants.after((level - 1) / 2);
        // Both groups pass through the cache at every level.
        let mut ahead = (A::prefetch(&first, level, &next, piece), B::prefetch(&second, level, &next, piece));
        // SAFETY: as in `evolve`; the group that is read has the level before.
        unsafe {
            if level % 2 == 1 {
                advance_piece::<A, (B::Inputs, C), N>(
                    &first,
                    &(B::inputs(&second, level - 1), constants),
                    level,
                    piece,
                    #[inline(always)]
                    |old, (other, fixed)| first_rule(old, other, fixed),
                    #[inline(always)]
                    || {
                        A::prefetch_step(&mut ahead.0);
                        B::prefetch_step(&mut ahead.1);
                    },
                );
                A::fill(&first, level, piece, level < pass.end());
            } else {
                advance_piece::<B, (A::Inputs, C), N>(
                    &second,
                    &(A::inputs(&first, level - 1), constants),
                    level,
                    piece,
                    #[inline(always)]
                    |old, (other, fixed)| second_rule(old, other, fixed),
                    #[inline(always)]
                    || {
                        A::prefetch_step(&mut ahead.0);
                        B::prefetch_step(&mut ahead.1);
                    },
                );
                B::fill(&second, level, piece, level < pass.end());
            }
        }
        Ok(())
    })
}

/// Computes a piece of a level.
///
/// # Safety
/// The states and inputs passed their checks for the pass; no other thread touches the piece in this
/// level or writes the cells around it that the rule reads.
#[inline(always)]
unsafe fn advance_piece<S: States<N>, I: Inputs<N>, const N: usize>(
    shared: &S::Shared,
    inputs: &I,
    level: usize,
    piece: Region<N>,
    rule: impl for<'p> Fn(S::Value, PointOf<'p, I, N>) -> S::Value,
    mut before_row: impl FnMut(),
) {
    let mut scratch = S::Scratch::default();
    for cells in cut(piece, S::limit(shared)) {
        // SAFETY: the contract. Every array has all of the cells, or a row that takes their values.
        unsafe {
            update_rows::<S::Outputs, I, N>(
                &S::outputs(shared, level, &cells, &mut scratch),
                inputs,
                cells,
                #[inline(always)]
                |old, point| rule(old, point),
                &mut before_row,
            );
        }
    }
}

/// The parts of `piece` before and beyond `limit` on each axis, those beyond last.
pub(super) fn cut<const N: usize>(piece: Region<N>, limit: [isize; N]) -> impl Iterator<Item = Region<N>> {
    let crossing: [bool; N] = std::array::from_fn(|a| piece.end[a] > limit[a]);
    (0..1_usize << N)
        .filter(move |mask| (0..N).all(|a| mask >> a & 1 == 0 || crossing[a]))
        .map(move |mask| {
            let mut part = piece;
            for a in 0..N {
                if mask >> a & 1 == 1 {
                    part.start[a] = part.start[a].max(limit[a]);
                } else {
                    part.end[a] = part.end[a].min(limit[a]);
                }
            }
            part
        })
        .filter(|part| !part.is_empty())
}
