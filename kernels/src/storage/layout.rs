//! The placement of the cells of a block in memory.

use crate::{KernelError, Region};

/// Bytes of a cache line. Rows are aligned to it.
pub(crate) const CACHE_LINE: usize = 64;

/// The placement of a block of cells with its halo in one buffer, C order, last axis contiguous.
///
/// For a block of 3 × 5 cells of 8 bytes with one halo cell on every side (`h` halo, `.` padding):
///
/// ```text
///                 axis 1 →  -1  0  1  2  3  4  5
///  axis 0 ↓  -1  . . . . . . . h  h  h  h  h  h  h  . .     allocated shape [5, 16]
///             0  . . . . . . . h  0  1  2  3  4  h  . .     strides [16, 1]
///             1  . . . . . . . h  5  6  7  8  9  h  . .     cell [0, 0] at position 24: every
///             2  . . . . . . . h 10 11 12 13 14  h  . .     row of the interior starts on a
///             3  . . . . . . . h  h  h  h  h  h  h  . .     cache line
/// ```
///
/// Rows whose pitch would be a multiple of 2 KiB get one more cache line, and such planes one more
/// row, because with these strides all rows of a stencil would compete for the same cache sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout<const N: usize> {
    interior: Region<N>,
    whole: Region<N>,
    allocated: [usize; N],
    strides: [usize; N],
    origin: [usize; N],
    element_size: usize,
}

impl<const N: usize> Layout<N> {
    /// The layout of a block of `shape` cells with `halo[a] = [before, after]` halo cells on axis
    /// `a`, for elements of `element_size` bytes.
    ///
    /// # Errors
    /// When the buffer does not fit into the address space, or `element_size` is 0 or more than
    /// 1024.
    pub fn new(shape: [usize; N], halo: [[usize; 2]; N], element_size: usize) -> Result<Self, KernelError> {
        let too_large = || {
            KernelError::new(format!(
                "a block of {shape:?} cells of {element_size} bytes with halo {halo:?} does not fit into memory; \
                 use a smaller block (more ranks) or a thinner halo"
            ))
        };
        // No sum below overflows for sizes up to this, which is far larger than any memory.
        const MOST: usize = 1 << 60;
        let extents = || shape.iter().chain(halo.iter().flatten());
        if !(1..=1 << 10).contains(&element_size) || extents().any(|&n| n > MOST / 4) {
            return Err(too_large());
        }
        let interior = Region::from_shape(shape);
        let whole = interior.grown(halo);
        let line = (CACHE_LINE / element_size).max(1);
        let mut origin: [usize; N] = std::array::from_fn(|a| halo[a][0]);
        let mut allocated = whole.shape();
        origin[N - 1] = halo[N - 1][0].next_multiple_of(line);
        allocated[N - 1] = (origin[N - 1] + shape[N - 1] + halo[N - 1][1]).next_multiple_of(line);
        const ALIASING: usize = 2048;
        if N > 1 && allocated[N - 1].wrapping_mul(element_size).is_multiple_of(ALIASING) {
            allocated[N - 1] += line;
        }
        if N > 2
            && allocated[N - 1]
                .wrapping_mul(allocated[N - 2])
                .wrapping_mul(element_size)
                .is_multiple_of(ALIASING)
        {
            allocated[N - 2] += 1;
        }
        let bytes = allocated.iter().try_fold(element_size, |n, &extent| n.checked_mul(extent));
        if bytes.is_none_or(|bytes| bytes > isize::MAX as usize / 2) {
            return Err(too_large());
        }
        let mut strides = [1; N];
        for a in (0..N - 1).rev() {
            strides[a] = strides[a + 1] * allocated[a + 1];
        }
        Ok(Self { interior, whole, allocated, strides, origin, element_size })
    }

    /// The cells without halo, `[0, …]..shape`.
    pub fn interior(&self) -> Region<N> {
        self.interior
    }

    /// The cells with halo, in the frame whose 0 is the first interior cell.
    pub fn whole(&self) -> Region<N> {
        self.whole
    }

    /// Extents of the buffer, halo and padding included. Strides are products of these.
    pub fn allocated(&self) -> [usize; N] {
        self.allocated
    }

    /// Distance between neighbors on each axis, in elements; 1 on the last axis.
    pub fn strides(&self) -> [usize; N] {
        self.strides
    }

    /// Index within [`allocated`](Self::allocated) of the first interior cell.
    pub fn origin(&self) -> [usize; N] {
        self.origin
    }

    /// Bytes of an element.
    pub fn element_size(&self) -> usize {
        self.element_size
    }

    /// Number of elements in the buffer.
    pub fn len(&self) -> usize {
        self.allocated.iter().product()
    }

    /// Whether the buffer has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Position in the buffer of a cell of [`whole`](Self::whole).
    ///
    /// # Panics
    /// When `index` is outside.
    pub fn position(&self, index: [isize; N]) -> usize {
        assert!(self.whole.contains(index), "cell {index:?} is outside the block with halo {:?}", self.whole);
        (0..N).map(|a| (self.origin[a] as isize + index[a]) as usize * self.strides[a]).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_picture_is_true() {
        let layout = Layout::new([3, 5], [[1, 1]; 2], 8).unwrap();
        assert_eq!(layout.allocated(), [5, 16]);
        assert_eq!(layout.position([0, 0]), 24);
        assert_eq!(layout.position([-1, -1]), 7);
    }

    #[test]
    fn rows_and_planes_avoid_strides_that_alias() {
        let layout = Layout::new([512, 512, 512], [[1, 1]; 3], 8).unwrap();
        for stride in &layout.strides()[..2] {
            assert_ne!(stride * 8 % 2048, 0);
        }
        assert_eq!(layout.position([0, 0, 0]) % 8, 0);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let error = Layout::new([usize::MAX / 16, 1], [[1, 1]; 2], 8).unwrap_err();
        assert!(error.to_string().contains("does not fit into memory"), "{error}");
        assert!(Layout::new([1 << 62, 4], [[1 << 62, 0], [0, 0]], 1).is_err());
        assert!(Layout::new([1 << 40, 1 << 40], [[0, 0]; 2], 8).is_err());
        assert!(Layout::new([4], [[0, 0]], 0).is_err());
    }
}
