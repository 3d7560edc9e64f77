//! Inputs of a sweep: one view, several views, or none.
#![allow(unsafe_code, reason = "hands out points next to the cells that a sweep has checked")]

use std::marker::PhantomData;

use crate::unrolled::array;
use crate::{Element, KernelError, Point, Reach, Region};

pub(super) mod sealed {
    pub trait Sealed {}
}

/// The kind of point that a rule takes: [`Neighbors`], or an array or a tuple of kinds.
///
/// Separate from [`Inputs`] because a rule must accept points of any lifetime, including ones
/// shorter than the lifetime of the inputs. The trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind of point that a rule can take",
    note = "rules take a `Point`, a `StarPoint`, a `Place`, an array `[Point; K]`, or a tuple of up to 12 of these"
)]
pub trait Points: sealed::Sealed {
    /// The rule's argument at one cell.
    type Point<'p>: Copy;

    /// The point `i` cells farther along the row.
    ///
    /// # Safety
    /// That cell lies in a region that passed [`Inputs::check`].
    #[doc(hidden)]
    unsafe fn advanced<'p>(first: &Self::Point<'p>, i: usize) -> Self::Point<'p>;
}

/// The inputs of a sweep: a [`Reach`], an array or a tuple of inputs, or `()`.
///
/// The rule gets one [`Point`] for a `Reach`, an array of points for an array, and a tuple of points
/// for a tuple. The trait is sealed.
///
/// A view alone is not an input, because it does not say how far the rule reads:
///
/// ```compile_fail,E0277
/// use parhelion_kernels::{Inputs, Region, View};
///
/// fn read<I: Inputs<1>>(_: I) {}
/// read(View::from_slice(&[1.0, 2.0], Region::from_shape([2]))); // write `.reach::<0>()`
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the input of a sweep (number of axes: {N})",
    label = "not an input",
    note = "inputs are `u.reach::<R>()`, `u.star_reach::<R>()`, arrays or tuples of up to 12 inputs, or `()` for none",
    note = "all inputs and outputs of a sweep have the same number of axes"
)]
pub trait Inputs<const N: usize>: sealed::Sealed + Copy + Sync {
    /// The kind of point that the rule gets.
    type Points: Points;

    /// Least number of bytes read per cell: every value once.
    const BYTES: usize;

    /// Checks that every cell that a rule may read while computing `region` is in view.
    #[doc(hidden)]
    fn check(&self, region: &Region<N>) -> Result<(), KernelError>;

    /// The point of cell `index`.
    ///
    /// # Safety
    /// `index` lies in a region that passed `check`.
    #[doc(hidden)]
    unsafe fn first(&self, index: [isize; N]) -> PointOf<'_, Self, N>;

    /// The same inputs after `steps` more steps of a pass.
    #[doc(hidden)]
    #[must_use]
    fn after(self, steps: usize) -> Self {
        let _ = steps;
        self
    }
}

/// The point, or tuple of points, that a rule gets for the inputs `I`.
pub type PointOf<'p, I, const N: usize> = <<I as Inputs<N>>::Points as Points>::Point<'p>;

/// The kind of the points [`Point<'p, T, N, R, STAR>`](Point) of any lifetime.
#[derive(Debug)]
pub struct Neighbors<T, const N: usize, const R: usize, const STAR: bool>(PhantomData<T>);

impl<T, const N: usize, const R: usize, const STAR: bool> sealed::Sealed for Neighbors<T, N, R, STAR> {}
impl<T: Element, const N: usize, const R: usize, const STAR: bool> Points for Neighbors<T, N, R, STAR> {
    type Point<'p> = Point<'p, T, N, R, STAR>;

    #[inline(always)]
    unsafe fn advanced<'p>(first: &Self::Point<'p>, i: usize) -> Self::Point<'p> {
        // SAFETY: the contract is the same.
        unsafe { first.advanced(i) }
    }
}

impl<T: Element, const N: usize, const R: usize, const STAR: bool> sealed::Sealed
    for Reach<'_, T, N, R, STAR>
{
}
impl<T: Element, const N: usize, const R: usize, const STAR: bool> Inputs<N> for Reach<'_, T, N, R, STAR> {
    type Points = Neighbors<T, N, R, STAR>;

    const BYTES: usize = size_of::<T>();

    fn check(&self, region: &Region<N>) -> Result<(), KernelError> {
        let needed = region.grown([[R, R]; N]);
        let seen = self.view().region();
        if region.is_empty() || seen.contains_region(&needed) {
            return Ok(());
        }
        Err(KernelError::new(format!(
            "a rule of radius {R} on the cells {region:?} reads {needed:?}, but the input has only {seen:?}; \
             use a wider halo or a smaller region"
        )))
    }

    #[inline(always)]
    unsafe fn first(&self, index: [isize; N]) -> Point<'_, T, N, R, STAR> {
        // SAFETY: `check` verified the neighbors of every cell of the region.
        unsafe { Reach::first(self, index) }
    }
}

impl<P: sealed::Sealed, const K: usize> sealed::Sealed for [P; K] {}
impl<P: Points, const K: usize> Points for [P; K] {
    type Point<'p> = [P::Point<'p>; K];

    #[inline(always)]
    unsafe fn advanced<'p>(first: &Self::Point<'p>, i: usize) -> Self::Point<'p> {
        array(
            #[inline(always)]
            // SAFETY: every member passed `check` with this region.
            |k| unsafe { P::advanced(&first[k], i) },
        )
    }
}
impl<I: Inputs<N>, const N: usize, const K: usize> Inputs<N> for [I; K] {
    type Points = [I::Points; K];

    const BYTES: usize = K * I::BYTES;

    fn check(&self, region: &Region<N>) -> Result<(), KernelError> {
        self.iter().try_for_each(|input| input.check(region))
    }

    #[inline(always)]
    unsafe fn first(&self, index: [isize; N]) -> PointOf<'_, Self, N> {
        array(
            #[inline(always)]
            // SAFETY: every member passed `check` with this region.
            |k| unsafe { self[k].first(index) },
        )
    }

    fn after(self, steps: usize) -> Self {
        self.map(|input| input.after(steps))
    }
}

macro_rules! tuples {
    ($($input:ident $field:tt),*) => {
        impl<$($input: sealed::Sealed),*> sealed::Sealed for ($($input,)*) {}
        #[allow(clippy::unused_unit, unused_variables, reason = "the empty tuple reads nothing")]
        impl<$($input: Points),*> Points for ($($input,)*) {
            type Point<'p> = ($($input::Point<'p>,)*);

            #[inline(always)]
            unsafe fn advanced<'p>(first: &Self::Point<'p>, i: usize) -> Self::Point<'p> {
                // SAFETY: every member passed `check` with this region.
                ($(unsafe { $input::advanced(&first.$field, i) },)*)
            }
        }
        #[allow(clippy::unused_unit, unused_variables, reason = "the empty tuple reads nothing")]
        impl<$($input: Inputs<N>,)* const N: usize> Inputs<N> for ($($input,)*) {
            type Points = ($($input::Points,)*);

            const BYTES: usize = 0 $(+ $input::BYTES)*;

            fn check(&self, region: &Region<N>) -> Result<(), KernelError> {
                $(self.$field.check(region)?;)*
                Ok(())
            }

            #[inline(always)]
            unsafe fn first(&self, index: [isize; N]) -> PointOf<'_, Self, N> {
                // SAFETY: every member passed `check` with this region.
                ($(unsafe { self.$field.first(index) },)*)
            }

            fn after(self, steps: usize) -> Self {
                ($(self.$field.after(steps),)*)
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
