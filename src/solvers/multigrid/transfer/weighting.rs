//! Full weighting: restriction where coarse points lie on fine ones, and take part of those on both
//! sides.
//!
//! Unlike averages over the cells that make up a coarse one, it needs the halo of the fine
//! residual, which therefore is stored.

use parhelion_kernels::{Region, View};

use super::by_rows::by_rows;
use crate::error::Result;
use crate::field::Field;
use crate::solvers::elliptic::axis::Axis;
use crate::solvers::linear::Real;

/// For each coarse point of this rank's block along one axis.
struct AxisWeights<T> {
    /// Fine points between two coarse ones: 1 or 2.
    stride: isize,
    /// Weights of the fine points before, at and after it.
    weights: Vec<[T; 3]>,
}

/// From a level's block to the next coarser one's.
pub(in crate::solvers::multigrid) struct Weighting<T, const N: usize> {
    axes: [AxisWeights<T>; N],
}

impl<T: Real, const N: usize> Weighting<T, N> {
    /// Tabulates the weights between the axes `fine` and `coarse`, for the coarse points `block`,
    /// global.
    pub(in crate::solvers::multigrid) fn new(fine: &[Axis; N], coarse: &[Axis; N], block: Region<N>) -> Self {
        let axes = std::array::from_fn(|a| AxisWeights {
            stride: if coarse[a].width == fine[a].width { 1 } else { 2 },
            weights: (block.start[a]..block.end[a])
                .map(|i| fine[a].weights(i, &coarse[a]).map(T::nearest))
                .collect(),
        });
        Self { axes }
    }

    /// `coarse = R fine`.
    ///
    /// # Collective
    /// Over all ranks of the fine grid.
    pub(in crate::solvers::multigrid) fn restrict(
        &self,
        fine: &mut Field<T, N>,
        coarse: &mut Field<T, N>,
    ) -> Result<()> {
        by_rows("restriction", size_of::<T>(), fine, coarse, |first, out, scratch, fine| {
            self.row(first, out, scratch, fine);
        })
    }

    /// One coarse row: the fine rows around it are added up, then the points of the sum.
    #[inline(always)]
    fn row(&self, first: [isize; N], out: &mut [T], scratch: &mut Vec<T>, fine: &View<'_, T, N>) {
        let last = &self.axes[N - 1];
        let stride = last.stride as usize;
        scratch.clear();
        scratch.resize((out.len() - 1) * stride + 3, T::zero());
        for number in 0..3_usize.pow(N as u32 - 1) {
            let (mut index, mut weight, mut digits) = (first, T::one(), number);
            for a in 0..N - 1 {
                let axis = &self.axes[a];
                weight *= axis.weights[first[a] as usize][digits % 3];
                index[a] = axis.stride * first[a] + (digits % 3) as isize - 1;
                digits /= 3;
            }
            index[N - 1] = last.stride * first[N - 1] - 1;
            if weight != T::zero() {
                let row = fine.row(index, scratch.len());
                scratch.iter_mut().zip(row).for_each(|(sum, &value)| *sum += weight * value);
            }
        }
        let weights = &last.weights[first[N - 1] as usize..][..out.len()];
        for (i, (out, [before, at, after])) in out.iter_mut().zip(weights).enumerate() {
            let around = &scratch[i * stride..][..3];
            *out = *before * around[0] + *at * around[1] + *after * around[2];
        }
    }
}
