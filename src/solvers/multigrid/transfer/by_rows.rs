//! Loops over the rows of one level that read another one.

use parhelion_kernels::{Pattern, View, map_parts};

use crate::error::Result;
use crate::field::Field;
use crate::solvers::linear::Real;
use crate::stopwatch::Kind;

/// Makes the rows of `to` from `from` and its halo of one point. `row` receives a row's first
/// index, its values, a buffer and `from`. `bytes` are read and written per point of the finer
/// grid.
///
/// # Collective
/// Over all ranks of the grid of `from`.
pub(super) fn by_rows<T: Real, const N: usize>(
    name: &str,
    bytes: usize,
    from: &mut Field<T, N>,
    to: &mut Field<T, N>,
    row: impl Fn([isize; N], &mut [T], &mut Vec<T>, &View<'_, T, N>) + Sync,
) -> Result<()> {
    from.exchange_for(Pattern::Box, 1)?;
    let world = to.grid().world().clone();
    let timing = world.measure().start_on(Kind::Sweep, name);
    let points = from.region_local().len().max(to.region_local().len());
    let (region, from) = (to.region_local(), from.with_halo(0));
    map_parts(world.pool(), region, [to.view_mut()], |part, [mut to]| {
        let mut scratch = Vec::new();
        for (first, len) in part.rows() {
            row(first, to.row_mut(first, len), &mut scratch, &from);
        }
    });
    timing.finish(points, bytes);
    Ok(())
}
