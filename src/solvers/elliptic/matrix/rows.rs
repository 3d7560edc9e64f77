//! The loop over a row that all uses of an operator share.

use parhelion_kernels::{Ring, View, rule, write_row};

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
/// All slices are cut to one length inside the loop's function, so that the compiler needs no bounds
/// checks and vectorizes the loop.
#[inline(always)]
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
            u.row(index, len)
        })
    };
    let (below, above, center) = (along(-1), along(1), u.row(first, len));
    write_row(
        out,
        rule!(|len| {
            let (below, above) = (below.map(|row| &row[..len]), above.map(|row| &row[..len]));
            let (center, f) = (&center[..len], &f[..len]);
            let couplings = couplings.trimmed(len);
            rule!(let value = move |i: usize| {
                let at = couplings.at(i);
                let mut around = at.below[0] * below[0][i] + at.above[0] * above[0][i];
                for a in 1..N {
                    around += at.below[a] * below[a][i] + at.above[a] * above[a][i];
                }
                rule(i, f[i], center[i], around, at.diagonal)
            });
            value
        }),
    );
}

/// As [`row`], where nothing but the diagonal counts: `rule(i, f, diagonal)`.
#[inline(always)]
pub(in crate::solvers) fn row_of_diagonal<T: Real, C: RowCouplings<T, N>, const N: usize>(
    couplings: &C,
    f: &[T],
    out: &mut [T],
    rule: impl Fn(usize, T, T) -> T,
) {
    write_row(
        out,
        rule!(|len| {
            let (couplings, f) = (couplings.trimmed(len), &f[..len]);
            rule!(let value = move |i: usize| rule(i, f[i], couplings.at(i).diagonal));
            value
        }),
    );
}

/// The rule of half a red-black sweep on a row: cells for which `i + odd` is even move toward the
/// value that solves their equation, by `omega` of the way.
#[inline(always)]
pub(in crate::solvers) fn relaxed<T: Real>(odd: usize, omega: T) -> impl Fn(usize, T, T, T, T) -> T {
    rule!(let rule = move |i: usize, f, u, around, diagonal| {
        if (i + odd).is_multiple_of(2) { u + omega * ((f + around) / diagonal - u) } else { u }
    });
    rule
}

/// As [`relaxed`], from `u = 0`.
#[inline(always)]
pub(in crate::solvers) fn relaxed_zero<T: Real>(odd: usize, omega: T) -> impl Fn(usize, T, T) -> T {
    rule!(let rule = move |i: usize, f, diagonal| {
        if (i + odd).is_multiple_of(2) { omega * (f / diagonal) } else { T::zero() }
    });
    rule
}
