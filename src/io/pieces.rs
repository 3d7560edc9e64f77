//! Cutting a block into pieces of limited size.

/// The pieces of a block, in C order, each a box of at most `limit` bytes (but one element at least).
///
/// MPI-IO counts bytes in 32 bits at more than one place, and staging buffers are small, so
/// transfers go piece by piece. The slowest axes are cut first, which keeps pieces contiguous.
#[derive(Debug)]
pub(super) struct Pieces {
    shape: Vec<usize>,
    /// The axis that is cut into runs of `run`; slower axes are cut into single indices.
    axis: usize,
    run: usize,
}

/// One box of a block: first index and length per axis, relative to the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) start: Vec<usize>,
    pub(super) count: Vec<usize>,
}

impl Pieces {
    pub(super) fn new(shape: &[usize], element_size: usize, limit: usize) -> Self {
        let mut below = element_size;
        let mut axis = shape.len() - 1;
        while axis > 0 && below.saturating_mul(shape[axis]) <= limit {
            below *= shape[axis];
            axis -= 1;
        }
        let run = (limit / below.max(1)).clamp(1, shape[axis].max(1));
        Self { shape: shape.to_vec(), axis, run }
    }

    /// How many pieces there are; none for an empty block.
    pub(super) fn len(&self) -> usize {
        if self.shape.contains(&0) {
            return 0;
        }
        self.shape[..self.axis].iter().product::<usize>() * self.shape[self.axis].div_ceil(self.run)
    }

    /// The piece of this number, or an empty one beyond the last.
    pub(super) fn get(&self, number: usize) -> Piece {
        let mut start = vec![0; self.shape.len()];
        if number >= self.len() {
            return Piece { count: start.clone(), start };
        }
        let mut count = self.shape.clone();
        let runs = self.shape[self.axis].div_ceil(self.run);
        start[self.axis] = number % runs * self.run;
        count[self.axis] = self.run.min(self.shape[self.axis] - start[self.axis]);
        let mut rest = number / runs;
        for axis in (0..self.axis).rev() {
            start[axis] = rest % self.shape[axis];
            count[axis] = 1;
            rest /= self.shape[axis];
        }
        Piece { start, count }
    }
}

impl Piece {
    pub(super) fn len(&self) -> usize {
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
            for piece in (0..pieces.len()).map(|number| pieces.get(number)) {
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
        }
    }

    #[test]
    fn a_plane_beyond_the_limit_is_cut_along_the_next_axis() {
        let pieces = Pieces::new(&[3, 40_000, 40_000], 8, 1 << 30);
        assert_eq!(pieces.len(), 3 * 12);
        assert_eq!(pieces.get(13), Piece { start: vec![1, 3355, 0], count: vec![1, 3355, 40_000] });
    }
}
