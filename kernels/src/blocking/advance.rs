//! A stencil applied several times in one pass.
#![allow(
    unsafe_code,
    reason = "threads write disjoint cells of shared arrays; see the invariants of cells.rs"
)]

use super::Pass;
use super::prefetch::NextTile;
use super::wall_halo::WallHalo;
use super::walls::Walls;
use crate::{Element, KernelError, Pool, Region, Stencil, View, ViewMut};

/// Applies `stencil` once for each of the [`levels`](Pass::levels) of `pass`.
///
/// Level `l` is written to `arrays[l % 2]`. The level before the pass must be in its array, with a
/// valid halo. Afterwards the arrays hold the [cells](Pass::cells) of the last two levels.
///
/// `interior` has the cells between the `walls`. Points on walls that give their values get them at
/// every level, and the halo beyond walls is filled at every level but the last. The calling thread
/// runs `between_tiles` between its tiles. The result has the same bits as single sweeps, for any
/// pass.
///
/// # Errors
/// When the arrays lack cells that are read or written, or the radius of the stencil exceeds the
/// pass's.
pub fn advance<T: Element, S: Stencil<T, N>, W: Walls<T, N>, const N: usize>(
    pool: &Pool,
    pass: &Pass<N>,
    stencil: &S,
    arrays: [ViewMut<'_, T, N>; 2],
    walls: &W,
    interior: Region<N>,
    between_tiles: impl FnMut(),
) -> Result<(), KernelError> {
    let halo = WallHalo::new(walls, interior, [[pass.radius(); 2]; N]);
    check(pass, S::RADIUS, &halo, arrays.each_ref(), [isize::MAX; N])?;
    let cells = arrays.map(|array| array.cells);
    run(pool, pass, between_tiles, |level, piece, next| {
        let (input, output) = (&cells[(level - 1) % 2], &cells[level % 2]);
        let mut prefetch = next.prefetch(input, output, piece);
        // SAFETY: in view by the checks (V1). By the order of the pass no other thread writes a
        // cell within the radius of the piece in the input, or touches a cell of the piece in the
        // output (V3).
        let (written, read) =
            unsafe { (ViewMut::of(output, piece), View::of(input, piece.grown([[S::RADIUS; 2]; N]))) };
        stencil.apply_with_hook(piece, written, read, &mut || prefetch.step())?;
        // SAFETY: the piece as above. Halo cells that depend on it are touched together with it
        // only: images are within the radius of every cell that reads such a halo cell, and the
        // pass keeps the outermost cells that a wall reads together (checked).
        unsafe {
            halo.set_walls(output, piece);
            if level < pass.end() {
                halo.fill(output, level, piece, 0);
            }
        }
        Ok(())
    })
}

/// Runs the pass and returns the first error of a piece. The checks exclude errors of this crate's
/// stencils.
pub(super) fn run<const N: usize>(
    pool: &Pool,
    pass: &Pass<N>,
    between_tiles: impl FnMut(),
    piece: impl Fn(usize, Region<N>, NextTile<N>) -> Result<(), KernelError> + Sync,
) -> Result<(), KernelError> {
    let failed = std::sync::OnceLock::new();
    pass.run_with_next(
        pool,
        |level, cells, next| {
            if let Err(error) = piece(level, cells, next) {
                failed.get_or_init(|| error);
            }
        },
        between_tiles,
    );
    failed.into_inner().map_or(Ok(()), Err)
}

/// Checks that a rule of this radius fits the pass, and that the arrays have the cells that it
/// needs. From `limit` on they have no cells of their own.
pub(super) fn check<T: Element, W, const N: usize>(
    pass: &Pass<N>,
    radius: usize,
    halo: &WallHalo<W, N>,
    arrays: [&ViewMut<'_, T, N>; 2],
    limit: [isize; N],
) -> Result<(), KernelError> {
    if radius > pass.radius() {
        return Err(KernelError::new(format!(
            "a rule of radius {radius} cannot be applied in a pass for radius {}; make the pass with the radius of the rule",
            pass.radius()
        )));
    }
    for level in pass.levels() {
        let (input, output) = (arrays[(level - 1) % 2], arrays[level % 2]);
        let cells = pass.cells(level);
        let needed = cells.grown([[radius; 2]; N]);
        let held = output.region().contains_region(&cells) && input.region().contains_region(&needed);
        if !(cells.is_empty() || held) {
            return Err(KernelError::new(format!(
                "level {level} of a pass writes the cells {cells:?} and reads {needed:?}, but the arrays have only {:?} and {:?}; use \
                 a wider halo or fewer levels",
                output.region(),
                input.region()
            )));
        }
    }
    if pass.end() > *pass.levels().start() {
        let mut computed = pass.cells(*pass.levels().start());
        let short: [isize; N] =
            std::array::from_fn(|a| if limit[a] < computed.end[a] { computed.end[a] - limit[a] } else { 0 });
        if let Some(axis) = (0..N).find(|&axis| short[axis] > 1 && !computed.is_empty()) {
            return Err(KernelError::new(format!(
                "a pass over {computed:?} goes {} cells beyond a wall at the end of {} cells on axis {axis}; arrays without \
                 points on a wall may end one cell before the others",
                short[axis], limit[axis]
            )));
        }
        // Cells that are kept together are counted from the end of the pass.
        halo.check_reach(std::array::from_fn(|a| pass.reach()[a].saturating_sub(short[a] as usize)))?;
        (0..N).for_each(|a| computed.end[a] = computed.end[a].min(limit[a]));
        arrays.iter().try_for_each(|array| halo.check(&array.region(), &computed))?;
    }
    Ok(())
}
