//! A rule known only at run time, applied several times in one pass.
#![allow(
    unsafe_code,
    reason = "threads write disjoint cells of shared arrays; see the invariants of cells.rs"
)]

use super::Pass;
use super::advance::run;
use super::evolve::cut;
use super::states::{SharedState, least};
use super::walls::Walls;
use crate::storage::Cells;
use crate::{Inputs, KernelError, Places, Pool, Real, Region, RuntimeRule, View, ViewMut};

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
/// constants. The old values of its outputs are those two levels before.
///
/// # Errors
/// When the rule has other numbers of inputs and outputs, arrays or places lack cells that are read
/// or written, or the radius at which a state is read exceeds the pass's.
pub fn evolve_rule<T: Real, W: Walls<T, N> + Send, const N: usize>(
    pool: &Pool,
    pass: &Pass<N>,
    states: Vec<RuntimeState<'_, T, W, N>>,
    constants: &[View<'_, T, N>],
    places: Places<'_, N>,
    rule: &RuntimeRule<T, N>,
    between_tiles: impl FnMut(),
) -> Result<(), KernelError> {
    rule.check_numbers(states.len(), states.len() + constants.len())?;
    let (read, fixed) = rule.neighborhoods().split_at(states.len());
    let places = Some(places).filter(|_| rule.reads_place());
    for level in pass.levels() {
        RuntimeRule::check_inputs(fixed, &pass.cells(level), constants)?;
        places.map_or(Ok(()), |places| places.check(&pass.cells(level)))?;
    }
    let mut shared = Vec::with_capacity(states.len());
    for (state, read) in states.into_iter().zip(read) {
        let RuntimeState { arrays, walls, interior } = state;
        shared.push(SharedState::new(pass, read.radius, arrays.each_ref(), walls, interior, 1, None)?);
    }
    let limit = least(shared.iter().map(|state| state.limit));
    run(pool, pass, between_tiles, |level, piece, next| {
        let mut prefetches: Vec<_> = shared
            .iter()
            .map(|state| next.prefetch(&state.cells[(level - 1) % 2], &state.cells[level % 2], piece))
            .collect();
        let mut before_row = || prefetches.iter_mut().for_each(|prefetch| prefetch.step());
        let places = places.map(|places| places.after(level - 1));
        let mut scratch = vec![Vec::new(); shared.len()];
        // SAFETY: the views hold their borrows until the pass has run, and every array has its own
        // borrow. By the order of the pass no other thread writes a cell within the radius of the
        // piece in the level before, or touches a cell of the piece, or the halo cells that mirror
        // it, in this level (V3). All cells are in view by the checks (V1), or a row of the scratch
        // takes their values.
        unsafe {
            let arrays = shared.iter().map(|state| &state.cells[(level - 1) % 2]);
            let inputs: Vec<View<'_, T, N>> =
                arrays.map(|cells| View::of(cells, cells.region)).chain(constants.iter().copied()).collect();
            for cells in cut(piece, limit) {
                let states = shared.iter().zip(&mut scratch);
                let outputs: Vec<Cells<T, N>> =
                    states.map(|(state, scratch)| state.outputs(level, &cells, scratch)).collect();
                rule.compute(cells, &outputs, &inputs, places.as_ref(), &mut before_row);
            }
            shared.iter().for_each(|state| state.fill(level, piece, level < pass.end()));
        }
        Ok(())
    })
}
