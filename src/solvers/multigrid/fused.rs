//! Red-black sweeps in one pass over memory, for large levels.
//!
//! The black half of a sweep works a plane behind the red one, whose newest planes are in a ring;
//! restriction of the residual, or the update of the solution, follows at once. Every array of the
//! level is read or written once, instead of once for each half sweep. Around its part a thread,
//! and a rank, computes again what the others have too, from a halo of two cells; each cell's value
//! is made by the same operations as by sweeps one after another, so the bits are theirs.

use parhelion_kernels::{Pattern, Region, Ring, View, ViewMut, map_part_pairs, map_parts, rule};

use super::hierarchy::{Level, NextLevel};
use super::transfer::Transfer;
use crate::error::Result;
use crate::field::Field;
use crate::solvers::elliptic::matrix::rows::{Rows, relaxed, relaxed_zero, row, row_of_diagonal};
use crate::solvers::elliptic::matrix::{Discrete, RowSource, with_rows};
use crate::solvers::linear::Real;
use crate::stopwatch::Kind;

/// Levels of fewer cells stay in the cache anyway.
pub(super) const WORTH_FUSING: usize = 1 << 15;

/// Halo that the passes need.
pub(super) const DEPTH: usize = 2;

/// Bytes of a tile's rings: what a core's second cache holds beside the arrays that pass through.
const RINGS: usize = 640 << 10;

/// The order of the halves of a red-black sweep, and the relaxation factor.
#[derive(Clone, Copy)]
pub(super) struct Order {
    pub(super) colors: [usize; 2],
    pub(super) relaxation: f64,
}

/// Whether sweeps of this level are made in one pass. Around a periodic axis of an odd number of
/// cells neighbors of one color meet, and cells beyond the end have the wrong one.
pub(super) fn worthwhile<T: Real, const N: usize>(level: &Level<T, N>) -> bool {
    let (grid, shape) = (&level.operator.grid, level.u.shape_global());
    let periodic = grid.topology().periodic();
    N >= 2
        && grid.halo_deepest() >= DEPTH
        && shape.iter().product::<usize>() >= WORTH_FUSING
        && (0..N).all(|a| !periodic[a] || shape[a].is_multiple_of(2))
}

/// A sweep on one rank.
struct Sweep<'a, T: Real, const N: usize, S> {
    source: &'a S,
    /// The values that the first half starts from; `None` for 0.
    u: Option<View<'a, T, N>>,
    f: View<'a, T, N>,
    /// For each half, a number that makes the sum of local indices even where the half changes
    /// cells.
    odd: [usize; 2],
    omega: T,
    /// The block with the neighbors' cells around it; what is beyond walls has no equations.
    inside: Region<N>,
}

impl<'a, T: Real, const N: usize, S: RowSource<T, N>> Sweep<'a, T, N, S> {
    fn new(
        operator: &Discrete<T, N>,
        source: &'a S,
        order: Order,
        u: Option<View<'a, T, N>>,
        f: View<'a, T, N>,
        block: Region<N>,
    ) -> Self {
        let open = operator.grid.topology().open_sides();
        Self {
            source,
            u,
            f,
            odd: order.colors.map(|color| operator.parity(color)),
            omega: T::nearest(order.relaxation),
            inside: block.grown(open.map(|sides| sides.map(|open| if open { DEPTH } else { 0 }))),
        }
    }

    /// Calls `work` with the cells of a row that have equations; the others become 0.
    #[inline(always)]
    fn within(&self, at: [isize; N], out: &mut [T], work: impl FnOnce([isize; N], &mut [T])) {
        let line = self.inside.intersection(&{
            let mut end = at.map(|i| i + 1);
            end[N - 1] = at[N - 1] + out.len() as isize;
            Region::new(at, end)
        });
        if line.is_empty() {
            return out.fill(T::zero());
        }
        let [low, high] = [line.start, line.end].map(|end| (end[N - 1] - at[N - 1]) as usize);
        out[..low].fill(T::zero());
        out[high..].fill(T::zero());
        work(line.start, &mut out[low..high]);
    }

    fn first_half(&self, at: [isize; N], out: &mut [T]) {
        self.within(at, out, |at, out| {
            let (couplings, f) = (self.source.row(at, out.len()), self.f.row(at, out.len()));
            let (odd, omega) = (self.odd[0] + even(at), self.omega);
            match &self.u {
                Some(u) => row(&couplings, u, f, at, out, relaxed(odd, omega)),
                None => row_of_diagonal(&couplings, f, out, relaxed_zero(odd, omega)),
            }
        });
    }

    fn second_half(&self, red: &Ring<T, N>, at: [isize; N], out: &mut [T]) {
        self.within(at, out, |at, out| {
            let (couplings, f) = (self.source.row(at, out.len()), self.f.row(at, out.len()));
            let (odd, omega) = (self.odd[1] + even(at), self.omega);
            row(&couplings, red, f, at, out, relaxed(odd, omega));
        });
    }

    fn residual(&self, u: &impl Rows<T, N>, at: [isize; N], out: &mut [T]) {
        let (couplings, f) = (self.source.row(at, out.len()), self.f.row(at, out.len()));
        row(&couplings, u, f, at, out, rule!(|_, f, u, around, diagonal| f - (diagonal * u - around)));
    }

    /// Computes both halves of the sweep in `part`: for each row `write(index, len, half)` says
    /// by `half(row)` where its values go.
    fn both(&self, part: Region<N>, mut write: impl FnMut([isize; N], usize, &dyn Fn(&mut [T]))) {
        let mut red = Ring::new(part, 3);
        for tile in tiles::<T, N>(part, 3) {
            red.restart(tile.grown([[1; 2]; N]));
            for front in red.region().start[0]..red.region().end[0] {
                for (at, len) in plane(red.region(), front) {
                    self.fetch(at, len);
                    self.first_half(at, red.row_mut(at, len));
                }
                let z = front - 1;
                if z >= tile.start[0] {
                    for (at, len) in plane(tile, z) {
                        write(at, len, &|out| self.second_half(&red, at, out));
                    }
                }
            }
        }
    }

    /// Begins to fetch what the first half will need in the next plane.
    #[inline(always)]
    fn fetch(&self, mut at: [isize; N], len: usize) {
        at[0] += 1;
        self.f.prefetch_row(at, len);
        at[0] += 1;
        if let Some(u) = &self.u {
            u.prefetch_row(at, len);
        }
    }
}

/// The parity of the sum of a row's first indices.
#[inline(always)]
fn even<const N: usize>(at: [isize; N]) -> usize {
    at.iter().sum::<isize>().rem_euclid(2) as usize
}

/// The rows of one plane of a region.
fn plane<const N: usize>(region: Region<N>, z: isize) -> impl Iterator<Item = ([isize; N], usize)> {
    region.with_axis(0, z, z + 1).rows()
}

/// Tiles of a thread's part for rings of `planes` planes in all: cut along axis 1, unless rows lie
/// along that.
fn tiles<T, const N: usize>(part: Region<N>, planes: usize) -> impl Iterator<Item = Region<N>> {
    let rows = if N < 3 {
        part.shape()[1].max(1)
    } else {
        let row =
            planes * part.shape()[2..].iter().map(|cells| cells + 4).product::<usize>() * size_of::<T>();
        (RINGS / row.max(1)).clamp(8, 64)
    };
    (part.start[1]..part.end[1])
        .step_by(rows)
        .map(move |from| part.with_axis(1, from, (from + rows as isize).min(part.end[1])))
}

/// Fills as much of the halo as the passes read, unless it is filled.
fn fill<T: Real, const N: usize>(field: &mut Field<T, N>) -> Result<()> {
    // Internal fields: their validity is the same on all ranks.
    if field.halo_serves(DEPTH, Pattern::Box) { Ok(()) } else { field.exchange_for(Pattern::Box, DEPTH) }
}

/// One sweep, from `u = 0` if that is what `zero` says.
///
/// # Collective
/// Over all ranks of the level, like all passes here.
pub(super) fn sweep<T: Real, const N: usize>(
    level: &mut Level<T, N>,
    order: Order,
    zero: bool,
) -> Result<()> {
    fill(&mut level.f)?;
    if !zero {
        fill(&mut level.u)?;
    }
    let Level { operator, u, other, f, .. } = level;
    let other = other.get_or_insert_with(|| operator.grid.field("correction"));
    let timing = operator.grid.world().measure().start_on(Kind::Sweep, "red-black");
    let (pool, region) = (operator.grid.world().pool(), f.region_local());
    let start = (!zero).then(|| u.with_halo(0));
    with_rows!(operator, source => {
        let sweep = Sweep::new(operator, source, order, start, f.with_halo(0), region);
        map_parts(pool, region, [other.view_mut()], |part, [mut out]| {
            sweep.both(part, |at, len, half| half(out.row_mut(at, len)));
        });
    });
    timing.finish(region.len(), if zero { 2 } else { 3 } * size_of::<T>() + operator.bytes());
    std::mem::swap(u, other);
    Ok(())
}

/// `x += scale ·` what one more sweep makes of `u`, which is not kept.
pub(super) fn sweep_into<T: Real, const N: usize>(
    level: &mut Level<T, N>,
    order: Order,
    x: &mut Field<f64, N>,
    scale: f64,
) -> Result<()> {
    fill(&mut level.f)?;
    fill(&mut level.u)?;
    let Level { operator, u, f, .. } = level;
    let timing = operator.grid.world().measure().start_on(Kind::Sweep, "red-black and correction");
    let (pool, region) = (operator.grid.world().pool(), f.region_local());
    let start = Some(u.with_halo(0));
    with_rows!(operator, source => {
        let sweep = Sweep::new(operator, source, order, start, f.with_halo(0), region);
        map_parts(pool, region, [x.view_mut()], |part, [mut x]| {
            let mut scratch = Vec::new();
            sweep.both(part, |at, len, half| {
                x.as_view().prefetch_row(std::array::from_fn(|a| at[a] + isize::from(a == 0)), len);
                scratch.resize(len, T::zero());
                half(&mut scratch);
                add_scaled(x.row_mut(at, len), &scratch, scale);
            });
        });
    });
    timing.finish(region.len(), 2 * size_of::<T>() + 2 * size_of::<f64>() + operator.bytes());
    Ok(())
}

#[inline(never)]
pub(super) fn add_scaled<T: Real>(x: &mut [f64], u: &[T], scale: f64) {
    x.iter_mut().zip(u).for_each(|(x, u)| *x += scale * u.wide());
}

/// One sweep from `u = 0`, and `coarse = R (f − A u)`. For constant coefficients, whose
/// couplings need no halo.
pub(super) fn sweep_and_restrict<T: Real, const N: usize>(
    level: &mut Level<T, N>,
    order: Order,
    coarse: &mut Field<T, N>,
) -> Result<()> {
    fill(&mut level.f)?;
    let Level { operator, u, f, next, .. } = level;
    let NextLevel::Coarser(transfer) = next else { return Ok(()) };
    let timing = operator.grid.world().measure().start_on(Kind::Sweep, "red-black and restriction");
    let (pool, region) = (operator.grid.world().pool(), coarse.region_local());
    let (f, block) = (f.with_halo(0), f.region_local());
    with_rows!(operator, source => {
        let sweep = Sweep::new(operator, source, order, None, f, block);
        let children = |part| transfer.children(part);
        map_part_pairs(pool, region, coarse.view_mut(), u.view_mut(), children, |part, coarse, u| {
            restrict_part(&sweep, transfer, part, coarse, u);
        });
    });
    timing.finish(block.len(), 2 * size_of::<T>());
    Ok(())
}

fn restrict_part<T: Real, const N: usize, S: RowSource<T, N>>(
    sweep: &Sweep<'_, T, N, S>,
    transfer: &Transfer<T, N>,
    part: Region<N>,
    mut coarse: ViewMut<'_, T, N>,
    mut u: ViewMut<'_, T, N>,
) {
    // The residual of both children of a cell needs the planes around them.
    let [mut red, mut black] = [3, 4].map(|planes| Ring::new(part, planes));
    let mut scratch = Vec::new();
    // A coarse row has twice as many children along the last axis, and twice as many rows of them.
    for tile in tiles::<T, N>(part, 4 * 7) {
        let fine = transfer.children(tile);
        red.restart(fine.grown([[2; 2]; N]));
        black.restart(fine.grown([[1; 2]; N]));
        let mut next = tile.start[0];
        for front in red.region().start[0]..red.region().end[0] {
            for (at, len) in plane(red.region(), front) {
                sweep.fetch(at, len);
                sweep.first_half(at, red.row_mut(at, len));
            }
            let z = front - 1;
            if z < black.region().start[0] {
                continue;
            }
            for (at, len) in plane(black.region(), z) {
                let row = black.row_mut(at, len);
                sweep.second_half(&red, at, row);
                let mut inner = at;
                inner[N - 1] = fine.start[N - 1];
                if fine.contains(inner) {
                    let cells = fine.shape()[N - 1];
                    let skip = (inner[N - 1] - at[N - 1]) as usize;
                    u.row_mut(inner, cells).copy_from_slice(&row[skip..skip + cells]);
                }
            }
            while next < tile.end[0] && transfer.children(tile.with_axis(0, next, next + 1)).end[0] <= z {
                for (at, len) in plane(tile, next) {
                    transfer.restrict_row(at, coarse.row_mut(at, len), &mut scratch, |child, out| {
                        sweep.residual(&black, child, out);
                    });
                }
                next += 1;
            }
        }
    }
}
