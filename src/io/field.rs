//! Fields as arrays that can be written and read.

use crate::field::Field;
use crate::io::block::placement::Placement;
use crate::io::block::stored::{Axis, Stored, StoredMut};
use parhelion_kernels::Element;

impl<T: Element, const N: usize> Stored for Field<T, N> {
    type Value = T;

    fn name(&self) -> &str {
        self.name()
    }

    fn units(&self) -> Option<&str> {
        Some(self.units()).filter(|units| !units.is_empty())
    }

    fn time(&self) -> Option<f64> {
        self.time_if_set()
    }

    /// The grid's axes. Where the field is staggered the axis is called `x_node` rather than `x`,
    /// for its coordinates differ from those of cell centers.
    fn axes(&self) -> Vec<Axis> {
        let (grid, centering) = (self.grid(), self.centering());
        let first = grid.coordinates([0; N], centering);
        let axis = |a: usize| {
            let (line, cells) = (grid.axis(a), !centering.staggered(a));
            let places = self.shape_global()[a] + usize::from(cells);
            Axis {
                name: grid.coordinate_name(a, centering),
                units: Some(grid.axis_units()[a].clone()).filter(|units| !units.is_empty()),
                first: first[a],
                spacing: line.mean_width(),
                cells,
                boundaries: line.is_stretched().then(|| (0..places).map(|i| line.face(i as isize)).collect()),
            }
        };
        (0..N).map(axis).collect()
    }

    fn is_periodic(&self, axis: usize) -> bool {
        self.grid().topology().periodic()[axis]
    }

    fn placement(&self) -> Placement {
        let block = self.region_global();
        Placement {
            memory_shape: self.layout().allocated().into(),
            memory_start: self.layout().origin().into(),
            shape: block.shape().into(),
            file_shape: self.shape_global().into(),
            // global indices of interior points are not negative
            file_start: block.start.iter().map(|&start| start as usize).collect(),
        }
    }

    fn components(&self) -> usize {
        self.components()
    }

    fn component(&self, index: usize) -> &[T] {
        self.buffer(index)
    }
}

impl<T: Element, const N: usize> StoredMut for Field<T, N> {
    fn component_mut(&mut self, index: usize) -> &mut [T] {
        self.buffer_mut(index)
    }
}
