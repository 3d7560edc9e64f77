//! Copies between pieces of halo'd local arrays and dense buffers.
//!
//! Needed where the file's elements are not the memory's: several components, which are separate
//! arrays in memory and the fastest axis in the file, and values that are converted.

use super::pieces::Piece;
use super::placement::Placement;

/// Offsets in the local array at which the rows (runs along the fastest axis) of a piece begin.
fn rows<'a>(placement: &'a Placement, piece: &'a Piece) -> impl Iterator<Item = usize> + 'a {
    let slow = piece.count.len() - 1;
    let rows = if piece.len() == 0 { 0 } else { piece.count[..slow].iter().product() };
    (0..rows).map(move |mut row| {
        let mut offset = placement.memory_start[slow] + piece.start[slow];
        let mut stride = placement.memory_shape[slow];
        for axis in (0..slow).rev() {
            let index = row % piece.count[axis];
            row /= piece.count[axis];
            offset += (placement.memory_start[axis] + piece.start[axis] + index) * stride;
            stride *= placement.memory_shape[axis];
        }
        offset
    })
}

/// Copies a piece of one component out of the local array, to every `components`-th element of
/// `dense` from `component` on.
pub(super) fn gather<T: Copy>(
    (local, placement): (&[T], &Placement),
    piece: &Piece,
    (component, components): (usize, usize),
    dense: &mut [T],
) {
    let length = piece.count[piece.count.len() - 1];
    for (row, offset) in rows(placement, piece).enumerate() {
        let from = &local[offset..][..length];
        let to = &mut dense[row * length * components..][..length * components];
        if components == 1 {
            to.copy_from_slice(from);
        } else {
            to[component..].iter_mut().step_by(components).zip(from).for_each(|(to, from)| *to = *from);
        }
    }
}

/// The reverse of [`gather`].
pub(super) fn scatter<T: Copy>(
    (local, placement): (&mut [T], &Placement),
    piece: &Piece,
    (component, components): (usize, usize),
    dense: &[T],
) {
    let length = piece.count[piece.count.len() - 1];
    for (row, offset) in rows(placement, piece).enumerate() {
        let to = &mut local[offset..][..length];
        let from = &dense[row * length * components..][..length * components];
        if components == 1 {
            to.copy_from_slice(from);
        } else {
            to.iter_mut()
                .zip(from[component..].iter().step_by(components))
                .for_each(|(to, from)| *to = *from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_goes_out_and_back_to_its_place_only() {
        let placement = Placement {
            memory_shape: vec![4, 5, 8],
            memory_start: vec![1, 1, 2],
            shape: vec![2, 3, 4],
            file_shape: vec![2, 3, 4],
            file_start: vec![0, 0, 0],
        };
        let piece = Piece { start: vec![1, 1, 1], count: vec![1, 2, 3] };
        let local: Vec<usize> = (0..4 * 5 * 8).collect();
        let mut dense = vec![0; 2 * 3 * 2];
        gather((&local, &placement), &piece, (1, 2), &mut dense);
        let at = |z: usize, y: usize, x: usize| (z * 5 + y) * 8 + x;
        let expected: Vec<usize> =
            [at(2, 2, 3), at(2, 2, 4), at(2, 2, 5), at(2, 3, 3), at(2, 3, 4), at(2, 3, 5)].into();
        assert_eq!(dense.iter().skip(1).step_by(2).copied().collect::<Vec<_>>(), expected);
        assert!(dense.iter().step_by(2).all(|&value| value == 0));

        let mut back = vec![usize::MAX; local.len()];
        scatter((&mut back, &placement), &piece, (1, 2), &dense);
        for (index, &value) in back.iter().enumerate() {
            assert_eq!(value, if expected.contains(&index) { index } else { usize::MAX });
        }
    }
}
