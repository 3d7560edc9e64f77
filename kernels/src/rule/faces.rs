//! The argument of a flux rule: the cells on both sides of a face along one axis.
#![allow(unsafe_code, reason = "reads neighbors without bounds checks; see the invariants of cells.rs")]

use std::marker::PhantomData;

use super::inputs::{Inputs, Neighbors, Points};
use crate::Element;
use crate::unrolled::array;

/// The `R` cells on either side of a face, along the axis that crosses it.
///
/// Distances are const generics, counted from 0 at the face. The compiler checks them against the
/// radius:
///
/// ```
/// use parhelion_kernels::FaceCells;
///
/// /// The upwind flux of a quantity that moves to the right.
/// fn upwind(u: FaceCells<'_, f64, 2>) -> f64 {
///     u.left::<0>() + 0.5 * (u.left::<0>() - u.left::<1>())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FaceCells<'a, T, const R: usize> {
    /// Address of the cell to the right. Invariant F1: with `stride` as the distance of neighbors,
    /// the `R` cells from it on and the `R` cells before it satisfy V1.
    right: *const T,
    stride: usize,
    borrow: PhantomData<&'a T>,
}

impl<T: Element, const R: usize> FaceCells<'_, T, R> {
    /// Returns the value of a cell on the low side of the face; `left::<0>()` is next to the face.
    #[inline(always)]
    pub fn left<const DISTANCE: usize>(&self) -> T {
        const { assert!(DISTANCE < R, "a flux rule of radius R reads the cells 0 to R - 1 on each side") };
        // SAFETY: F1, the distance was checked at compile time.
        unsafe { *self.right.sub((DISTANCE + 1) * self.stride) }
    }

    /// Returns the value of a cell on the high side of the face; `right::<0>()` is next to the
    /// face.
    #[inline(always)]
    pub fn right<const DISTANCE: usize>(&self) -> T {
        const { assert!(DISTANCE < R, "a flux rule of radius R reads the cells 0 to R - 1 on each side") };
        // SAFETY: F1, the distance was checked at compile time.
        unsafe { *self.right.add(DISTANCE * self.stride) }
    }
}

/// The kinds of [`Points`] with faces between them: those of values, and arrays and tuples of them.
pub trait FacePoints: Points {
    /// The flux rule's argument at one face: [`FaceCells`], or tuples and arrays of them.
    type Faces<'p>: Copy;

    /// The low or high face of a cell on `axis`.
    #[doc(hidden)]
    fn faces<'p>(point: &Self::Point<'p>, axis: usize, high: bool) -> Self::Faces<'p>;
}

/// The argument of a flux rule for the inputs `I`.
pub type FacesOf<'p, I, const N: usize> = <<I as Inputs<N>>::Points as FacePoints>::Faces<'p>;

impl<T: Element, const N: usize, const R: usize, const STAR: bool> FacePoints for Neighbors<T, N, R, STAR> {
    type Faces<'p> = FaceCells<'p, T, R>;

    #[inline(always)]
    fn faces<'p>(point: &Self::Point<'p>, axis: usize, high: bool) -> Self::Faces<'p> {
        let stride = point.strides[axis];
        // F1: the face's cells are those within `R` of the point on this axis, by P1.
        let right = if high { point.center.wrapping_add(stride) } else { point.center };
        FaceCells { right, stride, borrow: PhantomData }
    }
}

impl<P: FacePoints, const K: usize> FacePoints for [P; K] {
    type Faces<'p> = [P::Faces<'p>; K];

    #[inline(always)]
    fn faces<'p>(points: &Self::Point<'p>, axis: usize, high: bool) -> Self::Faces<'p> {
        array(
            #[inline(always)]
            |k| P::faces(&points[k], axis, high),
        )
    }
}

macro_rules! tuples {
    ($($points:ident $member:tt),*) => {
        #[allow(clippy::unused_unit, unused_variables, reason = "the empty tuple has no faces")]
        impl<$($points: FacePoints),*> FacePoints for ($($points,)*) {
            type Faces<'p> = ($($points::Faces<'p>,)*);

            #[inline(always)]
            fn faces<'p>(points: &Self::Point<'p>, axis: usize, high: bool) -> Self::Faces<'p> {
                ($($points::faces(&points.$member, axis, high),)*)
            }
        }
    };
}
tuples!();
tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
