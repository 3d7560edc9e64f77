//! One component of a field as an array that the transfer to and from files takes.

use crate::field::Field;
use crate::io::{Axis, Placement, Stored, StoredMut};
use parhelion_kernels::Element;

/// A component of a field. In the file, several components are one dataset, and the first axis
/// counts them: each is contiguous there as it is in memory.
pub(super) struct FieldComponent<F> {
    pub(super) field: F,
    pub(super) component: usize,
}

/// Where a component lies, with the axis that counts components if there are several.
fn placement<T: Element, const N: usize>(field: &Field<T, N>, component: usize) -> Placement {
    let mut placement = Stored::placement(field);
    if field.components() > 1 {
        placement.memory_shape.insert(0, 1);
        placement.memory_start.insert(0, 0);
        placement.shape.insert(0, 1);
        placement.file_shape.insert(0, field.components());
        placement.file_start.insert(0, component);
    }
    placement
}

macro_rules! stored {
    ($($field:ty),*) => {$(
        impl<T: Element, const N: usize> Stored for FieldComponent<$field> {
            type Value = T;

            fn name(&self) -> &str {
                self.field.name()
            }

            fn axes(&self) -> Vec<Axis> {
                self.field.axes()
            }

            fn placement(&self) -> Placement {
                placement(&*self.field, self.component)
            }

            fn component(&self, _: usize) -> &[T] {
                self.field.buffer(self.component)
            }
        }
    )*};
}

stored!(&Field<T, N>, &mut Field<T, N>);

impl<T: Element, const N: usize> StoredMut for FieldComponent<&mut Field<T, N>> {
    fn component_mut(&mut self, _: usize) -> &mut [T] {
        self.field.buffer_mut(self.component)
    }
}
