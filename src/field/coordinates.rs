//! Positions in space of a block's points.

use crate::grid::Centering;

/// Computes coordinates of points from their local indices. A plain value that threads can share.
#[derive(Clone, Copy)]
pub(super) struct Coordinates<const N: usize> {
    origin: [f64; N],
    spacing: [f64; N],
    shift: [f64; N],
    /// Global index of the local point 0.
    offset: [isize; N],
}

impl<const N: usize> Coordinates<N> {
    pub(super) fn new(origin: [f64; N], spacing: [f64; N], centering: Centering, offset: [isize; N]) -> Self {
        let shift = std::array::from_fn(|a| if centering.staggered(a) { 0.0 } else { 0.5 });
        Self { origin, spacing, shift, offset }
    }

    /// Global index of the point `i` points after `first` along the last axis.
    pub(super) fn global(&self, first: [isize; N], i: usize) -> [isize; N] {
        let along = |a: usize| if a + 1 == N { i as isize } else { 0 };
        std::array::from_fn(|a| self.offset[a] + first[a] + along(a))
    }

    pub(super) fn coordinates(&self, first: [isize; N], i: usize) -> [f64; N] {
        self.coordinates_of(self.global(first, i))
    }

    pub(super) fn coordinates_of(&self, index: [isize; N]) -> [f64; N] {
        std::array::from_fn(|a| self.origin[a] + (index[a] as f64 + self.shift[a]) * self.spacing[a])
    }
}
