//! What lies beyond the walls of a block.

use crate::View;

/// The walls of a block, and the values of the halo cells beyond them.
///
/// A wall is at an end of the block, either between points or on the outermost point. Halo cells
/// beyond a wall of [`reach`](Self::reach) 0 depend on their mirror image or only on their place:
/// the halo cell `i` on the wall's axis has the image `mirror − i` inside. Beyond other walls, they
/// depend on the outermost cells inside, on the same line along the axis. Beyond edges and corners
/// the last axis decides; the cells that it reads were filled by the earlier axes.
pub trait Walls<T, const N: usize>: Sync {
    /// The sum of the indices of a halo cell and its image. `None` where there is no wall.
    fn mirror(&self, axis: usize, high: bool) -> Option<isize>;

    /// The number of outermost cells, counted from the wall inward, that halo cells depend on. 0
    /// where they depend on their image or their place.
    fn reach(&self, _axis: usize, _high: bool) -> usize {
        0
    }

    /// Whether a wall carries points and gives them values.
    fn gives_values(&self, axis: usize, high: bool) -> bool;

    /// Writes the values of points on a wall that gives them, from `first` on along the last axis.
    fn set(&self, axis: usize, high: bool, first: [isize; N], points: &mut [T]);

    /// Turns `cells`, which hold the images, into the values of the halo cells from `first` on
    /// along the last axis, `level` steps after the start of the pass.
    fn fill(&self, axis: usize, high: bool, level: usize, first: [isize; N], cells: &mut [T]);

    /// As [`fill`](Self::fill) beyond a wall with a reach: writes `cells`, which hold old values,
    /// from the outermost cells `inside`.
    fn extend(
        &self,
        _axis: usize,
        _high: bool,
        _level: usize,
        _first: [isize; N],
        _inside: View<'_, T, N>,
        _cells: &mut [T],
    ) {
    }
}

/// A block without walls.
#[derive(Clone, Copy, Debug)]
pub struct NoWalls;

impl<T, const N: usize> Walls<T, N> for NoWalls {
    fn mirror(&self, _: usize, _: bool) -> Option<isize> {
        None
    }
    fn gives_values(&self, _: usize, _: bool) -> bool {
        false
    }
    fn set(&self, _: usize, _: bool, _: [isize; N], _: &mut [T]) {}
    fn fill(&self, _: usize, _: bool, _: usize, _: [isize; N], _: &mut [T]) {}
}

impl<T, W: Walls<T, N>, const N: usize> Walls<T, N> for &W {
    fn mirror(&self, axis: usize, high: bool) -> Option<isize> {
        W::mirror(self, axis, high)
    }
    fn reach(&self, axis: usize, high: bool) -> usize {
        W::reach(self, axis, high)
    }
    fn gives_values(&self, axis: usize, high: bool) -> bool {
        W::gives_values(self, axis, high)
    }
    fn set(&self, axis: usize, high: bool, first: [isize; N], points: &mut [T]) {
        W::set(self, axis, high, first, points);
    }
    fn fill(&self, axis: usize, high: bool, level: usize, first: [isize; N], cells: &mut [T]) {
        W::fill(self, axis, high, level, first, cells);
    }
    fn extend(
        &self,
        axis: usize,
        high: bool,
        level: usize,
        first: [isize; N],
        inside: View<'_, T, N>,
        cells: &mut [T],
    ) {
        W::extend(self, axis, high, level, first, inside, cells);
    }
}
