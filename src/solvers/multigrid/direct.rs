//! The coarsest system, solved directly.

use crate::error::Result;
use crate::field::Field;
use crate::solvers::elliptic::matrix::Discrete;
use crate::solvers::linear::Real;

/// An LU factorization with partial pivoting of a system on one rank.
pub(super) struct Direct {
    cells: usize,
    /// Rows of L and U, in the order of `pivots`.
    factors: Vec<f64>,
    pivots: Vec<usize>,
}

impl Direct {
    /// Of an operator whose grid lies on this rank alone. Of a singular one, constants are made
    /// regular: it then gives the solution of mean 0 of right-hand sides that have one.
    pub(super) fn new<T: Real, const N: usize>(operator: &Discrete<T, N>, singular: bool) -> Result<Self> {
        let mut unit = operator.grid.field::<T>("unit");
        let mut column = operator.grid.field::<T>("column");
        let indices: Vec<[isize; N]> = unit.region_local().indices().collect();
        let cells = indices.len();
        let mut factors = vec![0.0; cells * cells];
        for (j, &index) in indices.iter().enumerate() {
            unit.set_local(index, T::one());
            operator.apply(&mut unit, &mut column)?;
            unit.set_local(index, T::zero());
            for (i, &row) in indices.iter().enumerate() {
                factors[i * cells + j] = column.get_local(row).wide();
            }
        }
        if singular {
            let largest = (0..cells).map(|i| factors[i * cells + i]).fold(0.0, f64::max);
            let each = if largest > 0.0 { largest / cells as f64 } else { 1.0 };
            factors.iter_mut().for_each(|value| *value += each);
        }
        let mut pivots: Vec<usize> = (0..cells).collect();
        for k in 0..cells {
            let size = |row: &usize| factors[row * cells + k].abs();
            let best = (k..cells).max_by(|&i, &j| size(&pivots[i]).total_cmp(&size(&pivots[j]))).unwrap_or(k);
            pivots.swap(k, best);
            let top = pivots[k] * cells;
            let pivot = factors[top + k];
            for &row in &pivots[k + 1..] {
                let row = row * cells;
                let factor = if pivot == 0.0 { 0.0 } else { factors[row + k] / pivot };
                factors[row + k] = factor;
                for j in k + 1..cells {
                    factors[row + j] -= factor * factors[top + j];
                }
            }
        }
        Ok(Self { cells, factors, pivots })
    }

    /// `u = A⁻¹ f`.
    pub(super) fn solve<T: Real, const N: usize>(&self, f: &Field<T, N>, u: &mut Field<T, N>) {
        let region = f.region_local();
        let right: Vec<f64> = region.indices().map(|index| f.get_local(index).wide()).collect();
        let row = |i: usize| &self.factors[self.pivots[i] * self.cells..][..self.cells];
        let mut x = vec![0.0; self.cells];
        for i in 0..self.cells {
            x[i] = right[self.pivots[i]];
            for j in 0..i {
                x[i] -= row(i)[j] * x[j];
            }
        }
        for i in (0..self.cells).rev() {
            for j in i + 1..self.cells {
                x[i] -= row(i)[j] * x[j];
            }
            x[i] = if row(i)[i] == 0.0 { 0.0 } else { x[i] / row(i)[i] };
        }
        for (index, value) in region.indices().zip(x) {
            u.set_local(index, T::nearest(value));
        }
    }
}
