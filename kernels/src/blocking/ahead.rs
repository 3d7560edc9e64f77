//! Bringing into the cache what the next tile will need from memory.
#![allow(unsafe_code, reason = "addresses of cells in view; a prefetch reads nothing")]

use crate::storage::CACHE_LINE;
use crate::storage::{Cells, Rows, prefetch, rows};
use crate::{Element, Region};

/// What a thread computes at the level at hand in the tile that follows.
///
/// Most of what that piece touches is in the cache: the tile before, or the level before, has touched it. Memory has
/// all cells of the first level, and at later ones the strips at the low edges, by which a tile lags behind
/// itself one level earlier. There each row would wait for memory, as hardware does not foresee such short runs.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<const N: usize> {
    /// The cells that it will compute.
    pub(super) cells: Region<N>,
    /// Whether this is the first level of the pass.
    pub(super) first_level: bool,
    /// How far the rule reads.
    pub(super) radius: usize,
    /// How far a tile lags behind itself one level earlier.
    pub(super) lag: [usize; N],
    /// Whether there are several tiles along an axis.
    pub(super) cut: [bool; N],
}

impl<const N: usize> Ahead<N> {
    /// Begins to fetch what the next piece reads from `input` and writes to `output`, while the rows of `piece` are computed.
    pub(super) fn fetch<T: Element>(
        &self,
        input: &Cells<T, N>,
        output: &Cells<T, N>,
        piece: Region<N>,
    ) -> Fetch<T, N> {
        let arrays = [*output, *input];
        let lines = |number: usize| {
            let region = self.region(number).intersection(&arrays[number % 2].region);
            rows(region).len() * lines_of::<T>(region.shape()[N - 1])
        };
        let lines: usize = (0..2 * N).map(lines).sum();
        Fetch {
            ahead: *self,
            arrays,
            number: 0,
            rows: rows(Region::new([0; N], [0; N])),
            line: std::ptr::null(),
            left: 0,
            quota: lines.div_ceil(rows(piece).len().max(1)),
        }
    }

    /// What memory has of the next piece: for axis `number / 2`, to be written if the number is even, or read.
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

/// The cache lines that the next piece needs, fetched a few at a time.
#[derive(Debug)]
pub struct Fetch<T, const N: usize> {
    ahead: Ahead<N>,
    /// What is written, and what is read.
    arrays: [Cells<T, N>; 2],
    /// The next of the regions of `ahead`.
    number: usize,
    /// Of the region before.
    rows: Rows<N>,
    /// Of the row before: the next line, and how many there are.
    line: *const i8,
    left: usize,
    /// Lines fetched at a time.
    quota: usize,
}

impl<T: Element, const N: usize> Fetch<T, N> {
    /// Fetches some lines, so many that all are fetched when each row of the piece has called this.
    #[inline]
    pub(super) fn some(&mut self) {
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

    /// Goes to the next row, if there is one.
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
            self.rows = rows(self.ahead.region(self.number).intersection(&array.region));
            self.number += 1;
        }
    }
}

/// The lines that so many cells have, or one less.
fn lines_of<T>(len: usize) -> usize {
    (len * size_of::<T>()).div_ceil(CACHE_LINE)
}
