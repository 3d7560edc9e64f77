//! The loop over a row that all uses of an operator share.

use parhelion_kernels::{Ring, View};

use crate::solvers::linear::Real;

/// The couplings of one cell to its neighbors on each axis.
#[derive(Clone, Copy)]
pub(in crate::solvers) struct Couplings<T, const N: usize> {
    pub(in crate::solvers) below: [T; N],
    pub(in crate::solvers) above: [T; N],
    pub(in crate::solvers) diagonal: T,
}

/// The couplings of the cells of one row.
pub(in crate::solvers) trait RowCouplings<T, const N: usize> {
    fn at(&self, i: usize) -> Couplings<T, N>;

    /// The couplings of the first `len` cells: lets the compiler see in a loop that none of them
    /// lies outside.
    fn trimmed(&self, len: usize) -> Self;
}

/// A source of rows of values.
pub(in crate::solvers) trait Rows<T, const N: usize> {
    /// The `len` values from `index` on along the last axis.
    fn row(&self, index: [isize; N], len: usize) -> &[T];
}

impl<T: Real, const N: usize> Rows<T, N> for View<'_, T, N> {
    #[inline(always)]
    fn row(&self, index: [isize; N], len: usize) -> &[T] {
        View::row(self, index, len)
    }
}

impl<T: Real, const N: usize> Rows<T, N> for Ring<T, N> {
    #[inline(always)]
    fn row(&self, index: [isize; N], len: usize) -> &[T] {
        Ring::row(self, index, len)
    }
}

/// Writes `rule(i, f, u of the cell, Σ coupling · u of the neighbors, diagonal)` to
/// every cell of the row that begins at `first`.
///
/// A separate function, all slices cut to one length, so that the compiler knows that the row
/// written overlaps none of those read, needs no bounds checks, and vectorizes the loop.
#[inline(never)]
pub(in crate::solvers) fn row<T: Real, C: RowCouplings<T, N>, const N: usize>(
    couplings: &C,
    u: &impl Rows<T, N>,
    f: &[T],
    first: [isize; N],
    out: &mut [T],
    rule: impl Fn(usize, T, T, T, T) -> T,
) {
    let len = out.len();
    let along = |step: isize| -> [&[T]; N] {
        std::array::from_fn(|a| {
            let mut index = first;
            index[a] += step;
            &u.row(index, len)[..len]
        })
    };
    let (below, above, center) = (along(-1), along(1), &u.row(first, len)[..len]);
    let (couplings, f) = (couplings.trimmed(len), &f[..len]);
    for i in 0..len {
        let at = couplings.at(i);
        let mut around = at.below[0] * below[0][i] + at.above[0] * above[0][i];
        for a in 1..N {
            around += at.below[a] * below[a][i] + at.above[a] * above[a][i];
        }
        out[i] = rule(i, f[i], center[i], around, at.diagonal);
    }
}

/// As [`row`], where nothing but the diagonal counts: `rule(i, f, diagonal)`.
#[inline(never)]
pub(in crate::solvers) fn row_of_diagonal<T: Real, C: RowCouplings<T, N>, const N: usize>(
    couplings: &C,
    f: &[T],
    out: &mut [T],
    rule: impl Fn(usize, T, T) -> T,
) {
    let len = out.len();
    let (couplings, f) = (couplings.trimmed(len), &f[..len]);
    for i in 0..len {
        out[i] = rule(i, f[i], couplings.at(i).diagonal);
    }
}
