//! From the grid of a dataset to a finer or coarser one over the same box, by multilinear
//! interpolation.

use crate::io::block::index::unravel;
use crate::io::block::placement::Placement;
use crate::io::block::stored::{Axis, Stored, StoredMut};
use crate::io::input::places::AxisPlaces;
use parhelion_kernels::Element;

/// What a rank needs of the dataset to interpolate its block: a block of a grid of other cells.
#[derive(Debug)]
pub(in crate::io) struct InterpolationSource<T> {
    placement: Placement,
    parts: Vec<Vec<T>>,
    /// For every axis and index of the rank's block: which element of the source is next below the
    /// point, and how far the point is from there to the one above.
    places: Vec<Vec<(usize, f64)>>,
}

impl<T: Element> InterpolationSource<T> {
    /// For the block of a field whose points lie at these places among the samples of a dataset.
    pub(super) fn new(field: &Placement, along: &[AxisPlaces], components: usize) -> Self {
        let axes = along.len();
        let (mut start, mut shape) = (vec![0; axes], vec![0; axes]);
        let mut places = Vec::new();
        for a in 0..axes {
            let global = &along[a].positions[field.file_start[a]..field.file_start[a] + field.shape[a]];
            // The coordinates of the file may fall along the axis.
            let (low, high) =
                global.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), &at| (low.min(at), high.max(at)));
            start[a] = if global.is_empty() { 0 } else { low.floor() as usize };
            let end = if global.is_empty() { 0 } else { high.ceil() as usize + 1 };
            shape[a] = end.saturating_sub(start[a]);
            places.push(global.iter().map(|&at| (at.floor() as usize - start[a], at - at.floor())).collect());
        }
        if field.is_empty() {
            shape = vec![0; axes];
        }
        let placement = Placement {
            memory_shape: shape.clone(),
            memory_start: vec![0; axes],
            file_shape: along.iter().map(|axis| axis.samples).collect(),
            file_start: start,
            shape,
        };
        let parts = vec![vec![T::default(); placement.len()]; components];
        Self { placement, parts, places }
    }

    /// Fills the field's block.
    pub(in crate::io) fn interpolate<F: StoredMut<Value = T>>(&self, field: &mut F) {
        let to = field.placement();
        let axes = to.shape.len();
        let mut strides = vec![1; axes];
        for a in (1..axes).rev() {
            strides[a - 1] = strides[a] * self.placement.shape[a];
        }
        let mut weights = vec![0.0; axes];
        for (component, source) in self.parts.iter().enumerate() {
            let target = field.component_mut(component);
            for number in 0..to.len() {
                let (mut local, mut local_stride, mut from) = (0, 1, 0);
                for (a, index) in unravel(number, &to.shape) {
                    local += (to.memory_start[a] + index) * local_stride;
                    local_stride *= to.memory_shape[a];
                    from += self.places[a][index].0 * strides[a];
                    weights[a] = self.places[a][index].1;
                }
                target[local] = between(source, from, &strides, &weights);
            }
        }
    }
}

/// The value at these weights between an element and its neighbors above, axis after axis.
fn between<T: Element>(source: &[T], from: usize, strides: &[usize], weights: &[f64]) -> T {
    let ([stride, strides @ ..], [weight, weights @ ..]) = (strides, weights) else { return source[from] };
    let low = between(source, from, strides, weights);
    // no neighbor is touched where the point is on an element
    if *weight == 0.0 {
        return low;
    }
    let high = between(source, from + stride, strides, weights);
    low.extrapolated(high - low, *weight).expect("integers were refused")
}

impl<T: Element> Stored for InterpolationSource<T> {
    type Value = T;

    fn name(&self) -> &str {
        ""
    }

    fn axes(&self) -> Vec<Axis> {
        Vec::new()
    }

    fn placement(&self) -> Placement {
        self.placement.clone()
    }

    fn components(&self) -> usize {
        self.parts.len()
    }

    fn component(&self, index: usize) -> &[T] {
        &self.parts[index]
    }
}

impl<T: Element> StoredMut for InterpolationSource<T> {
    fn component_mut(&mut self, index: usize) -> &mut [T] {
        &mut self.parts[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Coordinates of a file may fall where those of the field rise, as latitudes do.
    #[test]
    fn points_may_run_against_the_samples() {
        let field = Placement {
            memory_shape: vec![3],
            memory_start: vec![0],
            file_shape: vec![3],
            file_start: vec![0],
            shape: vec![3],
        };
        let along = [AxisPlaces { samples: 4, positions: vec![2.5, 1.25, 1.0] }];
        let source = InterpolationSource::<f64>::new(&field, &along, 1);
        assert_eq!((&source.placement.file_start[..], &source.placement.shape[..]), (&[1][..], &[3][..]));
        assert_eq!(source.places, [[(1, 0.5), (0, 0.25), (0, 0.0)]]);
    }
}
