//! Restriction and interpolation between a grid and the next coarser one.
//!
//! Every coarse cell is made of one or two fine cells along each axis. The blocks of both grids are
//! in the same places, so that only the halo of the coarse one is needed.
//!
//! With constant coefficients the equations are divided by the volume; restriction averages,
//! interpolation is linear along each axis, and the coarse operator is discretized again.
//!
//! Along axes whose points are nodes, coarse points lie on every second fine one; restriction is
//! full weighting (see `weighting`), interpolation linear again.
//!
//! With variable coefficients they are not divided; restriction adds up, and interpolation is
//! constant. A coarse coupling is the sum of the fine ones through the same face times the ratio of
//! the distances between centers. For a smooth coefficient that is the right one; for any, its
//! energy is at least half of the exact (Galerkin) operator's. So with a smoother that is symmetric
//! a cycle never gains energy, however much the coefficient jumps. (Linear interpolation across
//! jumps, or coarse couplings by resistances in series, do: with a ball of 10⁶ in 1 both diverged.)

mod by_rows;
mod quadratic;
pub(super) mod redistribution;
pub(super) mod wall_nodes;
mod weighting;

use parhelion_kernels::{Pattern, Region, View, map_parts, rule};

use crate::error::Result;
use crate::field::Field;
use crate::grid::{Centering, Grid};
use crate::solvers::elliptic::axis::{Axis, Points};
use crate::solvers::elliptic::matrix::faces::{DiagonalParts, Faces};
use crate::solvers::elliptic::matrix::rows::row;
use crate::solvers::elliptic::matrix::{Discrete, RowSource, Terms, with_rows};
use crate::solvers::linear::Real;
use crate::stopwatch::Kind;
use by_rows::by_rows;
use quadratic::Quadratic;
use weighting::Weighting;

/// The tables of one axis for this rank's block, by local index.
struct AxisTable<T> {
    /// Whether two cells become one.
    halves: bool,
    /// The share of each fine cell in its parent.
    share: Vec<T>,
    /// Weights of the parent, and of its neighbor on the side of the fine cell.
    weights: Vec<[T; 2]>,
    /// For each coarse cell: how much nearer the centers beside its low face are on the fine grid.
    nearer: Vec<T>,
    /// For each fine cell, its share of its parent's width.
    width: Vec<T>,
}

/// Restriction and interpolation between two levels.
pub(in crate::solvers::multigrid) struct Transfer<T, const N: usize> {
    axes: [AxisTable<T>; N],
    fine: Region<N>,
    /// Restriction of levels some of whose axes are nodes.
    weighting: Option<Weighting<T, N>>,
    /// Interpolation of solutions, between levels of cells with constant coefficients.
    quadratic: Option<Quadratic<T, N>>,
}

impl<T: Real> AxisTable<T> {
    fn parent(&self, i: isize) -> isize {
        if self.halves { i.div_euclid(2) } else { i }
    }

    fn children(&self, parent: isize, cells: isize) -> std::ops::Range<isize> {
        if self.halves { 2 * parent..(2 * parent + 2).min(cells) } else { parent..parent + 1 }
    }

    /// The parent's neighbor on the side of the child.
    fn side(&self, i: isize) -> isize {
        if self.halves { self.parent(i) + 2 * i.rem_euclid(2) - 1 } else { i }
    }
}

impl<T: Real, const N: usize> Transfer<T, N> {
    /// From `grid`, whose axes are `fine`, to the grid of the axes `coarse`; `averages` where the
    /// equations are divided by the volume of the cells. The coarse points of this rank are
    /// `coarse_block`, global.
    pub(in crate::solvers::multigrid) fn new(
        grid: &Grid<N>,
        fine: &[Axis; N],
        coarse: &[Axis; N],
        averages: bool,
        coarse_block: Region<N>,
    ) -> Self {
        let block = grid.region_global(Centering::Cell);
        let axes = std::array::from_fn(|a| {
            let cells = || block.start[a]..block.end[a];
            let halves = coarse[a].width != fine[a].width;
            let width = |i| T::nearest(fine[a].share(i, &coarse[a]));
            let share = |i| if averages { width(i) } else { T::one() };
            let weights = |i| if averages { fine[a].interpolated(i, &coarse[a]) } else { [1.0, 0.0] };
            let faces = cells().filter(|i| !halves || i % 2 == 0);
            AxisTable {
                halves,
                share: cells().map(share).collect(),
                weights: cells().map(|i| weights(i).map(T::nearest)).collect(),
                nearer: faces.map(|i| T::nearest(fine[a].nearer(i, &coarse[a]))).collect(),
                width: cells().map(width).collect(),
            }
        });
        let nodes = fine.iter().any(|axis| axis.points == Points::Nodes);
        let weighting = nodes.then(|| Weighting::new(fine, coarse, coarse_block));
        let quadratic = (averages && !nodes).then(|| Quadratic::new(fine, coarse, block));
        Self { axes, fine: Region::from_shape(block.shape()), weighting, quadratic }
    }

    /// Whether no axis has its points at nodes.
    pub(in crate::solvers::multigrid) fn is_of_cells(&self) -> bool {
        self.weighting.is_none()
    }

    /// The fine cells that make up coarse ones.
    pub(in crate::solvers::multigrid) fn children(&self, coarse: Region<N>) -> Region<N> {
        let range = |a: usize| {
            let axis = &self.axes[a];
            let first = axis.children(coarse.start[a], self.fine.end[a]).start;
            (first, axis.children(coarse.end[a] - 1, self.fine.end[a]).end)
        };
        Region::new(std::array::from_fn(|a| range(a).0), std::array::from_fn(|a| range(a).1))
    }

    /// Writes to a coarse row what its children's rows, written by `fill(first, row)`, come to.
    #[inline(always)]
    pub(in crate::solvers::multigrid) fn restrict_row(
        &self,
        first: [isize; N],
        out: &mut [T],
        scratch: &mut Vec<T>,
        fill: impl Fn([isize; N], &mut [T]),
    ) {
        let mut end = first.map(|i| i + 1);
        end[N - 1] = first[N - 1] + out.len() as isize;
        let children = self.children(Region::new(first, end));
        let last = &self.axes[N - 1];
        let from = children.start[N - 1] as usize;
        let share = &last.share[from..from + children.shape()[N - 1]];
        scratch.resize(share.len(), T::zero());
        out.fill(T::zero());
        for (child, _) in children.rows() {
            fill(child, scratch);
            let mut weight = T::one();
            for a in 0..N - 1 {
                weight *= self.axes[a].share[child[a] as usize];
            }
            if !last.halves {
                out.iter_mut().zip(&*scratch).for_each(|(out, &r)| *out += weight * r);
                continue;
            }
            let (pairs, rest) = scratch.as_chunks::<2>();
            let (shares, share_of_rest) = share.as_chunks::<2>();
            for ((out, pair), share) in out.iter_mut().zip(pairs).zip(shares) {
                *out += weight * (share[0] * pair[0] + share[1] * pair[1]);
            }
            if let (Some(out), [r], [share]) = (out.last_mut(), rest, share_of_rest) {
                *out += weight * (*share * *r);
            }
        }
    }

    /// `coarse = R (f − A u)`; what `scratch` holds is lost, and it is made if needed.
    ///
    /// # Collective
    /// Over all ranks of the fine grid.
    pub(in crate::solvers::multigrid) fn restrict_residual(
        &self,
        operator: &Discrete<T, N>,
        u: &mut Field<T, N>,
        f: &Field<T, N>,
        scratch: &mut Option<Field<T, N>>,
        coarse: &mut Field<T, N>,
    ) -> Result<()> {
        if let Some(weighting) = &self.weighting {
            let scratch = scratch.get_or_insert_with(|| operator.grid.field("correction"));
            operator.residual(u, f, scratch)?;
            return weighting.restrict(scratch, coarse);
        }
        u.exchange_for(Pattern::Star, 1)?;
        let timing = operator.grid.world().measure().start_on(Kind::Sweep, "restriction");
        let (pool, region) = (operator.grid.world().pool(), coarse.region_local());
        let (view, f) = (u.with_halo(0), f.view());
        with_rows!(operator, source => {
            map_parts(pool, region, [coarse.view_mut()], |part, [mut coarse]| {
                let mut scratch = Vec::new();
                for (first, len) in part.rows() {
                    self.restrict_row(first, coarse.row_mut(first, len), &mut scratch, |child, out| {
                        let f = f.row(child, out.len());
                        rule!(let rule = |_, f, u, around, diagonal| f - (diagonal * u - around));
                        row(&RowSource::row(source, child, out.len()), &view, f, child, out, rule);
                    });
                }
            });
        });
        timing.finish(self.fine.len(), 2 * size_of::<T>() + operator.bytes());
        Ok(())
    }

    /// `coarse = R f` of a right-hand side.
    ///
    /// # Collective
    /// Over all ranks of the fine grid.
    pub(in crate::solvers::multigrid) fn restrict_right(
        &self,
        f: &mut Field<T, N>,
        coarse: &mut Field<T, N>,
    ) -> Result<()> {
        match &self.weighting {
            Some(weighting) => weighting.restrict(f, coarse)?,
            None => self.restrict(f, coarse),
        }
        Ok(())
    }

    /// `coarse = R f` for cells.
    fn restrict(&self, f: &Field<T, N>, coarse: &mut Field<T, N>) {
        let timing = f.grid().world().measure().start_on(Kind::Sweep, "restriction");
        let rows = f.view();
        self.restrict_with(coarse, |child, out| out.copy_from_slice(rows.row(child, out.len())));
        timing.finish(self.fine.len(), size_of::<T>());
    }

    /// `u = P coarse` of a solution.
    ///
    /// # Collective
    /// Over all ranks of the coarse grid.
    pub(in crate::solvers::multigrid) fn interpolate(
        &self,
        coarse: &mut Field<T, N>,
        u: &mut Field<T, N>,
    ) -> Result<()> {
        if let Some(quadratic) = &self.quadratic {
            return quadratic.interpolate(coarse, u);
        }
        u.fill(T::zero());
        self.add_interpolated(coarse, u)
    }

    /// `u += P coarse`.
    ///
    /// # Collective
    /// Over all ranks of the coarse grid.
    pub(in crate::solvers::multigrid) fn add_interpolated(
        &self,
        coarse: &mut Field<T, N>,
        u: &mut Field<T, N>,
    ) -> Result<()> {
        by_rows("interpolation", 2 * size_of::<T>(), coarse, u, |first, out, scratch, coarse| {
            self.interpolate_row(first, out, scratch, coarse);
        })
    }

    #[inline(always)]
    fn interpolate_row(
        &self,
        first: [isize; N],
        out: &mut [T],
        scratch: &mut Vec<T>,
        coarse: &View<'_, T, N>,
    ) {
        let last = &self.axes[N - 1];
        let (start, end) = (first[N - 1], first[N - 1] + out.len() as isize);
        // The coarse row with one cell more on both sides, interpolated along the other axes.
        let from = last.parent(start) - 1;
        scratch.clear();
        scratch.resize((last.parent(end - 1) + 2 - from) as usize, T::zero());
        for mask in 0..1_usize << (N - 1) {
            let (mut index, mut weight) = ([from; N], T::one());
            for a in 0..N - 1 {
                let (axis, sideways) = (&self.axes[a], mask >> a & 1);
                weight *= axis.weights[first[a] as usize][sideways];
                index[a] = if sideways == 1 { axis.side(first[a]) } else { axis.parent(first[a]) };
            }
            if weight != T::zero() {
                let row = coarse.row(index, scratch.len());
                scratch.iter_mut().zip(row).for_each(|(sum, &value)| *sum += weight * value);
            }
        }
        let weights = &last.weights[start as usize..end as usize];
        if !last.halves {
            for ((out, [own, _]), value) in out.iter_mut().zip(weights).zip(&scratch[1..]) {
                *out += *own * *value;
            }
            return;
        }
        let one = |i: usize, out: &mut T| {
            let [own, other] = weights[i];
            let index = start + i as isize;
            let value = |coarse: isize| scratch[(coarse - from) as usize];
            *out += own * value(last.parent(index)) + other * value(last.side(index));
        };
        // Pairs of children; a row of a thread's part may begin in the midst of one.
        let skip = start.rem_euclid(2) as usize;
        if skip == 1 {
            one(0, &mut out[0]);
        }
        let (pairs, rest) = out[skip..].as_chunks_mut::<2>();
        let (pair_weights, _) = weights[skip..].as_chunks::<2>();
        let windows = scratch[skip..].windows(3);
        let count = 2 * pairs.len() + skip;
        for ((pair, weights), around) in pairs.iter_mut().zip(pair_weights).zip(windows) {
            pair[0] += weights[0][0] * around[1] + weights[0][1] * around[0];
            pair[1] += weights[1][0] * around[1] + weights[1][1] * around[2];
        }
        if let [out] = rest {
            one(count, out);
        }
    }

    /// The coarse operator and what it is made of.
    ///
    /// # Collective
    /// Over all ranks.
    pub(in crate::solvers::multigrid) fn coarsen(
        &self,
        fine: &Faces<T, N>,
        parts: &DiagonalParts<T, N>,
        grid: &Grid<N>,
    ) -> Result<(Faces<T, N>, DiagonalParts<T, N>)> {
        let mut coarse = Faces::new(grid)?;
        for a in 0..N {
            let (axis, from) = (&self.axes[a], fine.below[a].view());
            // Only what is at the low face of a coarse cell.
            self.restrict_with(&mut coarse.below[a], |child, row| {
                if axis.halves && a + 1 < N && child[a] % 2 != 0 {
                    return row.fill(T::zero());
                }
                row.copy_from_slice(from.row(child, row.len()));
                if axis.halves && a + 1 == N {
                    // Rows of children begin with the first child of a cell.
                    row.iter_mut().skip(1).step_by(2).for_each(|inner| *inner = T::zero());
                }
            });
            let region = coarse.below[a].region_local();
            coarse.below[a].view_mut().for_each_row(grid.world().pool(), region, |first, row| {
                for (i, coupling) in row.iter_mut().enumerate() {
                    *coupling *= axis.nearer[first[a] as usize + if a + 1 == N { i } else { 0 }];
                }
            });
        }
        let mut alpha = grid.field("shift");
        self.restrict(&parts.alpha, &mut alpha);
        let mut walls: [Option<Field<T, N>>; N] = std::array::from_fn(|_| None);
        for a in 0..N {
            let Some(from) = &parts.walls[a] else { continue };
            let (axis, from) = (&self.axes[a], from.view());
            let mut wall = grid.field("walls");
            self.restrict_with(&mut wall, |child, row| {
                let values = from.row(child, row.len());
                for (i, (out, &value)) in row.iter_mut().zip(values).enumerate() {
                    *out = axis.width[child[a] as usize + if a + 1 == N { i } else { 0 }] * value;
                }
            });
            walls[a] = Some(wall);
        }
        let parts = DiagonalParts { alpha, walls };
        parts.add_up(&mut coarse)?;
        Ok((coarse, parts))
    }

    /// Writes to every coarse row what its children's rows, written by `fill(first, row)`, come to.
    fn restrict_with(&self, coarse: &mut Field<T, N>, fill: impl Fn([isize; N], &mut [T]) + Sync) {
        let (grid, region) = (coarse.grid().clone(), coarse.region_local());
        map_parts(grid.world().pool(), region, [coarse.view_mut()], |part, [mut coarse]| {
            let mut scratch = Vec::new();
            for (first, len) in part.rows() {
                self.restrict_row(first, coarse.row_mut(first, len), &mut scratch, &fill);
            }
        });
    }

    /// The number of axes along which two cells become one.
    pub(in crate::solvers::multigrid) fn axes_halved(&self) -> usize {
        self.axes.iter().filter(|axis| axis.halves).count()
    }

    /// Whether a kind of terms is divided by the volume of the cells.
    pub(in crate::solvers::multigrid) fn averages(terms: &Terms<T, N>) -> bool {
        matches!(terms, Terms::Separable(_))
    }
}
