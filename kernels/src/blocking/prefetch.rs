//! Prefetching of the cells that the next tile needs from memory.
#![allow(unsafe_code, reason = "addresses of cells in view; a prefetch reads nothing")]

use crate::storage::{CACHE_LINE, Cells, Rows, prefetch, rows};
use crate::{Element, Region};

/// The cells that a thread computes next at the current level: those of the tile that follows.
///
/// Most of the cells that the next tile touches are in the cache already, because the previous tile
/// or the previous level touched them. Still in memory are all cells of the first level and, at
/// later levels, the strips at the low edges, by which a tile lags behind itself one level earlier.
/// Each row of a strip would wait for memory, because the hardware does not foresee such short
/// runs.
#[derive(Clone, Copy, Debug)]
pub struct NextTile<const N: usize> {
    /// Cells that the tile computes.
    pub(super) cells: Region<N>,
    /// Whether the level is the first of the pass.
    pub(super) first_level: bool,
    /// Radius of the rule.
    pub(super) radius: usize,
    /// Cells by which a tile lags behind itself one level earlier.
    pub(super) lag: [usize; N],
    /// Whether there are several tiles along each axis.
    pub(super) cut: [bool; N],
}

impl<const N: usize> NextTile<N> {
    /// A prefetch of the cells that the tile reads from `input` and writes to `output`, spread over
    /// the rows of `piece`.
    pub(super) fn prefetch<T: Element>(
        &self,
        input: &Cells<T, N>,
        output: &Cells<T, N>,
        piece: Region<N>,
    ) -> Prefetch<T, N> {
        let arrays = [*output, *input];
        let lines = |number: usize| {
            let region = self.region(number).intersection(&arrays[number % 2].region);
            rows(region).len() * lines_of::<T>(region.shape()[N - 1])
        };
        let lines: usize = (0..2 * N).map(lines).sum();
        Prefetch {
            next: *self,
            arrays,
            number: 0,
            rows: rows(Region::new([0; N], [0; N])),
            line: std::ptr::null(),
            left: 0,
            quota: lines.div_ceil(rows(piece).len().max(1)),
        }
    }

    /// The cells of the tile that are still in memory, as region `number` of `2·N`: for axis
    /// `number / 2`, cells to be written if the number is even, or to be read.
    fn region(&self, number: usize) -> Region<N> {
        let (axis, radius) = (number / 2, self.radius as isize);
        let (written, axes) = if self.first_level {
            (self.cells, 1..N)
        } else {
            let start = self.cells.start[axis];
            let strip = start + self.lag[axis] as isize;
            (self.cells.with_axis(axis, start, self.cells.end[axis].min(strip)), axis..axis + 1)
        };
        if self.cells.is_empty() || self.first_level != (axis == 0) || !(self.first_level || self.cut[axis]) {
            return Region::new([0; N], [0; N]);
        }
        if number.is_multiple_of(2) {
            return written;
        }
        let read = written.with_axis(0, written.start[0] + radius, written.end[0] + radius);
        axes.fold(read, |read, a| read.with_axis(a, read.start[a] - radius, read.end[a]))
    }
}

/// The cache lines that the next tile needs, prefetched a few at a time.
#[derive(Debug)]
pub struct Prefetch<T, const N: usize> {
    next: NextTile<N>,
    /// The array written and the array read.
    arrays: [Cells<T, N>; 2],
    /// Number of the next region of `next`.
    number: usize,
    /// Rows left in the current region.
    rows: Rows<N>,
    /// The next line of the current row, and the number of lines left in it.
    line: *const i8,
    left: usize,
    /// Lines prefetched by each step.
    quota: usize,
}

impl<T: Element, const N: usize> Prefetch<T, N> {
    /// Prefetches some lines: all are done when every row of the piece has called this once.
    #[inline]
    pub(super) fn step(&mut self) {
        let mut quota = self.quota;
        while quota > 0 {
            while self.left == 0 {
                if !self.next_row() {
                    return;
                }
            }
            let lines = quota.min(self.left);
            (0..lines).for_each(|i| prefetch(self.line.wrapping_add(i * CACHE_LINE)));
            self.line = self.line.wrapping_add(lines * CACHE_LINE);
            self.left -= lines;
            quota -= lines;
        }
    }

    /// Moves to the next row, if there is one.
    fn next_row(&mut self) -> bool {
        loop {
            let array = self.arrays[(self.number + 1) % 2];
            if let Some((first, len)) = self.rows.next() {
                // SAFETY: in view.
                self.line = unsafe { array.at(first) }.cast();
                self.left = lines_of::<T>(len);
                return true;
            }
            if self.number == 2 * N {
                return false;
            }
            let array = self.arrays[self.number % 2];
            self.rows = rows(self.next.region(self.number).intersection(&array.region));
            self.number += 1;
        }
    }
}

/// Cache lines of `len` cells; a row that does not start on a line may have one more.
fn lines_of<T>(len: usize) -> usize {
    (len * size_of::<T>()).div_ceil(CACHE_LINE)
}
