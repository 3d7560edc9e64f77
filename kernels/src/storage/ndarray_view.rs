//! Views as `ndarray` views.
#![allow(unsafe_code, reason = "builds ndarray views from checked addresses and strides")]

use ndarray::{ArrayView, ArrayViewMut, Dimension, Ix1, Ix2, Ix3, Ix4, ShapeBuilder};

use crate::{Element, View, ViewMut};

mod sealed {
    pub trait Sealed {}
}

/// A number of axes for which `ndarray` has a type: 1 to 4. The trait is sealed.
///
/// ```compile_fail,E0277
/// use parhelion_kernels::{Dimensions, NdDim};
///
/// fn with_ndarray<D: NdDim>() {}
/// with_ndarray::<Dimensions<5>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `ndarray` type",
    note = "`ndarray` views exist for 1 to 4 axes; generic code needs the bound `where Dimensions<N>: NdDim`"
)]
pub trait NdDim: sealed::Sealed {
    /// The `ndarray` dimension type: `Ix1` to `Ix4`.
    type Dim: Dimension;
    /// Extents, or strides, as that type.
    #[doc(hidden)]
    fn dim(extents: &[usize]) -> Self::Dim;
}

/// `N` axes, for bounds such as `Dimensions<N>: NdDim`.
#[derive(Clone, Copy, Debug)]
pub struct Dimensions<const N: usize>;

macro_rules! dimensions {
    ($($n:literal $dim:ident $($axis:literal)*;)*) => {$(
        impl sealed::Sealed for Dimensions<$n> {}
        impl NdDim for Dimensions<$n> {
            type Dim = $dim;
            fn dim(extents: &[usize]) -> $dim {
                $dim($(extents[$axis]),*)
            }
        }
    )*};
}
dimensions!(1 Ix1 0; 2 Ix2 0 1; 3 Ix3 0 1 2; 4 Ix4 0 1 2 3;);

impl<'a, T: Element, const N: usize> View<'a, T, N>
where
    Dimensions<N>: NdDim,
{
    /// The same cells as an `ndarray` view, whose index 0 is the first cell in view.
    pub fn to_ndarray(self) -> ArrayView<'a, T, <Dimensions<N> as NdDim>::Dim> {
        let shape = Dimensions::<N>::dim(&self.region().shape());
        if self.region().is_empty() {
            return ArrayView::from_shape(shape, &[]).expect("a shape without cells needs no elements");
        }
        let strides = Dimensions::<N>::dim(&self.cells.strides());
        // SAFETY: V1 and V2 of cells.rs for the whole region, which is not empty; the lifetime is
        // the view's.
        unsafe { ArrayView::from_shape_ptr(shape.strides(strides), self.cells.at(self.region().start)) }
    }
}

impl<'a, T: Element, const N: usize> ViewMut<'a, T, N>
where
    Dimensions<N>: NdDim,
{
    /// The same cells as an `ndarray` view, whose index 0 is the first cell in view.
    pub fn into_ndarray(self) -> ArrayViewMut<'a, T, <Dimensions<N> as NdDim>::Dim> {
        let shape = Dimensions::<N>::dim(&self.region().shape());
        if self.region().is_empty() {
            return ArrayViewMut::from_shape(shape, &mut [])
                .expect("a shape without cells needs no elements");
        }
        let strides = Dimensions::<N>::dim(&self.cells.strides());
        // SAFETY: V1 and V2 of cells.rs for the whole region, which is not empty; this view, an
        // exclusive borrow, is consumed.
        unsafe { ArrayViewMut::from_shape_ptr(shape.strides(strides), self.cells.at(self.region().start)) }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Array, Layout, Pool, Region};

    #[test]
    fn ndarray_views_see_the_same_cells() {
        let pool = Pool::new(1).unwrap();
        let mut u = Array::<i32, 3>::zeros(&pool, Layout::new([2, 3, 4], [[1, 1]; 3], 4).unwrap());
        let inner = u.layout().interior();
        for ((k, j, i), cell) in u.view_mut().restricted(inner).into_ndarray().indexed_iter_mut() {
            *cell = (100 * k + 10 * j + i) as i32;
        }
        assert_eq!(u.view().get([1, 2, 3]), 123);
        assert_eq!(u.view().to_ndarray()[[2, 3, 4]], 123);
        assert_eq!(u.view().restricted(Region::new([0, 0, 0], [0, 3, 4])).to_ndarray().shape(), [0, 3, 4]);
    }
}
