//! Couplings of an operator with constant coefficients: a table for each axis.

use parhelion_kernels::Region;

use super::rows::{Couplings, RowCouplings};
use crate::solvers::elliptic::axis::Axis;
use crate::solvers::linear::Real;

/// Couplings along one axis, of the cells `start..start + below.len()`.
pub(in crate::solvers) struct Table<T> {
    start: isize,
    below: Vec<T>,
    above: Vec<T>,
    diagonal: Vec<T>,
}

/// `−β Δu + α u` on a grid whose cells differ in width along each axis only: the couplings add
/// up over the axes.
pub(in crate::solvers) struct Separable<T, const N: usize> {
    tables: [Table<T>; N],
    shift: T,
}

/// The couplings of one row.
pub(in crate::solvers) struct SeparableRow<'a, T, const N: usize> {
    below: [T; N],
    above: [T; N],
    /// Of all axes but the last, with the shift.
    diagonal: T,
    along: [&'a [T]; 3],
}

impl<T: Real, const N: usize> Separable<T, N> {
    /// For the cells `local` of a block that begins at global index `offset`.
    pub(in crate::solvers) fn new(
        axes: &[Axis; N],
        coefficient: f64,
        shift: f64,
        offset: [isize; N],
        local: Region<N>,
    ) -> Self {
        let table = |a: usize| {
            let coupled: Vec<_> =
                (local.start[a]..local.end[a]).map(|i| axes[a].coupled(offset[a] + i)).collect();
            let scaled = |value: f64| T::nearest(coefficient * value);
            Table {
                start: local.start[a],
                below: coupled.iter().map(|at| scaled(at.sides[0])).collect(),
                above: coupled.iter().map(|at| scaled(at.sides[1])).collect(),
                diagonal: coupled.iter().map(|at| scaled(at.diagonal)).collect(),
            }
        };
        Self { tables: std::array::from_fn(table), shift: T::nearest(shift) }
    }

    #[inline(always)]
    pub(in crate::solvers) fn row(&self, first: [isize; N], len: usize) -> SeparableRow<'_, T, N> {
        let at = |a: usize| (first[a] - self.tables[a].start) as usize;
        let mut diagonal = self.shift;
        for a in 0..N - 1 {
            diagonal += self.tables[a].diagonal[at(a)];
        }
        let (last, from) = (&self.tables[N - 1], at(N - 1));
        SeparableRow {
            below: std::array::from_fn(|a| self.tables[a].below[at(a)]),
            above: std::array::from_fn(|a| self.tables[a].above[at(a)]),
            diagonal,
            along: [&last.below, &last.above, &last.diagonal].map(|table| &table[from..from + len]),
        }
    }
}

impl<T: Real, const N: usize> RowCouplings<T, N> for SeparableRow<'_, T, N> {
    #[inline(always)]
    fn at(&self, i: usize) -> Couplings<T, N> {
        let (mut below, mut above) = (self.below, self.above);
        below[N - 1] = self.along[0][i];
        above[N - 1] = self.along[1][i];
        Couplings { below, above, diagonal: self.diagonal + self.along[2][i] }
    }

    #[inline(always)]
    fn trimmed(&self, len: usize) -> Self {
        Self { along: self.along.map(|table| &table[..len]), ..*self }
    }
}
