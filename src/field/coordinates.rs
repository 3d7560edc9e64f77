//! Positions in space of a block's points.

use crate::grid::{Grid, GridAxis};

/// Computes coordinates of points from their local indices. A plain value that threads can share.
#[derive(Clone)]
pub(super) struct Coordinates<const N: usize> {
    axes: [GridAxis; N],
    staggered: [bool; N],
    /// Global index of the local point 0.
    offset: [isize; N],
}

impl<const N: usize> Coordinates<N> {
    /// For points of `grid` that are staggered along these axes.
    pub(super) fn new(grid: &Grid<N>, staggered: [bool; N], offset: [isize; N]) -> Self {
        Self { axes: grid.axes().clone(), staggered, offset }
    }

    /// The axes of the grid.
    pub(super) fn axes(&self) -> &[GridAxis; N] {
        &self.axes
    }

    /// Global index of the point `i` points after `first` along the last axis.
    #[inline(always)]
    pub(super) fn global(&self, first: [isize; N], i: usize) -> [isize; N] {
        let along = |a: usize| if a + 1 == N { i as isize } else { 0 };
        std::array::from_fn(|a| self.offset[a] + first[a] + along(a))
    }

    #[inline(always)]
    pub(super) fn coordinates(&self, first: [isize; N], i: usize) -> [f64; N] {
        self.coordinates_of(self.global(first, i))
    }

    #[inline(always)]
    pub(super) fn coordinates_of(&self, index: [isize; N]) -> [f64; N] {
        std::array::from_fn(|a| self.axes[a].coordinate(index[a], self.staggered[a]))
    }
}
