//! A distributed array as simple as possible, in place of a field.

use num_complex::Complex;
use parhelion::Element;
use parhelion::io::{Axis, Placement, Stored, StoredMut};

/// The layout of a test array: global shape, ranks per axis, halo and padding.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) shape: Vec<usize>,
    pub(crate) ranks: Vec<usize>,
    pub(crate) halo: usize,
    pub(crate) padding: usize,
    pub(crate) components: usize,
}

/// An array of blocks; halo and padding hold `T::default()` until something else is written.
pub(crate) struct Array<T> {
    pub(crate) name: String,
    pub(crate) layout: Layout,
    pub(crate) placement: Placement,
    pub(crate) parts: Vec<Vec<T>>,
}

impl<T: Element> Array<T> {
    /// The block of a rank. Blocks are as even as possible; with more ranks than cells on an axis,
    /// and on ranks beyond the grid of ranks, they are empty.
    pub(crate) fn new(name: &str, layout: &Layout, rank: usize) -> Self {
        let axes = layout.shape.len();
        let (mut start, mut shape, mut rest) = (vec![0; axes], vec![0; axes], rank);
        if rank < layout.ranks.iter().product() {
            for axis in (0..axes).rev() {
                let (n, parts) = (layout.shape[axis], layout.ranks[axis]);
                let at = |part: usize| part * n / parts;
                let part = rest % parts;
                rest /= parts;
                start[axis] = at(part);
                shape[axis] = at(part + 1) - at(part);
            }
        }
        let mut memory_shape: Vec<usize> = shape.iter().map(|n| n + 2 * layout.halo).collect();
        memory_shape[axes - 1] += layout.padding;
        let placement = Placement {
            memory_start: vec![layout.halo; axes],
            shape,
            file_shape: layout.shape.clone(),
            file_start: start,
            memory_shape,
        };
        let length = placement.memory_len().unwrap();
        let parts = vec![vec![T::default(); length]; layout.components];
        Self { name: name.into(), layout: layout.clone(), placement, parts }
    }

    /// Calls `visit` with the global linear index (C order, component fastest), the component and
    /// the local offset of every value of the block.
    pub(crate) fn each(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let p = &self.placement;
        for mut n in 0..p.shape.iter().product() {
            let (mut global, mut global_stride, mut local, mut local_stride) = (0, 1, 0, 1);
            for axis in (0..p.shape.len()).rev() {
                let index = n % p.shape[axis];
                n /= p.shape[axis];
                global += (p.file_start[axis] + index) * global_stride;
                global_stride *= p.file_shape[axis];
                local += (p.memory_start[axis] + index) * local_stride;
                local_stride *= p.memory_shape[axis];
            }
            for component in 0..self.layout.components {
                visit(global * self.layout.components + component, component, local);
            }
        }
    }

    pub(crate) fn fill_with(&mut self, value: impl Fn(usize) -> T) {
        let mut parts = std::mem::take(&mut self.parts);
        self.each(|global, component, local| parts[component][local] = value(global));
        self.parts = parts;
    }

    /// Panics unless the block holds `value` of every index and its surroundings are untouched.
    pub(crate) fn assert_holds(&self, value: impl Fn(usize) -> T) {
        let mut rest = self.parts.clone();
        self.each(|global, component, local| {
            let (found, expected) = (self.parts[component][local], value(global));
            assert_eq!(found, expected, "{:?} at global index {global} of {:?}", self.name, self.placement);
            rest[component][local] = T::default();
        });
        assert!(rest.iter().flatten().all(|&value| value == T::default()), "halo or padding overwritten");
    }
}

impl<T: Element> Stored for Array<T> {
    type Value = T;

    fn name(&self) -> &str {
        &self.name
    }

    fn units(&self) -> Option<&str> {
        Some("K")
    }

    fn long_name(&self) -> Option<&str> {
        Some("température")
    }

    fn axes(&self) -> Vec<Axis> {
        let names = ["t", "z", "y", "x"];
        let axes = self.layout.shape.len();
        (0..axes)
            .map(|axis| Axis {
                name: names[4 - axes + axis].into(),
                units: Some("m".into()),
                first: 0.25 + axis as f64,
                spacing: 0.5,
                cells: true,
                boundaries: None,
            })
            .collect()
    }

    fn placement(&self) -> Placement {
        self.placement.clone()
    }

    fn components(&self) -> usize {
        self.layout.components
    }

    fn component(&self, index: usize) -> &[T] {
        &self.parts[index]
    }
}

impl<T: Element> StoredMut for Array<T> {
    fn component_mut(&mut self, index: usize) -> &mut [T] {
        &mut self.parts[index]
    }
}

/// A value that encodes the global index, as far as the type allows.
pub(crate) trait FromIndex: Element {
    fn from_index(index: usize) -> Self;
}

macro_rules! from_index {
    ($($t:ty),*) => {$(
        impl FromIndex for $t {
            fn from_index(index: usize) -> Self {
                index as $t
            }
        }
    )*};
}
from_index!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);

impl FromIndex for Complex<f32> {
    fn from_index(index: usize) -> Self {
        Complex::new(index as f32, -0.5 * index as f32)
    }
}

impl FromIndex for Complex<f64> {
    fn from_index(index: usize) -> Self {
        Complex::new(index as f64, -0.5 * index as f64)
    }
}
