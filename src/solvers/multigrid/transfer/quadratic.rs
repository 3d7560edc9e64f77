//! Interpolation of solutions, by parabolas along each axis: what full multigrid begins with on a
//! level.
//!
//! Corrections are interpolated linearly, which is enough to converge. The first iterate should be
//! more exact than that (of third order for a second-order discretization), or its error is larger
//! than the level's own.

use parhelion_kernels::{Region, View};

use super::by_rows::by_rows;
use crate::error::Result;
use crate::field::Field;
use crate::solvers::elliptic::axis::Axis;
use crate::solvers::linear::Real;
/// Quadratic interpolation between two levels of cells.
pub(in crate::solvers::multigrid) struct Quadratic<T, const N: usize> {
    /// For each axis and fine cell of this rank's block, the weights of the parent's neighbor
    /// before, the parent, and the one after.
    weights: [Vec<[T; 3]>; N],
    /// The axes along which two cells become one.
    halves: [bool; N],
}

impl<T: Real, const N: usize> Quadratic<T, N> {
    /// Tabulates the weights for the cells of `block`, global, of the axes `axes`.
    pub(in crate::solvers::multigrid) fn new(axes: &[Axis; N], coarse: &[Axis; N], block: Region<N>) -> Self {
        let weights = |a: usize| {
            let cells = block.start[a]..block.end[a];
            cells.map(|i| axes[a].interpolated_by_parabola(i, &coarse[a]).map(T::nearest)).collect()
        };
        Self {
            weights: std::array::from_fn(weights),
            halves: std::array::from_fn(|a| coarse[a].width != axes[a].width),
        }
    }

    /// `u = P coarse`.
    ///
    /// # Collective
    /// Over all ranks of the coarse grid.
    pub(in crate::solvers::multigrid) fn interpolate(
        &self,
        coarse: &mut Field<T, N>,
        u: &mut Field<T, N>,
    ) -> Result<()> {
        by_rows("interpolation", size_of::<T>(), coarse, u, |first, out, along, coarse| {
            self.row(first, out, along, coarse);
        })
    }

    #[inline(always)]
    fn row(&self, first: [isize; N], out: &mut [T], along: &mut Vec<T>, coarse: &View<'_, T, N>) {
        let parent = |a: usize, i: isize| if self.halves[a] { i.div_euclid(2) } else { i };
        let (start, end) = (first[N - 1], first[N - 1] + out.len() as isize);
        // The coarse row with one cell more on both sides, interpolated along the other axes.
        let from = parent(N - 1, start) - 1;
        along.clear();
        along.resize((parent(N - 1, end - 1) + 2 - from) as usize, T::zero());
        for code in 0..3_usize.pow(N as u32 - 1) {
            let (mut index, mut weight, mut rest) = ([from; N], T::one(), code);
            for a in 0..N - 1 {
                weight *= self.weights[a][first[a] as usize][rest % 3];
                index[a] = parent(a, first[a]) + (rest % 3) as isize - 1;
                rest /= 3;
            }
            if weight != T::zero() {
                let row = coarse.row(index, along.len());
                along.iter_mut().zip(row).for_each(|(sum, &value)| *sum += weight * value);
            }
        }
        let weights = &self.weights[N - 1][start as usize..end as usize];
        for (i, (out, [low, own, high])) in out.iter_mut().zip(weights).enumerate() {
            let at = (parent(N - 1, start + i as isize) - from) as usize;
            *out = *low * along[at - 1] + *own * along[at] + *high * along[at + 1];
        }
    }
}
