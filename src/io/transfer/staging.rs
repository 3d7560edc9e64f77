//! Copies between pieces of halo'd local arrays and dense buffers.
//!
//! Needed where the file's elements are not the memory's: several components, which are separate
//! arrays in memory and the fastest axis in the file, values that are converted, and every n-th
//! element.

use crate::io::block::index::unravel;
use crate::io::block::pieces::Piece;
use crate::io::block::portion::Portion;
use crate::io::block::stored::Stored;
use parhelion_kernels::{Element, ElementKind};

/// Offsets in the local array at which the rows (runs along the fastest axis) of a piece begin.
fn rows<'a>(portion: &'a Portion, piece: &'a Piece) -> impl Iterator<Item = usize> + 'a {
    let slow = piece.count.len() - 1;
    let rows = if piece.len() == 0 { 0 } else { piece.count[..slow].iter().product() };
    let start = portion.local_start(piece);
    (0..rows).map(move |row| {
        let mut offset = start[slow];
        let mut stride = portion.memory_shape[slow];
        for (axis, index) in unravel(row, &piece.count[..slow]) {
            offset += (start[axis] + index * portion.memory_step[axis]) * stride;
            stride *= portion.memory_shape[axis];
        }
        offset
    })
}

/// Copies a piece of one component out of the local array, to every `components`-th element of
/// `dense` from `component` on.
fn gather<T: Copy>(
    (local, portion): (&[T], &Portion),
    piece: &Piece,
    (component, components): (usize, usize),
    dense: &mut [T],
) {
    let (length, step) = row(portion, piece);
    for (row, offset) in rows(portion, piece).enumerate() {
        let from = &local[offset..][..(length - 1) * step + 1];
        let to = &mut dense[row * length * components..][..length * components];
        if components == 1 && step == 1 {
            to.copy_from_slice(from);
        } else {
            let to = to[component..].iter_mut().step_by(components);
            to.zip(from.iter().step_by(step)).for_each(|(to, from)| *to = *from);
        }
    }
}

/// The reverse of [`gather`].
pub(in crate::io) fn scatter<T: Copy>(
    (local, portion): (&mut [T], &Portion),
    piece: &Piece,
    (component, components): (usize, usize),
    dense: &[T],
) {
    let (length, step) = row(portion, piece);
    for (row, offset) in rows(portion, piece).enumerate() {
        let to = &mut local[offset..][..(length - 1) * step + 1];
        let from = &dense[row * length * components..][..length * components];
        if components == 1 && step == 1 {
            to.copy_from_slice(from);
        } else {
            let to = to.iter_mut().step_by(step);
            to.zip(from[component..].iter().step_by(components)).for_each(|(to, from)| *to = *from);
        }
    }
}

/// Number of elements in a row of a piece, and their distance in the local array.
fn row(portion: &Portion, piece: &Piece) -> (usize, usize) {
    let fastest = piece.count.len() - 1;
    (piece.count[fastest], portion.memory_step[fastest])
}

/// The values of a rank that are written, in the order and precision that they have in the file.
pub(in crate::io) struct FileValues<'a, T> {
    /// The local arrays of the components.
    components: Vec<&'a [T]>,
    portion: &'a Portion,
    stored: ElementKind,
}

/// Buffers for pieces between the field and the file.
#[derive(Default)]
pub(in crate::io) struct Scratch<T> {
    values: Vec<T>,
    rounded: Vec<f32>,
}

impl<'a, T: Element> FileValues<'a, T> {
    /// For values of kind `stored` in the file.
    pub(in crate::io) fn new<F: Stored<Value = T>>(
        field: &'a F,
        portion: &'a Portion,
        stored: ElementKind,
    ) -> Self {
        let components = (0..field.components()).map(|component| field.component(component)).collect();
        Self { components, portion, stored }
    }

    /// Bytes in the file of all components at a point.
    pub(in crate::io) fn point(&self) -> usize {
        self.stored.size() * self.components.len()
    }

    pub(in crate::io) fn portion(&self) -> &'a Portion {
        self.portion
    }

    /// The only component, if the values in memory are those of the file.
    pub(in crate::io) fn direct(&self) -> Option<&'a [T]> {
        let direct = self.components.len() == 1 && self.stored == T::KIND && self.portion.is_dense();
        direct.then(|| self.components[0])
    }

    /// All components of a piece, as bytes of the file.
    pub(in crate::io) fn gather<'s>(&self, scratch: &'s mut Scratch<T>, piece: &Piece) -> &'s [u8] {
        let components = self.components.len();
        scratch.values.resize(piece.len() * components, T::default());
        for (number, component) in self.components.iter().enumerate().filter(|_| piece.len() > 0) {
            let local = (*component, self.portion);
            gather(local, piece, (number, components), &mut scratch.values);
        }
        if self.stored == T::KIND {
            bytemuck::cast_slice(&scratch.values)
        } else {
            narrow(&scratch.values, &mut scratch.rounded);
            bytemuck::cast_slice(&scratch.rounded)
        }
    }

    /// As [`gather`](Self::gather), into a slice of exactly this length.
    pub(in crate::io) fn copy(&self, scratch: &mut Scratch<T>, piece: &Piece, out: &mut [u8]) {
        let Some(local) = self.direct() else { return out.copy_from_slice(self.gather(scratch, piece)) };
        let length = piece.count[piece.count.len() - 1];
        let rows = rows(self.portion, piece).zip(out.chunks_exact_mut((length * size_of::<T>()).max(1)));
        rows.for_each(|(offset, row)| row.copy_from_slice(bytemuck::cast_slice(&local[offset..][..length])));
    }
}

/// Copies the bytes of a piece to a component of the same values.
pub(in crate::io) fn spread<T: Element>((local, portion): (&mut [T], &Portion), piece: &Piece, bytes: &[u8]) {
    let length = piece.count[piece.count.len() - 1];
    let rows = rows(portion, piece).zip(bytes.chunks_exact((length * size_of::<T>()).max(1)));
    rows.for_each(|(offset, row)| {
        bytemuck::cast_slice_mut(&mut local[offset..][..length]).copy_from_slice(row)
    });
}

/// Rounds floating-point or complex numbers of double precision to single precision, part by part.
fn narrow<T: Element>(values: &[T], rounded: &mut Vec<f32>) {
    rounded.clear();
    rounded.extend(bytemuck::cast_slice::<T, f64>(values).iter().map(|&value| value as f32));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portion(memory_step: [usize; 3]) -> Portion {
        Portion {
            memory_shape: vec![4, 5, 8],
            memory_start: vec![1, 1, 2],
            memory_step: memory_step.into(),
            count: vec![2, 3, 4],
            file: Vec::new(),
        }
    }

    #[test]
    fn every_second_element_is_gathered_and_put_back() {
        let portion = portion([1, 2, 2]);
        let piece = Piece { start: vec![0, 0, 1], count: vec![1, 2, 2] };
        let local: Vec<usize> = (0..4 * 5 * 8).collect();
        let mut dense = vec![0; 4];
        gather((&local, &portion), &piece, (0, 1), &mut dense);
        let at = |z: usize, y: usize, x: usize| (z * 5 + y) * 8 + x;
        assert_eq!(dense, [at(1, 1, 4), at(1, 1, 6), at(1, 3, 4), at(1, 3, 6)]);
        let mut back = vec![usize::MAX; local.len()];
        scatter((&mut back, &portion), &piece, (0, 1), &dense);
        assert!(back.iter().enumerate().all(|(i, &v)| v == if dense.contains(&i) { i } else { usize::MAX }));
    }

    #[test]
    fn a_piece_goes_out_and_back_to_its_place_only() {
        let placement = portion([1, 1, 1]);
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
