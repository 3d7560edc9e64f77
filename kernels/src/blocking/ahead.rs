//! Bringing into the cache what the next tile will need from memory.
#![allow(unsafe_code, reason = "addresses of cells in view; a prefetch reads nothing")]

use crate::layout::CACHE_LINE;
use crate::view::{Cells, rows};
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
}

/// Cells computed between two batches of prefetches: few enough for the memory to keep pace.
const BATCH: usize = 2048;

impl<const N: usize> Ahead<N> {
    /// The batches of `piece` in their order, each with its number and how many there are.
    pub(super) fn batches(
        &self,
        piece: Region<N>,
    ) -> impl Iterator<Item = (Region<N>, usize, usize)> + use<N> {
        let rows = if N > 1 { piece.shape()[N.saturating_sub(2)] } else { 1 };
        let batches = if self.cells.is_empty() { 1 } else { rows.min(piece.len() / BATCH).max(1) };
        (0..batches).map(move |i| {
            let batch = if batches == 1 { piece } else { cut(piece, N.saturating_sub(2), i, batches) };
            (batch, i, batches)
        })
    }

    /// Prefetches share `part` of `parts` of what the piece reads from `input` and writes to `output`.
    pub(super) fn fetch<T: Element>(
        &self,
        input: &Cells<T, N>,
        output: &Cells<T, N>,
        part: usize,
        parts: usize,
    ) {
        if self.cells.is_empty() {
            return;
        }
        let radius = self.radius as isize;
        let fetch = |written: Region<N>, axes: std::ops::Range<usize>| {
            let mut read = written.with_axis(0, written.start[0] + radius, written.end[0] + radius);
            for a in axes {
                read = read.with_axis(a, read.start[a] - radius, read.end[a]);
            }
            for (cells, region) in [(output, written), (input, read)] {
                let axis = if N > 1 && region.shape()[N - 2] >= parts { N - 2 } else { N - 1 };
                let share = cut(region, axis, part, parts).intersection(&cells.region);
                for (first, len) in rows(share) {
                    // SAFETY: in view.
                    lines(unsafe { cells.at(first) }, len);
                }
            }
        };
        if self.first_level {
            return fetch(self.cells, 1..N);
        }
        for a in 1..N {
            let start = self.cells.start[a];
            fetch(
                self.cells.with_axis(a, start, self.cells.end[a].min(start + self.lag[a] as isize)),
                a..a + 1,
            );
        }
    }
}

/// Share `part` of `parts` of the region along one axis.
fn cut<const N: usize>(region: Region<N>, axis: usize, part: usize, parts: usize) -> Region<N> {
    let (start, length) = (region.start[axis], region.shape()[axis]);
    let edge = |i: usize| start + (length * i / parts) as isize;
    region.with_axis(axis, edge(part), edge(part + 1))
}

/// Prefetches the cache lines of `len` cells, into the second level of cache: the first has no room for a tile.
fn lines<T>(first: *const T, len: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        let before = first.addr() % CACHE_LINE;
        let line = first.cast::<i8>().wrapping_sub(before);
        for offset in (0..before + len * size_of::<T>()).step_by(CACHE_LINE) {
            // SAFETY: every x86-64 processor has the instruction, and it accepts any address.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(line.wrapping_add(offset)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (first, len);
}
