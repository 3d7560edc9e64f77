//! Boxes of indices.

use std::fmt;

/// A half-open box of indices, `start[a] ≤ i[a] < end[a]` on every axis `a`, axis 0 slowest.
///
/// Indices are signed: the cell before a block's first cell is `-1`. A region does not know its
/// frame (global, or local with the first owned cell at 0); functions that return one document it.
///
/// ```
/// use parhelion_kernels::Region;
///
/// let block = Region::from_shape([4, 6]);
/// let with_halo = block.grown([[1, 1], [2, 0]]);
/// assert_eq!(with_halo.shape(), [6, 8]);
/// assert!(with_halo.contains([-1, -2]) && !block.contains([-1, -2]));
/// assert_eq!(block.intersection(&with_halo), block);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region<const N: usize> {
    /// First index on each axis.
    pub start: [isize; N],
    /// One past the last index on each axis; an axis with `end ≤ start` makes the region empty.
    pub end: [isize; N],
}

impl<const N: usize> Region<N> {
    /// The region `start..end`.
    pub const fn new(start: [isize; N], end: [isize; N]) -> Self {
        Self { start, end }
    }

    /// The region of this shape (cells per axis) whose first cell is the origin.
    ///
    /// All methods clamp indices to the range of `isize`.
    pub fn from_shape(shape: [usize; N]) -> Self {
        Self { start: [0; N], end: shape.map(index) }
    }

    /// Cells per axis (0 on an empty axis).
    pub fn shape(&self) -> [usize; N] {
        std::array::from_fn(|a| self.end[a].saturating_sub(self.start[a]).max(0) as usize)
    }

    /// Number of cells (`usize::MAX` if there are more).
    pub fn len(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        self.shape().iter().fold(1, |cells, &n| cells.saturating_mul(n))
    }

    /// Whether the region has no cells.
    pub fn is_empty(&self) -> bool {
        (0..N).any(|a| self.end[a] <= self.start[a])
    }

    /// Whether `index` lies in the region.
    pub fn contains(&self, index: [isize; N]) -> bool {
        (0..N).all(|a| (self.start[a]..self.end[a]).contains(&index[a]))
    }

    /// Whether every cell of `other` lies in this region (an empty region always does).
    pub fn contains_region(&self, other: &Self) -> bool {
        other.is_empty() || (0..N).all(|a| self.start[a] <= other.start[a] && other.end[a] <= self.end[a])
    }

    /// The cells in both regions.
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            start: std::array::from_fn(|a| self.start[a].max(other.start[a])),
            end: std::array::from_fn(|a| self.end[a].min(other.end[a])),
        }
    }

    /// The smallest region that contains both.
    pub fn hull(&self, other: &Self) -> Self {
        Self {
            start: std::array::from_fn(|a| self.start[a].min(other.start[a])),
            end: std::array::from_fn(|a| self.end[a].max(other.end[a])),
        }
    }

    /// The region grown on axis `a` by `width[a][0]` cells before and `width[a][1]` cells after it.
    pub fn grown(&self, width: [[usize; 2]; N]) -> Self {
        Self {
            start: std::array::from_fn(|a| self.start[a].saturating_sub(index(width[a][0]))),
            end: std::array::from_fn(|a| self.end[a].saturating_add(index(width[a][1]))),
        }
    }

    /// The region shrunk on axis `a` by `width[a][0]` cells at its start and `width[a][1]` at its
    /// end.
    pub fn shrunk(&self, width: [[usize; 2]; N]) -> Self {
        Self {
            start: std::array::from_fn(|a| self.start[a].saturating_add(index(width[a][0]))),
            end: std::array::from_fn(|a| self.end[a].saturating_sub(index(width[a][1]))),
        }
    }

    /// The region moved by `offset`.
    pub fn shifted(&self, offset: [isize; N]) -> Self {
        Self {
            start: std::array::from_fn(|a| self.start[a].saturating_add(offset[a])),
            end: std::array::from_fn(|a| self.end[a].saturating_add(offset[a])),
        }
    }

    /// The region with the range of one axis replaced.
    pub fn with_axis(mut self, axis: usize, start: isize, end: isize) -> Self {
        self.start[axis] = start;
        self.end[axis] = end;
        self
    }

    /// The parts of this region outside `core`, as at most 2·N disjoint boxes. Full slabs on axis 0
    /// come first, so the pieces cut along the fastest axis are the smallest.
    pub fn shells(&self, core: &Self) -> Vec<Self> {
        let core = self.intersection(core);
        if core.is_empty() {
            return if self.is_empty() { vec![] } else { vec![*self] };
        }
        let mut rest = *self;
        let mut shells = Vec::with_capacity(2 * N);
        for a in 0..N {
            for piece in
                [rest.with_axis(a, rest.start[a], core.start[a]), rest.with_axis(a, core.end[a], rest.end[a])]
            {
                if !piece.is_empty() {
                    shells.push(piece);
                }
            }
            rest = rest.with_axis(a, core.start[a], core.end[a]);
        }
        shells
    }

    /// Every index, last axis fastest.
    pub fn indices(&self) -> impl Iterator<Item = [isize; N]> + use<N> {
        let region = *self;
        let shape = region.shape();
        (0..region.len()).map(move |linear| {
            let mut rest = linear;
            let mut index = region.start;
            for a in (0..N).rev() {
                index[a] += (rest % shape[a]) as isize;
                rest /= shape[a];
            }
            index
        })
    }

    /// The first index and the length of every row (a run along the last axis), in memory order.
    ///
    /// ```
    /// use parhelion_kernels::Region;
    ///
    /// let rows: Vec<_> = Region::new([1, -1], [3, 2]).rows().collect();
    /// assert_eq!(rows, [([1, -1], 3), ([2, -1], 3)]);
    /// ```
    pub fn rows(&self) -> impl Iterator<Item = ([isize; N], usize)> + use<N> {
        crate::storage::rows(*self)
    }

    /// Part `part` of `parts` of this region. The parts tile the region and are balanced to within
    /// one row; cuts are along the slowest axes, so parts are contiguous where possible.
    ///
    /// The cut depends only on the arguments, so first touch and all sweeps agree on it.
    ///
    /// ```
    /// use parhelion_kernels::Region;
    ///
    /// let r = Region::from_shape([5, 8]);
    /// assert_eq!(r.part(0, 2), Region::new([0, 0], [2, 8]));
    /// assert_eq!(r.part(1, 2), Region::new([2, 0], [5, 8]));
    /// // 2 rows cannot feed 4 threads: the next axis is cut as well
    /// assert_eq!(Region::from_shape([2, 8]).part(3, 4), Region::new([1, 4], [2, 8]));
    /// ```
    pub fn part(&self, part: usize, parts: usize) -> Self {
        let mut region = *self;
        let (mut part, mut parts) = (part, parts);
        for a in 0..N {
            let cells = region.shape()[a];
            // the fastest axis takes what is left; a slower one is cut by a divisor of `parts`
            let cuts = if a + 1 == N || cells >= 4 * parts {
                parts
            } else {
                (1..=parts.min(cells.max(1))).rev().find(|c| parts % c == 0).unwrap_or(1)
            };
            let inner = parts / cuts;
            let (mine, rest) = (part / inner, part % inner);
            let origin = region.start[a];
            region = region.with_axis(
                a,
                origin + (mine * cells / cuts) as isize,
                origin + ((mine + 1) * cells / cuts) as isize,
            );
            (part, parts) = (rest, inner);
        }
        region
    }
}

/// A number of cells as an index.
fn index(cells: usize) -> isize {
    isize::try_from(cells).unwrap_or(isize::MAX)
}

impl<const N: usize> fmt::Debug for Region<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for a in 0..N {
            write!(f, "{}{}..{}", if a == 0 { "[" } else { ", " }, self.start[a], self.end[a])?;
        }
        f.write_str("]")
    }
}

/// The first cell and the length of every row of `region`.
pub(crate) fn rows<const N: usize>(region: Region<N>) -> Rows<N> {
    let len = region.shape()[N - 1];
    let firsts = if region.is_empty() {
        region
    } else {
        region.with_axis(N - 1, region.start[N - 1], region.start[N - 1] + 1)
    };
    Rows { firsts, next: firsts.start, left: firsts.len(), len }
}

/// The iterator of [`rows`].
#[derive(Clone, Debug)]
pub(crate) struct Rows<const N: usize> {
    /// The first cells of all rows.
    firsts: Region<N>,
    next: [isize; N],
    left: usize,
    len: usize,
}

impl<const N: usize> Iterator for Rows<N> {
    type Item = ([isize; N], usize);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let row = self.next;
        for a in (0..N.saturating_sub(1)).rev() {
            self.next[a] += 1;
            if self.next[a] < self.firsts.end[a] {
                break;
            }
            self.next[a] = self.firsts.start[a];
        }
        Some((row, self.len))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<const N: usize> ExactSizeIterator for Rows<N> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tiles(whole: &Region<3>, pieces: &[Region<3>]) -> bool {
        let disjoint = pieces
            .iter()
            .enumerate()
            .all(|(i, p)| pieces[i + 1..].iter().all(|q| p.intersection(q).is_empty()));
        disjoint
            && pieces.iter().all(|p| whole.contains_region(p))
            && pieces.iter().map(Region::len).sum::<usize>() == whole.len()
    }

    proptest! {
        #[test]
        fn parts_tile_the_region(shape in prop::array::uniform3(1_usize..12), parts in 1_usize..17) {
            let region = Region::from_shape(shape).shifted([-3, 5, 0]);
            let pieces: Vec<_> = (0..parts).map(|p| region.part(p, parts)).collect();
            prop_assert!(tiles(&region, &pieces));
        }

        #[test]
        fn shells_and_core_tile_the_region(
            shape in prop::array::uniform3(1_usize..8),
            width in prop::array::uniform3(prop::array::uniform2(0_usize..4)),
        ) {
            let region = Region::from_shape(shape);
            let core = region.shrunk(width);
            let mut pieces = region.shells(&core);
            if !core.is_empty() {
                pieces.push(core);
            }
            prop_assert!(tiles(&region, &pieces));
        }
    }

    #[test]
    fn sizes_beyond_the_range_of_indices_do_not_wrap() {
        let most = isize::MAX;
        let region = Region::from_shape([usize::MAX, 2]);
        assert_eq!((region.end, region.len()), ([most, 2], usize::MAX - 1));
        assert_eq!(Region::from_shape([1 << 40, 1 << 40]).len(), usize::MAX);
        let grown = Region::new([isize::MIN], [isize::MIN + 2]).grown([[5, usize::MAX]]);
        assert_eq!(grown, Region::new([isize::MIN], [1]));
        assert_eq!(Region::new([isize::MIN], [most]).shape(), [most as usize]);
    }

    #[test]
    fn rows_visit_every_cell_in_memory_order() {
        let region = Region::new([-1, 2, 0], [1, 4, 5]);
        let visited: Vec<_> = rows(region)
            .flat_map(|(i, len)| (0..len as isize).map(move |k| [i[0], i[1], i[2] + k]))
            .collect();
        assert_eq!(visited, region.indices().collect::<Vec<_>>());
        assert_eq!(rows(Region::new([0, 0], [0, 4])).count(), 0);
        assert_eq!(rows(Region::new([0, 0], [4, 0])).count(), 0);
        assert_eq!(rows(Region::from_shape([7])).collect::<Vec<_>>(), [([0], 7)]);
    }

    #[test]
    fn indices_run_with_the_last_axis_fastest() {
        let all: Vec<_> = Region::new([1, -1], [3, 1]).indices().collect();
        assert_eq!(all, [[1, -1], [1, 0], [2, -1], [2, 0]]);
        assert_eq!(Region::new([0, 0], [0, 3]).indices().count(), 0);
    }
}
