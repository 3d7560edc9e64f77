//! A rule known only at run time, applied several times in one pass.
#![allow(
    unsafe_code,
    reason = "threads write disjoint cells of shared arrays; see the invariants of cells.rs"
)]

use super::Pass;
use super::advance::{check, run};
use super::walls::{WallHalo, Walls};
use crate::storage::Cells;
use crate::{KernelError, Place, Pool, Real, Region, RuntimeRule, View, ViewMut};

/// An array that a [`RuntimeRule`] advances: its even and odd levels, and its walls.
#[derive(Debug)]
pub struct RuntimeState<'a, T, W, const N: usize> {
    /// Level `l` is in `arrays[l % 2]`.
    pub arrays: [ViewMut<'a, T, N>; 2],
    /// The walls around the block.
    pub walls: W,
    /// The cells between the walls.
    pub interior: Region<N>,
}

/// Advances `states` by the levels of `pass`, as [`evolve`](super::evolve()) does.
///
/// The rule's outputs are the states; its inputs are the states in the level before, then the
/// constants. The old values of its outputs are those two levels before. `place` gives the place of
/// the values that a level reads: those of `level − 1`.
///
/// # Errors
/// When the rule has other numbers of inputs and outputs, arrays lack cells that are read or
/// written, or the radius at which a state is read exceeds the pass's.
pub fn evolve_rule<T: Real, W: Walls<T, N> + Send, const N: usize>(
    pool: &Pool,
    pass: &Pass<N>,
    states: Vec<RuntimeState<'_, T, W, N>>,
    constants: &[View<'_, T, N>],
    rule: &RuntimeRule<T, N>,
    place: impl Fn(usize) -> Place<N> + Sync,
    between_tiles: impl FnMut(),
) -> Result<(), KernelError> {
    rule.check_numbers(states.len(), states.len() + constants.len())?;
    let (read, fixed) = rule.neighborhoods().split_at(states.len());
    pass.levels().try_for_each(|level| RuntimeRule::check_inputs(fixed, &pass.cells(level), constants))?;
    let mut shared: Vec<([Cells<T, N>; 2], WallHalo<W, N>)> = Vec::with_capacity(states.len());
    for (state, read) in states.into_iter().zip(read) {
        let halo = WallHalo::new(state.walls, state.interior, [[pass.radius(); 2]; N]);
        check(pass, read.radius, &halo, &state.arrays)?;
        shared.push((state.arrays.map(|array| array.cells), halo));
    }
    run(pool, pass, between_tiles, |level, piece, next| {
        let arrays = |level: usize| shared.iter().map(move |(cells, _)| &cells[level % 2]);
        let outputs: Vec<Cells<T, N>> = arrays(level).copied().collect();
        let mut prefetches: Vec<_> = arrays(level - 1)
            .zip(&outputs)
            .map(|(input, output)| next.prefetch(input, output, piece))
            .collect();
        // SAFETY: the views hold their borrows until the pass has run, and every array has its own
        // borrow. By the order of the pass no other thread writes a cell within the radius of the
        // piece in the level before, or touches a cell of the piece, or the halo cells that mirror
        // it, in this level (V3). All cells are in view by the checks (V1).
        unsafe {
            let inputs: Vec<View<'_, T, N>> = arrays(level - 1)
                .map(|cells| View::of(cells, cells.region))
                .chain(constants.iter().copied())
                .collect();
            rule.compute(piece, &outputs, &inputs, &place(level), &mut || {
                prefetches.iter_mut().for_each(|prefetch| prefetch.step());
            });
            if level < pass.end() {
                for ((_, halo), output) in shared.iter().zip(&outputs) {
                    halo.set_walls(output, piece);
                    halo.fill(output, level, piece, 0);
                }
            }
        }
        Ok(())
    })
}
