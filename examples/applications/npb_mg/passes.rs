//! Passes over a level: several rules in one, each a plane behind the one before.
//!
//! A pass cuts a thread's part into tiles of some rows, whole along the last axis, and goes through
//! each plane by plane. What lies between two rules is in rings of three planes, which stay in the
//! cache of a core; of the level's arrays each is read or written once, and fetched a plane ahead.

use parhelion::kernels::{Ring, map_parts};
use parhelion::prelude::*;

use crate::stencils::Beside;
use crate::transfer::{interpolate_row, restrict_row};

/// Bytes of a tile's rings: what a core's second cache holds beside the arrays that pass through.
const RINGS: usize = 640 << 10;

/// Tiles of a thread's part, for rings of `planes` planes in all.
fn tiles(part: Region<3>, planes: usize) -> impl Iterator<Item = Region<3>> {
    let row = planes * (part.shape()[2] + 4) * size_of::<f64>();
    let rows = (RINGS / row).clamp(8, 64);
    (part.start[1]..part.end[1])
        .step_by(rows)
        .map(move |y| part.with_axis(1, y, (y + rows as isize).min(part.end[1])))
}

/// The rows of one plane of a region.
fn plane(region: Region<3>, z: isize) -> impl Iterator<Item = ([isize; 3], usize)> {
    region.with_axis(0, z, z + 1).rows()
}

/// `out = w + S (v − A w)`, where `w = old + Q coarse`: correction from the coarser level, residual
/// and smoother. Halos must be valid: 2 deep for `old` and `coarse`, 1 deep for `v`.
pub(crate) fn correct(
    coarse: &Field<f64, 3>,
    old: Option<&Field<f64, 3>>,
    v: &Field<f64, 3>,
    out: &mut Field<f64, 3>,
    weights: [f64; 3],
) -> parhelion::Result<()> {
    let (coarse, v) = (coarse.view_to(2)?, v.view_to(1)?);
    let old = old.map(|old| old.view_to(2)).transpose()?;
    let (grid, region) = (out.grid().clone(), out.region_local());
    map_parts(grid.world().pool(), region, [out.view_mut()], |part, [mut out]| {
        let [mut ws, mut rs] = [(); 2].map(|()| Ring::new(Region::from_shape([1; 3]), 3));
        let (mut beside, mut sum) = (Beside::default(), Vec::new());
        for tile in tiles(part, 6) {
            let (cells, around) = (tile.grown([[2; 2]; 3]), tile.grown([[1; 2]; 3]));
            // Points are interpolated in pairs.
            let (low, high) = (cells.start[2], cells.end[2]);
            ws.restart(cells.with_axis(2, low - low.rem_euclid(2), high + high.rem_euclid(2)));
            rs.restart(around);
            for front in cells.start[0]..cells.end[0] {
                for (at, len) in plane(ws.region(), front) {
                    let old = old.map(|old| {
                        old.prefetch_row([front + 1, at[1], at[2]], len);
                        old.row(at, len)
                    });
                    interpolate_row(at, old, ws.row_mut(at, len), &mut sum, |at, len| coarse.row(at, len));
                }
                let z = front - 1;
                if z >= around.start[0] {
                    for (at, len) in plane(around, z) {
                        v.prefetch_row([z + 1, at[1], at[2]], len);
                        beside.add_up(at, len, |at, len| ws.row(at, len));
                        let w = ws.row([z, at[1], at[2] - 1], len + 2);
                        beside.residual(w, v.row(at, len), rs.row_mut(at, len));
                    }
                }
                let z = front - 2;
                if z >= tile.start[0] {
                    for (at, len) in plane(tile, z) {
                        out.as_view().prefetch_row([z + 1, at[1], at[2]], len);
                        beside.add_up(at, len, |at, len| rs.row(at, len));
                        let r = rs.row([z, at[1], at[2] - 1], len + 2);
                        beside.smooth(weights, ws.row(at, len), r, out.row_mut(at, len));
                    }
                }
            }
        }
    });
    Ok(())
}

/// `coarse = P (v − A u)`: residual and restriction. Halos must be valid: 2 deep for `u`, 1 deep
/// for `v`.
pub(crate) fn restrict_residual(
    u: &Field<f64, 3>,
    v: &Field<f64, 3>,
    coarse: &mut Field<f64, 3>,
) -> parhelion::Result<()> {
    let (u, v) = (u.view_to(2)?, v.view_to(1)?);
    let (grid, region) = (coarse.grid().clone(), coarse.region_local());
    map_parts(grid.world().pool(), region, [coarse.view_mut()], |part, [mut coarse]| {
        let mut rs = Ring::new(Region::from_shape([1; 3]), 3);
        let (mut beside, mut sum) = (Beside::default(), Vec::new());
        for tile in tiles(part, 3 * 4) {
            let fine = Region::new(tile.start.map(|j| 2 * j), tile.end.map(|j| 2 * j + 1));
            rs.restart(fine);
            for z in fine.start[0]..fine.end[0] {
                for (at, len) in plane(fine, z) {
                    u.prefetch_row([z + 2, at[1], at[2]], len);
                    v.prefetch_row([z + 1, at[1], at[2]], len);
                    beside.add_up(at, len, |at, len| u.row(at, len));
                    let center = u.row([z, at[1], at[2] - 1], len + 2);
                    beside.residual(center, v.row(at, len), rs.row_mut(at, len));
                }
                if z > fine.start[0] && z % 2 == 0 {
                    for (at, len) in plane(tile, z / 2 - 1) {
                        restrict_row(at, coarse.row_mut(at, len), &mut sum, |at, len| rs.row(at, len));
                    }
                }
            }
        }
    });
    Ok(())
}

/// `coarse = P r`. The halo of `r` must be valid, 1 deep.
pub(crate) fn restrict(r: &Field<f64, 3>, coarse: &mut Field<f64, 3>) -> parhelion::Result<()> {
    let r = r.view_to(1)?;
    let (grid, region) = (coarse.grid().clone(), coarse.region_local());
    map_parts(grid.world().pool(), region, [coarse.view_mut()], |part, [mut coarse]| {
        let mut sum = Vec::new();
        for (at, len) in part.rows() {
            restrict_row(at, coarse.row_mut(at, len), &mut sum, |at, len| r.row(at, len));
        }
    });
    Ok(())
}

/// `r = v − A u`. The halo of `u` must be valid, 1 deep.
pub(crate) fn residual(u: &Field<f64, 3>, v: &Field<f64, 3>, r: &mut Field<f64, 3>) -> parhelion::Result<()> {
    let (u, v) = (u.view_to(1)?, v.view());
    let (grid, region) = (r.grid().clone(), r.region_local());
    map_parts(grid.world().pool(), region, [r.view_mut()], |part, [mut r]| {
        let mut beside = Beside::default();
        for (at, len) in part.rows() {
            beside.add_up(at, len, |at, len| u.row(at, len));
            let center = u.row([at[0], at[1], at[2] - 1], len + 2);
            beside.residual(center, v.row(at, len), r.row_mut(at, len));
        }
    });
    Ok(())
}

/// `u = S r`, the smoother from `u = 0`. The halo of `r` must be valid, 1 deep.
pub(crate) fn smooth_zero(
    r: &Field<f64, 3>,
    u: &mut Field<f64, 3>,
    weights: [f64; 3],
) -> parhelion::Result<()> {
    let r = r.view_to(1)?;
    let (grid, region) = (u.grid().clone(), u.region_local());
    map_parts(grid.world().pool(), region, [u.view_mut()], |part, [mut u]| {
        let mut beside = Beside::default();
        for (at, len) in part.rows() {
            beside.add_up(at, len, |at, len| r.row(at, len));
            let center = r.row([at[0], at[1], at[2] - 1], len + 2);
            beside.smooth(weights, &vec![0.0; len], center, u.row_mut(at, len));
        }
    });
    Ok(())
}
