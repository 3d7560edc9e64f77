//! Which boxes of cells are copied: into contiguous buffers, out of them, and within an array.

use crate::{KernelError, Region};

/// Boxes of cells and their places in a buffer: one after the other, each in C order.
///
/// ```
/// use parhelion_kernels::{Packing, Pool, Region, View};
///
/// let u: Vec<i32> = (0..12).collect();                       // 3 rows of 4
/// let columns = Packing::new(vec![Region::new([0, 0], [3, 1]), Region::new([0, 3], [3, 4])])?;
/// let mut buffer = vec![0; columns.len()];
/// columns.pack(&Pool::new(1)?, View::from_slice(&u, Region::from_shape([3, 4])), &mut buffer);
/// assert_eq!(buffer, [0, 4, 8, 3, 7, 11]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Packing<const N: usize> {
    /// Disjoint boxes.
    regions: Vec<Region<N>>,
    len: usize,
}

impl<const N: usize> Packing<N> {
    /// Places `regions` in a buffer, in the given order.
    ///
    /// # Errors
    /// When two of them overlap.
    pub fn new(regions: Vec<Region<N>>) -> Result<Self, KernelError> {
        check_disjoint(&regions)?;
        let len = regions.iter().map(Region::len).sum();
        Ok(Self { regions, len })
    }

    /// The boxes.
    pub fn regions(&self) -> &[Region<N>] {
        &self.regions
    }

    /// Elements in the buffer.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing to pack.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Copies of boxes of cells to other places in the same array, as for a periodic axis that a single
/// block spans.
#[derive(Clone, Debug)]
pub struct BoxCopy<const N: usize> {
    /// Source and destination. Invariant T1: same shape; destinations are disjoint from each
    /// other and from all sources.
    pieces: Vec<(Region<N>, Region<N>)>,
    cells: usize,
}

impl<const N: usize> BoxCopy<N> {
    /// Plans to copy each `(source, destination)`.
    ///
    /// # Errors
    /// When a pair differs in shape, or a destination overlaps another one or a source.
    pub fn new(pieces: Vec<(Region<N>, Region<N>)>) -> Result<Self, KernelError> {
        let destinations: Vec<_> = pieces.iter().map(|&(_, to)| to).collect();
        check_disjoint(&destinations)?;
        for (from, to) in &pieces {
            if from.shape() != to.shape() {
                return Err(KernelError::new(format!(
                    "{from:?} cannot be copied to {to:?}, which has another shape"
                )));
            }
            if let Some(other) = destinations.iter().find(|d| !d.intersection(from).is_empty()) {
                return Err(KernelError::new(format!(
                    "source {from:?} overlaps destination {other:?}; copy to cells outside all sources"
                )));
            }
        }
        let cells = destinations.iter().map(Region::len).sum();
        Ok(Self { pieces, cells })
    }

    /// Whether there is nothing to copy.
    pub fn is_empty(&self) -> bool {
        self.cells == 0
    }

    /// Cells that are copied.
    pub fn len(&self) -> usize {
        self.cells
    }

    pub(crate) fn pieces(&self) -> &[(Region<N>, Region<N>)] {
        &self.pieces
    }
}

fn check_disjoint<const N: usize>(regions: &[Region<N>]) -> Result<(), KernelError> {
    for (i, one) in regions.iter().enumerate() {
        if let Some(other) = regions[i + 1..].iter().find(|other| !one.intersection(other).is_empty()) {
            return Err(KernelError::new(format!("the boxes {one:?} and {other:?} overlap")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pool, View, ViewMut};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_comes_back_in_place(
            shape in prop::array::uniform3(1_usize..9),
            cut in 0_usize..9,
            threads in 1_usize..4,
        ) {
            let region = Region::from_shape(shape).shifted([-1, 0, 2]);
            let cut = region.start[2] + cut.min(shape[2]) as isize;
            let boxes = vec![region.with_axis(2, cut, region.end[2]), region.with_axis(2, region.start[2], cut)];
            let packing = Packing::new(boxes.clone()).unwrap();
            let values: Vec<i32> = (0..region.len() as i32).collect();
            let view = View::from_slice(&values, region);
            let pool = Pool::new(threads).unwrap();
            let mut buffer = vec![-1; packing.len()];
            packing.pack(&pool, view, &mut buffer);
            let expected: Vec<_> = boxes.iter().flat_map(Region::indices).map(|i| view.get(i)).collect();
            prop_assert_eq!(&buffer, &expected);
            let mut back = vec![-1; values.len()];
            packing.unpack(&pool, &buffer, ViewMut::from_slice(&mut back, region));
            prop_assert_eq!(back, values);
        }
    }

    #[test]
    fn large_boxes_are_shared_by_the_threads() {
        let region = Region::from_shape([70, 60, 50]);
        let values: Vec<u32> = (0..region.len() as u32).collect();
        let packing = Packing::new(vec![region.with_axis(2, 0, 3), region.with_axis(2, 3, 50)]).unwrap();
        let pool = Pool::new(3).unwrap();
        let mut buffer = vec![0; packing.len()];
        packing.pack(&pool, View::from_slice(&values, region), &mut buffer);
        let mut back = vec![0; values.len()];
        packing.unpack(&pool, &buffer, ViewMut::from_slice(&mut back, region));
        assert!(back == values);
    }

    #[test]
    fn boxes_are_copied_within_an_array() {
        let mut u = [1, 2, 3, 0, 0, 4, 5, 6, 0, 0];
        let region = Region::from_shape([2, 5]);
        let copy = BoxCopy::new(vec![(Region::new([0, 0], [2, 2]), Region::new([0, 3], [2, 5]))]).unwrap();
        copy.run(&Pool::new(2).unwrap(), ViewMut::from_slice(&mut u, region));
        assert_eq!(u, [1, 2, 3, 1, 2, 4, 5, 6, 4, 5]);
    }

    #[test]
    fn overlapping_boxes_are_refused() {
        let (a, b) = (Region::new([0], [3]), Region::new([2], [5]));
        assert!(Packing::new(vec![a, b]).unwrap_err().to_string().contains("overlap"));
        assert!(BoxCopy::new(vec![(a, b)]).unwrap_err().to_string().contains("overlaps"));
        assert!(BoxCopy::new(vec![(a, Region::new([5], [7]))]).unwrap_err().to_string().contains("shape"));
    }
}
