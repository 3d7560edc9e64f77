//! A discretized operator on one grid, in one precision, and the sweeps that solvers make with it.

pub(in crate::solvers) mod faces;
pub(in crate::solvers) mod nodal;
pub(in crate::solvers) mod rows;
pub(in crate::solvers) mod separable;

use parhelion_kernels::{Accumulator, Pattern, map_parts, rule};

use crate::error::Result;
use crate::field::Field;
use crate::grid::Grid;
use crate::solvers::linear::Real;
use crate::solvers::linear::vectors::add_up_all;
use crate::stopwatch::Kind;
use faces::{FaceRow, FaceViews, Faces};
use nodal::{Nodal, NodalRow};
use rows::{RowCouplings, relaxed, relaxed_zero, row, row_of_diagonal};
use separable::{Separable, SeparableRow};

/// `A u = diagonal · u − Σ coupling · neighbor` at every cell of a grid.
pub(in crate::solvers) struct Discrete<T: Real, const N: usize> {
    pub(in crate::solvers) grid: Grid<N>,
    pub(in crate::solvers) terms: Terms<T, N>,
}

/// The source of the couplings: constant coefficients at cells (or, in multigrid, at points of an
/// axis of their own) or at nodes, or variable ones.
pub(in crate::solvers) enum Terms<T: Real, const N: usize> {
    Separable(Separable<T, N>),
    Nodal(Nodal<T, N>),
    Faces(Box<Faces<T, N>>),
}

/// Terms of any kind, as a sweep reads them.
pub(in crate::solvers) trait RowSource<T, const N: usize>: Sync {
    type Row<'r>: RowCouplings<T, N>
    where
        Self: 'r;
    fn row(&self, first: [isize; N], len: usize) -> Self::Row<'_>;
}

impl<T: Real, const N: usize> RowSource<T, N> for Separable<T, N> {
    type Row<'r> = SeparableRow<'r, T, N>;
    #[inline(always)]
    fn row(&self, first: [isize; N], len: usize) -> SeparableRow<'_, T, N> {
        Separable::row(self, first, len)
    }
}

impl<T: Real, const N: usize> RowSource<T, N> for Nodal<T, N> {
    type Row<'r> = NodalRow<'r, T, N>;
    #[inline(always)]
    fn row(&self, first: [isize; N], len: usize) -> NodalRow<'_, T, N> {
        Nodal::row(self, first, len)
    }
}

impl<T: Real, const N: usize> RowSource<T, N> for FaceViews<'_, T, N> {
    type Row<'r>
        = FaceRow<'r, T, N>
    where
        Self: 'r;
    #[inline(always)]
    fn row(&self, first: [isize; N], len: usize) -> FaceRow<'_, T, N> {
        FaceViews::row(self, first, len)
    }
}

/// Evaluates `$body` with `$source` bound to the [`RowSource`] of an operator, compiled for each
/// kind.
macro_rules! with_rows {
    ($operator:expr, $source:ident => $body:expr) => {
        match &$operator.terms {
            $crate::solvers::elliptic::matrix::Terms::Separable($source) => $body,
            $crate::solvers::elliptic::matrix::Terms::Nodal($source) => $body,
            $crate::solvers::elliptic::matrix::Terms::Faces(faces) => {
                let $source = &faces.views();
                $body
            }
        }
    };
}
pub(in crate::solvers) use with_rows;

impl<T: Real, const N: usize> Discrete<T, N> {
    /// Bytes of couplings read for each cell.
    pub(in crate::solvers) fn bytes(&self) -> usize {
        match self.terms {
            Terms::Separable(_) | Terms::Nodal(_) => 0,
            Terms::Faces(_) => (N + 1) * size_of::<T>(),
        }
    }

    /// `output = A u`.
    ///
    /// # Collective
    /// Over all ranks of the grid, like all sweeps here that fill the halo of `u`.
    pub(in crate::solvers) fn apply(&self, u: &mut Field<T, N>, output: &mut Field<T, N>) -> Result<()> {
        self.sweep(u, None, output, |_| |_, _, u, around, diagonal| diagonal * u - around)
    }

    /// `output = A u`; returns `u · A u`.
    pub(in crate::solvers) fn apply_dot(&self, u: &mut Field<T, N>, output: &mut Field<T, N>) -> Result<f64> {
        u.exchange_for(Pattern::Star, 1)?;
        let timing = self.grid.world().measure().start_on(Kind::Sweep, "operator");
        let (pool, region) = (self.grid.world().pool(), output.region_local());
        let view = u.with_halo(0);
        let parts = with_rows!(self, source => {
            map_parts(pool, region, [output.view_mut()], |part, [mut out]| {
                let mut sum = Accumulator::new();
                for (first, len) in part.rows() {
                    let out = out.row_mut(first, len);
                    rule!(let rule = |_, _, u, around, diagonal| diagonal * u - around);
                    row(&source.row(first, len), &view, view.row(first, len), first, out, rule);
                    sum.add_zip(view.row(first, len), out, |u, au| u.wide() * au.wide());
                }
                sum
            })
        });
        timing.finish(region.len(), 2 * size_of::<T>() + self.bytes());
        Ok(add_up_all(self.grid.world(), parts.into_iter().map(|sum| [sum]))[0])
    }

    /// `output = f − A u`.
    pub(in crate::solvers) fn residual(
        &self,
        u: &mut Field<T, N>,
        f: &Field<T, N>,
        output: &mut Field<T, N>,
    ) -> Result<()> {
        self.sweep(u, Some(f), output, |_| |_, f, u, around, diagonal| f - (diagonal * u - around))
    }

    /// `output = f − A u`; returns the sum of its squares.
    pub(in crate::solvers) fn residual_squares(
        &self,
        u: &mut Field<T, N>,
        f: &Field<T, N>,
        output: &mut Field<T, N>,
    ) -> Result<f64> {
        u.exchange_for(Pattern::Star, 1)?;
        let timing = self.grid.world().measure().start_on(Kind::Sweep, "residual");
        let (pool, region) = (self.grid.world().pool(), output.region_local());
        let (view, f) = (u.with_halo(0), f.view());
        let parts = with_rows!(self, source => {
            map_parts(pool, region, [output.view_mut()], |part, [mut out]| {
                let mut sum = Accumulator::new();
                for (first, len) in part.rows() {
                    let (out, f) = (out.row_mut(first, len), f.row(first, len));
                    rule!(let rule = |_, f, u, around, diagonal| f - (diagonal * u - around));
                    row(&source.row(first, len), &view, f, first, out, rule);
                    T::add_squares(&mut sum, out);
                }
                sum
            })
        });
        timing.finish(region.len(), 3 * size_of::<T>() + self.bytes());
        Ok(add_up_all(self.grid.world(), parts.into_iter().map(|sum| [sum]))[0])
    }

    /// `output = scale · (f − A u)` in another precision, on a grid of the same blocks;
    /// returns the sum of the squares of the residual itself.
    pub(in crate::solvers) fn scaled_residual<S: Real>(
        &self,
        u: &mut Field<T, N>,
        f: &Field<T, N>,
        output: &mut Field<S, N>,
        scale: f64,
    ) -> Result<f64> {
        u.exchange_for(Pattern::Star, 1)?;
        let timing = self.grid.world().measure().start_on(Kind::Sweep, "residual");
        let (pool, region) = (self.grid.world().pool(), output.region_local());
        let (view, f) = (u.with_halo(0), f.view());
        let parts = with_rows!(self, source => {
            map_parts(pool, region, [output.view_mut()], |part, [mut out]| {
                let (mut sum, mut scratch) = (Accumulator::new(), Vec::new());
                for (first, len) in part.rows() {
                    scratch.resize(len, T::zero());
                    let f = f.row(first, len);
                    rule!(let rule = |_, f, u, around, diagonal| f - (diagonal * u - around));
                    row(&source.row(first, len), &view, f, first, &mut scratch, rule);
                    T::add_squares(&mut sum, &scratch);
                    for (out, r) in out.row_mut(first, len).iter_mut().zip(&scratch) {
                        *out = S::nearest(scale * r.wide());
                    }
                }
                sum
            })
        });
        timing.finish(region.len(), 2 * size_of::<T>() + size_of::<S>() + self.bytes());
        Ok(add_up_all(self.grid.world(), parts.into_iter().map(|sum| [sum]))[0])
    }

    /// One half of a red-black Gauss–Seidel sweep: cells of `color` (parity of the sum of the
    /// global indices) move toward the value that solves their equation, by `relaxation` of the
    /// way; the others keep theirs.
    pub(in crate::solvers) fn relax(
        &self,
        color: usize,
        relaxation: f64,
        u: &mut Field<T, N>,
        f: &Field<T, N>,
        output: &mut Field<T, N>,
    ) -> Result<()> {
        let (odd, omega) = (self.parity(color), T::nearest(relaxation));
        let rule = |first: [isize; N]| relaxed(odd + first.iter().sum::<isize>() as usize, omega);
        self.sweep(u, Some(f), output, rule)
    }

    /// As [`relax`](Self::relax), from `u = 0`, which is not read.
    pub(in crate::solvers) fn relax_zero(
        &self,
        color: usize,
        relaxation: f64,
        f: &Field<T, N>,
        output: &mut Field<T, N>,
    ) {
        let (odd, omega) = (self.parity(color), T::nearest(relaxation));
        self.scale_by_diagonal(f, output, |first| {
            relaxed_zero(odd + first.iter().sum::<isize>() as usize, omega)
        });
    }

    /// One step of a polynomial method: `d ← memory · d + step · D⁻¹ (f − A u)`, `output = u + d`.
    pub(in crate::solvers) fn damped_step(
        &self,
        [memory, step]: [f64; 2],
        u: &mut Field<T, N>,
        f: &Field<T, N>,
        d: &mut Field<T, N>,
        output: &mut Field<T, N>,
    ) -> Result<()> {
        u.exchange_for(Pattern::Star, 1)?;
        let (memory, step) = (T::nearest(memory), T::nearest(step));
        let timing = self.grid.world().measure().start_on(Kind::Sweep, "smoother");
        let (pool, region) = (self.grid.world().pool(), output.region_local());
        let (view, f) = (u.with_halo(0), f.view());
        with_rows!(self, source => {
            map_parts(pool, region, [d.view_mut(), output.view_mut()], |part, [mut d, mut out]| {
                for (first, len) in part.rows() {
                    let (d, out, f) = (d.row_mut(first, len), out.row_mut(first, len), f.row(first, len));
                    rule!(let rule = |_, f, u, around, diagonal| step * ((f - (diagonal * u - around)) / diagonal));
                    row(&source.row(first, len), &view, f, first, out, rule);
                    for ((out, d), &u) in out.iter_mut().zip(d).zip(view.row(first, len)) {
                        *d = memory * *d + *out;
                        *out = u + *d;
                    }
                }
            });
        });
        timing.finish(region.len(), 5 * size_of::<T>() + self.bytes());
        Ok(())
    }

    /// `output = rule(i in the row, f, diagonal)`, with a rule for each row.
    pub(in crate::solvers) fn scale_by_diagonal<R: Fn(usize, T, T) -> T>(
        &self,
        f: &Field<T, N>,
        output: &mut Field<T, N>,
        rule: impl Fn([isize; N]) -> R + Sync,
    ) {
        let timing = self.grid.world().measure().start_on(Kind::Sweep, "diagonal");
        let (pool, region) = (self.grid.world().pool(), output.region_local());
        let f = f.view();
        with_rows!(self, source => {
            map_parts(pool, region, [output.view_mut()], |part, [mut out]| {
                for (first, len) in part.rows() {
                    let (f, out) = (f.row(first, len), out.row_mut(first, len));
                    row_of_diagonal(&source.row(first, len), f, out, rule(first));
                }
            });
        });
        timing.finish(region.len(), 2 * size_of::<T>() + self.bytes());
    }

    /// Writes `rule(i in the row, f, u, Σ coupling · neighbor, diagonal)` to every cell,
    /// with a rule for each row that begins at `first`. Without an `f`, that of the rule means
    /// nothing.
    fn sweep<R: Fn(usize, T, T, T, T) -> T>(
        &self,
        u: &mut Field<T, N>,
        f: Option<&Field<T, N>>,
        output: &mut Field<T, N>,
        rule: impl Fn([isize; N]) -> R + Sync,
    ) -> Result<()> {
        u.exchange_for(Pattern::Star, 1)?;
        let timing = self.grid.world().measure().start_on(Kind::Sweep, "operator");
        let (pool, region) = (self.grid.world().pool(), output.region_local());
        let view = u.with_halo(0);
        let streams = if f.is_some() { 3 } else { 2 };
        let f = f.map_or_else(|| u.view(), |f| f.view());
        with_rows!(self, source => {
            map_parts(pool, region, [output.view_mut()], |part, [mut out]| {
                for (first, len) in part.rows() {
                    let (out, f) = (out.row_mut(first, len), f.row(first, len));
                    row(&source.row(first, len), &view, f, first, out, rule(first));
                }
            });
        });
        timing.finish(region.len(), streams * size_of::<T>() + self.bytes());
        Ok(())
    }

    /// A number that makes the sum of local indices even for cells of this color; not
    /// negative where they are not.
    pub(in crate::solvers) fn parity(&self, color: usize) -> usize {
        let offset =
            self.grid.region_global(crate::grid::Centering::Cell).start.iter().sum::<isize>() as usize;
        offset + color
    }
}
