//! Where a rank's block lies in memory and in the file.

use crate::error::{Error, ErrorKind, Result};

/// Where one rank's part of a distributed array lies, in its local array and in the dataset.
///
/// All lists have one entry per axis, slowest first. For rank 1 of two that split 10 × 8 cells
/// along axis 0, with a halo of one cell and rows padded from 10 to 16 elements:
///
/// ```
/// use parhelion::io::Placement;
///
/// let placement = Placement {
///     memory_shape: vec![7, 16], // 5 + 2 halo rows, 8 + 2 halo cells and 6 of padding
///     memory_start: vec![1, 1],  // the first cell that is not halo
///     shape: vec![5, 8],
///     file_shape: vec![10, 8],
///     file_start: vec![5, 0],
/// };
/// assert_eq!(placement.memory_len(), Some(112));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Shape of the whole local array, with halo and padding.
    pub memory_shape: Vec<usize>,
    /// Local index of the first element of the block.
    pub memory_start: Vec<usize>,
    /// Shape of the block; a zero on any axis means that this rank owns nothing.
    pub shape: Vec<usize>,
    /// Shape of the dataset, the same on every rank.
    pub file_shape: Vec<usize>,
    /// Global index of the first element of the block.
    pub file_start: Vec<usize>,
}

impl Placement {
    /// Number of elements in the local array; `None` if it does not fit a `usize`.
    pub fn memory_len(&self) -> Option<usize> {
        self.memory_shape.iter().try_fold(1_usize, |len, &n| len.checked_mul(n))
    }

    /// Number of elements in the block.
    pub(in crate::io) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether this rank owns nothing.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Refuses a placement that leaves its local array of `len` elements or the dataset.
    pub(in crate::io) fn check(&self, len: usize) -> Result<()> {
        let axes = self.file_shape.len();
        let lists = [&self.memory_shape, &self.memory_start, &self.shape, &self.file_start];
        let within = |start: &[usize], whole: &[usize]| {
            (0..axes).all(|a| start[a].checked_add(self.shape[a]).is_some_and(|end| end <= whole[a]))
        };
        let reason = if axes == 0 || lists.iter().any(|list| list.len() != axes) {
            "the lists must have one entry per axis, and at least one"
        } else if self.is_empty() {
            return Ok(());
        } else if self.memory_len().is_none_or(|needed| needed > len) {
            "the local array is shorter than its shape says"
        } else if !within(&self.memory_start, &self.memory_shape) {
            "the block leaves the local array"
        } else if !within(&self.file_start, &self.file_shape) {
            "the block leaves the dataset"
        } else {
            return Ok(());
        };
        let message = format!("{self:?} of a local array of {len} elements makes no sense: {reason}");
        Err(Error::new(ErrorKind::Argument, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placement() -> Placement {
        Placement {
            memory_shape: vec![7, 16],
            memory_start: vec![1, 1],
            shape: vec![5, 8],
            file_shape: vec![10, 8],
            file_start: vec![5, 0],
        }
    }

    #[test]
    fn a_block_must_lie_inside_its_array_and_its_dataset() {
        assert!(placement().check(112).is_ok());
        assert!(placement().check(111).is_err());
        assert!(Placement { memory_start: vec![3, 1], ..placement() }.check(112).is_err());
        assert!(Placement { file_start: vec![6, 0], ..placement() }.check(112).is_err());
        assert!(Placement { file_start: vec![usize::MAX, 0], ..placement() }.check(112).is_err());
        assert!(Placement { file_start: vec![5], ..placement() }.check(112).is_err());
        assert!(Placement { memory_shape: vec![usize::MAX, 16], ..placement() }.check(112).is_err());
    }

    #[test]
    fn a_rank_that_owns_nothing_needs_no_memory() {
        let empty = Placement { memory_shape: vec![0, 0], shape: vec![0, 8], ..placement() };
        assert!(empty.check(0).is_ok());
    }
}
