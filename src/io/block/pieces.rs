//! Cutting a block into pieces of limited size.

use std::ops::Range;

use super::index::unravel;

/// The pieces of a block, in C order, each a box of at most `limit` bytes (but one element at
/// least).
///
/// MPI-IO counts bytes in 32 bits at more than one place, and staging buffers are small, so
/// transfers go piece by piece. The slowest axes are cut first, which keeps pieces contiguous.
#[derive(Debug)]
pub(in crate::io) struct Pieces {
    shape: Vec<usize>,
    /// The axis that is cut into runs of `run`; slower axes are cut into single indices.
    axis: usize,
    run: usize,
}

/// One box of a block: first index and length per axis, relative to the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::io) struct Piece {
    pub(in crate::io) start: Vec<usize>,
    pub(in crate::io) count: Vec<usize>,
}

impl Pieces {
    pub(in crate::io) fn new(shape: &[usize], element_size: usize, limit: usize) -> Self {
        let mut below = element_size;
        let mut axis = shape.len() - 1;
        while axis > 0 && below.saturating_mul(shape[axis]) <= limit {
            below *= shape[axis];
            axis -= 1;
        }
        let run = (limit / below.max(1)).clamp(1, shape[axis].max(1));
        Self { shape: shape.to_vec(), axis, run }
    }

    /// Number of pieces; zero for an empty block.
    pub(in crate::io) fn len(&self) -> usize {
        if self.shape.contains(&0) {
            return 0;
        }
        self.shape[..self.axis].iter().product::<usize>() * self.shape[self.axis].div_ceil(self.run)
    }

    /// How many elements come before the piece of this number, which may be the one after the last.
    pub(in crate::io) fn before(&self, number: usize) -> usize {
        let runs = self.shape[self.axis].div_ceil(self.run).max(1);
        let whole = number / runs * self.shape[self.axis];
        (whole + number % runs * self.run) * self.shape[self.axis + 1..].iter().product::<usize>()
    }

    /// The piece of this number, or an empty one beyond the last.
    pub(in crate::io) fn get(&self, number: usize) -> Piece {
        let mut start = vec![0; self.shape.len()];
        if number >= self.len() {
            return Piece { count: start.clone(), start };
        }
        let mut count = self.shape.clone();
        let runs = self.shape[self.axis].div_ceil(self.run);
        start[self.axis] = number % runs * self.run;
        count[self.axis] = self.run.min(self.shape[self.axis] - start[self.axis]);
        for (axis, index) in unravel(number / runs, &self.shape[..self.axis]) {
            (start[axis], count[axis]) = (index, 1);
        }
        Piece { start, count }
    }
}

/// The boxes that make up some of the slabs of a block. A slab is what has one index on every axis
/// before `axis`, of which there is at least one; they are counted in C order.
pub(in crate::io) fn of_slabs(
    shape: &[usize],
    axis: usize,
    slabs: Range<usize>,
) -> impl Iterator<Item = Piece> {
    let along = shape[axis - 1];
    let mut next = slabs.start;
    std::iter::from_fn(move || {
        if next >= slabs.end {
            return None;
        }
        let (mut start, mut count) = (vec![0; shape.len()], shape.to_vec());
        start[axis - 1] = next % along;
        count[axis - 1] = (along - next % along).min(slabs.end - next);
        for (axis, index) in unravel(next / along, &shape[..axis - 1]) {
            (start[axis], count[axis]) = (index, 1);
        }
        next += count[axis - 1];
        Some(Piece { start, count })
    })
}

impl Piece {
    pub(in crate::io) fn len(&self) -> usize {
        self.count.iter().product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_cover_a_block_once_and_keep_to_the_limit(
            shape in prop::collection::vec(0_usize..7, 1..5),
            size in prop::sample::select(vec![1_usize, 2, 4, 8, 16, 24]),
            limit in 1_usize..3000,
        ) {
            let pieces = Pieces::new(&shape, size, limit);
            let mut seen = vec![0; shape.iter().product()];
            let mut before = 0;
            for (number, piece) in (0..pieces.len()).map(|number| (number, pieces.get(number))) {
                prop_assert_eq!(pieces.before(number), before);
                before += piece.len();
                prop_assert!(piece.len() > 0 && (piece.len() * size <= limit || piece.len() == 1));
                for mut local in 0..piece.len() {
                    let (mut index, mut stride) = (0, 1);
                    for axis in (0..shape.len()).rev() {
                        index += (piece.start[axis] + local % piece.count[axis]) * stride;
                        local /= piece.count[axis];
                        stride *= shape[axis];
                    }
                    seen[index] += 1;
                }
            }
            prop_assert!(seen.iter().all(|&times| times == 1));
            prop_assert_eq!(pieces.get(pieces.len()).len(), 0);
            prop_assert_eq!(pieces.before(pieces.len()), before);
        }

        #[test]
        fn slabs_come_in_their_order_in_few_boxes(
            shape in prop::collection::vec(1_usize..5, 2..5),
            axis in 1_usize..4,
            bounds in (0_usize..300, 0_usize..300),
        ) {
            let axis = axis.min(shape.len() - 1);
            let (outer, inner) = shape.split_at(axis);
            let most = outer.iter().product::<usize>();
            let slabs = bounds.0.min(bounds.1).min(most)..bounds.0.max(bounds.1).min(most);
            let boxes: Vec<Piece> = of_slabs(&shape, axis, slabs.clone()).collect();
            let mut next = slabs.start;
            for piece in &boxes {
                prop_assert_eq!((&piece.start[axis..], &piece.count[axis..]), (&vec![0; inner.len()][..], inner));
                for along in 0..piece.count[axis - 1] {
                    let index = |a: usize| piece.start[a] + if a + 1 == axis { along } else { 0 };
                    let number = (0..axis).fold(0, |number, a| number * outer[a] + index(a));
                    prop_assert_eq!(number, next);
                    next += 1;
                }
            }
            prop_assert_eq!(next, slabs.end);
            prop_assert!(boxes.len() <= slabs.len() / outer[axis - 1] + 2);
        }
    }

    #[test]
    fn a_plane_beyond_the_limit_is_cut_along_the_next_axis() {
        let pieces = Pieces::new(&[3, 40_000, 40_000], 8, 1 << 30);
        assert_eq!(pieces.len(), 3 * 12);
        assert_eq!(pieces.get(13), Piece { start: vec![1, 3355, 0], count: vec![1, 3355, 40_000] });
    }
}
