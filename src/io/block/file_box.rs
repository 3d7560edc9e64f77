//! The place of a box of a contiguous dataset in its file, run by run.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::index::unravel;
use crate::io::block::portion::{AxisRole, Portion};

/// A box of a contiguous dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::io) struct FileBox {
    /// Where the dataset begins in the file.
    origin: u64,
    /// The dataset, the first index and the length of the box per axis; the last axis are the bytes
    /// of a value.
    extent: Vec<usize>,
    start: Vec<usize>,
    count: Vec<usize>,
}

impl FileBox {
    /// The place of a portion of values of `size` bytes, if it were these `ranges` along the
    /// array's axes.
    pub(in crate::io) fn new(
        portion: &Portion,
        ranges: &[Range<usize>],
        (origin, size): (u64, usize),
    ) -> Self {
        let along = |role: &AxisRole| match *role {
            AxisRole::Fixed(index) => (index, 1),
            AxisRole::Along { axis, .. } => (ranges[axis].start, ranges[axis].len()),
            AxisRole::Components { start, count, .. } => (start, count),
        };
        let (mut start, mut count): (Vec<usize>, Vec<usize>) =
            portion.file.iter().map(|axis| along(&axis.role)).unzip();
        let mut extent = portion.file_shape();
        for (list, value) in [(&mut extent, size), (&mut start, 0), (&mut count, size)] {
            list.push(value);
        }
        Self { origin, extent, start, count }
    }

    /// The same box in a dataset that consists of the box `outer` only.
    pub(in crate::io) fn relative_to(&self, outer: &Self) -> Self {
        let start = self.start.iter().zip(&outer.start).map(|(start, first)| start - first).collect();
        Self { origin: 0, extent: outer.count.clone(), start, count: self.count.clone() }
    }

    /// Bytes of the box.
    pub(in crate::io) fn len(&self) -> usize {
        self.count.iter().product()
    }

    /// The last axis of which the box has only a part. Along faster axes the box is contiguous.
    fn split(&self) -> usize {
        (0..self.extent.len()).rev().find(|&axis| self.count[axis] != self.extent[axis]).unwrap_or(0)
    }

    /// Length in bytes of a contiguous run of the box in the file.
    pub(in crate::io) fn run(&self) -> usize {
        self.count[self.split()..].iter().product()
    }

    /// Where these bytes of the box, in C order, lie: for every run the offset in the file, and
    /// which bytes.
    pub(in crate::io) fn segments(&self, bytes: Range<usize>) -> impl Iterator<Item = (u64, Range<usize>)> {
        let Self { origin, extent, start, count } = self;
        let axes = extent.len();
        let mut stride = vec![1_u64; axes];
        for axis in (1..axes).rev() {
            stride[axis - 1] = stride[axis].saturating_mul(extent[axis] as u64);
        }
        let split = self.split();
        let length = self.run().max(1);
        // what a damaged file says may be anything; the system refuses what is too far
        let after = |offset: u64, index: usize, stride: u64| {
            offset.saturating_add((index as u64).saturating_mul(stride))
        };
        let first = after(*origin, start[split], stride[split]);
        let end = if bytes.is_empty() { 0 } else { bytes.end.div_ceil(length) };
        (bytes.start / length..end).map(move |run| {
            let part = bytes.start.max(run * length)..bytes.end.min((run + 1) * length);
            let mut offset = after(first, part.start - run * length, 1);
            for (axis, index) in unravel(run, &count[..split]) {
                offset = after(offset, start[axis] + index, stride[axis]);
            }
            (offset, part)
        })
    }

    /// Writes the bytes of the box from number `first` on.
    pub(in crate::io) fn put(&self, file: &File, first: usize, bytes: &[u8]) -> io::Result<()> {
        self.segments(first..first + bytes.len()).try_for_each(|(offset, part)| {
            file.write_all_at(&bytes[part.start - first..part.end - first], offset)
        })
    }

    /// Reads the bytes of the box from number `first` on.
    pub(in crate::io) fn get(&self, file: &File, first: usize, bytes: &mut [u8]) -> io::Result<()> {
        self.segments(first..first + bytes.len()).try_for_each(|(offset, part)| {
            file.read_exact_at(&mut bytes[part.start - first..part.end - first], offset)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_byte_of_a_box_has_its_place_and_runs_are_as_long_as_can_be(
            axes in prop::collection::vec((1_usize..5, 0_usize..4, 0_usize..5), 1..5),
            origin in 0_u64..100,
            part in (0.0..1.0, 0.0..1.0),
        ) {
            let extent: Vec<usize> = axes.iter().map(|&(extent, ..)| extent).collect();
            let start: Vec<usize> = axes.iter().map(|&(extent, start, _)| start.min(extent)).collect();
            let count: Vec<usize> =
                (0..axes.len()).map(|a| axes[a].2.min(extent[a] - start[a])).collect();
            let total: usize = extent.iter().product();
            // the places in the file of the box's bytes, found one by one
            let places: Vec<usize> = (0..total)
                .filter(|&place| {
                    let mut rest = place;
                    (0..axes.len()).rev().all(|a| {
                        let index = rest % extent[a];
                        rest /= extent[a];
                        (start[a]..start[a] + count[a]).contains(&index)
                    })
                })
                .collect();
            let place = FileBox { origin, extent, start, count };
            prop_assert_eq!(place.len(), places.len());
            let bounds = [part.0, part.1].map(|part: f64| (part * (places.len() + 1) as f64) as usize);
            for range in [0..places.len(), bounds[0].min(bounds[1])..bounds[0].max(bounds[1])] {
                let mut next = range.start;
                let mut end = None;
                for (offset, part) in place.segments(range.clone()) {
                    prop_assert_ne!(end, Some(offset), "two runs could be one");
                    prop_assert!(part.start == next && !part.is_empty() && part.len() <= place.run());
                    next = part.end;
                    end = Some(offset + part.len() as u64);
                    for (at, byte) in (offset - origin..).zip(part) {
                        prop_assert_eq!(at as usize, places[byte]);
                    }
                }
                prop_assert_eq!(next, range.end);
            }
        }
    }
}
