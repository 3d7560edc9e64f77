//! The part of an array that one rank moves: elements of its local array and their places in the
//! dataset.

use std::ops::Range;

use crate::io::block::pieces::Piece;
use crate::io::block::placement::Placement;
use crate::io::block::selection::AxisRun;

/// The elements of a rank's block that are moved, and where they lie in memory and in the dataset.
///
/// The dataset may have axes that the array does not have (time, components), and either side may
/// use every n-th element only.
#[derive(Clone, Debug)]
pub(in crate::io) struct Portion {
    /// Shape of the whole local array, with halo and padding.
    pub(in crate::io) memory_shape: Vec<usize>,
    /// Local index of the first element.
    pub(in crate::io) memory_start: Vec<usize>,
    /// Distance of two elements in the local array.
    pub(in crate::io) memory_step: Vec<usize>,
    /// Number of elements per axis of the array; zeros if this rank has none.
    pub(in crate::io) count: Vec<usize>,
    /// One entry per axis of the dataset.
    pub(in crate::io) file: Vec<FileAxis>,
}

/// An axis of the dataset, and its meaning for the array.
#[derive(Clone, Debug)]
pub(in crate::io) struct FileAxis {
    /// Length of the dataset on this axis.
    pub(in crate::io) extent: usize,
    pub(in crate::io) role: AxisRole,
}

/// Which indices of an axis of the dataset a rank moves.
#[derive(Clone, Debug)]
pub(in crate::io) enum AxisRole {
    /// One index.
    Fixed(usize),
    /// An axis of the array: the first index for this rank and the distance of two.
    Along { axis: usize, start: usize, step: usize },
    /// All components: the first index and the number and distance of them.
    Components { start: usize, count: usize, step: usize },
}

impl Portion {
    /// The chosen part of an array that is written to a dataset of just these elements, behind an
    /// axis of time if `slot` gives its length and an index.
    pub(in crate::io) fn to_write(
        placement: &Placement,
        runs: &[AxisRun],
        components: usize,
        slot: Option<(usize, usize)>,
    ) -> Self {
        let axes = runs.len();
        let shares: Vec<(usize, usize)> = (0..axes)
            .map(|a| {
                if placement.is_empty() {
                    (0, 0)
                } else {
                    runs[a].within(placement.file_start[a], placement.shape[a])
                }
            })
            .collect();
        let none = shares.iter().any(|&(_, count)| count == 0);
        let first = |a: usize| runs[a].index(shares[a].0) - placement.file_start[a];
        let mut file: Vec<FileAxis> =
            slot.iter().map(|&(extent, index)| FileAxis { extent, role: AxisRole::Fixed(index) }).collect();
        file.extend((0..axes).map(|axis| FileAxis {
            extent: runs[axis].count,
            role: AxisRole::Along { axis, start: shares[axis].0, step: 1 },
        }));
        let all = AxisRole::Components { start: 0, count: components, step: 1 };
        file.extend((components > 1).then_some(FileAxis { extent: components, role: all }));
        Self {
            memory_shape: placement.memory_shape.clone(),
            memory_start: (0..axes)
                .map(|a| if none { 0 } else { placement.memory_start[a] + first(a) })
                .collect(),
            memory_step: runs.iter().map(|run| run.step).collect(),
            count: shares.iter().map(|&(_, count)| if none { 0 } else { count }).collect(),
            file,
        }
    }

    /// The block of an array that is read from the chosen part of a dataset, of which the axes
    /// `along` are the array's.
    pub(in crate::io) fn to_read(
        placement: &Placement,
        shape: &[usize],
        runs: &[AxisRun],
        along: &[usize],
    ) -> Self {
        let role = |dataset_axis: usize| match along.iter().position(|&axis| axis == dataset_axis) {
            Some(axis) if !placement.is_empty() => {
                let run = runs[dataset_axis];
                AxisRole::Along { axis, start: run.index(placement.file_start[axis]), step: run.step }
            }
            Some(axis) => AxisRole::Along { axis, start: 0, step: 1 },
            None if runs[dataset_axis].single => AxisRole::Fixed(runs[dataset_axis].start),
            None => {
                let AxisRun { start, step, count, .. } = runs[dataset_axis];
                AxisRole::Components { start, count, step }
            }
        };
        let axes = placement.shape.len();
        Self {
            memory_shape: placement.memory_shape.clone(),
            memory_start: placement.memory_start.clone(),
            memory_step: vec![1; axes],
            count: if placement.is_empty() { vec![0; axes] } else { placement.shape.clone() },
            file: (0..shape.len()).map(|d| FileAxis { extent: shape[d], role: role(d) }).collect(),
        }
    }

    /// Whether neighboring elements of the array are neighbors in the dataset's rows too, so that
    /// nothing needs to be gathered.
    pub(in crate::io) fn is_dense(&self) -> bool {
        self.memory_step.iter().all(|&step| step == 1)
    }

    /// The indices of the dataset along each axis of the array, if they follow each other, and
    /// along the fastest one with nothing between them.
    pub(in crate::io) fn ranges(&self) -> Option<Vec<Range<usize>>> {
        let mut ranges = vec![0..0; self.count.len()];
        let mut fastest = false;
        for FileAxis { extent, role } in &self.file {
            match *role {
                AxisRole::Along { step: 2.., .. } | AxisRole::Components { step: 2.., .. } => return None,
                AxisRole::Along { axis, start, .. } => ranges[axis] = start..start + self.count[axis],
                AxisRole::Fixed(_) if fastest && *extent > 1 => return None,
                AxisRole::Components { count, .. } if count != *extent => return None,
                AxisRole::Fixed(_) | AxisRole::Components { .. } => {}
            }
            fastest |= matches!(role, AxisRole::Along { axis, .. } if axis + 1 == self.count.len());
        }
        Some(ranges)
    }

    /// The shape of the dataset.
    pub(in crate::io) fn file_shape(&self) -> Vec<usize> {
        self.file.iter().map(|axis| axis.extent).collect()
    }

    /// Local index at which a piece begins.
    pub(in crate::io) fn local_start(&self, piece: &Piece) -> Vec<usize> {
        (0..piece.start.len()).map(|a| self.memory_start[a] + piece.start[a] * self.memory_step[a]).collect()
    }

    /// Where a piece lies in the dataset: first index, number and distance of elements per axis.
    pub(in crate::io) fn in_file(&self, piece: &Piece) -> [Vec<usize>; 3] {
        let mut slab = [Vec::new(), Vec::new(), Vec::new()];
        for FileAxis { role, .. } in &self.file {
            let along = match *role {
                AxisRole::Fixed(index) => [index, 1, 1],
                AxisRole::Components { start, count, step } => [start, count, step],
                AxisRole::Along { axis, start, step } => {
                    [start + piece.start[axis] * step, piece.count[axis], step]
                }
            };
            slab.iter_mut().zip(along).for_each(|(list, value)| list.push(value));
        }
        slab
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::block::selection::Selection;

    /// Rank 1 of two that split 10 × 8 cells on axis 0, with a halo of one cell.
    fn placement() -> Placement {
        Placement {
            memory_shape: vec![7, 10],
            memory_start: vec![1, 1],
            shape: vec![5, 8],
            file_shape: vec![10, 8],
            file_start: vec![5, 0],
        }
    }

    #[test]
    fn every_third_row_of_a_window_begins_where_it_should() {
        let mut selection = Selection::default();
        selection.window(0, 1..10);
        selection.every(0, 3);
        // rows 1, 4 and 7: the last is row 2 of this rank
        let runs = selection.runs(&[10, 8]).unwrap();
        let portion = Portion::to_write(&placement(), &runs, 2, Some((5, 3)));
        assert_eq!(portion.file_shape(), [5, 3, 8, 2]);
        assert_eq!((&portion.memory_start[..], &portion.count[..]), (&[3, 1][..], &[1, 8][..]));
        let piece = Piece { start: vec![0, 2], count: vec![1, 4] };
        assert_eq!(portion.in_file(&piece), [vec![3, 2, 2, 0], vec![1, 1, 4, 2], vec![1, 1, 1, 1]]);
        assert_eq!(portion.local_start(&piece), [3, 3]);
    }

    #[test]
    fn a_rank_outside_of_a_window_has_nothing_to_write() {
        let mut selection = Selection::default();
        selection.at(0, 4);
        let runs = selection.runs(&[10, 8]).unwrap();
        assert_eq!(Portion::to_write(&placement(), &runs, 1, None).count, [0, 0]);
    }

    #[test]
    fn one_time_of_a_dataset_is_read_with_its_own_steps() {
        let mut selection = Selection::default();
        selection.at(0, 2);
        selection.window(1, 3..23);
        selection.every(1, 2);
        let runs = selection.runs(&[4, 30, 8]).unwrap();
        let portion = Portion::to_read(&placement(), &[4, 30, 8], &runs, &[1, 2]);
        let piece = Piece { start: vec![1, 0], count: vec![4, 8] };
        assert_eq!(portion.in_file(&piece), [vec![2, 3 + 2 * 6, 0], vec![1, 4, 8], vec![1, 2, 1]]);
    }
}
