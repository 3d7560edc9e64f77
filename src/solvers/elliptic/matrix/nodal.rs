//! Couplings of an operator with constant coefficients on nodes: tables for each axis.
//!
//! The equation of a node is multiplied by the share of its cell that is inside the domain (½ at a
//! wall, ¼ at an edge), which makes the matrix symmetric: a coupling along one axis is the product
//! of the one of that axis and the shares of the others. Nodes of given value have a share of 0,
//! are coupled to nothing, and have a number of their own on the diagonal.

use super::rows::{Couplings, RowCouplings};
use crate::solvers::elliptic::axis::End;
use crate::solvers::linear::Real;
use parhelion_kernels::Region;

/// The nodes along an axis.
#[derive(Clone, Copy, Debug)]
pub(in crate::solvers) struct NodeAxis {
    /// The node on the high wall.
    pub(in crate::solvers) last: isize,
    pub(in crate::solvers) ends: [End; 2],
}

/// Couplings and shares of the nodes of one axis, by local index.
struct Table<T> {
    below: Vec<T>,
    above: Vec<T>,
    diagonal: Vec<T>,
    share: Vec<T>,
    /// 1 at nodes of given value, otherwise 0.
    fixed: Vec<T>,
}

/// `−β Δu + α u` at nodes.
pub(in crate::solvers) struct Nodal<T, const N: usize> {
    tables: [Table<T>; N],
    shift: T,
    /// On the diagonal of nodes of given value.
    fixed_diagonal: T,
}

/// The couplings of one row.
pub(in crate::solvers) struct NodalRow<'a, T, const N: usize> {
    /// Along all axes but the last, where the share along the last is 1.
    below: [T; N],
    above: [T; N],
    diagonal: T,
    /// The share along all axes but the last.
    share: T,
    /// On the diagonal of all nodes, and beyond that on fixed ones.
    fixed_diagonal: [T; 2],
    /// Along the last axis: below, above, diagonal, share, fixed.
    along: [&'a [T]; 5],
}

impl NodeAxis {
    /// Whether the value at this node is given.
    pub(in crate::solvers) fn is_fixed(&self, i: isize) -> bool {
        i == 0 && self.ends[0] == End::Fixed || i == self.last && self.ends[1] == End::Fixed
    }

    /// The share of the cell of a node that is inside, 0 where the value is given.
    pub(in crate::solvers) fn share(&self, i: isize) -> f64 {
        if self.is_fixed(i) {
            0.0
        } else if self.ends[0] != End::Periodic && (i == 0 || i == self.last) {
            0.5
        } else {
            1.0
        }
    }

    /// Whether there is something between the node and the one before it.
    pub(in crate::solvers) fn linked(&self, i: isize) -> bool {
        self.ends[0] == End::Periodic || i > 0 && i <= self.last
    }
}

impl<T: Real, const N: usize> Nodal<T, N> {
    /// For the nodes `local` of a block that begins at global index `offset`, with cells of size
    /// `spacing`.
    pub(in crate::solvers) fn new(
        axes: &[NodeAxis; N],
        spacing: [f64; N],
        [beta, alpha]: [f64; 2],
        offset: [isize; N],
        local: Region<N>,
    ) -> Self {
        let table = |a: usize| {
            let (axis, unit) = (axes[a], beta / (spacing[a] * spacing[a]));
            let nodes = || (local.start[a]..local.end[a]).map(|i| i + offset[a]);
            let link = |i: isize| if axis.linked(i) { unit } else { 0.0 };
            let both = |i: isize| if axis.is_fixed(i - 1) || axis.is_fixed(i) { 0.0 } else { link(i) };
            let row = |i: isize| if axis.is_fixed(i) { 0.0 } else { link(i) + link(i + 1) };
            Table {
                below: nodes().map(|i| T::nearest(both(i))).collect(),
                above: nodes().map(|i| T::nearest(both(i + 1))).collect(),
                diagonal: nodes().map(|i| T::nearest(row(i))).collect(),
                share: nodes().map(|i| T::nearest(axis.share(i))).collect(),
                fixed: nodes().map(|i| if axis.is_fixed(i) { T::one() } else { T::zero() }).collect(),
            }
        };
        Self {
            tables: std::array::from_fn(table),
            shift: T::nearest(alpha),
            fixed_diagonal: T::nearest(fixed_diagonal(beta, spacing)),
        }
    }

    #[inline(always)]
    pub(in crate::solvers) fn row(&self, first: [isize; N], len: usize) -> NodalRow<'_, T, N> {
        let at = |a: usize| first[a] as usize;
        let share_but = |but: usize| {
            let mut share = T::one();
            for a in (0..N - 1).filter(|&a| a != but) {
                share *= self.tables[a].share[at(a)];
            }
            share
        };
        let (mut below, mut above) = ([T::zero(); N], [T::zero(); N]);
        let share = share_but(N);
        let mut diagonal = self.shift * share;
        let mut fixed = T::zero();
        for a in 0..N - 1 {
            let (table, others) = (&self.tables[a], share_but(a));
            below[a] = table.below[at(a)] * others;
            above[a] = table.above[at(a)] * others;
            diagonal += table.diagonal[at(a)] * others;
            if table.fixed[at(a)] != T::zero() {
                fixed = T::one();
            }
        }
        let (last, from) = (&self.tables[N - 1], at(N - 1));
        let along = [&last.below, &last.above, &last.diagonal, &last.share, &last.fixed];
        NodalRow {
            below,
            above,
            diagonal,
            share,
            fixed_diagonal: [self.fixed_diagonal * fixed, self.fixed_diagonal * (T::one() - fixed)],
            along: along.map(|table| &table[from..from + len]),
        }
    }
}

/// The diagonal of a node of given value, the same as of one inside the domain: a number of
/// the size of the others.
pub(in crate::solvers) fn fixed_diagonal<const N: usize>(beta: f64, spacing: [f64; N]) -> f64 {
    spacing.iter().map(|h| 2.0 * beta / (h * h)).sum()
}

impl<T: Real, const N: usize> RowCouplings<T, N> for NodalRow<'_, T, N> {
    #[inline(always)]
    fn at(&self, i: usize) -> Couplings<T, N> {
        let [along_below, along_above, along_diagonal, share, fixed] = self.along.map(|table| table[i]);
        let (mut below, mut above) = (self.below, self.above);
        for a in 0..N - 1 {
            below[a] *= share;
            above[a] *= share;
        }
        below[N - 1] = self.share * along_below;
        above[N - 1] = self.share * along_above;
        let diagonal = self.diagonal * share + self.share * along_diagonal;
        Couplings {
            below,
            above,
            diagonal: diagonal + self.fixed_diagonal[0] + self.fixed_diagonal[1] * fixed,
        }
    }

    #[inline(always)]
    fn trimmed(&self, len: usize) -> Self {
        Self { along: self.along.map(|table| &table[..len]), ..*self }
    }
}
